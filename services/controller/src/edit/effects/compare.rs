//! Whether one guard lets through what another does not.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use nuncio_auth::Request;
use nuncio_ir::auth::{FilterKind, FilterRef};
use nuncio_ir::{Authorization, Extension, Model, SlotFilter};

use super::asked::{Guard, Identity};
use super::less::{Used, less, less_of_service};
use crate::policies::{Chain, Demands, Wanted, kind_name};

/// What requests are asked for no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Less {
    /// Some are let through that show nothing; who asked before.
    Open(String),
    /// They are asked still, but not for this.
    Weaker(String),
}

/// Holds guards of one model against those of another.
#[derive(Debug)]
pub(super) struct Compare<'m> {
    sides: [&'m Model; 2],
    known: RefCell<HashMap<(Identity, Identity), Option<Less>>>,
}

/// What somebody wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    /// Something that nobody knows.
    Unknown,
    /// By the AuthService.
    Service,
    /// By the filter that is used at this place in memory: a rule may use one twice.
    Filter(usize),
}

impl Wanted for Shown {
    fn of(kind: &FilterKind, used: &FilterRef) -> Option<Self> {
        (!matches!(kind, FilterKind::Invalid { .. })).then(|| Self::Filter(place(used)))
    }

    fn unknown() -> Self {
        Self::Unknown
    }
}

impl Shown {
    fn among<'m>(self, used: &BTreeMap<usize, Used<'m>>) -> Option<Used<'m>> {
        match self {
            Self::Filter(place) => used.get(&place).copied(),
            Self::Unknown | Self::Service => None,
        }
    }
}

fn place(used: &FilterRef) -> usize {
    std::ptr::from_ref(used).addr()
}

impl<'m> Compare<'m> {
    pub(super) fn new(before: &'m Model, after: &'m Model) -> Self {
        Self { sides: [before, after], known: RefCell::default() }
    }

    /// What a guard does not ask of requests that was asked of them before, whichever of these ways they went.
    pub(super) fn less(&self, before: &[Guard<'m>], after: Guard<'m>) -> Option<Less> {
        let [only] = before else { return self.look(before, after) };
        let both = (only.identity(), after.identity());
        if let Some(known) = self.known.borrow().get(&both) {
            return known.clone();
        }
        let less = self.look(before, after);
        self.known.borrow_mut().insert(both, less.clone());
        less
    }

    fn look(&self, before: &[Guard<'m>], after: Guard<'m>) -> Option<Less> {
        let chain = after.chain.filter(|_| after.service.is_none_or(|service| authorization(service).is_some()))?;
        let words = Words::of(self.sides, before, after);
        // Where a way was refused, nobody knows what would have been enough.
        let chains: Vec<_> = before.iter().map(|guard| (self.sides[0], guard.chain.unwrap_or_default())).collect();
        let all: Vec<_> = chains.into_iter().chain([(self.sides[1], chain)]).collect();
        let mut weaker = None;
        for guess in Demands::<Shown>::by_guess(&all, &Request::new("GET", "https", "", "/")) {
            let (is, was) = guess.split_last()?;
            let was: Vec<_> = was.iter().zip(before).flat_map(|(demands, guard)| enough(demands, *guard)).collect();
            for shown in enough(is, after) {
                let missing = was.iter().map(|was| words.missing(was, &shown)).min_by_key(Vec::len);
                match missing.unwrap_or_else(|| words.missing(&[Shown::Unknown], &shown)) {
                    missing if missing.is_empty() => {}
                    _ if shown.is_empty() => return Some(Less::Open(words.names(before))),
                    missing => weaker = weaker.or(Some(Less::Weaker(missing.join(", ")))),
                }
            }
        }
        weaker
    }
}

/// What is enough to be let through.
fn enough(demands: &Demands<Shown>, guard: Guard<'_>) -> Vec<Vec<Shown>> {
    let is_refused = guard.chain.is_none() || guard.service.is_some_and(|service| authorization(service).is_none());
    if is_refused {
        return vec![vec![Shown::Unknown]];
    }
    let service = guard.service.map(|_| Shown::Service);
    demands.sets().map(|set| service.iter().chain(set).copied().collect()).collect()
}

/// How the AuthService is asked; `None` where everybody is refused in its place.
fn authorization(service: &Extension) -> Option<&Authorization> {
    match &service.filter {
        SlotFilter::Authorize(authorization) => Some(authorization),
        SlotFilter::Idle | SlotFilter::Refuse { .. } | SlotFilter::Limit(_) => None,
    }
}

/// What is wanted, in words.
struct Words<'m> {
    /// Before and after: rules that are the same stand at one place, and their filters may be others.
    used: [BTreeMap<usize, Used<'m>>; 2],
    services: [Option<&'m Extension>; 2],
}

impl<'m> Words<'m> {
    fn of([was, is]: [&'m Model; 2], before: &[Guard<'m>], after: Guard<'m>) -> Self {
        let used = [(was, before), (is, std::slice::from_ref(&after))].map(|(model, guards)| {
            let mut used = BTreeMap::new();
            for chain in guards.iter().filter_map(|guard| guard.chain) {
                note(model, chain.gate, &mut used);
                note(model, chain.of_rule(), &mut used);
            }
            used
        });
        Self { used, services: [before.iter().find_map(|guard| guard.service), after.service] }
    }

    /// What these have that those lack.
    fn missing(&self, was: &[Shown], is: &[Shown]) -> Vec<String> {
        if [was, is].iter().any(|shown| shown.contains(&Shown::Unknown)) {
            return if is.is_empty() { was.iter().map(|one| self.name(*one)).collect() } else { Vec::new() };
        }
        let (mut free, mut left, mut missing) = (is.to_vec(), was.to_vec(), Vec::new());
        // Each takes its own filter, else one of its kind; another may stand in for it.
        for is_match in [Self::is_same, Self::is_alike] {
            left.retain(|one| {
                let takes = |other: &Shown| is_match(self, *one, *other);
                let as_much = free.iter().position(|other| takes(other) && self.less(*one, *other).is_empty());
                let Some(at) = as_much.or_else(|| free.iter().position(takes)) else { return true };
                missing.extend(self.less(*one, free.swap_remove(at)));
                false
            });
        }
        missing.extend(left.iter().skip(free.len()).map(|one| self.name(*one)));
        missing
    }

    fn is_same(&self, one: Shown, other: Shown) -> bool {
        match (self.before(one), self.after(other)) {
            (Some(one), Some(other)) => one.used.filter == other.used.filter,
            (None, None) => one == other,
            _ => false,
        }
    }

    fn is_alike(&self, one: Shown, other: Shown) -> bool {
        let kind = |used: Option<Used<'m>>| used.and_then(Used::kind).map(std::mem::discriminant);
        kind(self.before(one)).is_some_and(|one| kind(self.after(other)) == Some(one))
    }

    fn less(&self, was: Shown, is: Shown) -> Vec<String> {
        let less = match (self.before(was), self.after(is)) {
            (Some(was), Some(is)) => less(was, is),
            _ => {
                let [was, is] = self.services.map(|service| service.and_then(authorization));
                was.zip(is).map(|(was, is)| less_of_service(was, is)).unwrap_or_default()
            }
        };
        less.into_iter().map(|less| format!("{less} of {}", self.name(was))).collect()
    }

    fn before(&self, shown: Shown) -> Option<Used<'m>> {
        shown.among(&self.used[0])
    }

    fn after(&self, shown: Shown) -> Option<Used<'m>> {
        shown.among(&self.used[1])
    }

    fn name(&self, shown: Shown) -> String {
        match (self.before(shown), shown) {
            (Some(used), _) => name(used),
            (None, Shown::Service) => self.services[0].map(service_name).unwrap_or_default(),
            (None, _) => "its rules".to_owned(),
        }
    }

    /// Who asked by all these ways.
    fn names(&self, before: &[Guard<'m>]) -> String {
        let of_chain = |chain: Chain<'m>| {
            let used = chain.filters().filter_map(|used| self.used[0].get(&place(used)).copied());
            used.map(name).collect::<Vec<_>>()
        };
        let mut names: Vec<String> = Vec::new();
        for guard in before {
            let of_rules = guard.chain.map_or_else(|| vec!["its rules".to_owned()], of_chain);
            let all = guard.service.map(service_name).into_iter().chain(of_rules);
            all.for_each(|name| {
                if !names.contains(&name) {
                    names.push(name);
                }
            });
        }
        names.join(", ")
    }
}

fn note<'m>(model: &'m Model, filters: &'m [FilterRef], used: &mut BTreeMap<usize, Used<'m>>) {
    for filter in filters {
        used.insert(place(filter), Used { model, used: filter });
        let instead = filter.arguments.instead_of_redirect.iter();
        instead.for_each(|instead| note(model, &instead.filters, used));
    }
}

/// `login.default (OAuth2)`.
fn name(used: Used<'_>) -> String {
    let kind = used.kind().map(kind_name);
    kind.map_or_else(|| used.used.filter.to_string(), |kind| format!("{} ({kind})", used.used.filter))
}

/// The AuthService in words.
fn service_name(extension: &Extension) -> String {
    extension.origins.first().map_or_else(|| "the AuthService".to_owned(), ToString::to_string)
}

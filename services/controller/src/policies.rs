//! Who is asked about a request before it goes on: the one place where that is found out.
//!
//! A [`Route`] says whether the AuthService is asked and which rules apply; [`Policies`] finds the rule that a request's path
//! falls under, and with it the filters that it meets. What they let through is told by [`Demands`].

mod demands;
mod limited;

use std::cell::RefCell;
use std::collections::BTreeMap;

use nuncio_auth::{Match, Request, Rules};
use nuncio_ir::auth::{FilterId, FilterKind, FilterRef, Rule, RuleSet, RuleSetId};
use nuncio_ir::{Check, Extension, Model, PathMatch, Route, Slot, SlotFilter};

pub(crate) use self::demands::{Cache, Demands, Wanted};
pub(crate) use self::limited::Rates;
use crate::admin::CredentialView;

/// The policies of a model. A set of rules is made ready once for all requests.
#[derive(Debug)]
pub(crate) struct Policies<'m> {
    model: &'m Model,
    ready: RefCell<BTreeMap<&'m RuleSetId, Result<Rules, String>>>,
}

/// The filters that a request meets, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain<'m> {
    /// What goes before any rule: it is passed by nobody whom none of its filters lets through.
    pub(crate) gate: &'m [FilterRef],
    /// The rule for its path, where there is one.
    pub(crate) rule: Option<&'m Rule>,
}

/// Why a request is refused before any filter is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The route names rules that are not there.
    #[error("there are no such rules: refused")]
    NoRules,
    /// They cannot be used.
    #[error("refused: {0}")]
    Unusable(String),
    /// The path is encoded twice, or otherwise such that different rules are for what servers make of it.
    #[error("answered 400: servers may read this path in two ways, to which different rules apply")]
    TwoWays,
}

impl<'m> Policies<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        Self { model, ready: RefCell::default() }
    }

    /// The AuthService, or what refuses in its place, where the route has somebody asked.
    pub(crate) fn auth_service(&self, route: &Route) -> Option<&'m Extension> {
        let extension = self.model.extensions.get(&Slot::Auth).filter(|_| matches!(route.auth, Check::On(_)))?;
        match extension.filter {
            SlotFilter::Authorize(_) | SlotFilter::Refuse { .. } => Some(extension),
            SlotFilter::Idle | SlotFilter::Limit(_) => None,
        }
    }

    /// The filters that a request meets on the route.
    pub(crate) fn chain(&self, route: &Route, asked: &Request) -> Result<Chain<'m>, Refusal> {
        if route.rules.is_none() {
            return Ok(Chain::default());
        }
        let set = rule_set(self.model, route).ok_or(Refusal::NoRules)?;
        let mut ready = self.ready.borrow_mut();
        let rules = ready.entry(&set.id).or_insert_with(|| Rules::new(set).map_err(|error| error.to_string()));
        let rules = rules.as_ref().map_err(|error| Refusal::Unusable(error.clone()))?;
        let rule = match rules.find(asked) {
            Match::Rule(found) => set.rules.get(found.index),
            Match::Open => None,
            Match::Ambiguous => return Err(Refusal::TwoWays),
        };
        Ok(Chain { gate: &set.gate, rule })
    }

    /// What a filter does, if it is there.
    pub(crate) fn kind(&self, used: &FilterRef) -> Option<&'m FilterKind> {
        self.model.filters.get(&used.filter).map(|filter| &filter.kind)
    }
}

impl<'m> Chain<'m> {
    /// What its rule has asked.
    pub(crate) fn of_rule(self) -> &'m [FilterRef] {
        self.rule.map(|rule| &rule.filters[..]).unwrap_or_default()
    }

    /// All of them.
    pub(crate) fn filters(self) -> impl Iterator<Item = &'m FilterRef> + Clone {
        self.gate.iter().chain(self.of_rule())
    }
}

/// The rules that may apply to requests on a route, if they are there.
pub(crate) fn rule_set<'m>(model: &'m Model, route: &Route) -> Option<&'m RuleSet> {
    let check = route.rules.as_ref()?;
    model.rule_sets.get(&check.set).map(AsRef::as_ref)
}

/// Those of them that may decide about requests on it: of an expression it is seen with what its paths begin.
pub(crate) fn rules_for<'m>(model: &'m Model, route: &Route) -> impl Iterator<Item = &'m Rule> {
    let beginning = match &route.matches.path {
        PathMatch::Regex(regex) => beginning(regex),
        // Rules were held against the others already.
        PathMatch::Prefix { .. } | PathMatch::Exact { .. } | PathMatch::Segments(_) => String::new(),
    };
    let rules = rule_set(model, route).into_iter().flat_map(|set| &set.rules);
    rules.filter(move |rule| {
        let of_rule = rule.path.split(['*', '?']).next().unwrap_or_default();
        of_rule.bytes().zip(beginning.bytes()).all(|(one, other)| one.eq_ignore_ascii_case(&other))
    })
}

/// The text with which all paths of an expression begin.
fn beginning(regex: &str) -> String {
    if regex.contains('|') {
        return String::new();
    }
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    let end = regex.find(|letter: char| r"\.[](){}*+?^$".contains(letter)).unwrap_or(regex.len());
    let (mut text, rest) = (regex[..end].to_owned(), &regex[end..]);
    // The letter before need not be there.
    if rest.starts_with(['*', '?', '{']) {
        text.pop();
    }
    text
}

/// Whether no request on a route gets through that shows nothing of what is asked for there.
pub(crate) fn is_always_asked(model: &Model, route: &Route) -> bool {
    let by_rules = rule_set(model, route).is_some_and(|set| {
        let asks = |rule| {
            let chain = Chain { gate: &set.gate, rule: Some(rule) };
            !Demands::<CredentialView>::of_filters(model, chain, &Request::default(), &|_| true).is_open()
        };
        set.whole && set.rules.first().is_some_and(asks)
    });
    by_rules || Policies::new(model).auth_service(route).is_some()
}

/// The filter that tokens of a login are given to.
pub(crate) fn inherited(kind: &FilterKind) -> Option<&FilterId> {
    let FilterKind::OAuth2(oauth2) = kind else { return None };
    oauth2.access_token_jwt_filter.as_ref().map(|inherited| &inherited.filter)
}

/// A filter, and those that decide in its place where no login is begun.
pub(crate) fn named(used: &FilterRef) -> Vec<&FilterId> {
    let instead = used.arguments.instead_of_redirect.iter().flat_map(|instead| &instead.filters);
    std::iter::once(&used.filter).chain(instead.map(|used| &used.filter)).collect()
}

/// What a filter of this kind is called.
pub(crate) fn kind_name(kind: &FilterKind) -> &'static str {
    match kind {
        FilterKind::Jwt(_) => "JWT",
        FilterKind::OAuth2(_) => "OAuth2",
        FilterKind::ApiKey(_) => "APIKey",
        FilterKind::Basic(_) => "Basic",
        FilterKind::External(_) => "External",
        FilterKind::Introspection(_) => "Introspection",
        FilterKind::ShareLink(_) => "a link to the preview",
        FilterKind::Invalid { .. } => "not valid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_seen_with_what_the_paths_of_an_expression_begin() {
        for (regex, begins) in [
            ("/api/carts/[^/]+/events", "/api/carts/"),
            ("^/api/carts?/.*", "/api/cart"),
            ("/a{2}", "/"),
            ("/a|/b", ""),
            ("(?i)/a", ""),
            (r"/a\.b", "/a"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(beginning(regex), begins, "{regex}");
        }
    }
}

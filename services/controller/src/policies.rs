//! Who is asked about a request before it goes on: the one place where that is found out.
//!
//! A [`Route`] says whether the AuthService is asked and which rules apply; [`Policies`] finds the rule that a request's path
//! falls under, and with it the filters that it meets. What they let through is told by [`Demands`].

mod demands;

use std::cell::RefCell;
use std::collections::BTreeMap;

use nuncio_auth::{Match, Request, Rules};
use nuncio_ir::auth::{FilterKind, FilterRef, Rule, RuleSet, RuleSetId};
use nuncio_ir::{Check, Extension, Model, Route, Slot, SlotFilter};

pub(crate) use self::demands::{Demands, Wanted};

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

//! Who stands before a route: who is asked about its requests, and whether they are counted.

use std::cmp::{max, min};

use nuncio_auth::Request;
use nuncio_ir::auth::{FilterRef, OnDeny};
use nuncio_ir::{Extension, Model, Route};

use super::limited::Rates;
use super::places::Place;
use crate::policies::{Policies, kind_name};

/// How much of what comes is asked for a login or a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    #[default]
    Nobody,
    /// Those whose requests have a certain header, or have it not.
    Some,
    Everybody,
}

/// What protects a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) by_service: Asked,
    pub(super) by_rules: Asked,
    /// Who asks, in words.
    pub(super) who: Vec<String>,
    pub(super) is_limited: bool,
}

impl Guard {
    /// Whether requests that it had asked are let through unasked by another. Either who asks may stand in for the other.
    pub(super) fn asks_more_than(&self, other: &Self) -> bool {
        max(other.by_service, other.by_rules) < max(self.by_service, self.by_rules)
            || other.by_service < self.by_service && other.by_rules <= self.by_rules
            || other.by_rules < self.by_rules && other.by_service <= self.by_service
    }

    /// Down to what another has as well.
    pub(super) fn weaken(&mut self, other: &Self) {
        self.by_service = min(self.by_service, other.by_service);
        self.by_rules = min(self.by_rules, other.by_rules);
        self.is_limited &= other.is_limited;
    }
}

/// Tells of a model what protects requests.
#[derive(Debug)]
pub(super) struct Guards<'m> {
    policies: Policies<'m>,
    rates: Rates<'m>,
}

impl<'m> Guards<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        Self { policies: Policies::new(model), rates: Rates::of(model) }
    }

    /// What protects requests for this path on a route.
    pub(super) fn of_path(&self, place: &Place<'_>, path: &str) -> Guard {
        let route = place.route;
        let service = self.policies.auth_service(route);
        let (by_rules, of_rules) = self.of_rules(route, &place.shown_for(), path);
        Guard {
            by_service: if service.is_some() { Asked::Everybody } else { Asked::Nobody },
            by_rules,
            who: service.map(service_name).into_iter().chain(of_rules).collect(),
            is_limited: route.limits.as_deref().is_some_and(|limits| self.rates.holds(limits)),
        }
    }

    fn of_rules(&self, route: &Route, host: &str, path: &str) -> (Asked, Vec<String>) {
        // What cannot be decided is refused.
        let Ok(chain) = self.policies.chain(route, &Request::new("GET", "https", host, path)) else {
            return (Asked::Everybody, route.rules.iter().map(|check| check.set.to_string()).collect());
        };
        let used: Vec<_> = chain.filters().filter(|used| used.on_deny == OnDeny::Break).collect();
        (asked(&used), used.iter().map(|used| self.name(used)).collect())
    }

    /// `login.default (OAuth2)`.
    fn name(&self, used: &FilterRef) -> String {
        let kind = self.policies.kind(used).map(kind_name);
        kind.map_or_else(|| used.filter.to_string(), |kind| format!("{} ({kind})", used.filter))
    }
}

/// The AuthService in words.
fn service_name(extension: &Extension) -> String {
    extension.origins.first().map_or_else(|| "the AuthService".to_owned(), ToString::to_string)
}

/// Whom filters ask that each have a say. Two of which one is for requests with a header and the other for those without ask everybody.
fn asked(used: &[&FilterRef]) -> Asked {
    let conditions: Option<Vec<_>> = used.iter().map(|used| used.if_request_header.as_ref()).collect();
    let Some(conditions) = conditions else { return Asked::Everybody };
    let mut pairs =
        conditions.iter().enumerate().flat_map(|(at, one)| conditions[at..].iter().map(move |other| (one, other)));
    let are_contrary = pairs.any(|(one, other)| {
        one.name.eq_ignore_ascii_case(&other.name) && one.value == other.value && one.negate != other.negate
    });
    match (are_contrary, conditions.is_empty()) {
        (true, _) => Asked::Everybody,
        (false, true) => Asked::Nobody,
        (false, false) => Asked::Some,
    }
}

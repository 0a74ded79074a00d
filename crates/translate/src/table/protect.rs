//! Rules of FilterPolicies on routes.

use std::collections::BTreeMap;

use nuncio_ir::auth::{ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX, RuleSetId};
use nuncio_ir::{Check, HeaderEdits, PathMatch, Respond, Route, RouteAction, RouteMatch, RuleCheck, ValueMatch};

use super::{any_case, authority};
use crate::coverage::{Coverage, Part, SetKey};

/// Holds routes to rules, and notes to which.
pub(super) struct Protect<'c> {
    coverage: &'c Coverage,
    pub(super) sets: BTreeMap<RuleSetId, SetKey>,
}

impl<'c> Protect<'c> {
    pub(super) fn new(coverage: &'c Coverage) -> Self {
        Self { coverage, sets: BTreeMap::new() }
    }

    /// The route, held to the rules for its names: one for each part of them, unless all parts have the same.
    pub(super) fn route(&mut self, route: &Route, parts: &[Part]) -> Vec<Route> {
        let mut checks: Vec<(&Part, Option<RuleCheck>)> =
            parts.iter().map(|part| (part, self.check(part, &route.matches.path))).collect();
        // What is said of the rest need not be said before.
        while let [.., (_, before), (_, last)] = &checks[..]
            && before == last
        {
            checks.remove(checks.len() - 2);
        }
        let held = checks.into_iter().map(|(part, rules)| {
            let mut route = Route { rules, ..route.clone() };
            let names = part.names.iter().map(|name| authority(ValueMatch::Regex(any_case(name))));
            route.matches.headers.extend(names);
            route
        });
        held.collect()
    }

    fn check(&mut self, part: &Part, path: &PathMatch) -> Option<RuleCheck> {
        let (key, check) = self.coverage.check(&part.rules, path)?;
        self.sets.insert(check.set.clone(), key);
        Some(check)
    }

    /// The paths that the service answers itself, where there are any.
    pub(super) fn endpoints(&mut self, are_there: bool) -> Vec<Route> {
        if !are_there {
            return Vec::new();
        }
        let (key, check) = SetKey::endpoints();
        self.sets.insert(check.set.clone(), key);
        [ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX].map(|prefix| endpoint(prefix, check.clone())).into()
    }
}

/// What the service does not answer is not there.
fn endpoint(prefix: &str, check: RuleCheck) -> Route {
    let path = PathMatch::Prefix { value: prefix.to_owned(), case_sensitive: true };
    Route {
        name: "login".into(),
        matches: RouteMatch { path, headers: Vec::new(), query: Vec::new() },
        action: RouteAction::Respond(Respond { status: 404, body: String::new() }),
        response_headers: HeaderEdits::default(),
        cors: None,
        limits: None,
        auth: Check::Off,
        rules: Some(check),
        origins: Vec::new(),
    }
}

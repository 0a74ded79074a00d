//! Rules of FilterPolicies on routes.

use std::collections::BTreeMap;

use nuncio_ir::auth::{ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX, RuleSetId};
use nuncio_ir::{HeaderMatch, PathMatch, Respond, Route, RouteAction, RouteMatch, RuleCheck, ValueMatch};

use super::{any_case, authority};
use crate::coverage::{Coverage, Part, SetKey};
use crate::policy::not_found;

/// Paths that Envoy takes for other places than a server does which looks at them more than once, or less closely: with two
/// dots in disguise, so that they lead out of where they seem to be (`/..;/`, `%252e%252e`, `..%2f`), with encoded control
/// characters, or with a character written longer than it is (`%c0%af`). No honest client sends one.
const DISGUISED: &str = concat!(
    r".*(?i:(?:[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){2}(?:[/\\;?#]|%(?:25)*(?:2f|5c|3b|3f|23)|$)",
    "|%(?:[01][0-9a-f]|7f)",
    "|%(?:25)*(?:c[01]%(?:25)*[89ab]|e0%(?:25)*[89]|f0%(?:25)*8)).*",
);

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
            route.matches.headers.extend(of_names(&part.names));
            route
        });
        held.collect()
    }

    fn check(&mut self, part: &Part, path: &PathMatch) -> Option<RuleCheck> {
        let (key, check) = self.coverage.check(&part.rules, path)?;
        self.sets.insert(check.set.clone(), key);
        Some(check)
    }

    /// What goes before the Mappings of names with rules: paths in disguise are refused on every route, since those that no
    /// rule is for are asked about by nobody; and where logins have their endpoints, the service answers.
    pub(super) fn head(&mut self, parts: &[Part], has_endpoints: bool) -> Vec<Route> {
        let protected = || parts.iter().filter(|part| !part.rules.is_empty());
        let mut routes: Vec<_> = match protected().any(|part| part.names.is_empty()) {
            true => vec![disguised(&[])],
            false => protected().map(|part| disguised(&part.names)).collect(),
        };
        if has_endpoints {
            let (key, check) = SetKey::endpoints();
            self.sets.insert(check.set.clone(), key);
            routes.extend(endpoints(&check));
        }
        routes
    }
}

/// Of names that all of these take.
fn disguised(names: &[String]) -> Route {
    let path = PathMatch::Regex(DISGUISED.to_owned());
    let body = "servers may read this path in two ways\n".to_owned();
    let mut route = Route { action: RouteAction::Respond(Respond { status: 400, body }), ..at("disguised-path", path) };
    route.matches.headers.extend(of_names(names));
    route
}

fn of_names(names: &[String]) -> impl Iterator<Item = HeaderMatch> {
    names.iter().map(|name| authority(ValueMatch::Regex(any_case(name))))
}

/// Where logins have their endpoints.
pub(crate) fn endpoints(check: &RuleCheck) -> Vec<Route> {
    [ENDPOINTS_PREFIX, OWN_ENDPOINTS_PREFIX].map(|prefix| endpoint(prefix, check.clone())).into()
}

/// What the service does not answer is not there.
fn endpoint(prefix: &str, check: RuleCheck) -> Route {
    let path = PathMatch::Prefix { value: prefix.to_owned(), case_sensitive: true };
    Route { rules: Some(check), ..at("login", path) }
}

fn at(name: &str, path: PathMatch) -> Route {
    let matches = RouteMatch { path, headers: Vec::new(), query: Vec::new() };
    Route { name: name.into(), matches, ..not_found() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_in_disguise_are() {
        let disguised = regex::Regex::new(&format!("^(?:{DISGUISED})$")).unwrap();
        for path in [
            "/pub/..;/admin/x",
            "/pub/..;a=b/admin",
            "/pub/..;",
            "/pub/.%2e;/x",
            "/pub/%2E%2E%3b/x",
            "/pub/..%2fadmin",
            "/pub/%252e%252e/admin",
            "/pub/..%252Fadmin",
            "/pub/%25252e./admin",
            "/pub/x%5c..%5cadmin",
            "/pub/..%3fx",
            "/pub/%00",
            "/pub/..%00/admin",
            "/a%0d%0ab",
            "/a%7F",
            "/pub/%c0%ae%c0%ae/admin",
            "/pub/..%C0%AFadmin",
            "/pub/%e0%80%af",
            "/pub/%f0%80%80%af",
            "/pub/%25c0%25af",
        ] {
            assert!(disguised.is_match(path), "{path}");
        }
        for path in [
            "/",
            "/pub/..a",
            "/pub/a..;b",
            "/pub/...",
            "/pub/.;/x",
            "/a;b=c/d",
            "/100%25",
            "/a%2520b",
            "/a/https%253A%252F%252Fb",
            "/caf%C3%A9",
            "/%E2%82%AC",
            "/%F0%9F%98%80",
            "/caf%E9",
            "/%e0%a4%85",
            "/..%61",
            "/a%2e%2e",
        ] {
            assert!(!disguised.is_match(path), "{path}");
        }
    }
}

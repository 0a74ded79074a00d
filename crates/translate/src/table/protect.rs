//! Rules of FilterPolicies on routes.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{ObjectId, Problem};
use nuncio_ir::auth::{ENDPOINTS_PREFIX, LOGIN_COOKIES, OWN_ENDPOINTS_PREFIX, RuleSetId};
use nuncio_ir::{HeaderMatch, PathMatch, Respond, Route, RouteAction, RouteMatch, RuleCheck, ValueMatch};

use super::host_match::{any_case, authority};
use crate::coverage::{Coverage, CoveredBy, MOST_SORTS, Names, Part, SetKey};
use crate::pattern::HostPattern;
use crate::policy::not_found;

/// Paths that Envoy takes for other places than a server does which looks at them more than once, or less closely: with two
/// dots in disguise, so that they lead out of where they seem to be (`/%2e%2e;/`, `%252e%252e`, `..%3f`), with encoded control
/// characters, or with a character written longer than it is (`%c0%af`). No honest client sends one. What Envoy resolves or
/// redirects before it looks for a route never comes so far: plain dots, with parameters too (`/..;/`), and `..%2f`.
const DISGUISED: &str = concat!(
    r".*(?i:(?:[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){2}(?:[/\\;?#]|%(?:25)*(?:2f|5c|3b|3f|23)|$)",
    "|%(?:[01][0-9a-f]|7f)",
    "|%(?:25)*(?:c[01]%(?:25)*[89ab]|e0%(?:25)*[89]|f0%(?:25)*8)).*",
);

/// The reason of rules that cannot be told apart from others.
pub(crate) const TOO_MANY_HOSTS: &str = "TooManyHosts";

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
    pub(super) fn route(&mut self, route: &Route, names: &Names) -> Vec<Route> {
        let mut checks: Vec<(&Part, Option<RuleCheck>)> =
            names.parts.iter().map(|part| (part, self.check(part, &route.matches.path))).collect();
        // What is said of the rest need not be said before.
        while let [.., (_, before), (_, last)] = &checks[..]
            && before == last
        {
            checks.remove(checks.len() - 2);
        }
        let held = checks.into_iter().map(|(part, rules)| {
            let mut route = Route { rules, ..route.clone() };
            route.matches.headers.extend(part.names.iter().map(|names| of_names(names)));
            route
        });
        held.collect()
    }

    fn check(&mut self, part: &Part, path: &PathMatch) -> Option<RuleCheck> {
        let (key, check) = self.coverage.check(&part.rules, path)?;
        self.sets.insert(check.set.clone(), key);
        Some(check)
    }

    /// What goes before the Mappings of names with rules: names are refused whose rules cannot be told; paths in disguise on
    /// every route, since those that no rule is for are asked about by nobody; and what is the service's it answers.
    pub(super) fn head(&mut self, names: &Names) -> Vec<Route> {
        let protected = || names.parts.iter().filter(|part| !part.rules.is_empty());
        let refused = names.refused.iter().filter_map(|at| self.coverage.rules.get(*at));
        let mut routes: Vec<_> = refused.map(|rule| refused_name(&rule.host.regex())).collect();
        if protected().next().is_some() {
            let every = protected().any(|part| part.names.is_empty());
            // A rule is for each name that its glob takes, whichever others take it.
            let globs: BTreeSet<&str> = protected().flat_map(|part| &part.names).map(String::as_str).collect();
            let globs = globs.into_iter().collect::<Vec<_>>().join("|");
            routes.push(disguised((!every).then_some(globs).as_deref()));
        }
        // Wherever requests may get an identity, no Mapping answers for the keys by which it is believed.
        if names.endpoints || protected().next().is_some() {
            let (key, check) = SetKey::endpoints();
            self.sets.insert(check.set.clone(), key);
            routes.extend(endpoints(&check));
        }
        routes
    }

    /// What policies are told whose rules cannot be told apart from others.
    pub(super) fn too_many(&self, pattern: &HostPattern, names: &Names) -> Vec<(ObjectId, Problem)> {
        let rules = names.refused.iter().filter_map(|at| self.coverage.rules.get(*at));
        let problem = |rule: &CoveredBy| {
            let (policy, index) = &rule.written;
            let message = format!(
                "with those of other rules it makes more than {MOST_SORTS} sorts of the names of the Host {pattern}: \
                 requests for names that it takes are refused"
            );
            (policy.clone(), Problem::error(TOO_MANY_HOSTS, format!("spec.rules[{index}].host"), message))
        };
        rules.map(problem).collect()
    }
}

/// Where browsers may have logins, begun ones too, what goes on unasked goes on without them. Requests that bear none have a route of their
/// own, which costs nothing.
pub(super) fn without_sessions(routes: Vec<Route>, names: &Names) -> Vec<Route> {
    if !names.endpoints {
        return routes;
    }
    routes.into_iter().flat_map(|route| bearing(&route).into_iter().chain([route])).collect()
}

/// The route for requests with a login, where nobody is asked who would take it out.
fn bearing(route: &Route) -> Option<Route> {
    let goes_on = route.rules.is_none() && matches!(route.action, RouteAction::Forward(_));
    goes_on.then(|| {
        let mut bearing = Route { name: route.bearing_name(), hides_logins: true, ..route.clone() };
        let names = LOGIN_COOKIES.map(regex::escape).join("|");
        let value = ValueMatch::Regex(format!(".*({names}).*"));
        bearing.matches.headers.push(HeaderMatch { name: "cookie".to_owned(), value, invert: false });
        bearing
    })
}

fn refused_name(name: &str) -> Route {
    let path = PathMatch::Prefix { value: "/".to_owned(), case_sensitive: true };
    let body = "it cannot be told who may ask for this name\n".to_owned();
    let mut route = Route { action: RouteAction::Respond(Respond { status: 503, body }), ..at("refused-name", path) };
    route.matches.headers.push(of_names(name));
    route
}

/// Of the names that an expression takes, or of all.
fn disguised(names: Option<&str>) -> Route {
    let path = PathMatch::Regex(DISGUISED.to_owned());
    let body = "servers may read this path in two ways\n".to_owned();
    let mut route = Route { action: RouteAction::Respond(Respond { status: 400, body }), ..at("disguised-path", path) };
    route.matches.headers.extend(names.map(of_names));
    route
}

fn of_names(names: &str) -> HeaderMatch {
    authority(ValueMatch::Regex(any_case(names)))
}

/// Where the service answers by itself: the endpoints of logins, and `/.nuncio/jwks`.
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

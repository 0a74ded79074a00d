//! What may lead a request on to another route than the one by which it was asked about: Envoy chooses again by what filters
//! have written.

use std::collections::BTreeSet;

use nuncio_ir::{HeaderMatch, Route, RouteAction, ValueMatch, VirtualHost};

/// Of more routes than this it is not looked at which paths they have in common with another.
const MOST_COMPARED: usize = 256;

/// The routes of a virtual host that look at more of a request than its path, method and host.
pub(super) struct Choosy<'a> {
    routes: Vec<(&'a Route, BTreeSet<&'a str>)>,
}

impl<'a> Choosy<'a> {
    pub(super) fn of(host: &'a VirtualHost) -> Self {
        let is_asked_about = host.routes.iter().any(|route| route.rules.is_some());
        let routes = host.known_routes().filter(|route| is_asked_about && looked_at(route).next().is_some());
        Self { routes: routes.map(|route| (route, audiences(route))).collect() }
    }

    /// What decides whether requests of a route stay there, or go on to one that leads to others: headers, in lower case, and
    /// parameters of the query behind a question mark.
    pub(super) fn leading_from(&self, route: &Route) -> BTreeSet<String> {
        let own = audiences(route);
        let compares = self.routes.len() <= MOST_COMPARED;
        let leads_on = |(other, others): &&(&Route, BTreeSet<&str>)| {
            !others.is_empty() && *others != own && (!compares || other.matches.may_overlap(&route.matches))
        };
        let others = self.routes.iter().filter(leads_on).flat_map(|(other, _)| looked_at(other));
        others.chain(looked_at(route)).collect()
    }
}

/// Whom a route may send requests to.
pub(super) fn audiences(route: &Route) -> BTreeSet<&str> {
    match &route.action {
        RouteAction::Forward(forward) => forward.audiences(),
        RouteAction::Redirect(_) | RouteAction::Respond(_) => BTreeSet::new(),
    }
}

/// What a route looks at that a filter may write.
fn looked_at(route: &Route) -> impl Iterator<Item = String> {
    let headers = route.matches.headers.iter().filter(|header| !is_some_cookie(header));
    let headers = headers.map(|header| header.name.to_ascii_lowercase()).filter(|name| !name.starts_with(':'));
    headers.chain(route.matches.query.iter().map(|parameter| format!("?{}", parameter.name)))
}

/// Whether a cookie is looked for wherever it stands: that logins' own are taken out does not matter to it.
fn is_some_cookie(header: &HeaderMatch) -> bool {
    let is_anywhere = |regex: &String| regex.starts_with(".*") && regex.ends_with(".*");
    header.name.eq_ignore_ascii_case("cookie")
        && matches!(&header.value, ValueMatch::Regex(regex) if is_anywhere(regex))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nuncio_ir::auth::RuleSetId;
    use nuncio_ir::{
        Arm, Backend, Check, ClusterName, Forward, HeaderEdits, PathMatch, Priority, RouteMatch, RuleCheck,
    };

    use super::*;

    fn route(prefix: &str, header: Option<&str>, audience: &str) -> Route {
        let condition =
            |name: &str| HeaderMatch { name: name.to_owned(), value: ValueMatch::Exact("x".to_owned()), invert: false };
        let path = PathMatch::Prefix { value: prefix.to_owned(), case_sensitive: true };
        let backend = Backend::Cluster(ClusterName(audience.into()));
        let arm = Arm { backend, audience: audience.into(), ..Arm::invalid(503, String::new()) };
        let forward = Forward { arms: vec![Arc::new(arm)], mirrors: Vec::new(), priority: Priority::Default };
        Route {
            matches: RouteMatch { path, headers: header.map(condition).into_iter().collect(), query: Vec::new() },
            name: "r".into(),
            action: RouteAction::Forward(Box::new(forward)),
            response_headers: HeaderEdits::default(),
            cors: None,
            limits: None,
            auth: Check::Off,
            rules: Some(RuleCheck { set: RuleSetId("s".into()), body: None }),
            counted: None,
            hides_logins: false,
            origins: Vec::new(),
        }
    }

    #[test]
    fn what_leads_to_others_is_told() {
        let routes = [
            route("/docs/x", Some("X-Customer"), "branch:80"),
            route("/docs/", Some("x-same"), "portal:80"),
            route("/shop/", Some("x-elsewhere"), "shop:80"),
            route("/", Some(":method"), "other:80"),
            route("/", None, "portal:80"),
        ];
        let routes = routes.into_iter().collect();
        let host = VirtualHost { name: "h".into(), domains: Vec::new(), routes, falls_through: false };
        let choosy = Choosy::of(&host);
        let told = |route: &Route| choosy.leading_from(route).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(told(&route("/docs/", None, "portal:80")), "x-customer");
        assert_eq!(told(&route("/docs/", Some("x-same"), "portal:80")), "x-customer x-same", "it may lose what it has");
        assert_eq!(told(&route("/cart/", None, "cart:80")), "");
        let nobody = host.routes.iter().map(|route| Route { rules: None, ..route.clone() }).collect();
        let open = VirtualHost { routes: nobody, ..host.clone() };
        assert!(Choosy::of(&open).routes.is_empty(), "nobody is asked");
    }
}

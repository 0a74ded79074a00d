//! What pages of the console say in the same words.

use super::link;
use super::model::{Cluster, ObjectRef, Route, Topology};
use crate::texts::Texts;

/// An object that a page leads to.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) link: String,
}

impl Object {
    pub(super) fn new(id: &ObjectRef) -> Self {
        Self { name: format!("{} {}/{}", id.kind, id.namespace, id.name), link: link::object(id) }
    }
}

/// The objects that a route was made from.
pub(super) fn objects(route: &Route) -> Vec<Object> {
    route.origin.iter().map(Object::new).collect()
}

/// The same in a few words.
pub(super) fn origins(route: &Route, texts: &Texts) -> String {
    names(&route.origin, texts)
}

/// Objects in a few words.
pub(super) fn names(objects: &[ObjectRef], texts: &Texts) -> String {
    let name = |object: &ObjectRef| format!("{} {}", object.kind, object.name);
    match objects {
        [] => texts.text("by_gateway").to_owned(),
        [only] => name(only),
        [first, rest @ ..] => texts.fill("objects_more", &[("object", &name(first)), ("number", &rest.len())]),
    }
}

/// Where to read more about a route.
pub(super) fn route_link(route: &Route) -> String {
    first_link(&route.origin, &link::with_query("/console/", [("host", route.host.as_str())]))
}

/// The page of the first object, or another where there is none.
pub(super) fn first_link(objects: &[ObjectRef], otherwise: &str) -> String {
    objects.first().map_or_else(|| otherwise.to_owned(), link::object)
}

/// What its requests are held to: who is asked first.
pub(super) fn policies(route: &Route, texts: &Texts) -> Vec<String> {
    let asked = route.asks_auth_service.then(|| "AuthService".to_owned());
    let rules = route.rules.iter().map(|rule| texts.with("rule", "rule", rule));
    asked.into_iter().chain(rules).chain(route.policies.iter().cloned()).collect()
}

/// Whether somebody is asked about its requests.
pub(super) fn is_guarded(route: &Route) -> bool {
    route.asks_auth_service || !route.rules.is_empty()
}

/// The status of an answer of its own.
pub(super) fn status(route: &Route) -> String {
    route.status.map(|status| status.to_string()).unwrap_or_default()
}

/// Where its requests go, each with its share.
pub(super) fn targets(topology: &Topology, route: &Route, texts: &Texts) -> Vec<String> {
    let sum: u32 = route.backends.iter().map(|backend| backend.weight).sum();
    let name = |cluster: &str| {
        let known = topology.clusters.iter().find(|known| known.name == cluster);
        known.map_or_else(|| cluster.to_owned(), |known| known.service.clone())
    };
    let target = |backend: &super::model::Backend| {
        let to = match (&backend.cluster, &backend.invalid) {
            (Some(cluster), _) => name(cluster),
            (None, Some(why)) => texts.with("nowhere_because", "reason", why),
            (None, None) => texts.text("nowhere").to_owned(),
        };
        match route.backends.len() {
            1 => to,
            _ => format!("{to} ({} %)", u64::from(backend.weight) * 100 / u64::from(sum.max(1))),
        }
    };
    if route.backends.is_empty() {
        return vec![format!("{} {}", route.action, status(route)).trim().to_owned()];
    }
    route.backends.iter().map(target).collect()
}

/// How its endpoints are found, and how it is spoken to.
pub(super) fn cluster_detail(cluster: &Cluster, texts: &Texts) -> String {
    let found = match (cluster.discovery.as_str(), cluster.endpoints.len()) {
        ("dns", _) => texts.text("by_dns").to_owned(),
        (_, 0) => texts.text("no_endpoints").to_owned(),
        (_, count) => texts.count("count_endpoint", count),
    };
    if cluster.tls { texts.with("with_tls", "endpoints", &found) } else { found }
}

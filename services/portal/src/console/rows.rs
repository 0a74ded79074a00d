//! Routes as a table: the same as the drawing, in words.

use super::model::{Route, Topology};
use super::traffic::{Cells, Since};
use super::words::{self, Object};
use crate::texts::Texts;
use crate::web::Visit;

/// What a table says of a route.
pub(super) struct Row {
    pub(super) host: String,
    /// Where one comes in.
    pub(super) listeners: Vec<String>,
    pub(super) matches: String,
    pub(super) policies: Vec<String>,
    pub(super) targets: Vec<String>,
    pub(super) endpoints: Vec<String>,
    pub(super) objects: Vec<Object>,
    /// Its requests, if they are counted.
    pub(super) traffic: Option<Cells>,
}

/// All that are told.
pub(super) fn rows(topology: &Topology, site: &Visit) -> Vec<Row> {
    let since = site.console.window.look_at_routes(&topology.routes);
    topology.routes.iter().map(|route| row(topology, route, site.texts(), &since)).collect()
}

fn row(topology: &Topology, route: &Route, texts: &Texts, since: &Since) -> Row {
    let clusters = route
        .backends
        .iter()
        .filter_map(|backend| topology.clusters.iter().find(|cluster| Some(&cluster.name) == backend.cluster.as_ref()));
    Row {
        host: route.host.clone(),
        listeners: listeners(topology, route),
        matches: route.matches.clone(),
        policies: words::policies(route, texts),
        targets: words::targets(topology, route, texts),
        endpoints: clusters.flat_map(|cluster| cluster.endpoints.iter().map(|one| one.address.clone())).collect(),
        objects: words::objects(route),
        traffic: route.counted_as.as_deref().zip(route.traffic).map(|(name, counts)| Cells::new(name, &counts, since)),
    }
}

fn listeners(topology: &Topology, route: &Route) -> Vec<String> {
    let names = topology.hosts.get(route.entry).map_or(&[][..], |host| &host.listeners);
    let of_host = topology.listeners.iter().filter(|listener| names.contains(&listener.name));
    of_host.map(|listener| listener.address.clone()).collect()
}

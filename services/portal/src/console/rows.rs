//! Routes as a table: the same as the drawing, in words.

use super::model::{Route, Topology};
use super::words::{self, Object};
use crate::texts::Texts;

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
}

/// All that are told.
pub(super) fn rows(topology: &Topology, texts: &Texts) -> Vec<Row> {
    topology.routes.iter().map(|route| row(topology, route, texts)).collect()
}

fn row(topology: &Topology, route: &Route, texts: &Texts) -> Row {
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
    }
}

fn listeners(topology: &Topology, route: &Route) -> Vec<String> {
    let names = topology.hosts.get(route.entry).map_or(&[][..], |host| &host.listeners);
    let of_host = topology.listeners.iter().filter(|listener| names.contains(&listener.name));
    of_host.map(|listener| listener.address.clone()).collect()
}

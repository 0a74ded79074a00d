//! Routes as a table: the same as the drawing, in words.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Its requests, if they are counted and not told in a row before.
    pub(super) traffic: Option<Cells>,
    pub(super) share: Share,
}

/// With what a route is counted together: Envoy has one count for all routes of a Mapping for a host, whichever listener they
/// come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// A row before has the count.
    pub(super) is_above: bool,
    /// It is that of several kinds of listeners.
    pub(super) is_of_listeners: bool,
}

/// All that are told.
pub(super) fn rows(topology: &Topology, site: &Visit) -> Vec<Row> {
    let since = site.console.window.look_at_routes(&topology.routes);
    let shares = shares(&topology.routes);
    let routes = topology.routes.iter().zip(shares);
    routes.map(|(route, share)| row(topology, (route, share), site.texts(), &since)).collect()
}

/// Of each route.
fn shares(routes: &[Route]) -> Vec<Share> {
    let counted = |route: &Route| route.traffic.and(route.counted_as.clone());
    let mut entries: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for route in routes {
        if let Some(name) = counted(route) {
            entries.entry(name).or_default().insert(route.entry);
        }
    }
    let mut told = BTreeSet::new();
    let share = |route: &Route| {
        let Some(name) = counted(route) else { return Share::default() };
        Share { is_of_listeners: entries[&name].len() > 1, is_above: !told.insert(name) }
    };
    routes.iter().map(share).collect()
}

fn row(topology: &Topology, (route, share): (&Route, Share), texts: &Texts, since: &Since) -> Row {
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
        traffic: route
            .counted_as
            .as_deref()
            .zip(route.traffic)
            .filter(|_| !share.is_above)
            .map(|(name, counts)| Cells::new(name, &counts, since)),
        share,
    }
}

fn listeners(topology: &Topology, route: &Route) -> Vec<String> {
    let names = topology.hosts.get(route.entry).map_or(&[][..], |host| &host.listeners);
    let of_host = topology.listeners.iter().filter(|listener| names.contains(&listener.name));
    of_host.map(|listener| listener.address.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::topology;
    use super::*;

    #[test]
    fn what_is_counted_together_is_told_once() {
        let mut routes = topology(5).routes;
        routes[2].entry = 1;
        routes[3].counted_as = Some("another".to_owned());
        routes[4].traffic = None;
        let shares: Vec<_> = shares(&routes).iter().map(|share| (share.is_above, share.is_of_listeners)).collect();
        assert_eq!(shares, [(false, true), (true, true), (true, true), (false, false), (false, false)]);
        routes[2].entry = 0;
        let shares: Vec<_> =
            super::shares(&routes).iter().map(|share| (share.is_above, share.is_of_listeners)).collect();
        assert_eq!(shares[..3], [(false, false), (true, false), (true, false)], "of one listener");
    }
}

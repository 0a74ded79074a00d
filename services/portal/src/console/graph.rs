//! A drawing of routes: listener, host, route, policies, cluster, endpoints, from left to right. A row belongs to a route;
//! what several have in common stands in the middle of them.

mod layout;

use std::collections::BTreeMap;

use super::link;
use super::model::{Cluster, Route, Topology};
use super::words;
use crate::texts::Texts;

/// Endpoints that are drawn of each cluster.
const ENDPOINTS: usize = 3;

/// The texts that say what is in each column.
const COLUMNS: [&str; 6] = ["listener", "host", "route", "policies", "cluster", "endpoints"];

/// The drawing.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) headings: Vec<(u32, &'static str)>,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// A box.
#[derive(Debug)]
pub(super) struct Node {
    column: usize,
    /// What it stands for.
    key: String,
    /// The rows of the routes that it belongs to.
    rows: Vec<usize>,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// What it is called, in lines that fit.
    pub(super) lines: Vec<String>,
    pub(super) detail: String,
    /// All that it says: the box shows as much as there is room for.
    pub(super) full: String,
    pub(super) link: String,
    pub(super) is_bad: bool,
}

/// A way from a box to another.
#[derive(Debug)]
pub(super) struct Edge {
    from: (usize, String),
    to: (usize, String),
    pub(super) path: String,
    pub(super) is_bad: bool,
}

/// What a box says; a title of several parts has each on a line of its own.
struct Text {
    title: String,
    detail: String,
    link: String,
    is_bad: bool,
}

impl Graph {
    /// Draws all that is told.
    pub(super) fn new(topology: &Topology, texts: &Texts) -> Self {
        let mut graph = Self::default();
        let clusters: BTreeMap<_, _> =
            topology.clusters.iter().map(|cluster| (cluster.name.as_str(), cluster)).collect();
        for (row, route) in topology.routes.iter().enumerate() {
            graph.entrance(topology, route, row, texts);
            let end = graph.route(route, row, texts);
            graph.backends(&clusters, (route, row), &end, texts);
        }
        graph.place();
        graph
    }

    /// The boxes before a route.
    fn entrance(&mut self, topology: &Topology, route: &Route, row: usize, texts: &Texts) {
        let Some(host) = topology.hosts.get(route.entry) else { return };
        let key = route.entry.to_string();
        self.node(1, &key, row, || Text {
            title: host.hostname.clone(),
            detail: match &host.certificate {
                Some(secret) => texts.with("tls_by", "secret", secret),
                None => texts.text("no_tls").to_owned(),
            },
            link: link::with_query("/console/", [("host", host.hostname.as_str())]),
            is_bad: false,
        });
        for listener in topology.listeners.iter().filter(|listener| host.listeners.contains(&listener.name)) {
            self.node(0, &listener.name, row, || Text {
                title: listener.address.clone(),
                detail: words::names(&listener.origin, texts),
                link: words::first_link(&listener.origin, "/console/objects?kind=Listener"),
                is_bad: false,
            });
            self.edge((0, &listener.name), (1, &key), false);
        }
    }

    /// The box of a route and that of its policies; gives the last of them.
    fn route(&mut self, route: &Route, row: usize, texts: &Texts) -> (usize, String) {
        let key = row.to_string();
        self.node(2, &key, row, || Text {
            title: route.matches.strip_prefix("prefix ").unwrap_or(&route.matches).to_owned(),
            detail: words::origins(route, texts),
            link: words::route_link(route),
            is_bad: route.backends.iter().any(|backend| backend.invalid.is_some()),
        });
        self.edge((1, &route.entry.to_string()), (2, &key), false);
        let policies = words::policies(route, texts);
        if policies.is_empty() {
            return (2, key);
        }
        self.node(3, &key, row, || Text {
            title: policies.join("\n"),
            detail: if words::is_guarded(route) { texts.text("asks_first").to_owned() } else { String::new() },
            link: words::route_link(route),
            is_bad: false,
        });
        self.edge((2, &key), (3, &key), false);
        (3, key)
    }

    /// The boxes behind a route.
    fn backends(
        &mut self,
        clusters: &BTreeMap<&str, &Cluster>,
        (route, row): (&Route, usize),
        from: &(usize, String),
        texts: &Texts,
    ) {
        let from = (from.0, from.1.as_str());
        if route.backends.is_empty() {
            let key = format!("answer {row}");
            self.node(4, &key, row, || Text {
                title: format!("{} {}", route.action, words::status(route)),
                detail: texts.text("answered_by_gateway").to_owned(),
                link: words::route_link(route),
                is_bad: false,
            });
            self.edge(from, (4, &key), false);
        }
        for backend in &route.backends {
            let known = backend.cluster.as_deref().and_then(|name| clusters.get(name));
            match known {
                Some(cluster) => {
                    self.cluster(cluster, row, texts);
                    self.edge(from, (4, &cluster.name), false);
                }
                None => {
                    let key = format!("nowhere {row}");
                    self.node(4, &key, row, || Text {
                        title: texts.text("nowhere").to_owned(),
                        detail: backend.invalid.clone().unwrap_or_default(),
                        link: words::route_link(route),
                        is_bad: true,
                    });
                    self.edge(from, (4, &key), true);
                }
            }
        }
    }

    fn cluster(&mut self, cluster: &Cluster, row: usize, texts: &Texts) {
        let is_empty = cluster.endpoints.is_empty() && cluster.discovery != "dns";
        self.node(4, &cluster.name, row, || Text {
            title: cluster.service.clone(),
            detail: words::cluster_detail(cluster, texts),
            link: link::with_query("/console/", [("service", cluster.service.as_str())]),
            is_bad: is_empty,
        });
        for (index, endpoint) in cluster.endpoints.iter().take(ENDPOINTS).enumerate() {
            let left = if index + 1 == ENDPOINTS { cluster.endpoints.len() - ENDPOINTS } else { 0 };
            self.node(5, &endpoint.address, row, || Text {
                title: endpoint.address.clone(),
                detail: if left > 0 { texts.with("and_more", "number", &left) } else { String::new() },
                link: link::with_query("/console/", [("service", cluster.service.as_str())]),
                is_bad: false,
            });
            self.edge((4, &cluster.name), (5, &endpoint.address), false);
        }
    }

    /// Adds a box, or a row to one that is there.
    fn node(&mut self, column: usize, key: &str, row: usize, text: impl FnOnce() -> Text) {
        if let Some(known) = self.nodes.iter_mut().find(|node| node.column == column && node.key == key) {
            known.rows.push(row);
            return;
        }
        let Text { title, detail, link, is_bad } = text();
        self.nodes.push(Node {
            column,
            key: key.to_owned(),
            rows: vec![row],
            x: 0,
            y: 0,
            width: layout::WIDTHS[column],
            height: layout::height(&title, &detail, column),
            full: title.lines().chain([detail.as_str()]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
            lines: layout::lines(&title, column),
            detail,
            link,
            is_bad,
        });
    }

    fn edge(&mut self, from: (usize, &str), to: (usize, &str), is_bad: bool) {
        let [from, to] = [from, to].map(|(column, key)| (column, key.to_owned()));
        if self.edges.iter().all(|edge| edge.from != from || edge.to != to) {
            self.edges.push(Edge { from, to, path: String::new(), is_bad });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::topology;
    use super::layout::HEIGHT;
    use super::*;

    #[test]
    fn every_route_is_drawn_and_no_box_covers_another() {
        let graph = Graph::new(&topology(12), &Texts::default());
        for column in 0..COLUMNS.len() {
            let mut places: Vec<_> =
                graph.nodes.iter().filter(|node| node.column == column).map(|node| node.y).collect();
            places.sort_unstable();
            assert!(places.windows(2).all(|two| two[1] - two[0] >= HEIGHT), "{column}: {places:?}");
        }
        assert_eq!(graph.nodes.iter().filter(|node| node.column == 2).count(), 12);
        assert!(graph.edges.iter().all(|edge| !edge.path.is_empty()), "{:?}", graph.edges);
        assert!(
            graph.nodes.iter().all(|node| node.y + node.height <= graph.height && node.x + node.width <= graph.width)
        );
    }

    #[test]
    fn nothing_that_a_route_is_held_to_is_cut_off() {
        let mut told = topology(3);
        let limits: Vec<_> =
            (0..4).map(|number| format!("limited by label{number} (header x-label-{number})")).collect();
        told.routes[1].policies = limits.clone();
        let graph = Graph::new(&told, &Texts::default());
        let boxes: Vec<_> = graph.nodes.iter().filter(|node| node.column == 3).collect();
        let of_second = boxes.iter().find(|node| node.rows == [1]).unwrap();
        assert_eq!(of_second.lines.join(" "), limits.join(" "));
        assert!(of_second.height > 8 * 15, "{of_second:?}");
        assert!(boxes.windows(2).all(|two| two[0].y + two[0].height <= two[1].y), "{boxes:?}");
    }

    #[test]
    fn what_routes_have_in_common_is_drawn_once_and_what_is_wrong_is_marked() {
        let mut told = topology(3);
        told.routes[1].backends = vec![super::super::model::Backend {
            cluster: None,
            weight: 1,
            invalid: Some("there is no Service".to_owned()),
        }];
        let graph = Graph::new(&told, &Texts::default());
        let of = |column| graph.nodes.iter().filter(move |node| node.column == column);
        assert_eq!((of(0).count(), of(1).count(), of(4).count(), of(5).count()), (1, 1, 2, 1));
        assert_eq!(of(4).filter(|node| node.is_bad).count(), 1);
        assert_eq!(graph.edges.iter().filter(|edge| edge.is_bad).count(), 1);
    }
}

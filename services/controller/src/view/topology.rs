//! Routes with what is before and behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_ir::{Backend, Cluster, ClusterName, Model, Route, RouteAction, Table, VirtualHost};

use super::hosts::{certificate_of, listener_view, listeners_of, names};
use super::routes::route_view;
use super::words::{conditions, policies};
use super::{cluster_view, service_of};
use crate::admin::{EntryView, TopologyQuery, TopologyView, WayView, holds_words};

/// A route in its place.
struct Placed<'a> {
    table: &'a Arc<Table>,
    host: &'a VirtualHost,
    order: usize,
    route: &'a Route,
}

/// The routes that are wanted, of a part of the list.
pub(super) fn topology(model: &Model, query: &TopologyQuery) -> TopologyView {
    let hosts = model.tables.values().flat_map(|table| table.hosts.iter().map(move |host| (table, host)));
    let hosts = hosts.filter(|(table, host)| wants_table(query, table) && wants_host(query, table, host));
    let placed = hosts.flat_map(|(table, host)| {
        let routes = host.known_routes().enumerate();
        routes.map(move |(order, route)| Placed { table, host, order, route })
    });
    let (offset, limit) = (query.offset.unwrap_or(0), query.limit());
    let (mut shown, mut total) = (Vec::new(), 0);
    for placed in placed.filter(|placed| wants_route(query, placed.route)) {
        if total >= offset && shown.len() < limit {
            shown.push(placed);
        }
        total += 1;
    }
    let hosts = entries(model, &shown);
    let listeners: BTreeSet<_> = hosts.iter().flat_map(|host| &host.listeners).collect();
    let listeners = model.listeners.values().filter(|listener| listeners.contains(&listener.name.to_string()));
    TopologyView {
        listeners: listeners.map(|listener| listener_view(listener)).collect(),
        clusters: clusters(model, &shown),
        routes: shown.iter().map(|placed| way(model, placed)).collect(),
        hosts,
        total,
    }
}

/// The services, by the name under which Envoy counts requests to them.
pub(super) fn counted(model: &Model) -> BTreeMap<String, BTreeSet<String>> {
    let mut counted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for cluster in model.clusters.values() {
        counted.entry(counted_as(cluster)).or_default().insert(service_of(&cluster.name).to_owned());
    }
    counted
}

/// The name under which Envoy counts what it does with a cluster.
pub(crate) fn counted_as(cluster: &Cluster) -> String {
    let name = cluster.stats_name.as_deref().unwrap_or(&cluster.name.0);
    // What separates parts of names in addresses separates none in Envoy's.
    name.replace(':', "_")
}

fn wants_table(query: &TopologyQuery, table: &Table) -> bool {
    query.previews.unwrap_or(true) || (table.preview.is_none() && !table.has_ended)
}

fn wants_host(query: &TopologyQuery, table: &Table, host: &VirtualHost) -> bool {
    let mut names = names(table, host).into_iter().peekable();
    names.peek().is_some() && query.host.as_ref().is_none_or(|wanted| names.any(|name| holds(&name, wanted)))
}

fn wants_route(query: &TopologyQuery, route: &Route) -> bool {
    let is_of = |wanted: &Option<String>, part: fn(&nuncio_api::ObjectId) -> &str| {
        wanted.as_ref().is_none_or(|wanted| route.origins.iter().any(|origin| part(origin) == wanted))
    };
    (query.own.unwrap_or(true) || !route.origins.is_empty())
        && is_of(&query.namespace, |origin| &origin.namespace)
        && is_of(&query.name, |origin| &origin.name)
        && query.service.as_ref().is_none_or(|wanted| backends(route).any(|name| holds(service_of(name), wanted)))
        && query.text.as_ref().is_none_or(|wanted| says(route, wanted))
}

fn says(route: &Route, text: &str) -> bool {
    let names: String = route.origins.iter().map(|origin| format!(" {origin}")).collect();
    holds_words(&format!("route {}{names}", conditions(route)), text)
}

fn holds(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

fn backends(route: &Route) -> impl Iterator<Item = &ClusterName> {
    let arms = match &route.action {
        RouteAction::Forward(forward) => &forward.arms[..],
        RouteAction::Redirect(_) | RouteAction::Respond(_) => &[],
    };
    arms.iter().filter_map(|arm| match &arm.backend {
        Backend::Cluster(name) => Some(name),
        Backend::Invalid { .. } => None,
    })
}

/// The name by which a virtual host is shown.
fn name(placed: &Placed<'_>) -> String {
    names(placed.table, placed.host).into_iter().next().unwrap_or_default()
}

fn entries(model: &Model, shown: &[Placed<'_>]) -> Vec<EntryView> {
    let mut entries: Vec<EntryView> = Vec::new();
    for placed in shown {
        let (hostname, class) = (name(placed), &placed.table.scope.class);
        let known = entries.iter_mut().find(|entry| entry.hostname == hostname);
        let (listeners, certificate) = (listeners_of(model, class), certificate_of(model, class, &hostname));
        match known {
            // What customers and services both ask for has a table for each.
            Some(entry) => {
                let more: Vec<_> = listeners.into_iter().filter(|it| !entry.listeners.contains(it)).collect();
                entry.listeners.extend(more);
                entry.certificate = entry.certificate.take().or(certificate);
            }
            None => entries.push(EntryView { hostname, listeners, certificate }),
        }
    }
    entries
}

fn clusters(model: &Model, shown: &[Placed<'_>]) -> Vec<crate::admin::ClusterView> {
    let names: BTreeSet<_> = shown.iter().flat_map(|placed| backends(placed.route)).collect();
    names.into_iter().filter_map(|name| model.clusters.get(name)).map(|cluster| cluster_view(model, cluster)).collect()
}

fn way(model: &Model, placed: &Placed<'_>) -> WayView {
    WayView {
        route: route_view(model, placed.table, &name(placed), placed.order, placed.route),
        policies: policies(placed.route),
    }
}

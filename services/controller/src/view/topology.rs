//! Routes with what is before and behind them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{Backend, Cluster, ClusterName, Model, Route, RouteAction, Table, VirtualHost};
use nuncio_translate::World;

use super::hosts::{certificate_of, listener_view, listeners_of, names};
use super::reach::Reach;
use super::routes::{Shown, route_view};
use super::words::{conditions, policies};
use super::{cluster_view, service_of};
use crate::admin::{Counted, EntryView, TopologyQuery, TopologyView, WayView, holds_words};

/// A route in its place.
struct Placed<'a> {
    table: &'a Arc<Table>,
    host: &'a VirtualHost,
    order: usize,
    route: &'a Route,
}

/// The routes that are wanted, of a part of the list.
pub(super) fn topology(world: &World, query: &TopologyQuery) -> TopologyView {
    let (model, reach) = (world.model(), objects(query).map(|ids| Reach::of(world, ids)));
    let reach = reach.as_ref();
    let (wanted, aside): (Vec<_>, Vec<_>) = model.tables.values().partition(|table| wants_table(query, table));
    let (offset, limit) = (query.offset.unwrap_or(0), query.limit());
    let (mut shown, mut total) = (Vec::new(), 0);
    for placed in wanted.into_iter().flat_map(|table| wanted_of(table, query, reach)) {
        if total >= offset && shown.len() < limit {
            shown.push(placed);
        }
        total += 1;
    }
    let mut entries: Vec<_> = shown.iter().map(entry).collect();
    entries.sort_unstable();
    entries.dedup();
    let hosts: Vec<_> = entries.iter().map(|entry| entry_view(model, entry)).collect();
    let listeners: BTreeSet<_> = hosts.iter().flat_map(|host| &host.listeners).collect();
    let listeners = model.listeners.values().filter(|listener| listeners.contains(&listener.name.to_string()));
    TopologyView {
        listeners: listeners.map(|listener| listener_view(listener)).collect(),
        clusters: clusters(model, &shown),
        routes: shown.iter().map(|placed| way(world, placed, &entries)).collect(),
        hosts,
        total,
        previews: previews(aside.into_iter().filter(|table| wanted_of(table, query, reach).next().is_some())),
        counts_routes: false,
    }
}

/// The routes of a table that are wanted.
fn wanted_of<'q>(
    table: &'q Arc<Table>,
    query: &'q TopologyQuery,
    reach: Option<&'q Reach<'q>>,
) -> impl Iterator<Item = Placed<'q>> {
    let hosts = table.hosts.iter().filter(move |host| wants_host(query, table, host));
    let placed = hosts.flat_map(move |host| {
        let whole = reach.is_none_or(|reach| reach.takes_host(table, host));
        let routes = host.known_routes().enumerate();
        let reached = routes.filter(move |(_, route)| whole || reach.is_some_and(|reach| reach.takes(route)));
        reached.map(move |(order, route)| Placed { table, host, order, route })
    });
    placed.filter(move |placed| wants_route(query, placed.route))
}

/// How many previews have these tables. One has a table for each of its hosts.
fn previews<'m>(tables: impl Iterator<Item = &'m Arc<Table>>) -> usize {
    let alive = tables.filter(|table| !table.has_ended).filter_map(|table| table.preview.as_ref());
    alive.map(|preview| preview.key.expose()).collect::<BTreeSet<_>>().len()
}

/// Of the routes that Envoy counts under these names the first that there are, in this order; and how many there are. Routes
/// that are counted together are told by one of them.
pub(super) fn counted_routes(world: &World, names: &[String], limit: usize) -> (Vec<WayView>, usize) {
    let model = world.model();
    let wanted: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let hosts = model.tables.values().flat_map(|table| table.hosts.iter().map(move |host| (table, host)));
    let mut found = BTreeMap::new();
    for (table, host) in hosts.filter(|(table, _)| table.scope.is_by_host()) {
        if found.len() == wanted.len() {
            break;
        }
        // There may be very many routes: no name is made for one.
        let under = host.counted_under();
        let from = wanted.range::<str, _>((Bound::Included(under.as_str()), Bound::Unbounded));
        let of_host: HashMap<&str, usize> =
            from.map_while(|(name, at)| Some((name.strip_prefix(under.as_str())?, *at))).collect();
        if of_host.is_empty() {
            continue;
        }
        for (order, route) in host.known_routes().enumerate() {
            if let Some(at) = table.counted(route).and_then(|counted| of_host.get(counted)) {
                found.entry(*at).or_insert(Placed { table, host, order, route });
            }
        }
    }
    let total = found.len();
    (found.into_values().take(limit).map(|placed| way(world, &placed, &[])).collect(), total)
}

/// The services, by the name under which Envoy counts requests to them.
pub(super) fn counted(model: &Model) -> BTreeMap<String, Counted> {
    let mut asked: BTreeSet<_> = model.extensions.values().flat_map(|extension| extension.clusters()).collect();
    // Who has requests of his own, such as those for the page of a login, is a service like any other.
    let hosts = model.tables.values().flat_map(|table| &table.hosts);
    for sent_to in hosts.flat_map(VirtualHost::known_routes).flat_map(backends) {
        asked.remove(sent_to);
    }
    let mut counted: BTreeMap<String, Counted> = BTreeMap::new();
    for cluster in model.clusters.values() {
        let new = || Counted { services: BTreeSet::new(), is_asked: true };
        let counted = counted.entry(counted_as(cluster)).or_insert_with(new);
        counted.services.insert(service_of(&cluster.name).to_owned());
        counted.is_asked &= asked.contains(&cluster.name);
    }
    counted
}

/// The name under which Envoy counts what it does with a cluster.
pub(crate) fn counted_as(cluster: &Cluster) -> String {
    let name = cluster.stats_name.as_deref().unwrap_or(&cluster.name.0);
    // What separates parts of names in addresses separates none in Envoy's.
    name.replace(':', "_")
}

/// The object whose routes are wanted; of kinds of one name each.
fn objects(query: &TopologyQuery) -> Option<Vec<ObjectId>> {
    let (wanted, namespace, name) = (query.kind.as_deref()?, query.namespace.as_deref()?, query.name.as_deref()?);
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.as_str() == wanted);
    Some(kinds.map(|kind| ObjectId::new(kind, namespace, name)).collect())
}

fn wants_table(query: &TopologyQuery, table: &Table) -> bool {
    query.previews.unwrap_or(true) || (table.preview.is_none() && !table.has_ended)
}

fn wants_host(query: &TopologyQuery, table: &Table, host: &VirtualHost) -> bool {
    let mut names = names(table, host).into_iter().peekable();
    names.peek().is_some() && query.host.as_ref().is_none_or(|wanted| names.any(|name| holds(&name, wanted)))
}

fn wants_route(query: &TopologyQuery, route: &Route) -> bool {
    let is_of = |wanted: &Option<String>, part: fn(&ObjectId) -> &str| {
        // Of an object all that it reaches are, whoever makes them.
        let wanted = wanted.as_ref().filter(|_| query.kind.is_none());
        wanted.is_none_or(|wanted| route.origins.iter().any(|origin| part(origin) == wanted))
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

/// Whom listeners of one class serve by one name.
type Entry<'a> = (String, &'a str);

fn entry<'a>(placed: &Placed<'a>) -> Entry<'a> {
    (name(placed), &placed.table.scope.class)
}

fn entry_view(model: &Model, (hostname, class): &Entry<'_>) -> EntryView {
    EntryView {
        hostname: hostname.clone(),
        listeners: listeners_of(model, class),
        certificate: certificate_of(model, class, hostname),
    }
}

fn clusters(model: &Model, shown: &[Placed<'_>]) -> Vec<crate::admin::ClusterView> {
    let names: BTreeSet<_> = shown.iter().flat_map(|placed| backends(placed.route)).collect();
    names.into_iter().filter_map(|name| model.clusters.get(name)).map(|cluster| cluster_view(model, cluster)).collect()
}

fn way(world: &World, placed: &Placed<'_>, entries: &[Entry<'_>]) -> WayView {
    WayView {
        route: route_view(
            world.model(),
            &Shown { table: placed.table, host: placed.host, name: name(placed) },
            placed.order,
            placed.route,
        ),
        entry: entries.binary_search(&entry(placed)).unwrap_or_default(),
        policies: policies(placed.route, world.own_cors()),
        traffic: None,
    }
}

#[cfg(test)]
mod tests;

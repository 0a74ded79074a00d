//! Host names and listeners, and what serves whom.

use std::collections::BTreeMap;

use nuncio_ir::{FilterChain, Handler, Listener, Model, Table, VirtualHost};
use nuncio_translate::World;

use crate::admin::{HostView, ListQuery, ListenerView, ObjectRef};
use crate::explain::tls_chain;

/// Hosts of all tables; what names share in the table of the wildcards is told for each pattern.
pub(super) fn hosts(world: &World, query: &ListQuery) -> impl Iterator<Item = HostView> {
    let model = world.model();
    let mut views: BTreeMap<String, HostView> = BTreeMap::new();
    for table in model.tables.values() {
        for host in &table.hosts {
            for name in names(table, host) {
                if !query.wants_host(&name) || !query.wants_name(&name) {
                    continue;
                }
                let listeners = listeners_of(model, &table.scope.class);
                let view = views.entry(name.clone()).or_insert_with(|| HostView {
                    hostname: name.clone(),
                    objects: Vec::new(),
                    listeners: Vec::new(),
                    certificate: certificate_of(model, &table.scope.class, &name),
                    routes: 0,
                });
                view.objects.extend(objects_of(world, table, host, &name));
                view.listeners.extend(listeners);
                view.routes += host.known_routes().count();
            }
        }
    }
    views.into_values()
}

pub(crate) fn names(table: &Table, host: &VirtualHost) -> Vec<String> {
    if !table.scope.is_by_host() {
        // Of the names that have a table without it.
        Vec::new()
    } else if *table.scope.host == *"*" {
        host.domains.iter().map(ToString::to_string).collect()
    } else {
        vec![table.scope.host.to_string()]
    }
}

/// Who speaks for a name, and the objects of its routes, each once.
fn objects_of(world: &World, table: &Table, host: &VirtualHost, name: &str) -> Vec<ObjectRef> {
    let of_routes = host.routes.iter().flat_map(|route| &route.origins);
    let mut objects: Vec<_> = world.speaker(&table.scope.class, name).into_iter().chain(of_routes).collect();
    objects.sort_unstable();
    objects.dedup();
    objects.into_iter().map(ObjectRef::from).collect()
}

/// A host as requests for `name` meet it.
pub(crate) fn host_view(world: &World, table: &Table, host: &VirtualHost, name: &str) -> HostView {
    let model = world.model();
    let hostname = host.domains.first().filter(|_| *table.scope.host == *"*").map_or(name, |domain| domain);
    HostView {
        hostname: hostname.to_owned(),
        objects: objects_of(world, table, host, hostname),
        listeners: listeners_of(model, &table.scope.class),
        certificate: certificate_of(model, &table.scope.class, name),
        routes: host.known_routes().count(),
    }
}

pub(crate) fn listener_view(listener: &Listener) -> ListenerView {
    ListenerView {
        name: listener.name.to_string(),
        address: listener.address.to_string(),
        origin: listener.origins.iter().map(ObjectRef::from).collect(),
    }
}

pub(super) fn http_chains<'a>(model: &'a Model, class: &str) -> impl Iterator<Item = (&'a Listener, &'a FilterChain)> {
    model
        .listeners
        .values()
        .flat_map(|listener| listener.chains.iter().map(move |chain| (&**listener, chain)))
        .filter(move |(_, chain)| matches!(&chain.handler, Handler::Http(settings) if *settings.class == *class))
}

/// The listeners that see the tables of a class.
pub(super) fn listeners_of(model: &Model, class: &str) -> Vec<String> {
    let mut names: Vec<_> = http_chains(model, class).map(|(listener, _)| listener.name.to_string()).collect();
    names.dedup();
    names
}

/// The certificate that clients of this name are shown.
pub(super) fn certificate_of(model: &Model, class: &str, name: &str) -> Option<String> {
    let listener = http_chains(model, class).find(|(_, chain)| chain.tls.is_some())?.0;
    let chain = tls_chain(listener, Some(name))?;
    chain.tls.as_ref().map(|tls| tls.certificate.to_string())
}

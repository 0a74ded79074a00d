//! What changed in the model, as resources for the xDS server.

use std::sync::Arc;

use nuncio_envoy as envoy;
use nuncio_ir::auth::{FilterId, RuleSetId};
use nuncio_ir::{
    Cluster, ClusterName, Delta, Discovery, Handler, LimitRules, Listener, Model, SecretName, Slot, Table, TableName,
};
use nuncio_xds::{Key, Resource, ResourceType, Update};

/// Encodes each changed node once.
pub(crate) fn update(delta: &Delta, model: &Model) -> Update {
    let mut update = Update::default();
    let mut node = |kind: ResourceType, name: &Arc<str>, resource: Option<envoy::Resource>| match resource {
        Some(resource) => update.set.push(complete(resource, model)),
        None => update.remove.push(Key::new(kind, Arc::clone(name))),
    };
    for (name, cluster) in &delta.clusters {
        node(ResourceType::Cluster, &name.0, cluster.as_deref().map(envoy::cluster));
    }
    for (name, endpoints) in &delta.endpoints {
        node(ResourceType::Endpoints, &name.0, endpoints.as_deref().map(envoy::endpoints));
    }
    for (name, secret) in &delta.secrets {
        node(ResourceType::Secret, &name.0, secret.as_deref().map(envoy::secret));
    }
    for (domain, rules) in &delta.limits {
        node(ResourceType::Limits, domain, rules.as_deref().map(envoy::limits));
    }
    for (id, filter) in &delta.filters {
        node(ResourceType::AuthFilter, &id.0, filter.as_deref().map(envoy::auth_filter));
    }
    for (id, set) in &delta.rule_sets {
        node(ResourceType::RuleSet, &id.0, set.as_deref().map(envoy::rule_set));
    }
    for (slot, extension) in &delta.extensions {
        node(ResourceType::Extension, &slot.name().into(), extension.as_deref().map(envoy::extension));
    }
    for (name, listener) in &delta.listeners {
        match listener.as_deref() {
            Some(listener) => update.set.push(of_class(envoy::listener(listener), class(listener), model)),
            None => update.remove.push(Key::new(ResourceType::Listener, Arc::clone(name))),
        }
    }
    for (name, table) in &delta.tables {
        match table.as_deref() {
            Some(table) => update.set.extend(seen_by_its_class(table, model)),
            None => {
                let kinds = [ResourceType::ScopedRoute, ResourceType::Route];
                update.remove.extend(kinds.map(|kind| Key::new(kind, Arc::clone(&name.0))));
            }
        }
    }
    update
}

/// Everything that the model makes, by kind and in order.
pub(crate) fn all(model: &Model) -> Vec<envoy::Resource> {
    let clusters = model.clusters.values().map(|node| envoy::cluster(node));
    let endpoints = model.endpoints.values().map(|node| envoy::endpoints(node));
    let secrets = model.secrets.values().map(|node| envoy::secret(node));
    let extensions = model.extensions.values().map(|node| envoy::extension(node));
    let listeners = model.listeners.values().map(|node| envoy::listener(node));
    let tables = model.tables.values().flat_map(|node| envoy::table(node));
    let limits = model.limits.values().map(|node| envoy::limits(node));
    let filters = model.filters.values().map(|node| envoy::auth_filter(node));
    let rule_sets = model.rule_sets.values().map(|node| envoy::rule_set(node));
    let before = clusters.chain(endpoints).chain(secrets).chain(extensions);
    before.chain(listeners).chain(tables).chain(limits).chain(filters).chain(rule_sets).collect()
}

/// The version in which a resource of the model is served now.
pub(crate) fn version(key: &Key, model: &Model) -> Option<String> {
    let resource = match key.kind {
        ResourceType::Cluster => {
            model.clusters.get(&ClusterName(Arc::clone(&key.name))).map(|node| envoy::cluster(node))
        }
        ResourceType::Endpoints => {
            model.endpoints.get(&ClusterName(Arc::clone(&key.name))).map(|node| envoy::endpoints(node))
        }
        ResourceType::Secret => model.secrets.get(&SecretName(Arc::clone(&key.name))).map(|node| envoy::secret(node)),
        ResourceType::Extension => {
            model.extensions.get(&Slot::from_name(&key.name)?).map(|node| envoy::extension(node))
        }
        ResourceType::Listener => model.listeners.get(&key.name).map(|node| envoy::listener(node)),
        ResourceType::Limits => model.limits.get(&key.name).map(|node| envoy::limits(node)),
        ResourceType::AuthFilter => {
            model.filters.get(&FilterId(Arc::clone(&key.name))).map(|node| envoy::auth_filter(node))
        }
        ResourceType::RuleSet => {
            model.rule_sets.get(&RuleSetId(Arc::clone(&key.name))).map(|node| envoy::rule_set(node))
        }
        ResourceType::ScopedRoute | ResourceType::Route => {
            let [route, scope] = envoy::table(model.tables.get(&TableName(Arc::clone(&key.name)))?);
            Some(if key.kind == ResourceType::Route { route } else { scope })
        }
    };
    resource.map(|resource| resource.version.to_string())
}

/// A table that is not part of the model.
pub(crate) fn table(table: &Table, model: &Model) -> Update {
    Update { set: seen_by_its_class(table, model).into(), ..Update::default() }
}

/// Rules that are not part of the model.
pub(crate) fn limits(rules: &LimitRules, model: &Model) -> Update {
    Update { set: vec![complete(envoy::limits(rules), model)], ..Update::default() }
}

/// A listener that is not part of the model, bound to nothing.
pub(crate) fn unbound_listener(listener: &Listener, model: &Model) -> Update {
    Update { set: vec![complete(envoy::unbound_listener(listener), model)], ..Update::default() }
}

fn seen_by_its_class(table: &Table, model: &Model) -> [Resource; 2] {
    envoy::table(table).map(|resource| of_class(resource, Some(Arc::clone(&table.scope.class)), model))
}

fn of_class(resource: envoy::Resource, class: Option<Arc<str>>, model: &Model) -> Resource {
    Resource { class, ..complete(resource, model) }
}

/// The class of tables that a listener sees, the same in each of its chains; none if it passes on bytes only.
fn class(listener: &Listener) -> Option<Arc<str>> {
    listener.chains.iter().find_map(|chain| match &chain.handler {
        Handler::Http(http) => Some(Arc::clone(&http.class)),
        Handler::Tcp(_) | Handler::Close => None,
    })
}

/// Adds what the clusters that a resource needs need in turn before they are warm.
fn complete(resource: envoy::Resource, model: &Model) -> Resource {
    let mut needs: Vec<Key> = Vec::with_capacity(resource.needs.len());
    for (kind, name) in &resource.needs {
        needs.push(Key::new(*kind, Arc::clone(name)));
        let cluster = Some(kind).filter(|kind| **kind == ResourceType::Cluster);
        let cluster = cluster.and_then(|_| model.clusters.get(&ClusterName(Arc::clone(name))));
        needs.extend(cluster.into_iter().flat_map(|cluster| warming(cluster)));
    }
    Resource {
        key: Key::new(resource.kind, resource.name),
        version: resource.version.to_string().into(),
        body: resource.body.into(),
        needs,
        settle: resource.settle,
        class: None,
    }
}

fn warming(cluster: &Cluster) -> impl Iterator<Item = Key> {
    let endpoints = matches!(cluster.discovery, Discovery::Endpoints)
        .then(|| Key::new(ResourceType::Endpoints, Arc::clone(&cluster.name.0)));
    let tls = cluster.tls.iter().flat_map(|tls| tls.certificate.iter().chain(&tls.authorities));
    endpoints.into_iter().chain(tls.map(|name| Key::new(ResourceType::Secret, Arc::clone(&name.0))))
}

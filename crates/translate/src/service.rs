//! What the text of `service` names: a Service of the world, an address, or a name in DNS.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use nuncio_api::{EndpointSlice, Service};
use nuncio_ir::Endpoint;

/// Names a Service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServiceKey {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointSource {
    pub(crate) service: ServiceKey,
    /// Port of the Service, not of its pods.
    pub(crate) port: u16,
    /// DNS name as the manifest means it.
    pub(crate) hostname: String,
}

/// What a host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Address(IpAddr),
    /// A name; the Service that it may be.
    Name(Option<ServiceKey>),
}

/// The Services of the world with their slices.
#[derive(Debug, Default)]
pub(crate) struct Services {
    services: BTreeMap<ServiceKey, Arc<Service>>,
    slices: BTreeMap<ServiceKey, BTreeMap<Arc<str>, Arc<EndpointSlice>>>,
}

/// Why a Service has no endpoints for a port.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NoEndpoints {
    #[error("there is no Service {0}")]
    NoService(ServiceKey),
    #[error("Service {service} has no port {port}; it has {has}")]
    NoPort { service: ServiceKey, port: u16, has: String },
    #[error("Service {0} has no ready endpoint")]
    NoneReady(ServiceKey),
}

impl Services {
    pub(crate) fn put(&mut self, key: ServiceKey, service: Option<Arc<Service>>) {
        match service {
            Some(service) => self.services.insert(key, service),
            None => self.services.remove(&key),
        };
    }

    pub(crate) fn put_slice(&mut self, key: &ServiceKey, name: Arc<str>, slice: Option<Arc<EndpointSlice>>) {
        let slices = self.slices.entry(key.clone()).or_default();
        match slice {
            Some(slice) => slices.insert(name, slice),
            None => slices.remove(&name),
        };
        if slices.is_empty() {
            self.slices.remove(key);
        }
    }

    pub(crate) fn get(&self, key: &ServiceKey) -> Option<&Arc<Service>> {
        self.services.get(key)
    }

    /// The ready endpoints of a Service's port, sorted.
    pub(crate) fn endpoints(&self, source: &EndpointSource) -> Result<Vec<Endpoint>, NoEndpoints> {
        let key = &source.service;
        let service = self.services.get(key).ok_or_else(|| NoEndpoints::NoService(key.clone()))?;
        let port = service.ports.iter().find(|port| port.port == source.port).ok_or_else(|| {
            let has: Vec<_> = service.ports.iter().map(|port| port.port.to_string()).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            NoEndpoints::NoPort { service: key.clone(), port: source.port, has }
        })?;
        let name = port.name.as_deref().unwrap_or_default();
        let found: BTreeSet<_> =
            self.slices.get(key).into_iter().flat_map(BTreeMap::values).flat_map(|slice| ready(slice, name)).collect();
        if found.is_empty() { Err(NoEndpoints::NoneReady(key.clone())) } else { Ok(found.into_iter().collect()) }
    }
}

/// The ready endpoints of a slice for the port of this name. A slice with one port without a name is
/// for every port: slices written by hand often are so.
fn ready(slice: &EndpointSlice, port_name: &str) -> Vec<Endpoint> {
    let named = slice.ports.iter().find(|port| port.name.as_deref().unwrap_or_default() == port_name);
    let unnamed = || match &slice.ports[..] {
        [only] if only.name.as_deref().unwrap_or_default().is_empty() => Some(only),
        _ => None,
    };
    let Some(port) = named.or_else(unnamed).and_then(|port| port.port) else { return Vec::new() };
    let is_ready = slice.endpoints.iter().filter(|endpoint| endpoint.conditions.ready.unwrap_or(true));
    let addresses = is_ready.flat_map(|endpoint| &endpoint.addresses).filter_map(|address| address.parse().ok());
    addresses.map(|ip: IpAddr| Endpoint { address: SocketAddr::new(ip, port) }).collect()
}

/// Takes a host apart.
///
/// A name without dots is one of `namespace`; `localhost` is never qualified. `name.namespace`, and the
/// same with `.svc` and more behind it, is the Service where there is one.
pub(crate) fn target(host: &str, namespace: &str) -> Target {
    if let Ok(address) = host.parse() {
        return Target::Address(address);
    }
    let name = host.trim_end_matches('.');
    if name.eq_ignore_ascii_case("localhost") {
        return Target::Name(None);
    }
    let mut labels = name.split('.');
    let key = match (labels.next(), labels.next(), labels.next()) {
        (Some(service), None, _) => Some((service, namespace)),
        (Some(service), Some(namespace), None | Some("svc")) => Some((service, namespace)),
        _ => None,
    };
    Target::Name(key.map(|(service, namespace)| ServiceKey { namespace: namespace.into(), name: service.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_apart() {
        let key = |namespace: &str, name: &str| Some(ServiceKey { namespace: namespace.into(), name: name.into() });
        for (host, service) in [
            ("web", key("shop", "web")),
            ("web.other", key("other", "web")),
            ("web.other.svc", key("other", "web")),
            ("web.other.svc.cluster.local", key("other", "web")),
            ("www.example.com", None),
            ("localhost", None),
        ] {
            assert_eq!(target(host, "shop"), Target::Name(service), "{host}");
        }
        assert_eq!(target("::1", "x"), Target::Address("::1".parse().unwrap()));
    }
}

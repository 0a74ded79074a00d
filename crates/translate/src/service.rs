//! What the text of `service` names: a Service of the world, an address, or a name in DNS.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use nuncio_api::{EndpointSlice, Service, ServicePort};
use nuncio_ir::Endpoint;

use crate::endpoints::{self, SlicePort, Topology};

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

/// What comes of a route to nobody.
pub(crate) const ANSWERED_503: &str = "requests are answered 503";

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

    /// Whether there is no Service of this name, though there are others beside it: a name of this form is a Service's then, most
    /// likely.
    fn lacks(&self, key: &ServiceKey) -> bool {
        self.has_any(&key.namespace) && !self.services.contains_key(key)
    }

    /// Whether there is some Service in a namespace.
    pub(crate) fn has_any(&self, namespace: &Arc<str>) -> bool {
        let first = ServiceKey { namespace: Arc::clone(namespace), name: "".into() };
        self.services.range(first..).next().is_some_and(|(key, _)| key.namespace == *namespace)
    }

    /// What is wrong where a name is to be looked for in DNS and is, most likely, that of a Service which is not there; and what comes
    /// of that.
    pub(crate) fn not_there(&self, key: &ServiceKey, then: &str) -> Option<String> {
        let message = || format!("there is no Service {key}: unless DNS knows the name, {then}");
        self.lacks(key).then(message)
    }

    /// The endpoints of these together, sorted.
    pub(crate) fn endpoints(&self, sources: &[EndpointSource], topology: &Topology) -> Vec<Endpoint> {
        match sources {
            [only] => self.endpoints_of(only, topology),
            several => {
                endpoints::merged(several.iter().flat_map(|source| self.endpoints_of(source, topology)).collect())
            }
        }
    }

    fn endpoints_of(&self, source: &EndpointSource, topology: &Topology) -> Vec<Endpoint> {
        let found = self.port_of(source);
        found.map(|(service, port)| endpoints::of(self.slices_of(source), port, service, topology)).unwrap_or_default()
    }

    /// Why there are no endpoints, if there are none.
    pub(crate) fn lacks_endpoints(&self, source: &EndpointSource) -> Option<NoEndpoints> {
        match self.port_of(source) {
            Err(error) => Some(error),
            Ok((_, port)) => {
                (!endpoints::any(self.slices_of(source), port)).then(|| NoEndpoints::NoneReady(source.service.clone()))
            }
        }
    }

    fn slices_of(&self, source: &EndpointSource) -> impl Iterator<Item = &EndpointSlice> + Clone {
        self.slices.get(&source.service).into_iter().flat_map(BTreeMap::values).map(|slice| &**slice)
    }

    /// The Service, and which port of its slices is meant.
    fn port_of(&self, source: &EndpointSource) -> Result<(&Service, SlicePort<'_>), NoEndpoints> {
        let key = &source.service;
        let service = self.services.get(key).ok_or_else(|| NoEndpoints::NoService(key.clone()))?;
        let is_tcp = |port: &&ServicePort| port.protocol.as_deref().unwrap_or("TCP") == "TCP";
        if let Some(port) = service.ports.iter().filter(is_tcp).find(|port| port.port == source.port) {
            let name = port.name.as_deref().unwrap_or_default();
            return Ok((service, SlicePort::Named { name, number: source.port }));
        }
        // A headless Service is a name for the addresses of pods: its ports need not be told.
        if service.cluster_ip.as_deref() == Some("None") {
            return Ok((service, SlicePort::Number(source.port)));
        }
        let has: Vec<_> = service.ports.iter().filter(is_tcp).map(|port| port.port.to_string()).collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        Err(NoEndpoints::NoPort { service: key.clone(), port: source.port, has })
    }
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

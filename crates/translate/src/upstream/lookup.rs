//! From the name of a service to how its endpoints are found.

use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_api::ServiceRef;
use nuncio_ir::{Discovery, IpFamily};

use super::Resolver;
use crate::context::Context;
use crate::service::{EndpointSource, ServiceKey, Target, target};

/// How DNS is asked.
#[derive(Clone, Copy, Default)]
pub(super) struct Dns {
    pub(super) logical: bool,
    pub(super) respect_ttl: bool,
    pub(super) family: IpFamily,
}

/// A service to be found.
pub(super) struct Lookup<'a> {
    pub(super) service: &'a ServiceRef,
    /// Whose Service a bare name is.
    pub(super) namespace: &'a Arc<str>,
    pub(super) resolver: Resolver,
    pub(super) dns: Dns,
}

impl Lookup<'_> {
    /// How it is found, and of which Service the endpoints are.
    pub(super) fn discover(&self, context: &Context<'_>, host: &str, port: u16) -> (Discovery, Option<EndpointSource>) {
        let Dns { logical, respect_ttl, family } = self.dns;
        let dns = |host: &str| Discovery::Dns { hosts: vec![(host.to_owned(), port)], logical, respect_ttl, family };
        let found = match target(&self.service.host, self.namespace) {
            Target::Address(address) => return (Discovery::Static(vec![SocketAddr::new(address, port)]), None),
            Target::Name(service) => service,
        };
        let service = found.as_ref().and_then(|key| context.services.get(key));
        match (service, found) {
            (Some(service), _) if service.is_external_name() => {
                (dns(service.external_name.as_deref().unwrap_or(host)), None)
            }
            (Some(_), Some(key)) => (Discovery::Endpoints, Some(endpoint_source(key, port, host))),
            (None, Some(key)) if self.resolver == Resolver::Endpoint => {
                (Discovery::Endpoints, Some(endpoint_source(key, port, host)))
            }
            _ => (dns(host), None),
        }
    }
}

fn endpoint_source(service: ServiceKey, port: u16, host: &str) -> EndpointSource {
    EndpointSource { service, port, hostname: host.to_owned() }
}

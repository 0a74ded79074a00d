//! Who wants which port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_api::{Object, ObjectId, Problem, ProtocolLayer, Remains, Spec, TcpMapping};

use super::{Binding, Frame};
use crate::context::Context;
use crate::host::CompiledHost;
use crate::pattern::HostPattern;

/// Everything that is on one bound address.
#[derive(Default)]
pub(crate) struct Port<'a> {
    pub(crate) listener: Option<(&'a ObjectId, &'a nuncio_api::Listener)>,
    pub(crate) tcp: Vec<(&'a ObjectId, &'a TcpMapping)>,
    /// Names of TCPMappings that cannot be used.
    pub(crate) closed: BTreeSet<HostPattern>,
}

impl Frame {
    /// Sorts Listeners and TCPMappings by the address that they want.
    pub(super) fn ports<'a>(
        &mut self,
        objects: impl Iterator<Item = &'a Arc<Object>>,
        context: &Context<'_>,
    ) -> BTreeMap<SocketAddr, Port<'a>> {
        let mut ports: BTreeMap<SocketAddr, Port<'a>> = BTreeMap::new();
        let address = |mapping: &TcpMapping| {
            let bind = mapping.address.as_ref().and_then(|address| address.parse().ok());
            SocketAddr::new(bind.unwrap_or(context.settings.bind_address), mapping.port)
        };
        for object in objects {
            match &object.spec {
                // There is no HTTP/3 yet: the TCP port of that number is another's.
                Spec::Listener(listener) if listener.layers().contains(&ProtocolLayer::Udp) => {}
                Spec::Listener(listener) => {
                    let address = SocketAddr::new(context.settings.bind_address, listener.port);
                    let port = ports.entry(address).or_default();
                    match port.listener {
                        None => port.listener = Some((&object.id, listener)),
                        Some((first, _)) => {
                            let message = format!("{first} is on port {} already", listener.port);
                            self.problem(&object.id, Problem::error("PortConflict", "spec.port", message));
                        }
                    }
                }
                Spec::TcpMapping(mapping) => {
                    ports.entry(address(mapping)).or_default().tcp.push((&object.id, mapping));
                }
                Spec::Invalid(Remains::Connections(mapping)) => {
                    let host = mapping.host.as_deref().and_then(HostPattern::parse);
                    ports.entry(address(mapping)).or_default().closed.extend(host);
                }
                _ => {}
            }
        }
        ports
    }

    /// Tells Hosts that no Listener binds, where there are Listeners.
    pub(super) fn unbound(&mut self, ports: &BTreeMap<SocketAddr, Port<'_>>, hosts: &[CompiledHost]) {
        let listeners = ports.values().filter_map(|port| port.listener);
        let bindings: Vec<_> = listeners.map(|(id, listener)| Binding::new(id, listener)).collect();
        let is_bound = |host: &&CompiledHost| host.is_fallback || bindings.iter().any(|binding| binding.takes(host));
        for host in hosts.iter().filter(|host| !bindings.is_empty() && !is_bound(host)) {
            let message = "serves nothing: the hostBinding of no Listener takes it";
            self.problem(&host.policy.id, Problem::warning("NoListener", "metadata", message));
        }
    }
}

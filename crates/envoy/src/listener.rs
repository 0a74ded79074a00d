//! Listeners: `Listener`, with all that stays the same when routes change.

mod access_log;
mod chain;
mod filters;
mod http;
mod logins;
mod scope;
mod tcp;

use envoy_types::pb::envoy::config::listener::v3::{
    Listener as PbListener, ListenerFilter, listener_filter::ConfigType,
};
use envoy_types::pb::envoy::extensions::filters::listener::{
    proxy_protocol::v3::ProxyProtocol, tls_inspector::v3::TlsInspector,
};
use nuncio_ir::{BUFFER_LIMIT, FilterChain, Listener, Transport};
use prost::{Message, Name};

use crate::{Resource, proto};

pub(crate) use access_log::{REASON_KEY, REASON_NAMESPACE};
pub(crate) use filters::{CORS_FILTER, LOCAL_LIMIT_FILTER, PROBES_FILTER};
pub(crate) use logins::hide_logins;
pub(crate) use scope::{
    CHAIN_HEADER, HEADERS_OF_EVERY_REQUEST, ON_MISS_FILTER, PREVIEW_FILTER, SCOPE_HEADER, SELECT_FILTER,
};

/// A listener. Its version does not tell which objects asked for it.
#[must_use]
pub fn listener(listener: &Listener) -> Resource {
    resource(listener, &message(listener))
}

/// The same, bound to no port: Envoy makes all its parts, refuses what it would refuse, and sends it no connection.
#[must_use]
pub fn unbound_listener(listener: &Listener) -> Resource {
    resource(listener, &PbListener { bind_to_port: Some(proto::boolean(false)), ..message(listener) })
}

fn resource(listener: &Listener, message: &PbListener) -> Resource {
    let Listener { name, address, proxy_protocol, buffer_limit, chains, origins: _ } = listener;
    let version = nuncio_ir::version(&(name, address, proxy_protocol, buffer_limit, chains));
    Resource::new(name, version, message).needing(listener.clusters())
}

fn message(listener: &Listener) -> PbListener {
    PbListener {
        name: listener.name.to_string(),
        address: Some(proto::address(listener.address)),
        filter_chains: listener.chains.iter().map(chain::filter_chain).collect(),
        per_connection_buffer_limit_bytes: Some(proto::uint32(listener.buffer_limit.unwrap_or(BUFFER_LIMIT))),
        listener_filters: listener_filters(listener),
        ..Default::default()
    }
}

fn listener_filters(listener: &Listener) -> Vec<ListenerFilter> {
    let proxy_protocol = listener
        .proxy_protocol
        .then(|| listener_filter("envoy.filters.listener.proxy_protocol", &ProxyProtocol::default()));
    let tls_inspector = listener
        .chains
        .iter()
        .any(looks_at_tls)
        .then(|| listener_filter("envoy.filters.listener.tls_inspector", &TlsInspector::default()));
    proxy_protocol.into_iter().chain(tls_inspector).collect()
}

fn looks_at_tls(chain: &FilterChain) -> bool {
    chain.matches.transport != Transport::Any || !chain.matches.server_names.is_empty()
}

fn listener_filter<M: Message + Name>(name: &str, config: &M) -> ListenerFilter {
    ListenerFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(proto::any(config))),
        ..Default::default()
    }
}

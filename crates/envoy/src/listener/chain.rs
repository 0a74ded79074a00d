//! Filter chains.

use envoy_types::pb::envoy::config::listener::v3::{
    Filter, FilterChain as PbFilterChain, FilterChainMatch, filter::ConfigType,
};
use envoy_types::pb::envoy::extensions::filters::network::direct_response::v3::Config as DirectResponse;
use nuncio_ir::{ChainMatch, FilterChain, Handler, Transport};
use prost::{Message, Name};

use super::{http, tcp};
use crate::{proto, tls};

pub(super) fn filter_chain(chain: &FilterChain) -> PbFilterChain {
    let filter = match &chain.handler {
        Handler::Http(settings) => {
            filter("envoy.filters.network.http_connection_manager", &http::connection_manager(settings))
        }
        Handler::Tcp(proxy) => filter("envoy.filters.network.tcp_proxy", &tcp::proxy(proxy)),
        // Without a response it closes each connection as it comes.
        Handler::Close => filter("envoy.filters.network.direct_response", &DirectResponse::default()),
    };
    PbFilterChain {
        name: chain.name.to_string(),
        filter_chain_match: chain_match(&chain.matches),
        transport_socket: chain.tls.as_ref().map(tls::downstream),
        filters: vec![filter],
        ..Default::default()
    }
}

fn filter<M: Message + Name>(name: &str, config: &M) -> Filter {
    Filter { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(proto::any(config))) }
}

fn chain_match(matches: &ChainMatch) -> Option<FilterChainMatch> {
    let transport = match matches.transport {
        Transport::Any => "",
        Transport::Clear => "raw_buffer",
        Transport::Tls => "tls",
    };
    let matches = FilterChainMatch {
        transport_protocol: transport.to_owned(),
        server_names: matches.server_names.clone(),
        ..Default::default()
    };
    (matches != FilterChainMatch::default()).then_some(matches)
}

//! A check as Envoy sends it for a request of a browser.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, SocketAddress, address, socket_address,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use nuncio_test_support::load::Write;
use prost::Message;

/// The path of the method.
pub(crate) const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The message for a request to this address with this header, under a rule set.
pub(crate) fn message(authority: &str, set: &str, (name, value): (&str, &str)) -> Vec<u8> {
    let headers = [
        (":authority", authority),
        (":path", "/orders"),
        (":method", "GET"),
        (":scheme", "http"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("sec-fetch-mode", "navigate"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "2f1d6b0e-6f3a-4b69-9c3e-0d6f0c3c7c11"),
        (name, value),
    ];
    let header = |(key, value): (&str, &str)| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    let http = HttpRequest {
        id: "8123456789012345678".to_owned(),
        method: "GET".to_owned(),
        path: "/orders".to_owned(),
        host: authority.to_owned(),
        scheme: "http".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        size: -1,
        header_map: Some(HeaderMap { headers: headers.map(header).into() }),
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        source: Some(peer("203.0.113.7", 50_412)),
        destination: Some(peer("192.0.2.1", 443)),
        request: Some(Request { time: None, http: Some(http) }),
        context_extensions: [("nuncio.dev/rules".to_owned(), set.to_owned())].into(),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }.encode_to_vec()
}

fn peer(address: &str, port: u32) -> Peer {
    let port_specifier = Some(socket_address::PortSpecifier::PortValue(port));
    let socket = SocketAddress { address: address.to_owned(), port_specifier, ..SocketAddress::default() };
    Peer { address: Some(Address { address: Some(address::Address::SocketAddress(socket)) }), ..Peer::default() }
}

/// The same message each time.
pub(crate) fn always(message: Vec<u8>) -> Write {
    Arc::new(move |_, bytes| bytes.extend_from_slice(&message))
}

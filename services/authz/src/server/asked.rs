//! What Envoy asks: of `envoy.service.auth.v3.CheckRequest` what is looked at.
//!
//! All else that a check says (the destination, metadata, a second form of the headers) is passed over without being read,
//! and headers stay in the bytes that came.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use nuncio_auth::Request;
use nuncio_ir::auth::RULE_SET_KEY;
use prost::Message;

/// `CheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Check {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

/// `AttributeContext`.
#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "1")]
    source: Option<Peer>,
    #[prost(message, optional, tag = "4")]
    request: Option<Asked>,
    #[prost(message, repeated, tag = "10")]
    context_extensions: Vec<Pair>,
}

/// `AttributeContext.Peer`.
#[derive(Clone, PartialEq, Message)]
struct Peer {
    #[prost(message, optional, tag = "1")]
    address: Option<Address>,
}

/// `config.core.v3.Address`.
#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(message, optional, tag = "1")]
    socket: Option<Socket>,
}

/// `config.core.v3.SocketAddress`.
#[derive(Clone, PartialEq, Message)]
struct Socket {
    #[prost(string, tag = "2")]
    address: String,
}

/// `AttributeContext.Request`.
#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(message, optional, tag = "2")]
    http: Option<Http>,
}

/// `AttributeContext.HttpRequest`.
#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    method: String,
    #[prost(message, repeated, tag = "3")]
    headers: Vec<Pair>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(string, tag = "6")]
    scheme: String,
    #[prost(bytes = "bytes", tag = "11")]
    body: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    raw_body: Bytes,
    #[prost(message, optional, tag = "13")]
    header_map: Option<RawHeaders>,
}

/// `config.core.v3.HeaderMap`.
#[derive(Clone, PartialEq, Message)]
struct RawHeaders {
    #[prost(message, repeated, tag = "1")]
    headers: Vec<Pair>,
}

/// An entry of a map, or `config.core.v3.HeaderValue`.
#[derive(Clone, PartialEq, Message)]
struct Pair {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    raw_value: Bytes,
}

impl Check {
    /// The set that the route names, and the request. `None` for a message that holds none.
    pub(super) fn into_request(self) -> Option<(Option<String>, Request)> {
        let attributes = self.attributes?;
        let set = named(&attributes.context_extensions, RULE_SET_KEY);
        let http = attributes.request?.http?;
        // Raw where Envoy sends them so (`encode_raw_headers`): the other map joins and changes them.
        let headers = headers(http.header_map.map_or(http.headers, |raw| raw.headers));
        // Envoy writes it itself unless a proxy that it trusts has; the scheme of HTTP/2 is what the client wrote.
        let scheme = match headers.get("x-forwarded-proto").map(HeaderValue::as_bytes) {
            Some(b"https") => "https",
            Some(b"http") => "http",
            _ => &http.scheme,
        };
        let mut request = Request::new(&http.method, scheme, &http.host, &http.path).with_headers(headers);
        request.client = attributes.source.and_then(|peer| Some(peer.address?.socket?.address)).unwrap_or_default();
        request.id = request.header("x-request-id").map_or(http.id, str::to_owned);
        request.body = either(http.raw_body, http.body).into();
        Some((set, request))
    }
}

/// Of a key that is there twice, the last value counts (Protocol Buffers' rule for maps).
fn named(pairs: &[Pair], key: &str) -> Option<String> {
    let pair = pairs.iter().rfind(|pair| pair.key == key)?;
    Some(String::from_utf8_lossy(&pair.value).into_owned())
}

/// Those that HTTP does not allow are left out.
fn headers(pairs: Vec<Pair>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for Pair { key, value, raw_value } in pairs {
        let value = HeaderValue::from_maybe_shared(either(raw_value, value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&key), value) {
            headers.append(name, value);
        }
    }
    headers
}

fn either(raw: Bytes, text: Bytes) -> Bytes {
    if raw.is_empty() { text } else { raw }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use envoy_types::pb::envoy::config::core::v3::{
        Address, HeaderMap as RawHeaders, HeaderValue as RawHeader, SocketAddress, address,
    };
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request as Asked};
    use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = HashMap<String, String>> {
        proptest::collection::hash_map("[a-z-]{1,9}", "[ -~]{0,9}", 0..5)
    }

    fn address(client: String) -> Address {
        let socket = SocketAddress { address: client, ..SocketAddress::default() };
        Address { address: Some(address::Address::SocketAddress(socket)) }
    }

    prop_compose! {
        /// Headers in one form or in both, and what is passed over besides.
        fn checks()(
            [id, method, path, host, protocol, client] in proptest::array::uniform6("[ -~]{0,9}"),
            headers in texts(),
            raw in proptest::option::of(proptest::collection::vec(("[a-zA-Z-]{1,9}", "[ -~]{0,9}", any::<Vec<u8>>()), 0..5)),
            context in texts(),
            set in proptest::option::of("[a-z]{0,9}"),
            body in any::<String>(),
            raw_body in any::<Vec<u8>>(),
        ) -> CheckRequest {
            let raw = raw.map(|pairs| RawHeaders {
                headers: pairs.into_iter().map(|(key, value, raw_value)| RawHeader { key, value, raw_value }).collect(),
            });
            let scheme = "http".to_owned();
            let http = HttpRequest {
                id, method, headers, header_map: raw, path, host, scheme, protocol, body, raw_body, ..HttpRequest::default()
            };
            let peer = Peer { address: Some(address(client)), ..Peer::default() };
            let context_extensions = context.into_iter().chain(set.map(|set| (RULE_SET_KEY.to_owned(), set))).collect();
            CheckRequest { attributes: Some(AttributeContext {
                source: Some(peer.clone()), destination: Some(peer), request: Some(Asked { http: Some(http), time: None }),
                context_extensions, ..AttributeContext::default()
            }) }
        }
    }

    /// The headers as the whole message has them.
    fn expected(http: &HttpRequest) -> Vec<(String, Vec<u8>)> {
        let valid = |(name, value): (String, Vec<u8>)| {
            HeaderValue::from_bytes(&value).ok()?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?.as_str().to_owned(), value))
        };
        let all: Vec<_> = match &http.header_map {
            Some(raw) => raw
                .headers
                .iter()
                .map(|header| match header.raw_value.is_empty() {
                    true => (header.key.clone(), header.value.clone().into_bytes()),
                    false => (header.key.clone(), header.raw_value.clone()),
                })
                .collect(),
            None => http.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect(),
        };
        let mut all: Vec<_> = all.into_iter().filter_map(valid).collect();
        all.sort();
        all
    }

    proptest! {
        #[test]
        fn it_is_what_the_whole_message_says(check in checks()) {
            let (set, request) = Check::decode(check.encode_to_vec().as_slice()).unwrap().into_request().unwrap();
            let attributes = check.attributes.unwrap();
            let http = attributes.request.unwrap().http.unwrap();
            prop_assert_eq!(set.as_ref(), attributes.context_extensions.get(RULE_SET_KEY));
            let mut headers: Vec<_> =
                request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
            headers.sort();
            prop_assert_eq!(headers, expected(&http));
            prop_assert_eq!((&request.method, request.target()), (&http.method, http.path.as_str()));
            let origin = Request::new("", &request.scheme, &http.host, "");
            prop_assert_eq!(&request.authority, &origin.authority);
            prop_assert_eq!(&request.body, if http.raw_body.is_empty() { http.body.as_bytes() } else { &http.raw_body });
            let Some(address::Address::SocketAddress(client)) = attributes.source.unwrap().address.unwrap().address else { panic!() };
            prop_assert_eq!(request.client, client.address);
        }

        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            if let Ok(check) = Check::decode(bytes.as_slice()) {
                check.into_request();
            }
        }
    }

    #[test]
    fn a_message_without_a_request_is_none() {
        assert!(Check::default().into_request().is_none());
        assert!(Check { attributes: Some(Attributes::default()) }.into_request().is_none());
    }
}

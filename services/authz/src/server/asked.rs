//! What Envoy asks: of `envoy.service.auth.v3.CheckRequest` what is looked at.
//!
//! All else that a check says (the destination, metadata, a second form of the headers) is passed over without being read,
//! and headers stay in the bytes that came.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use nuncio_auth::Request;
use nuncio_ir::auth::{AUDIENCE_KEY, ROUTED_BY_KEY, RULE_SET_KEY};
use prost::Message;

/// How many headers a request may have: Envoy lets 100 through unless told otherwise. A map of twice as many still grows for
/// whatever filters add, however the names are chosen.
const MOST: usize = 4_096;

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
    /// The set that the route names, and the request. `None` for a message that holds none, or too many headers.
    pub(super) fn into_request(self) -> Option<(Option<String>, Request)> {
        let attributes = self.attributes?;
        let set = named(&attributes.context_extensions, RULE_SET_KEY);
        let [audience, routed_by] =
            [AUDIENCE_KEY, ROUTED_BY_KEY].map(|key| words(named(&attributes.context_extensions, key)));
        let http = attributes.request?.http?;
        // Raw where Envoy sends them so (`encode_raw_headers`): the other map joins and changes them.
        let headers = match http.header_map {
            Some(raw) => headers(raw.headers, |all, name, value| _ = all.append(name, value)),
            None => headers(http.headers, |all, name, value| _ = all.insert(name, value)),
        }?;
        // Envoy writes it itself unless a proxy that it trusts has; the scheme of HTTP/2 is what the client wrote.
        let scheme = match headers.get("x-forwarded-proto").map(HeaderValue::as_bytes) {
            Some(b"https") => "https",
            Some(b"http") => "http",
            _ => &http.scheme,
        };
        let mut request = Request::new(&http.method, scheme, &http.host, &http.path).with_headers(headers);
        (request.audience, request.routed_by) = (audience, routed_by);
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

fn words(text: Option<String>) -> Vec<String> {
    text.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

/// Those that HTTP does not allow are left out. `None` for too many.
fn headers(pairs: Vec<Pair>, add: impl Fn(&mut HeaderMap, HeaderName, HeaderValue)) -> Option<HeaderMap> {
    if pairs.len() > MOST {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for Pair { key, value, raw_value } in pairs {
        let value = HeaderValue::from_maybe_shared(either(raw_value, value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&key), value) {
            add(&mut headers, name, value);
        }
    }
    Some(headers)
}

fn either(raw: Bytes, text: Bytes) -> Bytes {
    if raw.is_empty() { text } else { raw }
}

#[cfg(test)]
mod tests;

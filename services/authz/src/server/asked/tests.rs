use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap as RawHeaders, HeaderValue as RawHeader, SocketAddress, address,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request as Asked};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use proptest::prelude::*;

use super::*;

const NAMES: &str = "[a-z-]{1,9}|x-request-id|x-forwarded-proto";
const RAW_NAMES: &str = "[a-zA-Z-]{1,9}|X-Request-Id|x-forwarded-proto";

fn raw_values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), any::<Vec<u8>>()]
}

fn texts() -> impl Strategy<Value = HashMap<String, String>> {
    proptest::collection::hash_map(NAMES, "[ -~]{0,9}|https?", 0..5)
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
        raw in proptest::option::of(proptest::collection::vec((RAW_NAMES, "[ -~]{0,9}|https?", raw_values()), 0..5)),
        scheme in "https?|",
        context in texts(),
        set in proptest::option::of("[a-z]{0,9}"),
        audience in proptest::option::of("[a-z:0-9 ]{0,19}"),
        routed_by in proptest::option::of("[a-z?-]{0,9}"),
        body in any::<String>(),
        raw_body in any::<Vec<u8>>(),
    ) -> CheckRequest {
        let raw = raw.map(|pairs| RawHeaders {
            headers: pairs.into_iter().map(|(key, value, raw_value)| RawHeader { key, value, raw_value }).collect(),
        });
        let http = HttpRequest {
            id, method, headers, header_map: raw, path, host, scheme, protocol, body, raw_body, ..HttpRequest::default()
        };
        let peer = Peer { address: Some(address(client)), ..Peer::default() };
        let own = [(RULE_SET_KEY, set), (AUDIENCE_KEY, audience), (ROUTED_BY_KEY, routed_by)];
        let own = own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let context_extensions = context.into_iter().chain(own).collect();
        CheckRequest { attributes: Some(AttributeContext {
            source: Some(peer.clone()), destination: Some(peer), request: Some(Asked { http: Some(http), time: None }),
            context_extensions, ..AttributeContext::default()
        }) }
    }
}

/// The headers as the whole message has them, in its order.
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
    all.into_iter().filter_map(valid).collect()
}

/// The first header of a name.
fn first<'h>(headers: &'h [(String, Vec<u8>)], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|header| header.0 == name).map(|header| header.1.as_slice())
}

/// A message with as many headers, each of another name, in one form or the other.
fn with_headers(count: usize, is_raw: bool) -> Check {
    let pair = |index: usize| Pair { key: format!("h-{index}").into(), ..Pair::default() };
    let pairs: Vec<_> = (0..count).map(pair).collect();
    of(match is_raw {
        true => Http { header_map: Some(super::RawHeaders { headers: pairs }), ..Http::default() },
        false => Http { headers: pairs, ..Http::default() },
    })
}

fn of(http: Http) -> Check {
    let request = Some(super::Asked { http: Some(http) });
    Check { attributes: Some(Attributes { request, ..Attributes::default() }) }
}

proptest! {
    #[test]
    fn it_is_what_the_whole_message_says(check in checks()) {
        let (set, request) = Check::decode(check.encode_to_vec().as_slice()).unwrap().into_request().unwrap();
        let attributes = check.attributes.unwrap();
        let http = attributes.request.unwrap().http.unwrap();
        prop_assert_eq!(set.as_ref(), attributes.context_extensions.get(RULE_SET_KEY));
        for (key, read) in [(AUDIENCE_KEY, &request.audience), (ROUTED_BY_KEY, &request.routed_by)] {
            let told = attributes.context_extensions.get(key).map(String::as_str).unwrap_or_default();
            prop_assert_eq!(read, &told.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>());
        }
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let mut expected = expected(&http);
        let proto = first(&expected, "x-forwarded-proto").filter(|proto| matches!(*proto, b"http" | b"https"));
        prop_assert_eq!(request.scheme.as_bytes(), proto.unwrap_or(http.scheme.as_bytes()));
        let id = first(&expected, "x-request-id").map(|id| HeaderValue::from_bytes(id).unwrap());
        prop_assert_eq!(&request.id, id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or(&http.id));
        headers.sort();
        expected.sort();
        prop_assert_eq!(headers, expected);
        prop_assert_eq!((&request.method, request.target()), (&http.method, http.path.as_str()));
        let origin = Request::new("", &request.scheme, &http.host, "");
        prop_assert_eq!(&request.authority, &origin.authority);
        prop_assert_eq!(&request.body, if http.raw_body.is_empty() { http.body.as_bytes() } else { &http.raw_body });
        let peer = attributes.source.unwrap().address.unwrap();
        let Some(address::Address::SocketAddress(client)) = peer.address else { panic!() };
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
fn too_many_headers_are_no_request() {
    for is_raw in [true, false] {
        let all = with_headers(MOST, is_raw).into_request().unwrap().1.headers().len();
        assert_eq!(all, MOST);
        for count in [MOST + 1, 24_577, 40_000] {
            assert!(with_headers(count, is_raw).into_request().is_none(), "{count}");
        }
    }
}

#[test]
fn of_a_key_that_is_there_twice_in_the_map_the_last_counts() {
    let pair = |value: &'static str| Pair { key: "a".into(), value: value.into(), ..Pair::default() };
    let http = Http { headers: vec![pair("1"), pair("2")], ..Http::default() };
    let (_, request) = of(http).into_request().unwrap();
    assert_eq!(request.headers().get_all("a").iter().collect::<Vec<_>>(), ["2"]);
}

#[test]
fn a_message_without_a_request_is_none() {
    assert!(Check::default().into_request().is_none());
    assert!(Check { attributes: Some(Attributes::default()) }.into_request().is_none());
}

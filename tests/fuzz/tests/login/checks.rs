//! A service that runs, asked by messages as odd as can be.

use arbitrary::Unstructured;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use http::uri::PathAndQuery;
use nuncio_auth::path::liberal;
use nuncio_authz::Settings;
use nuncio_authz::settings::Address;
use nuncio_fuzz::broken;
use nuncio_telemetry::Metrics;
use nuncio_test_support::eventually;
use prost::Message;
use prost::bytes::BufMut;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

use crate::{PATIENCE, each, short};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Sends bytes as they are.
struct AsItIs;

impl Codec for AsItIs {
    type Encode = Vec<u8>;
    type Decode = CheckResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsItIs {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for AsItIs {
    type Item = CheckResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<CheckResponse>, Status> {
        CheckResponse::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// What wants a key that no case has, but for what is public.
fn rules() -> String {
    let keys = json!({ "api_key": {
        "sources": [{ "header": "x-api-key" }, { "authorization": "Key" }, { "cookie": "key" }, { "query": "key" }],
        "keys": [{ "owner": "ann", "secret": nuncio_auth::crypto::random_text() }],
    } });
    json!({
        "rule_sets": [{ "id": "s", "rules": [
            { "origin": "public", "path": "/public/*" },
            { "origin": "all", "path": "*", "filters": [{ "filter": "keys" }] },
        ] }],
        "filters": [{ "id": "keys", "kind": keys }],
    })
    .to_string()
}

struct Service {
    client: Grpc<Channel>,
    running: JoinHandle<()>,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Service {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("rules.json"), rules()).unwrap();
        let embedded = nuncio_authz::embedded(&at("xds.sock"), &at("checks.sock"), None).unwrap();
        let settings =
            Settings { grpc: Address::Unix(at("checks.sock")), xds: None, rules: Some(at("rules.json")), ..embedded };
        let (service, stop) = (nuncio_authz::Service::new(settings).await.unwrap(), CancellationToken::new());
        let run = service.run(Metrics::of_part(), stop.clone());
        let running = tokio::spawn(async move { run.await.unwrap() });
        let url = format!("unix:{}", at("checks.sock").display());
        let endpoint = Endpoint::new(url).unwrap();
        let channel = eventually("the service answers", async || endpoint.connect().await).await;
        let mut service = Self { client: Grpc::new(channel), running, stop, _directory: directory };
        let open = HttpRequest { method: "GET".to_owned(), path: "/public/x".to_owned(), ..HttpRequest::default() };
        eventually("the rules are in force", async || {
            let answer = service.check(asked(open.clone(), "s").encode_to_vec()).await.unwrap();
            if is_let_in(&answer) { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
        service
    }

    /// Asks by these bytes, be they a message or not.
    async fn check(&mut self, bytes: Vec<u8>) -> Result<CheckResponse, Status> {
        self.client.ready().await.unwrap();
        let answer = self.client.unary(tonic::Request::new(bytes), PathAndQuery::from_static(CHECK), AsItIs);
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        answer.map(tonic::Response::into_inner)
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// Each gets an answer, and without a key only what is public, by whatever reading of the path, is let through.
#[test]
fn checks() {
    let runtime = Runtime::new().unwrap();
    let mut service = runtime.block_on(Service::start());
    each(|bytes| {
        let bytes = message(&mut Unstructured::new(bytes)).unwrap();
        let answer = runtime.block_on(service.check(bytes.clone()));
        // Of what is no message, the service may still read all that it looks at.
        let Ok(message) = CheckRequest::decode(&*bytes) else { return };
        let answer = answer.unwrap_or_else(|status| panic!("{status}: {message:?}"));
        assert!(!is_let_in(&answer) || is_public(&message), "{message:?}: {answer:?}");
    });
    runtime.block_on(service.stop());
}

fn is_let_in(answer: &CheckResponse) -> bool {
    answer.status.as_ref().is_none_or(|status| status.code == 0)
}

fn is_public(message: &CheckRequest) -> bool {
    let http = message.attributes.as_ref().and_then(|attributes| attributes.request.as_ref()?.http.as_ref());
    let path = http.map_or("", |http| http.path.split('?').next().unwrap_or_default());
    path.starts_with("/public/") && liberal(path).is_some_and(|path| path.starts_with("/public/"))
}

fn asked(http: HttpRequest, rules: &str) -> CheckRequest {
    let request = Some(Request { http: Some(http), ..Request::default() });
    let context_extensions = [("nuncio.dev/rules".to_owned(), rules.to_owned())].into();
    CheckRequest { attributes: Some(AttributeContext { request, context_extensions, ..AttributeContext::default() }) }
}

const PATHS: [&str; 20] = [
    "/",
    "//",
    "/public/",
    "/PUBLIC/",
    "/admin",
    "..",
    "..;",
    ";x=1",
    "%2e%2e",
    "%2f",
    "%5c",
    "%00",
    "%c0%af",
    "%25",
    "%",
    "?",
    "#",
    "\\",
    "/.ambassador/oauth2/logout",
    "/.nuncio/userinfo",
];
const HEADERS: [&str; 12] = [
    "x-api-key",
    "authorization",
    "cookie",
    "key=",
    "Key ",
    "Bearer ",
    "x-forwarded-proto",
    "x-request-id",
    ":path",
    "accept",
    "\r\n",
    "é",
];
const METHODS: [&str; 6] = ["GET", "POST", "OPTIONS", "", "get", "G\0T"];
const SETS: [&str; 4] = ["s", "s", "", "gone"];

/// The bytes of a message, or of what is left of one.
fn message(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let mut text = |of: &[&str]| -> arbitrary::Result<String> {
        let length = u.int_in_range(0..=48)?;
        Ok(short(u.bytes(length.min(u.len()))?, of))
    };
    let mut pairs = Vec::new();
    for _ in 0..4 {
        pairs.push((text(&HEADERS)?, text(&HEADERS)?));
    }
    let (path, host, body) = (text(&PATHS)?, text(&PATHS)?, text(&PATHS)?);
    let raw = |(key, value): &(String, String)| HeaderValue {
        key: key.clone(),
        raw_value: value.clone().into_bytes(),
        ..HeaderValue::default()
    };
    let http = HttpRequest {
        method: (*u.choose(&METHODS)?).to_owned(),
        scheme: (*u.choose(&["http", "https", "ftp", ""])?).to_owned(),
        path,
        host,
        body,
        header_map: u.arbitrary::<bool>()?.then(|| HeaderMap { headers: pairs.iter().map(raw).collect() }),
        headers: pairs.into_iter().collect(),
        ..HttpRequest::default()
    };
    let bytes = asked(http, u.choose(&SETS)?).encode_to_vec();
    if u.arbitrary()? { Ok(bytes) } else { broken(u, bytes, &PATHS) }
}

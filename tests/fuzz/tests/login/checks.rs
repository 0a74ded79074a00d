//! A service that runs, asked by messages as odd as can be.

use arbitrary::{Result, Unstructured};
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use nuncio_auth::path::liberal;
use nuncio_authz::Settings;
use nuncio_authz::settings::Address;
use nuncio_fuzz::broken;
use nuncio_telemetry::Metrics;
use nuncio_test_support::eventually;
use prost::Message;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::{PATIENCE, each, short};

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
    client: AuthorizationClient<Channel>,
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
        let client = eventually("the service answers", async || AuthorizationClient::connect(url.clone()).await).await;
        let mut service = Self { client, running, stop, _directory: directory };
        let open = HttpRequest { method: "GET".to_owned(), path: "/public/x".to_owned(), ..HttpRequest::default() };
        eventually("the rules are in force", async || {
            let answer = service.check(asked(open.clone(), "s")).await;
            if is_let_in(&answer) { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
        service
    }

    async fn check(&mut self, message: CheckRequest) -> CheckResponse {
        let answer = timeout(PATIENCE, self.client.check(message.clone())).await;
        match answer.expect("an answer in time") {
            Ok(answer) => answer.into_inner(),
            Err(status) => panic!("{status}: {message:?}"),
        }
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
        let Some(message) = message(&mut Unstructured::new(bytes)).unwrap() else { return };
        let answer = runtime.block_on(service.check(message.clone()));
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

/// A message; none where what was broken of it is none any more.
fn message(u: &mut Unstructured<'_>) -> Result<Option<CheckRequest>> {
    let mut text = |of: &[&str]| -> Result<String> {
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
    let message = asked(http, u.choose(&SETS)?);
    if u.arbitrary()? {
        return Ok(Some(message));
    }
    Ok(CheckRequest::decode(&*broken(u, message.encode_to_vec(), &PATHS)?).ok())
}

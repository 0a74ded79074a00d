//! A session's cookie: our service, and oauth2-proxy, which keeps the session in the cookie, or both in a Redis.

use std::process::Command;

use nuncio_authz_tests::{Browser, Gateway, Provider, Redis, Service, Upstream, free_address, replace};
use nuncio_test_support::{Process, eventually, tool};
use serde_json::json;

use crate::contender::Contender;
use crate::direct::{Asked, By};
use crate::{check, place};

/// Both, with one provider and one upstream.
pub(crate) struct Pair {
    service: Service,
    proxy: Process,
    proxy_address: String,
    ours: (Gateway, String),
    theirs: (Gateway, String),
    upstream: Upstream,
    _provider: Provider,
    _redis: Option<Redis>,
    _directory: tempfile::TempDir,
}

impl Pair {
    /// Both, to be asked without an Envoy.
    pub(crate) fn asked(&self) -> [Asked<'_>; 2] {
        let (gateway, header) = &self.ours;
        let message = check::message(&gateway.address, "s", header.split_once(": ").unwrap());
        let url = format!("http://{}/oauth2/auth", self.proxy_address);
        [
            Asked { process: self.service.running(), by: By::Grpc(self.service.grpc.clone(), check::always(message)) },
            Asked { process: &self.proxy, by: By::Http(url, self.theirs.1.clone()) },
        ]
    }

    pub(crate) fn contenders(&self) -> [Contender<'_>; 2] {
        let contender = |name, (gateway, header), service| Contender {
            name,
            gateway,
            header,
            service: Some(service),
            upstream: &self.upstream,
            used: Vec::new(),
        };
        let (ours, theirs) = ((&self.ours.0, &*self.ours.1), (&self.theirs.0, &*self.theirs.1));
        [contender("ours", ours, self.service.running()), contender("oauth2-proxy", theirs, &self.proxy)]
    }
}

/// Starts both; sessions are in Redis where asked to.
pub(crate) async fn start(in_redis: bool) -> Pair {
    let (upstream, directory) = (Upstream::start().await, tempfile::tempdir().unwrap());
    let redis = if in_redis { Some(Redis::start().await) } else { None };
    let keys = directory.path().join("keys");
    replace(&keys, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let url = redis.as_ref().map(Redis::url);
    let store = url.as_deref().map_or(vec![], |url| vec!["--redis", url, "--keys", keys.to_str().unwrap()]);
    let service = place::measured(Service::start_as_operators_do(&json!({}), &store)).await;
    let ours = Gateway::start_bare(&service, &upstream).await;
    let proxy_address = free_address();
    let theirs = Gateway::start_by_oauth2_proxy(&proxy_address, &upstream).await;
    let (callback, their_callback) = (
        format!("{}/.ambassador/oauth2/redirection-endpoint", ours.origin),
        format!("{}/oauth2/callback", theirs.origin),
    );
    let provider = Provider::start(&[callback, their_callback.clone()], &json!({})).await;
    let proxy = start_proxy(&provider, &proxy_address, &their_callback, url.as_deref());
    let proxy = place::measured(proxy).await;
    service.write_rules(&rules(&provider, &ours.origin)).await;
    let (ours, theirs) = (logged_in(ours).await, logged_in(theirs).await);
    Pair {
        service,
        proxy,
        proxy_address,
        ours,
        theirs,
        upstream,
        _provider: provider,
        _redis: redis,
        _directory: directory,
    }
}

fn rules(provider: &Provider, origin: &str) -> serde_json::Value {
    json!({
        "rule_sets": [{ "id": "s", "rules": [{ "origin": "bench", "path": "*", "filters": [{ "filter": "login" }] }] }],
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": provider.issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "edge-secret", "pkce": true, "protected_origins": [{ "origin": origin }],
        } } } } }],
    })
}

async fn start_proxy(provider: &Provider, address: &str, callback: &str, redis: Option<&str>) -> Process {
    let store = redis
        .map_or(vec![], |url| vec!["--session-store-type=redis".to_owned(), format!("--redis-connection-url={url}")]);
    let process = Process::spawn(Command::new(tool("oauth2-proxy", "bench")).args(store).args([
        "--provider=oidc",
        "--client-id=edge",
        "--client-secret=edge-secret",
        "--scope=openid email",
        "--email-domain=*",
        "--code-challenge-method=S256",
        "--cookie-secret=0123456789abcdef0123456789abcdef",
        "--cookie-secure=false",
        "--skip-provider-button",
        "--reverse-proxy",
        "--upstream=static://200",
        // Without its logs, which cost as much as its checks.
        "--standard-logging=false",
        "--auth-logging=false",
        "--request-logging=false",
        &format!("--oidc-issuer-url={}", provider.issuer),
        &format!("--redirect-url={callback}"),
        &format!("--http-address={address}"),
    ]));
    eventually("oauth2-proxy listens", async || tokio::net::TcpStream::connect(address).await).await;
    process
}

/// With the header by which a browser that has logged in is known.
async fn logged_in(gateway: Gateway) -> (Gateway, String) {
    let mut browser = Browser::default();
    let page = browser.log_in(&format!("{}/orders", gateway.origin), "ann").await;
    assert!(page.status.is_success(), "{page:#?}");
    let jar = &browser.cookies[page.url.host_str().unwrap()];
    let line: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (gateway, format!("Cookie: {}", line.join("; ")))
}

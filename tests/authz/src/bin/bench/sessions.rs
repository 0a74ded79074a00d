//! A session's cookie: our service, and oauth2-proxy, which keeps the session in the cookie.

use std::process::Command;

use nuncio_authz_tests::{Browser, Gateway, Provider, Service, Upstream, free_address};
use nuncio_test_support::{Process, eventually, tool};
use serde_json::json;

use crate::contender::Contender;

/// Both, with one provider and one upstream.
pub(crate) struct Pair {
    service: Service,
    proxy: Process,
    ours: (Gateway, String),
    theirs: (Gateway, String),
    upstream: Upstream,
    _provider: Provider,
}

impl Pair {
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

pub(crate) async fn start() -> Pair {
    let upstream = Upstream::start().await;
    let service = Service::start_as_operators_do(&json!({})).await;
    let ours = Gateway::start_bare(&service, &upstream).await;
    let address = free_address();
    let theirs = Gateway::start_by_oauth2_proxy(&address, &upstream).await;
    let (callback, their_callback) = (
        format!("{}/.ambassador/oauth2/redirection-endpoint", ours.origin),
        format!("{}/oauth2/callback", theirs.origin),
    );
    let provider = Provider::start(&[callback, their_callback.clone()], &json!({})).await;
    let proxy = start_proxy(&provider, &address, &their_callback).await;
    service.write_rules(&rules(&provider, &ours.origin)).await;
    let (ours, theirs) = (logged_in(ours).await, logged_in(theirs).await);
    Pair { service, proxy, ours, theirs, upstream, _provider: provider }
}

fn rules(provider: &Provider, origin: &str) -> serde_json::Value {
    json!({
        "rule_sets": [{ "id": "s", "rules": [{ "origin": "bench", "path": "*", "filters": [{ "filter": "login" }] }] }],
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": provider.issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "edge-secret", "pkce": true, "protected_origins": [{ "origin": origin }],
        } } } } }],
    })
}

async fn start_proxy(provider: &Provider, address: &str, callback: &str) -> Process {
    let process = Process::spawn(Command::new(tool("oauth2-proxy", "bench")).args([
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

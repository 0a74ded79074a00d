//! Sessions that a replica holds itself, without a Redis: what memory each takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use nuncio_authz_tests::{Evil, EvilProvider, Service};
use nuncio_test_support::{number, usage};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::json;

use crate::place;

/// What browsers call the gateway.
const ORIGIN: &str = "http://bench.test";
const CALLBACK: &str = "/.ambassador/oauth2/redirection-endpoint";
/// Logins at a time.
const AT_A_TIME: usize = 32;
/// How long a slow machine may take for as many as there should be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints what a service holds that so many have logged in to, each as somebody else.
pub(crate) async fn bench(sessions: usize) {
    let provider = EvilProvider::start().await;
    provider.be(Evil { is_crowd: true, lifetime: Some(3_600), ..Evil::default() });
    let service = place::measured(Service::start_as_operators_do(&rules(&provider), &[])).await;
    let empty = usage::resident(service.running().id());
    let (begun, left) = (Instant::now(), Arc::new(AtomicUsize::new(sessions)));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (left, check, issuer) = (left.clone(), check_url(&service), provider.issuer.clone());
        running.spawn(async move {
            let client = Client::builder().redirect(Policy::none()).build().unwrap();
            let next = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            while begun.elapsed() < PATIENCE && next() {
                log_in(&client, &check, &issuer).await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    let (held, count) = (usage::resident(service.running().id()), provider.asked().codes as f64);
    println!(
        "memory with {} sessions in the service itself, without a Redis: {} MB, {} before them: {} KB for each",
        number(count),
        number(held),
        number(empty),
        number((held - empty) * 1e3 / count),
    );
}

fn check_url(service: &Service) -> String {
    format!("http://{}/check/s", service.http)
}

fn rules(provider: &EvilProvider) -> serde_json::Value {
    json!({
        "rule_sets": [{ "id": "s", "rules": [{ "origin": "bench", "path": "*", "filters": [{ "filter": "login" }] }] }],
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": provider.issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "edge-secret", "protected_origins": [{ "origin": ORIGIN }],
        } } } } }],
    })
}

/// A browser that asks for a page and comes back from the provider, as a proxy tells the service of it.
async fn log_in(client: &Client, check: &str, issuer: &str) {
    let begun = ask(client, check, "/orders", None).await;
    let to = Url::parse(text(begun.headers(), LOCATION)).unwrap();
    let asked = |name: &str| to.query_pairs().find(|(asked, _)| asked == name).unwrap().1.into_owned();
    let cookie = text(begun.headers(), SET_COOKIE).split(';').next().unwrap();
    let back = format!("{CALLBACK}?code={}&state={}&iss={issuer}", asked("nonce"), asked("state"));
    let landed = ask(client, check, &back, Some(cookie)).await;
    assert_eq!(text(landed.headers(), LOCATION), format!("{ORIGIN}/orders"));
}

async fn ask(client: &Client, check: &str, target: &str, cookie: Option<&str>) -> Response {
    let (scheme, host) = ORIGIN.split_once("://").unwrap();
    let asked = client.get(check).header("accept", "text/html").header("x-forwarded-proto", scheme);
    let asked = asked.header("x-forwarded-host", host).header("x-forwarded-uri", target);
    let asked = cookie.into_iter().fold(asked, |asked, cookie| asked.header("cookie", cookie));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND, "{target}");
    answer
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> &str {
    headers[name].to_str().unwrap()
}

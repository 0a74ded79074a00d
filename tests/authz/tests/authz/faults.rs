//! What becomes of logins when tokens expire, keys change, and the service is killed.

use std::collections::BTreeMap;

use http::StatusCode;
use nuncio_authz_tests::{Browser, Redis, Upstream, replace};
use nuncio_test_support::eventually;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::rig::rig;

/// Case 40.
#[tokio::test]
async fn an_expired_token_is_refreshed_once_whatever_the_number_of_requests() {
    let provider = json!({ "ttl": { "AccessToken": 2 } });
    let rig = rig(&json!({}), &json!({}), &provider, &[]).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let begun = std::time::Instant::now();
    let requests = (0..100).map(|_| {
        let (mut browser, url) = (browser.clone(), rig.url("/x"));
        tokio::spawn(async move { browser.get(&url).await.status })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), StatusCode::OK);
    }
    // Under load the hundred may take longer than a token lives; each refresh must have been one that was due.
    let refreshes = rig.provider.event("grant refresh_token").await;
    let due = 2 + usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert!((1..=due).contains(&refreshes), "{refreshes} of {due}");
    assert_eq!(rig.provider.events("error"), 0, "no refresh token was used twice");
}

/// A file with a key that replicas share.
pub(crate) fn shared_keys() -> tempfile::NamedTempFile {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), new_key()).unwrap();
    keys
}

/// A key, as `openssl rand -base64 32` writes it.
fn new_key() -> String {
    format!("{}=\n", nuncio_auth::crypto::random_text().replace('-', "+").replace('_', "/"))
}

/// A new key logs nobody out, and one that is gone opens nothing.
#[tokio::test]
async fn keys_of_sessions_are_changed_without_a_restart() {
    let keys = shared_keys();
    let rig = rig(&json!({}), &json!({}), &json!({}), &["--keys", keys.path().to_str().unwrap()]).await;
    let taken = || rig.service.written().matches("keys of sessions of").count();
    let change = async |text: String| {
        let before = taken();
        replace(keys.path(), &text);
        eventually("the keys are taken", async || if taken() > before { Ok(()) } else { Err("not yet") }).await;
    };
    eventually("the keys are read", async || if taken() > 0 { Ok(()) } else { Err("not yet") }).await;
    let old = std::fs::read_to_string(keys.path()).unwrap();
    let (mut early, mut late) = (Browser::default(), Browser::default());
    assert_eq!(early.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let new = new_key();
    change(format!("{new}{old}")).await;
    assert_eq!(early.get(&rig.url("/x")).await.status, StatusCode::OK, "two keys open");
    assert_eq!(late.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    change(new).await;
    assert_eq!(late.get(&rig.url("/x")).await.status, StatusCode::OK);
    assert!(early.get(&rig.url("/x")).await.status.is_redirection(), "its key is gone");
}

/// Asks again and again until told to stop; how often each status came.
fn under_load(mut browser: Browser, url: &str, stop: &watch::Sender<bool>) -> JoinHandle<BTreeMap<u16, usize>> {
    let (url, stop) = (url.to_owned(), stop.subscribe());
    tokio::spawn(async move {
        let mut seen = BTreeMap::new();
        while !*stop.borrow() {
            *seen.entry(browser.get(&url).await.status.as_u16()).or_default() += 1;
        }
        seen
    })
}

#[tokio::test]
async fn killed_under_load_it_lets_nobody_in_and_logs_nobody_out() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let mut rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let issuer = rig.take_tokens().await;
    let bearer = format!("Bearer {}", issuer.token(&json!({ "sub": "ann" })));
    let bearer = Browser::api().with("authorization", &bearer);
    let (stop, before) = (watch::Sender::new(false), rig.upstream.requests());
    let mut known: Vec<_> = (0..4).map(|_| under_load(browser.clone(), &rig.url("/x"), &stop)).collect();
    known.push(under_load(bearer, &rig.url("/token/x"), &stop));
    let unknown = [(Browser::api(), 401), (Browser::api(), 401), (Browser::default(), 302)];
    let unknown = unknown.map(|(client, told)| (under_load(client, &rig.url("/x"), &stop), told));
    let answered = async |upstream: &Upstream, what: &str| {
        let now = upstream.requests();
        eventually(what, async || if upstream.requests() > now + 20 { Ok(()) } else { Err("too few requests") }).await;
    };
    for _ in 0..3 {
        answered(&rig.upstream, "who is known is let in").await;
        rig.service.process().end();
        let refused = async || match Browser::api().get(&rig.url("/x")).await.status {
            StatusCode::SERVICE_UNAVAILABLE => Ok(()),
            status => Err(status),
        };
        eventually("nobody can be asked", refused).await;
        // What needs no login needs no service, and no session goes further by it.
        let open = browser.clone().get(&rig.url("/open/x")).await;
        assert_eq!(open.status, StatusCode::OK, "{open:#?}");
        assert!(!open.sent("cookie").unwrap_or_default().contains("ambassador_session"), "{open:#?}");
        rig.service.start_again().await;
    }
    answered(&rig.upstream, "who is known is let in again, by the same session").await;
    stop.send_replace(true);
    let mut let_in = 3;
    for load in known {
        let seen = load.await.unwrap();
        assert!(seen.keys().all(|status| matches!(status, 200 | 503)), "nobody is sent to a login: {seen:?}");
        let_in += seen[&200];
    }
    for (load, told) in unknown {
        let seen = load.await.unwrap();
        assert!(seen.keys().all(|status| [told, 503].contains(status)) && seen.contains_key(&told), "{seen:?}");
    }
    assert_eq!(rig.upstream.requests() - before, let_in, "nobody came through but these, and what is open");
    assert_eq!(rig.provider.events("grant authorization_code"), 1, "one login");
}

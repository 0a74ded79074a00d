//! What becomes of logins while somebody is away whom they need: Redis, or the provider. What each client sees is in
//! docs/login-faults.md.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use http::StatusCode;
use nuncio_authz_tests::{Browser, Issuer, Page, Redis, Sentinel, Service, keep_secret};
use nuncio_test_support::{eventually, within};
use serde_json::{Value, json};

use crate::faults::shared_keys;
use crate::rig::{Rig, rig};

/// Sentinels look once in a while, and agree before they act.
const TAKEOVER: Duration = Duration::from_secs(60);

/// Nobody is let in, sent round or logged out.
fn is_said(page: &Page) {
    assert_eq!((page.status, page.header("set-cookie")), (StatusCode::SERVICE_UNAVAILABLE, None), "{page:#?}");
    assert!(page.header("retry-after").is_some(), "{page:#?}");
}

/// Whoever comes new is sent to the provider, and is told by the page that brings him back; who has a token needs no session.
async fn others_are_told(rig: &Rig, issuer: &Issuer) {
    let mut new = Browser::default();
    let begun = new.get(&rig.url("/x")).await;
    assert_eq!(begun.status, StatusCode::FOUND, "where the provider is is known: {begun:#?}");
    let state = begun.location().unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let callback = format!("{}?code=c&state={state}&iss={}", crate::rig::CALLBACK, rig.provider.issuer);
    is_said(&new.get(&rig.url(&callback)).await);
    let bearer = format!("Bearer {}", issuer.token(&json!({ "sub": "ann" })));
    let page = Browser::api().with("authorization", &bearer).get(&rig.url("/token/x")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:#?}");
}

/// Asks until the answer is another than 200.
async fn until_not_let_in(browser: &mut Browser, rig: &Rig) -> Page {
    eventually("nobody is let in any longer", async || {
        let page = browser.get(&rig.url("/x")).await;
        if page.status == StatusCode::OK { Err("still let in") } else { Ok(page) }
    })
    .await
}

async fn is_let_in_again(browser: &mut Browser, rig: &Rig) {
    eventually("the session is used again", async || match browser.get(&rig.url("/x")).await.status {
        StatusCode::OK => Ok(()),
        status => Err(status),
    })
    .await;
    assert_eq!(rig.provider.events("grant authorization_code"), 1, "one login");
}

/// Case 49, and replicas.
#[tokio::test]
async fn replicas_share_sessions_in_redis_and_nobody_is_let_in_without_it() {
    let (mut redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({ "ttl": { "AccessToken": 60 } }), &flags).await;
    let issuer = rig.take_tokens().await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let cookie = browser.cookies_like(rig.host(), "ambassador_session")[0].1.clone();
    let kept = redis.dump();
    assert!(kept.contains("nuncio:authz:s:") && !kept.contains(&cookie) && !kept.contains("ann"), "{kept}");

    let second = Service::start_with(&rig.rules, &flags).await;
    let question = json!({ "rules": "s", "url": rig.url("/x"), "headers": [["cookie", format!("ambassador_session.login.default={cookie}")]] });
    let explained =
        reqwest::Client::new().post(format!("http://{}/explain", second.admin)).json(&question).send().await;
    let explained: Value = explained.unwrap().json().await.unwrap();
    assert_eq!((&explained["decision"], &explained["subject"]), (&json!("allow"), &json!("ann")), "{explained}");

    redis.stop();
    is_said(&until_not_let_in(&mut browser, &rig).await);
    others_are_told(&rig, &issuer).await;
    redis.restart().await;
    let again = eventually("Redis is used again", async || {
        let page = browser.visit(&rig.url("/x")).await;
        if page.status == StatusCode::OK { Ok(page) } else { Err(page.status) }
    })
    .await;
    assert_eq!(again.sent("x-user").as_deref(), Some("ann"), "by the provider's own session");
    assert!(rig.upstream.requests() >= 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_to_be() {
    let look = ["--page-name", "Shop", "--page-background", "#102030", "--page-text", "#ffffff"];
    let mut rig = rig(&json!({}), &json!({}), &json!({}), &look).await;
    rig.provider.stop();
    let page = Browser::default().get(&rig.url("/x")).await;
    is_said(&page);
    assert!(page.body.contains("<main>"), "{page:#?}");
    for shown in ["<title>Service Unavailable · Shop</title>", "<header>Shop</header>", "background: #102030"] {
        assert!(page.body.contains(shown), "{shown}: {page:#?}");
    }
    rig.provider.restart().await;
    eventually("a login begins", async || {
        let page = Browser::default().get(&rig.url("/x")).await;
        if page.status == StatusCode::FOUND { Ok(()) } else { Err(page.status) }
    })
    .await;
}

/// What it is asked it takes, and does not answer: nobody waits for long.
#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_a_moment_and_logs_nobody_out() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let issuer = rig.take_tokens().await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    redis.hang();
    is_said(&until_not_let_in(&mut browser, &rig).await);
    let begun = Instant::now();
    is_said(&Browser::api().with_cookies(&browser).get(&rig.url("/x")).await);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    others_are_told(&rig, &issuer).await;
    redis.go_on();
    is_let_in_again(&mut browser, &rig).await;
}

/// A replica is made the master; who was logged in is.
#[tokio::test]
async fn a_session_outlives_the_master_that_it_was_written_to() {
    let password = "of-both-servers";
    keep_secret(password);
    let auth = ["--requirepass", password, "--masterauth", password];
    let (mut master, keys) = (Redis::start_with(&auth).await, shared_keys());
    let replica = master.start_replica(password).await;
    let sentinel = Sentinel::start(&master, password).await;
    sentinel.knows_a_replica().await;
    let (url, name) = (sentinel.url(), format!("redis://:{password}@mymaster"));
    let file = keys.path().to_str().unwrap();
    let flags = ["--redis", &url, "--redis-kind", "sentinel", "--redis-master", &name, "--keys", file];
    let mut rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let issuer = rig.take_tokens().await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    assert_eq!(master.call(&["-a", password, "WAIT", "1", "5000"]).trim(), "1", "the replica has it");
    sentinel.waits(600_000);
    master.stop();
    is_said(&until_not_let_in(&mut browser, &rig).await);
    others_are_told(&rig, &issuer).await;
    sentinel.waits(1_000);
    let mut seen = BTreeSet::new();
    within(TAKEOVER, "the replica has taken over", async || {
        seen.insert(browser.get(&rig.url("/x")).await.status.as_u16());
        let told = replica.call(&["-a", password, "INFO", "replication"]);
        if told.contains("role:master") { Ok(()) } else { Err(told) }
    })
    .await;
    // What it remembered of the session is gone.
    rig.service.process().end();
    rig.service.start_again().await;
    within(TAKEOVER, "the session is used again", async || {
        let status = browser.get(&rig.url("/x")).await.status.as_u16();
        seen.insert(status);
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
    assert!(seen.is_subset(&[200, 503].into()), "{seen:?}");
    assert_eq!(rig.provider.events("grant authorization_code"), 1, "one login");
}

/// Also by a service that has just been started, and remembers nothing of the provider.
#[tokio::test]
async fn a_session_whose_token_has_expired_is_kept_while_its_provider_is_away() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let mut rig = rig(&json!({}), &json!({}), &json!({ "ttl": { "AccessToken": 2 } }), &flags).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    rig.provider.stop();
    is_said(&until_not_let_in(&mut browser, &rig).await);
    rig.service.process().end();
    rig.service.start_again().await;
    let page = eventually("Envoy has found the service again", async || {
        let page = browser.get(&rig.url("/x")).await;
        if page.header("retry-after").is_some() { Ok(page) } else { Err(page.status) }
    })
    .await;
    is_said(&page);
    is_said(&Browser::api().with_cookies(&browser).get(&rig.url("/x")).await);
    assert!(redis.dump().contains("nuncio:authz:s:"), "the session is there");
}

/// Whoever needs no answer is let in or sent on, and whoever needs one is told so in time.
#[tokio::test]
async fn a_provider_that_hangs_is_waited_for_as_long_as_is_said() {
    let rig = rig(&json!({}), &json!({}), &json!({}), &["--idp-timeout", "2s"]).await;
    let issuer = rig.take_tokens().await;
    let mut browser = Browser::default();
    let form = Browser::default().visit(&rig.url("/x")).await;
    assert!(form.body.contains("<form"), "{form:#?}");
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    rig.provider.hang();
    assert_eq!(browser.get(&rig.url("/x")).await.status, StatusCode::OK, "its token is good");
    let begun = Instant::now();
    others_are_told(&rig, &issuer).await;
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    rig.provider.go_on();
    is_let_in_again(&mut browser, &rig).await;
}

#[tokio::test]
async fn a_provider_that_goes_down_is_missed_by_who_comes_back_from_it_alone() {
    let mut rig = rig(&json!({}), &json!({}), &json!({}), &[]).await;
    let issuer = rig.take_tokens().await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    rig.provider.stop();
    others_are_told(&rig, &issuer).await;
    assert_eq!(browser.get(&rig.url("/x")).await.status, StatusCode::OK, "its token is good");
}

//! Several services that share sessions in Redis, however Redis is run.

use std::time::{Duration, Instant};

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Redis, Sentinel, Service, Upstream, keep_secret};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::faults::shared_keys;
use crate::rig::rig;

/// What a service says of a request with the session of this cookie.
async fn decides(service: &Service, url: &str, cookie: &str) -> Value {
    let headers =
        json!([["cookie", format!("ambassador_session.login.default={cookie}")], ["accept", "application/json"]]);
    let question = json!({ "rules": "s", "url": url, "headers": headers });
    let answer = reqwest::Client::new().post(format!("http://{}/explain", service.admin)).json(&question).send().await;
    answer.unwrap().json::<Value>().await.unwrap()["decision"].clone()
}

/// By itself a replica would use what it remembers of the session for two seconds.
#[tokio::test]
async fn a_logout_at_one_replica_holds_at_the_others_at_once() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let second = Service::start_with(&rig.rules, &flags).await;
    eventually("both listen", async || match redis.call(&["PUBSUB", "NUMSUB", "nuncio:authz:ended"]) {
        counted if counted.lines().any(|line| line == "2") => Ok(()),
        counted => Err(counted),
    })
    .await;
    // A machine that stops for a moment may hide it, but not again and again.
    for _ in 0..10 {
        let mut browser = Browser::default();
        assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
        let cookie = browser.cookies_like(rig.host(), "ambassador_session")[0].1.clone();
        let remembered = Instant::now();
        assert_eq!(decides(&second, &rig.url("/x"), &cookie).await, "allow");
        let user = json!({ "issuer": rig.provider.issuer, "subject": "ann" });
        let end =
            reqwest::Client::new().post(format!("http://{}/sessions/end", rig.service.admin)).json(&user).send().await;
        assert_eq!(end.unwrap().json::<Value>().await.unwrap(), json!({ "ended": 1 }));
        let ended = Instant::now();
        eventually("the session is over at the other, too", async || {
            let decision = decides(&second, &rig.url("/x"), &cookie).await;
            if decision == "deny" { Ok(()) } else { Err(decision) }
        })
        .await;
        if ended.elapsed() < Duration::from_secs(1) && remembered.elapsed() < Duration::from_secs(2) {
            return;
        }
    }
    panic!("the other goes by what it remembers");
}

/// Case 40, among replicas.
#[tokio::test]
async fn replicas_refresh_a_session_once_between_them() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({ "ttl": { "AccessToken": 2 } }), &flags).await;
    let second = Service::start_with(&rig.rules, &flags).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let cookie = browser.cookies_like(rig.host(), "ambassador_session")[0].1.clone();
    // Whoever finds the token expired, however often.
    eventually("it is exchanged a few times", async || {
        let (one, other, url) = (&rig.service, &second, rig.url("/x"));
        let (a, b, c, d) = tokio::join!(
            decides(one, &url, &cookie),
            decides(other, &url, &cookie),
            decides(one, &url, &cookie),
            decides(other, &url, &cookie),
        );
        assert!([a, b, c, d].iter().all(|decision| decision == "allow"));
        if rig.provider.events("grant refresh_token") > 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(rig.provider.events("error"), 0, "no refresh token was used twice");
}

#[tokio::test]
async fn a_session_that_cannot_be_prolonged_is_one_all_the_same() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let cookie = browser.cookies_like(rig.host(), "ambassador_session")[0].1.clone();
    assert_eq!(redis.call(&["ACL", "SETUSER", "default", "-pexpire"]).trim(), "OK");
    let second = Service::start_with(&rig.rules, &flags).await;
    assert_eq!(decides(&second, &rig.url("/x"), &cookie).await, "allow");
    eventually(
        "it is told",
        async || {
            if second.written().contains("is not prolonged") { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
}

/// Case 49.
#[tokio::test]
async fn a_bearer_token_needs_no_redis() {
    let (mut redis, keys, issuer, upstream) =
        (Redis::start().await, shared_keys(), Issuer::start().await, Upstream::start().await);
    redis.stop();
    let flags = ["--redis", &redis.url(), "--keys", keys.path().to_str().unwrap()];
    let filter = json!({ "id": "jwt.default", "kind": { "jwt": { "jwks_uri": issuer.jwks_uri } } });
    let service = Service::start_with(&crate::rules(&[filter]), &flags).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let url = format!("http://{}/", gateway.address);
    let bearer = Browser::api().with("authorization", &format!("Bearer {}", issuer.token(&json!({ "sub": "ann" }))));
    assert_eq!(bearer.clone().get(&url).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_redis_that_sentinels_know_may_want_a_password() {
    let password = "of-the-redis";
    keep_secret(password);
    let (redis, keys) = (Redis::start_with(&["--requirepass", password]).await, shared_keys());
    let sentinel = Sentinel::start(&redis, password).await;
    let (url, master) = (sentinel.url(), format!("redis://:{password}@mymaster/3"));
    let flags = [
        "--redis",
        &url,
        "--redis-kind",
        "sentinel",
        "--redis-master",
        &master,
        "--keys",
        keys.path().to_str().unwrap(),
    ];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let page = Browser::default().log_in(&rig.url("/x"), "ann").await;
    assert_eq!(page.status, StatusCode::OK, "{page:#?}");
    let kept = redis.call(&["-a", password, "-n", "3", "KEYS", "*"]);
    assert!(kept.contains("nuncio:authz:s:"), "{kept}");
}

#[tokio::test]
async fn a_cluster_that_is_away_at_the_start_is_used_once_it_is_there() {
    let (mut redis, keys) = (Redis::start_with(&["--cluster-enabled", "yes"]).await, shared_keys());
    redis.stop();
    let url = redis.url();
    let flags = ["--redis", &url, "--redis-kind", "cluster", "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let page = Browser::default().log_in(&rig.url("/x"), "ann").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{page:#?}");
    redis.restart().await;
    assert_eq!(redis.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).trim(), "OK");
    eventually("a login succeeds", async || {
        let page = Browser::default().log_in(&rig.url("/x"), "ann").await;
        if page.status == StatusCode::OK { Ok(()) } else { Err(page.status) }
    })
    .await;
    assert!(redis.call(&["KEYS", "*"]).contains("nuncio:authz:s:"));
}

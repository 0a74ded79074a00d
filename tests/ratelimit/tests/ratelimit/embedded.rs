//! `nuncio up --redis`: the service in the gateway's own process, and its Redis in all its moods.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, object, plain};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use nuncio_ratelimit_tests::Redis;
use rustix::process::Signal;
use serde_json::json;

#[tokio::test]
async fn whoever_wants_requests_refused_without_redis_has_them_refused_from_the_first() {
    let (site, backend, mut redis) = (Site::new(), Backend::start("a").await, Redis::start(&[]).unwrap());
    let mut mapping = mapping("m", "/m/", backend.address());
    let user = json!({"request_headers": {"key": "user", "header_name": "x-user"}});
    mapping["spec"]["labels"] = json!({"ambassador": [{"group": [user]}]});
    let limits = json!({"limits": [{"pattern": [{"user": "*"}], "rate": 1, "unit": "day"}]});
    // What Edge Stack's users have, but for the timeout: with less, a pause of a busy machine would let a request pass.
    let service = json!({"service": "127.0.0.1:8500", "protocol_version": "v3", "timeout_ms": 5_000});
    let service = object("RateLimitService", "limits", service);
    let objects = documents(&[mapping, object("RateLimit", "users", limits), service]);
    site.write("all.yaml", plain(&site) + &objects);
    let url = format!("redis://{}", redis.address());
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--redis", &url]).env("NUNCIO_STORE_FAILURE", "deny");
    })
    .await;
    gateway.admin.state("RateLimit", "users", "acked").await;
    let client = Client::http(site.http());
    let status = async |user: &str| client.ask(&get("a.example", "/m/").with("x-user", user)).await.status;
    let passes = async |user: &str| match status(user).await {
        200 => Ok(()),
        other => Err(other.to_string()),
    };
    eventually("redis is used", async || passes("ann").await).await;
    assert_eq!(status("ann").await, 429);
    assert_eq!(redis.dump().unwrap().len(), 1);

    redis.process().signal(Signal::STOP).unwrap();
    for user in ["hung", "hung still", "ann"] {
        assert_eq!(status(user).await, 429, "{user}");
    }
    gateway.admin.problem(&["RedisUnavailable"]).await;
    redis.process().signal(Signal::CONT).unwrap();
    eventually("redis is used again", async || passes("bob").await).await;
    gateway.admin.no_problem(&["RedisUnavailable"]).await;
    assert_eq!(status("ann").await, 429, "what it counted is still there");

    redis.kill();
    for user in ["gone", "gone still"] {
        assert_eq!(status(user).await, 429, "{user}");
    }
    gateway.admin.problem(&["RedisUnavailable", "refused"]).await;
    redis.restart().unwrap();
    eventually("the new redis is used", async || passes("cid").await).await;
    gateway.admin.no_problem(&["RedisUnavailable"]).await;
    gateway.stop().await;
}

//! Limits a second have a Redis of their own.

use nuncio_ratelimit_tests::{Redis, Service, Which};
use nuncio_test_support::eventually;

const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: second, requests_per_unit: 1}}
";

/// The first line that `/healthcheck` answers with.
async fn health(service: &Service) -> String {
    let page = Service::get(service.http_port(), "/healthcheck").await.unwrap();
    page.lines().next().unwrap_or_default().to_owned()
}

async fn becomes(service: &Service, expected: &str) {
    eventually(expected, async || match health(service).await {
        line if line == expected => Ok(()),
        line => Err(line),
    })
    .await;
}

const WELL: &str = "HTTP/1.1 200 OK";
const ILL: &str = "HTTP/1.1 500 Internal Server Error";

#[tokio::test]
async fn the_service_is_healthy_with_both_redis_only() {
    for follow in ["false", "true"] {
        let redis = Redis::start(&[]).unwrap();
        let mut per_second = Redis::start(&[]).unwrap();
        per_second.kill();
        let (url, per_second_url) = (redis.address(), per_second.address());
        let variables = [
            ("REDIS_URL", url.as_str()),
            ("REDIS_PERSECOND", "true"),
            ("REDIS_PERSECOND_URL", per_second_url.as_str()),
            ("REDIS_HEALTH_CHECK_ACTIVE_CONNECTION", follow),
        ];
        let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
        eventually("redis is connected", async || match redis.call(&["CLIENT", "LIST"]).unwrap().lines().count() {
            // One of the test.
            0 | 1 => Err("it is not"),
            _ => Ok(()),
        })
        .await;
        assert_eq!(health(&service).await, ILL, "there is one of two");
        per_second.restart().unwrap();
        becomes(&service, WELL).await;
        if follow == "true" {
            per_second.kill();
            becomes(&service, ILL).await;
            per_second.restart().unwrap();
            becomes(&service, WELL).await;
        }
    }
}

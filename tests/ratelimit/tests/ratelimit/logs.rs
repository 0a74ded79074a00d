//! What operators read in the log, at the level that is usual.

use nuncio_ratelimit_tests::{Redis, Service, Which};
use nuncio_test_support::eventually;

const RULES: &str = "
domain: d
descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 100}}]
";

async fn tells(service: &Service, part: &str) {
    eventually(part, async || match service.log().unwrap() {
        log if log.contains(part) => Ok(()),
        log => Err(log),
    })
    .await;
}

#[tokio::test]
async fn the_start_and_an_outage_are_told_in_a_few_lines() {
    let mut redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let variables = [("REDIS_URL", url.as_str()), ("LOG_LEVEL", "WARN"), ("REDIS_POOL_SIZE", "10")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    tells(&service, &format!("counters in Redis {url}; rules from ")).await;
    tells(&service, "REDIS_POOL_SIZE=\"10\": changes nothing").await;
    redis.kill();
    // By then each thread has tried several times.
    tells(&service, &format!("still cannot use redis: {url}: ")).await;
    redis.restart().unwrap();
    tells(&service, &format!("redis is back: {url}, after ")).await;
    let log = service.log().unwrap();
    let [all, again] = ["cannot use redis: ", "still cannot use redis: "].map(|part| log.matches(part).count());
    assert_eq!(all - again, 1, "{log}");
    // The start, a warning, the outage and its end; and again after 2 seconds, 4, and 8.
    assert!(log.lines().count() <= 7, "{log}");
}

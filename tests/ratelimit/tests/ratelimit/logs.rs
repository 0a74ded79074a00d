//! What operators read in the log, at the level that is usual.

use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Redis, Service, Which, descriptor, request};
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
    let begun = Instant::now();
    redis.kill();
    // By then each thread has tried several times.
    tells(&service, &format!("still cannot use redis: {url}: ")).await;
    redis.restart().unwrap();
    tells(&service, &format!("redis is back: {url}, after ")).await;
    let log = service.log().unwrap();
    let lasted = begun.elapsed();
    let [all, again] = ["cannot use redis: ", "still cannot use redis: "].map(|part| log.matches(part).count());
    assert_eq!(all - again, 1, "{log}");
    // After 2 seconds, 4, 8, and so on.
    assert!(Duration::from_secs(1 << again) <= lasted, "{again} times in {lasted:?}: {log}");
    // The start, a warning, the outage and its end.
    assert!(log.lines().count() <= 4 + again, "{log}");
}

/// The rules stay, and the end of an error is told as the error was.
#[tokio::test]
async fn wrong_rules_and_their_end_are_told_once() {
    let variables = [("BACKEND_TYPE", "memory"), ("LOG_LEVEL", "WARN"), ("RUNTIME_WATCH_ROOT", "true")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    let mut is_limited = async || {
        let reply = client.should_rate_limit(request("d", vec![descriptor(&[("k", "v")])])).await.unwrap();
        reply.get_ref().statuses[0].current_limit.is_some()
    };
    let (directory, away) = (service.rules_directory(), service.rules_directory().with_file_name("away"));
    // In one step: nobody reads half of it.
    let replace_rules = |rules: &str| {
        std::fs::write(&away, rules).unwrap();
        std::fs::rename(&away, directory.join("rules.yaml")).unwrap();
    };
    replace_rules("domain: [");
    tells(&service, "Error loading new configuration: config.rules.yaml").await;
    replace_rules(RULES);
    tells(&service, "Successfully loaded new configuration, after an error").await;
    std::fs::rename(&directory, &away).unwrap();
    tells(&service, &format!("Error loading new configuration: {}", directory.display())).await;
    assert!(is_limited().await);
    std::fs::rename(&away, &directory).unwrap();
    eventually("the end of both errors is told", async || {
        let log = service.log().unwrap();
        let counts = ["Error loading", "Successfully loaded"].map(|part| log.matches(part).count());
        if counts == [2, 2] { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(is_limited().await);
}

//! What is answered while Redis cannot be asked, as the rules say, and that it is answered soon.

use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, request};
use nuncio_test_support::eventually;
use rustix::process::Signal;

const RULES: &str = "
domain: d
store_failure: allow
descriptors:
- {key: allow, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: deny, store_failure: deny, rate_limit: {unit: year, requests_per_unit: 1000}}
- {key: error, store_failure: error, rate_limit: {unit: year, requests_per_unit: 1000}}
- key: local
  store_failure: local
  descriptors:
  - {key: window, rate_limit: {unit: year, requests_per_unit: 9}}
  - {key: bucket, rate_limit: {unit: year, requests_per_unit: 9, algorithm: gcra}}
  - {key: sliding, rate_limit: {unit: year, requests_per_unit: 9, algorithm: sliding_window}}
";
/// However busy the machine is, a Redis that does not hang has answered by then.
const PATIENT: (&str, &str) = ("NUNCIO_REDIS_REPLY_TIMEOUT", "5s");
/// What is more than that is the machine's.
const SOON: Duration = Duration::from_secs(10);

async fn ask(client: &mut Client, entries: &[(&str, &str)]) -> Result<Code, tonic::Status> {
    let begun = Instant::now();
    let answer = client.should_rate_limit(request("d", vec![descriptor(entries)])).await;
    assert!(begun.elapsed() < SOON, "answered after {:?}", begun.elapsed());
    answer.map(|reply| reply.into_inner().overall_code())
}

/// How many of twenty pass.
async fn passing(client: &mut Client, entries: &[(&str, &str)]) -> usize {
    let mut passed = 0;
    for _ in 0..20 {
        passed += usize::from(ask(client, entries).await.unwrap() == Code::Ok);
    }
    passed
}

#[tokio::test]
async fn rules_say_what_to_answer_without_redis() {
    let mut redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let variables = [("REDIS_URL", url.as_str()), ("NUNCIO_REPLICAS", "3"), PATIENT];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    eventually("redis is used", async || ask(&mut client, &[("error", "")]).await).await;
    assert_eq!(passing(&mut client, &[("allow", "with redis")]).await, 1);

    for hung in [false, true] {
        if hung {
            redis.process().signal(Signal::STOP).unwrap();
        } else {
            redis.kill();
        }
        let value = if hung { "hung" } else { "killed" };
        assert_eq!(passing(&mut client, &[("allow", value)]).await, 20, "{value}");
        assert_eq!(passing(&mut client, &[("deny", value)]).await, 0, "{value}");
        for key in ["window", "bucket", "sliding"] {
            assert_eq!(passing(&mut client, &[("local", ""), (key, value)]).await, 3, "a third of {key}, {value}");
        }
        ask(&mut client, &[("error", value)]).await.unwrap_err();
        let both = request("d", vec![descriptor(&[("allow", value)]), descriptor(&[("error", value)])]);
        client.should_rate_limit(both).await.unwrap_err();
        if hung {
            redis.process().signal(Signal::CONT).unwrap();
        } else {
            redis.restart().unwrap();
        }
        eventually("redis is used again", async || ask(&mut client, &[("error", value)]).await).await;
        // What was denied meanwhile is not remembered as over.
        assert_eq!(ask(&mut client, &[("deny", value)]).await.unwrap(), Code::Ok);
    }
    let stats = Service::get(service.debug_port(), "/stats").await.unwrap();
    assert!(stats.contains("service.store_fallback\": 2"), "{stats}");
}

/// An Envoy gives up long before a reply of Redis is, and would let requests pass.
#[tokio::test]
async fn callers_are_answered_while_they_wait() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.address();
    let variables = [("REDIS_URL", url.as_str()), ("NUNCIO_REDIS_REPLY_TIMEOUT", "60s")];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    eventually("redis is used", async || ask(&mut client, &[("error", "")]).await).await;
    redis.process().signal(Signal::STOP).unwrap();
    for (key, expected) in [("deny", Code::OverLimit), ("allow", Code::Ok)] {
        let mut asked = tonic::Request::new(request("d", vec![descriptor(&[(key, "")])]));
        // Envoy says it in the same header; tonic's client gives up by itself too.
        asked.set_timeout(Duration::from_secs(4));
        let answer = client.should_rate_limit(asked).await.unwrap();
        assert_eq!(answer.into_inner().overall_code(), expected, "{key}");
    }
    redis.process().signal(Signal::CONT).unwrap();
}

/// A user who may count and not look: the second of two commands of a request meets a Redis that answers.
#[tokio::test]
async fn a_share_is_for_what_redis_does_not_count() {
    let redis = Redis::start(&["--user", "limits", "on", "nopass", "~*", "+@all", "-get"]).unwrap();
    let url = redis.address();
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("REDIS_AUTH", "limits:any"),
        ("NUNCIO_REPLICAS", "3"),
        PATIENT,
        ("STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT", "true"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    eventually("redis counts", async || {
        let refused = ask(&mut client, &[("error", "")]).await.unwrap_err();
        if refused.message().contains("NOPERM") { Ok(()) } else { Err(refused) }
    })
    .await;
    assert_eq!(passing(&mut client, &[("local", ""), ("window", "")]).await, 9);
}

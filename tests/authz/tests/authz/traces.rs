//! What a trace tells of a decision.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Collector, Gateway, Redis, Service, Span, Upstream};
use nuncio_test_support::eventually;
use serde_json::json;

use crate::faults::shared_keys;
use crate::rig::{Rig, behind};
use crate::rules_of;

/// W3C's, as a client sends it.
fn parent(trace: u128) -> String {
    format!("00-{trace:032x}-b7ad6b7169203331-01")
}

fn says(span: &Span, name: &str, value: &str) -> bool {
    span.attributes.iter().any(|told| told.key == name && format!("{:?}", told.value).contains(&format!("{value:?}")))
}

/// Whether there is a span of this name right below one of that.
fn is_below(spans: &[Span], parent: &str, name: &str) -> bool {
    let mut parents = spans.iter().filter(|span| span.name == parent);
    parents.any(|parent| spans.iter().any(|span| span.name == name && span.parent_span_id == parent.span_id))
}

async fn traced(flags: &[&str], collector: &Collector, provider: &serde_json::Value) -> Rig {
    let upstream = Upstream::start().await;
    let service = Service::start_traced(&rules_of(&json!([]), &[]), flags, collector).await;
    let gateway = Gateway::start(&service, &upstream).await;
    behind(gateway, service, upstream, &json!({}), &json!({}), provider).await
}

/// On a machine without authorities, as the service runs in all of these tests.
#[tokio::test]
async fn a_decision_is_part_of_the_trace_of_its_request() {
    let collector = Collector::start().await;
    let rig = traced(&[], &collector, &json!({})).await;
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
    let page = Browser::api().with("traceparent", &parent(trace)).get(&rig.url("/x")).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{page:#?}");
    eventually("the decision is told", async || {
        let spans = collector.spans(trace);
        let is_told = |span: &Span| says(span, "rule", "policy.default#0") && says(span, "reason", "no_session");
        if spans.iter().any(|span| span.name == "decide" && is_told(span)) {
            Ok(())
        } else {
            Err(format!("{spans:#?}"))
        }
    })
    .await;
}

/// What a decision waits for is below it: Redis, and the provider below the refresh.
#[tokio::test]
async fn what_a_decision_waits_for_is_below_it_in_its_trace() {
    let (redis, keys, collector) = (Redis::start().await, shared_keys(), Collector::start().await);
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = traced(&flags, &collector, &json!({ "ttl": { "AccessToken": 2 } })).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let mut trace = 0;
    eventually("the token is exchanged", async || {
        trace += 1;
        let page = browser.clone().with("traceparent", &parent(trace)).get(&rig.url("/x")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:#?}");
        if rig.provider.events("grant refresh_token") > 0 { Ok(()) } else { Err("not yet") }
    })
    .await;
    eventually("the way is told", async || {
        let traces: Vec<_> = (1..=trace).map(|trace| collector.spans(trace)).collect();
        let way = [("decide", "refresh"), ("refresh", "ask"), ("refresh", "redis")];
        let is_told = |spans: &Vec<Span>| way.iter().all(|(parent, name)| is_below(spans, parent, name));
        if traces.iter().any(is_told) { Ok(()) } else { Err(format!("{traces:#?}")) }
    })
    .await;
}

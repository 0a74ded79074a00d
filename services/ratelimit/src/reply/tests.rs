use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::{Entry, RateLimitOverride};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf::UInt64Value;
use envoy_types::pb::google::protobuf::value::Kind;

use crate::config::{Loader, Source};
use crate::limiter::{CallError, Limiter, Options, Shared};
use crate::store::{Backend, LocalCache, MemoryStore};

const RULES: &str = "
domain: d
descriptors:
- {key: two, rate_limit: {unit: year, requests_per_unit: 2, name: two}, metadata: {a: {b: 1}, y: x}}
- {key: five, rate_limit: {unit: year, requests_per_unit: 5}, metadata: {a: {c: 2}, y: z}}
- {key: free, rate_limit: {unlimited: true, replaces: [{name: two}]}}
- {key: shadow, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 0}}
- {key: q1, quota_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: q2, quota_mode: true, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: ten, rate_limit: {unit: year, requests_per_unit: 10}}
- {key: bucket, rate_limit: {unit: year, requests_per_unit: 5, algorithm: gcra, burst: 8, name: bucket}}
- {key: sliding, rate_limit: {unit: 100d, requests_per_unit: 5, algorithm: sliding_window}}
- {key: leased, rate_limit: {unit: year, requests_per_unit: 20, lease: 6}}
";

fn limiter(options: Options, local_cache: bool) -> Limiter {
    let shared = Shared::new(options, local_cache.then(|| LocalCache::new(0)));
    let config = Loader { stats: &shared.stats, merge_domains: false }.load(vec![Source::parse("f", RULES).unwrap()]);
    shared.config.store(Some(Arc::new(config.unwrap())));
    Limiter::new(Arc::new(shared), Backend::Memory(Arc::default()), None)
}

fn sharing(store: &Arc<MemoryStore>) -> Limiter {
    caching(store, false)
}

fn caching(store: &Arc<MemoryStore>, local_cache: bool) -> Limiter {
    let other = limiter(Options::default(), local_cache);
    Limiter::new(other.shared().clone(), Backend::Memory(store.clone()), None)
}

fn descriptor(key: &str) -> RateLimitDescriptor {
    let entries = vec![Entry { key: key.to_owned(), value: "v".to_owned() }];
    RateLimitDescriptor { entries, ..RateLimitDescriptor::default() }
}

fn hits(key: &str, hits: u64) -> RateLimitDescriptor {
    RateLimitDescriptor { hits_addend: Some(UInt64Value { value: hits }), ..descriptor(key) }
}

fn call(limiter: &Limiter, descriptors: Vec<RateLimitDescriptor>) -> Result<RateLimitResponse, CallError> {
    let request = RateLimitRequest { domain: "d".to_owned(), descriptors, hits_addend: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(limiter.should_rate_limit(&request, None))
}

fn ask(limiter: &Limiter, keys: &[&str]) -> RateLimitResponse {
    call(limiter, keys.iter().map(|key| descriptor(key)).collect()).unwrap()
}

fn is_over(reply: &RateLimitResponse) -> bool {
    reply.overall_code == i32::from(Code::OverLimit)
}

#[test]
fn counts_down_and_then_refuses() {
    let limiter = limiter(Options::default(), false);
    for remaining in [1, 0] {
        let reply = ask(&limiter, &["two"]);
        assert!(!is_over(&reply));
        assert_eq!(reply.statuses[0].limit_remaining, remaining);
        assert_eq!(reply.statuses[0].current_limit.as_ref().unwrap().name, "two");
    }
    assert!(is_over(&ask(&limiter, &["two"])));
}

#[test]
fn what_is_not_limited_says_so() {
    let limiter = limiter(Options::default(), false);
    let reply = ask(&limiter, &["unknown", "free", "two"]);
    let remaining: Vec<_> = reply.statuses.iter().map(|status| status.limit_remaining).collect();
    assert_eq!(remaining, [0, u32::MAX, 0]);
    assert!(reply.statuses.iter().all(|status| status.current_limit.is_none() && status.code == 1));
}

#[test]
fn shadows_count_and_let_through() {
    let limiter = limiter(Options::default(), false);
    let reply = ask(&limiter, &["shadow"]);
    assert!(!is_over(&reply));
    assert_eq!(reply.statuses[0].code, i32::from(Code::Ok));
    let stats = limiter.shared().stats.configured("d.shadow");
    assert_eq!((load(&stats.over_limit), load(&stats.shadow_mode)), (1, 1));
}

#[test]
fn quotas_refuse_when_all_are_used_up() {
    let limiter = limiter(Options::default(), false);
    assert!(!is_over(&ask(&limiter, &["q1", "q2"])));
    let reply = ask(&limiter, &["q1", "q2"]);
    assert!(!is_over(&reply));
    assert_eq!(reply.statuses[0].code, i32::from(Code::OverLimit));
    assert!(is_over(&ask(&limiter, &["q1", "q2"])));
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[test]
fn hits_are_divided_among_the_counters() {
    let limiter = limiter(Options::default(), false);
    call(&limiter, vec![hits("ten", 9)]).unwrap();
    call(&limiter, vec![hits("ten", 3)]).unwrap();
    call(&limiter, vec![hits("ten", 2)]).unwrap();
    let stats = limiter.shared().stats.configured("d.ten");
    assert_eq!(load(&stats.total_hits), 14);
    assert_eq!(load(&stats.within_limit), 9);
    assert_eq!(load(&stats.near_limit), 1 + 1, "from 8 to 9, and from 9 to 10");
    assert_eq!(load(&stats.over_limit), 2 + 2, "beyond 10, and all");
}

#[test]
fn refunds_give_back_even_what_the_local_cache_refuses() {
    let limiter = limiter(Options::default(), true);
    assert!(is_over(&call(&limiter, vec![hits("ten", 11)]).unwrap()));
    assert!(is_over(&ask(&limiter, &["ten"])));
    let refund = RateLimitDescriptor { is_negative_hits: true, ..hits("ten", 5) };
    call(&limiter, vec![refund]).unwrap();
    let reply = ask(&limiter, &["ten"]);
    assert!(!is_over(&reply));
    assert_eq!(reply.statuses[0].limit_remaining, 3);
}

#[test]
fn looking_changes_nothing() {
    let limiter = limiter(Options::default(), false);
    for _ in 0..3 {
        assert_eq!(call(&limiter, vec![hits("two", 0)]).unwrap().statuses[0].limit_remaining, 2);
    }
}

#[test]
fn a_request_over_one_limit_need_not_use_up_others() {
    let limiter = limiter(Options { stop_increment: true, ..Options::default() }, false);
    for _ in 0..5 {
        ask(&limiter, &["two", "ten"]);
    }
    let reply = ask(&limiter, &["ten"]);
    assert_eq!(reply.statuses[0].limit_remaining, 10 - 2 - 1);
}

#[test]
fn headers_are_about_the_closest_limit() {
    let names = ["L", "R", "T"].map(str::to_owned);
    let limiter = limiter(Options { headers: Some(names), ..Options::default() }, false);
    let reply = ask(&limiter, &["five", "two", "unknown"]);
    let values: Vec<_> = reply.response_headers_to_add.iter().map(|header| header.value.as_str()).collect();
    assert_eq!(values[..2], ["2", "1"]);
    assert!(ask(&limiter, &["unknown"]).response_headers_to_add.is_empty());
}

#[test]
fn the_drafts_headers_are_about_every_limit() {
    let limiter = limiter(Options { ietf_headers: true, ..Options::default() }, false);
    let headers = |keys: &[&str]| {
        let headers = ask(&limiter, keys).response_headers_to_add;
        headers.into_iter().map(|header| (header.key, header.value)).collect::<Vec<_>>()
    };
    let found = headers(&["two", "unknown", "bucket", "ten"]);
    let year = 365 * 86_400;
    let policy = format!("\"two\";q=2;w={year}, \"bucket\";q=5;w={year}, \"ten\";q=10;w={year}");
    assert_eq!(found[0], ("RateLimit-Policy".to_owned(), policy));
    assert_eq!(found[1].0, "RateLimit");
    assert!(found[1].1.starts_with("\"two\";r=1;t="), "{found:?}");
    assert!(found[1].1.contains(", \"bucket\";r=7;t=6307200, \"ten\";r=9;t="), "{found:?}");
    assert!(headers(&["unknown"]).is_empty());
}

#[test]
fn metadata_of_what_passed_is_merged_and_changes_no_rule() {
    let limiter = limiter(Options { dynamic_metadata: true, ..Options::default() }, false);
    let metadata = |keys: &[&str]| {
        let fields = ask(&limiter, keys).dynamic_metadata.unwrap().fields;
        match fields.get("metadata").and_then(|value| value.kind.clone()) {
            Some(Kind::StructValue(found)) => found,
            other => panic!("{other:?}"),
        }
    };
    let both = metadata(&["two", "five"]);
    assert_eq!(both.fields["y"].kind, Some(Kind::StringValue("x".to_owned())));
    match &both.fields["a"].kind {
        Some(Kind::StructValue(inner)) => assert_eq!(inner.fields.len(), 2),
        other => panic!("{other:?}"),
    }
    match &metadata(&["two"]).fields["a"].kind {
        Some(Kind::StructValue(inner)) => assert_eq!(inner.fields.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let limiter = limiter(Options::default(), false);
    let error = |descriptors| call(&limiter, descriptors).unwrap_err().to_string();
    assert_eq!(error(vec![]), "rate limit descriptor list must not be empty");
    assert!(error(vec![hits("two", u64::MAX)]).starts_with("hits_addend must not be above"));
    let own = |unit| RateLimitDescriptor {
        limit: Some(RateLimitOverride { requests_per_unit: 1, unit }),
        ..descriptor("own")
    };
    for unit in [0, 9] {
        assert_eq!(error(vec![own(unit)]), format!("rate limit override has no valid unit: {unit}"));
    }
    assert_eq!(call(&limiter, vec![own(4)]).unwrap().statuses[0].current_limit.as_ref().unwrap().requests_per_unit, 1);
    assert_eq!(limiter.shared().stats.service.service_error.load(Ordering::Relaxed), 4);
}

#[test]
fn buckets_and_sliding_windows_refuse_what_does_not_fit() {
    for local_cache in [false, true] {
        let limiter = limiter(Options::default(), local_cache);
        for (key, fits) in [("bucket", 8), ("sliding", 5)] {
            for remaining in (0..fits).rev() {
                let reply = ask(&limiter, &[key]);
                assert!(!is_over(&reply));
                assert_eq!(reply.statuses[0].limit_remaining, remaining, "{key}");
            }
            for _ in 0..2 {
                let reply = ask(&limiter, &[key]);
                assert!(is_over(&reply), "{key}");
                assert!(reply.statuses[0].duration_until_reset.unwrap().seconds > 60);
            }
            assert!(!is_over(&call(&limiter, vec![hits(key, 0)]).unwrap()), "looking is never over");
            let refund = RateLimitDescriptor { is_negative_hits: true, ..hits(key, 2) };
            call(&limiter, vec![refund]).unwrap();
            assert_eq!(ask(&limiter, &[key]).statuses[0].limit_remaining, 1, "{key}");
        }
        let stats = limiter.shared().stats.configured("d.sliding");
        assert_eq!((load(&stats.within_limit), load(&stats.over_limit)), (6, 2));
    }
}

#[test]
fn a_window_that_is_no_unit_has_none_in_replies() {
    let limit = ask(&limiter(Options::default(), false), &["sliding"]).statuses[0].current_limit.clone().unwrap();
    assert_eq!((limit.unit, limit.requests_per_unit), (0, 5));
}

#[test]
fn leases_let_through_what_the_limit_says_and_no_more() {
    let store = Arc::new(MemoryStore::default());
    let replicas = [sharing(&store), sharing(&store), sharing(&store)];
    let mut random = fastrand::Rng::with_seed(5);
    let mut passed = 0;
    for _ in 0..200 {
        let asked = random.u64(1..4);
        let reply = call(&replicas[random.usize(..3)], vec![hits("leased", asked)]).unwrap();
        passed += if is_over(&reply) { 0 } else { asked };
    }
    assert!((12..=20).contains(&passed), "{passed} of 20");
    // One alone gets all of it.
    let alone = limiter(Options::default(), false);
    for remaining in (0..20).rev() {
        assert_eq!(ask(&alone, &["leased"]).statuses[0].limit_remaining, remaining);
    }
    assert!(is_over(&ask(&alone, &["leased"])));
}

#[test]
fn what_a_lease_does_not_use_goes_to_others() {
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (sharing(&store), sharing(&store));
    ask(&one, &["leased"]);
    assert_eq!(ask(&other, &["leased"]).statuses[0].limit_remaining, 20 - 7 - 1, "6 are leased");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(one.give_back(true));
    runtime.block_on(other.give_back(true));
    assert_eq!(ask(&other, &["leased"]).statuses[0].limit_remaining, 20 - 3);
    assert_eq!(call(&one, vec![hits("leased", 0)]).unwrap().statuses[0].limit_remaining, 20 - 3 - 6);
}

#[test]
fn what_a_lease_gives_back_is_not_over_for_others() {
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (sharing(&store), caching(&store, true));
    ask(&one, &["leased"]);
    for over in [false, true] {
        assert_eq!(is_over(&call(&other, vec![hits("leased", 12)]).unwrap()), over);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(one.give_back(true));
    let refund = RateLimitDescriptor { is_negative_hits: true, ..hits("leased", 12) };
    call(&one, vec![refund]).unwrap();
    assert!(!is_over(&ask(&other, &["leased"])), "the counter went down where this replica could not see it");
}

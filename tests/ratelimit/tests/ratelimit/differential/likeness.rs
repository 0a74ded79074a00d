//! What two replies must have in common that were not made at the same moment.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitResponse;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{DescriptorStatus, RateLimit};

/// Before the end of a minute, the shortest window but a second: both services must count in the same.
const CLEAR: u64 = 5;

/// When both services were asked.
pub(super) struct Moment {
    begun: Instant,
    second: u64,
}

/// Which replies can be compared in what they say of limits a second.
#[derive(Default)]
pub(super) struct Seconds {
    /// One in which only one of the services may have counted what both were asked.
    spoilt: u64,
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Moment {
    /// Now, or where a minute is about to end, in the next.
    pub(super) async fn within_a_minute() -> Self {
        while now() % 60 >= 60 - CLEAR {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Self { begun: Instant::now(), second: now() }
    }

    /// How many begins of seconds there may have been since.
    fn seconds_since(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_secs()).unwrap() + 1
    }
}

impl Seconds {
    /// Whether all that was asked up to now, since that moment, was counted by both in the same second.
    pub(super) fn are_the_same(&mut self, since: &Moment) -> bool {
        let now = now();
        if now != since.second {
            self.spoilt = now;
        }
        now != self.spoilt
    }
}

/// Asserts that times until reset fit together, and makes them the same.
pub(super) fn align_times(
    ours: &mut RateLimitResponse,
    original: &mut RateLimitResponse,
    moment: &Moment,
    reset: &str,
) {
    let latest = moment.seconds_since();
    let mut windows = Vec::new();
    for (ours, original) in ours.statuses.iter_mut().zip(&original.statuses) {
        let (Some(our), Some(its)) = (&mut ours.duration_until_reset, &original.duration_until_reset) else { continue };
        let window = window(original);
        for seconds in [our.seconds, its.seconds] {
            assert!((1..=window).contains(&seconds), "{seconds} s until the end of a window of {window} s");
        }
        let apart = (our.seconds - its.seconds).rem_euclid(window);
        assert!(apart <= latest, "reset in {} s, with the original in {} s, of {window} s", our.seconds, its.seconds);
        *our = *its;
        windows.push(window);
    }
    let header =
        |reply: &RateLimitResponse| reply.response_headers_to_add.iter().position(|header| header.key == reset);
    let (Some(our), Some(its)) = (header(ours), header(original)) else { return };
    let its = original.response_headers_to_add[its].clone();
    let our = &mut ours.response_headers_to_add[our];
    let apart = seconds(our) - seconds(&its);
    assert!(windows.iter().any(|window| apart.rem_euclid(*window) <= latest), "{our:?}, with the original {its:?}");
    *our = its;
}

fn seconds(header: &HeaderValue) -> i64 {
    header.value.parse().unwrap()
}

/// How long the window of a limit is.
fn window(status: &DescriptorStatus) -> i64 {
    match unit(status) {
        Unit::Unknown => panic!("a limit without a unit: {status:?}"),
        Unit::Second => 1,
        Unit::Minute => 60,
        Unit::Hour => 3_600,
        Unit::Day => 86_400,
        Unit::Week => 604_800,
        Unit::Month => 2_592_000,
        Unit::Year => 31_536_000,
    }
}

fn unit(status: &DescriptorStatus) -> Unit {
    status.current_limit.as_ref().map_or(Unit::Unknown, RateLimit::unit)
}

/// Takes away what depends on which second it was asked in.
pub(super) fn without_seconds(reply: &mut RateLimitResponse) {
    let mut any = false;
    for status in &mut reply.statuses {
        if unit(status) == Unit::Second {
            status.limit_remaining = 0;
            any = true;
        }
    }
    if any {
        // They are about the limit with the least remaining.
        reply.response_headers_to_add.clear();
    }
}

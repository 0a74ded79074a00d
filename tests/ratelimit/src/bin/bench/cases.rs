//! What both services are asked.

use std::fmt;

use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use nuncio_ratelimit_tests::{descriptor, request};
use nuncio_test_support::number;

pub(crate) const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: hour, requests_per_unit: 4000000000}}
- {key: b, rate_limit: {unit: day, requests_per_unit: 4000000000}}
- {key: c, rate_limit: {unit: hour, requests_per_unit: 4000000000}}
- {key: over, rate_limit: {unit: hour, requests_per_unit: 0}}
";

/// Different values of a key.
const VALUES: u64 = 10_000;

/// A kind of request.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The request of a number.
    pub(crate) request: fn(u64) -> RateLimitRequest,
    /// A decision needs Redis.
    pub(crate) asks_redis: bool,
}

pub(crate) const CASES: [Case; 5] = [
    Case { name: "one descriptor, 10 000 values", request: one, asks_redis: true },
    Case { name: "three descriptors", request: three, asks_redis: true },
    Case { name: "one hot key", request: hot, asks_redis: true },
    Case { name: "over the limit, local cache", request: over, asks_redis: false },
    Case { name: "no rule", request: no_rule, asks_redis: false },
];

fn one(number: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("k", &value(number))])])
}

fn three(number: u64) -> RateLimitRequest {
    request("d", ["k", "b", "c"].iter().map(|key| descriptor(&[(key, &value(number))])).collect())
}

fn hot(_: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("k", "hot")])])
}

fn over(_: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("over", "v")])])
}

fn no_rule(number: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("none", &value(number))])])
}

fn value(number: u64) -> String {
    (number % VALUES).to_string()
}

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// As many calls as fit into these connections.
    Saturated { connections: u64 },
    /// Calls a second, over a few connections.
    Fixed { rate: u64 },
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saturated { connections: 1 } => f.write_str("1 connection"),
            Self::Saturated { connections } => write!(f, "{connections} connections"),
            Self::Fixed { rate } => write!(f, "{}/s", number(*rate as f64)),
        }
    }
}

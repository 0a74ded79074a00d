//! What a `Mapping` says about retries, endpoints and their health.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddedHeaders, Duration};

/// When and how often a request is tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RetryPolicy {
    /// Envoy's retry conditions; in a manifest a text with commas or a list. Required.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub retry_on: Vec<String>,
    /// Retries after the first try; Envoy's default is 1.
    pub num_retries: Option<u32>,
    /// Time for each try; default is the request's timeout.
    pub per_try_timeout: Option<Duration>,
}

/// How an endpoint is picked for a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct LoadBalancer {
    /// The algorithm. `ring_hash` and `maglev` need exactly one of the other fields, the rest none.
    pub policy: LoadBalancerPolicy,
    /// Hash this cookie.
    #[serde(default)]
    pub cookie: Option<LoadBalancerCookie>,
    /// Hash this header.
    #[serde(default)]
    pub header: Option<String>,
    /// Hash the client's address.
    #[serde(default)]
    pub source_ip: Option<bool>,
}

/// Load-balancing algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadBalancerPolicy {
    /// Each endpoint in turn.
    #[default]
    RoundRobin,
    /// The less busy of two picked by chance.
    LeastRequest,
    /// Consistent hashing on a ring.
    RingHash,
    /// Maglev consistent hashing.
    Maglev,
}

/// A cookie that requests are hashed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct LoadBalancerCookie {
    /// The cookie's name. Required.
    pub name: String,
    /// Path of a cookie that Envoy makes.
    pub path: Option<String>,
    /// Life of a cookie that Envoy makes where a client has none; without it none is made.
    pub ttl: Option<Duration>,
}

/// An active health check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HealthCheck {
    /// Time for the answer; default 3 s.
    pub timeout: Option<Duration>,
    /// Time between checks; default 5 s.
    pub interval: Option<Duration>,
    /// Failures until an endpoint is taken out; default 2.
    pub unhealthy_threshold: Option<u32>,
    /// Successes until it is taken in again; default 1.
    pub healthy_threshold: Option<u32>,
    /// What is asked: exactly one of its fields. Required.
    pub health_check: HealthCheckLayer,
}

/// What a health check asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HealthCheckLayer {
    /// An HTTP request.
    pub http: Option<HttpHealthCheck>,
    /// `grpc.health.v1.Health/Check`.
    pub grpc: Option<GrpcHealthCheck>,
}

/// A health check by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HttpHealthCheck {
    /// Path asked for. Required.
    pub path: String,
    /// Host header; default is the cluster's name.
    pub hostname: Option<String>,
    /// Headers added to the request.
    pub add_request_headers: AddedHeaders,
    /// Headers taken from the request.
    pub remove_request_headers: Vec<String>,
    /// Statuses that count as healthy; default 200 alone.
    pub expected_statuses: Vec<StatusRange>,
}

/// HTTP statuses from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct StatusRange {
    /// First status.
    pub min: u16,
    /// Last status.
    pub max: u16,
}

/// A health check by gRPC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct GrpcHealthCheck {
    /// The gRPC service asked about. Required.
    pub upstream_name: String,
    /// `:authority` of the request; default is the cluster's name.
    pub authority: Option<String>,
}

/// Takes endpoints out that answer badly. What is absent has Envoy's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct OutlierDetection {
    /// Answers of 5xx in a row; Envoy's default is 5.
    pub consecutive_5xx: Option<u32>,
    /// Answers of 502, 503 or 504 in a row; Envoy's default is 5.
    pub consecutive_gateway_failure: Option<u32>,
    /// Failures to connect and the like in a row; Envoy's default is 5. Needs `split_external_local_origin_errors`.
    pub consecutive_local_origin_failure: Option<u32>,
    /// Milliseconds between looks; Envoy's default is 10 000.
    pub interval_ms: Option<u64>,
    /// Milliseconds for which an endpoint is out, times the number of times it was; Envoy's default is 30 000.
    pub base_ejection_time_ms: Option<u64>,
    /// Milliseconds for which an endpoint is out at most; Envoy's default is 300 000.
    pub max_ejection_time_ms: Option<u64>,
    /// Percent of the endpoints that may be out at once, 0–100; Envoy's default is 10.
    pub max_ejection_percent: Option<u32>,
    /// Count failures to connect apart from bad answers; default `false`.
    pub split_external_local_origin_errors: Option<bool>,
}

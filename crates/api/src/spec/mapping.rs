//! `Mapping`: which requests go to which service, and what happens to them on the way.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AddedHeaders, CircuitBreaker, Cors, HealthCheck, Keepalive, Labels, LoadBalancer, LocalRateLimit, OutlierDetection,
    RegexMap, RetryPolicy, RoutingPriority,
};
use crate::ServiceRef;

/// How a DNS name becomes endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnsType {
    /// Every address of the answer is an endpoint.
    #[default]
    StrictDns,
    /// One address at a time is used.
    LogicalDns,
}

/// The `spec` of a `Mapping`. An absent setting that the Module also has takes the Module's value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
// There may be 100 000 of them, so what is large and rare is boxed.
pub struct Mapping {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,

    /// Path that requests begin with; or, by `prefix_exact` and `prefix_regex`, the whole path. Required.
    pub prefix: String,
    /// `prefix` is an RE2 expression for the whole path; default `false`. Wins over `prefix_exact`.
    pub prefix_regex: Option<bool>,
    /// `prefix` is the whole path; default `false`.
    pub prefix_exact: Option<bool>,
    /// Whether the path's case counts; default `true`.
    pub case_sensitive: Option<bool>,
    /// Hosts, as a glob with one star at either end.
    pub hostname: Option<String>,
    /// The host, exactly; or by `host_regex` an expression. Older than `hostname`, which overrides it.
    pub host: Option<String>,
    /// `host` is an RE2 expression; default `false`.
    pub host_regex: Option<bool>,
    /// Headers that must have exactly these values.
    pub headers: BTreeMap<String, String>,
    /// Headers whose whole value must match these RE2 expressions.
    pub regex_headers: BTreeMap<String, String>,
    /// Query parameters that must have exactly these values.
    pub query_parameters: BTreeMap<String, String>,
    /// Query parameters whose whole value must match these RE2 expressions.
    pub regex_query_parameters: BTreeMap<String, String>,
    /// The request's method.
    pub method: Option<String>,
    /// `method` is an RE2 expression; default `false`.
    pub method_regex: Option<bool>,
    /// Comes before everything else in the order of routes, higher first; default 0.
    pub precedence: Option<i64>,

    /// Where requests go: `[scheme://]host[.namespace][:port]`. Required.
    pub service: ServiceRef,
    /// This Mapping's share in percent among those that match the same requests; the rest is divided
    /// among those without one. Of a `shadow` the share of requests that are copied, default 100.
    pub weight: Option<i64>,
    /// Requests are copied to the service, its answers are dropped; default `false`.
    pub shadow: Option<bool>,
    /// Name of a resolver; default is the Module's, else `kubernetes-service`.
    pub resolver: Option<String>,
    /// Name of the `TLSContext` for connections to the service, as `name` or `name.namespace`.
    pub tls: Option<String>,
    /// Speak HTTP/2 to the service; default `false`.
    pub grpc: Option<bool>,
    /// How DNS names become endpoints; default `strict_dns`.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub dns_type: Option<DnsType>,
    /// Ask DNS again when the record's TTL has passed; default `false`.
    pub respect_dns_ttl: Option<bool>,
    /// Use IPv4 addresses; default is the Module's, else `true`.
    pub enable_ipv4: Option<bool>,
    /// Use IPv6 addresses; default is the Module's, else `false`.
    pub enable_ipv6: Option<bool>,
    /// Keeps this Mapping's upstream apart from others of the same service; part of the cluster's name.
    pub cluster_tag: Option<String>,
    /// The upstream's name in statistics; default is made of the service.
    pub stats_name: Option<String>,

    /// What replaces the prefix; default `/`, and empty leaves the path alone.
    pub rewrite: Option<String>,
    /// Rewrites the path by an expression; wins over `rewrite`.
    pub regex_rewrite: Option<Box<RegexMap>>,
    /// The Host header that the service sees.
    pub host_rewrite: Option<String>,
    /// The service sees its own DNS name as Host; default `false`.
    pub auto_host_rewrite: Option<bool>,

    /// Answer with a redirect to the host that `service` names; default `false`.
    pub host_redirect: Option<bool>,
    /// Path of the redirect.
    pub path_redirect: Option<String>,
    /// What replaces the prefix in the redirect's path.
    pub prefix_redirect: Option<String>,
    /// Rewrites the redirect's path by an expression.
    pub regex_redirect: Option<Box<RegexMap>>,
    /// Status of the redirect, one of 301, 302, 303, 307 and 308; default 301.
    pub redirect_response_code: Option<u16>,

    /// Headers added to the request; default is the Module's.
    pub add_request_headers: Option<AddedHeaders>,
    /// Headers added to the response; default is the Module's.
    pub add_response_headers: Option<AddedHeaders>,
    /// Headers taken from the request; default is the Module's.
    #[serde(deserialize_with = "crate::lenient::one_or_many_if_given")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub remove_request_headers: Option<Vec<String>>,
    /// Headers taken from the response; default is the Module's.
    #[serde(deserialize_with = "crate::lenient::one_or_many_if_given")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub remove_response_headers: Option<Vec<String>>,
    /// Add `l5d-dst-override: host:port` for Linkerd; default is the Module's, else `false`.
    pub add_linkerd_headers: Option<bool>,
    /// Cross-origin policy; default is the Module's. One without origins lets none in.
    pub cors: Option<Box<Cors>>,

    /// Milliseconds for the whole answer, 0 is no limit; default is the Module's `cluster_request_timeout_ms`, else 3000.
    pub timeout_ms: Option<u64>,
    /// Milliseconds without a byte in either direction, 0 is no limit.
    pub idle_timeout_ms: Option<u64>,
    /// Milliseconds to connect to the service; default 3000.
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds after which an upstream connection without requests is closed.
    pub cluster_idle_timeout_ms: Option<u64>,
    /// Milliseconds after which an upstream connection is replaced.
    pub cluster_max_connection_lifetime_ms: Option<u64>,
    /// When and how often requests are tried again; default is the Module's.
    pub retry_policy: Option<Box<RetryPolicy>>,
    /// Bounds on what runs at once; default is the Module's, and an empty list is none. At most one for each priority.
    pub circuit_breakers: Option<Vec<CircuitBreaker>>,
    /// How an endpoint is picked; default is the Module's, else round robin.
    pub load_balancer: Option<Box<LoadBalancer>>,
    /// Active health checks.
    pub health_checks: Vec<HealthCheck>,
    /// Passive health checks.
    pub outlier_detection: Option<Box<OutlierDetection>>,
    /// TCP keep-alive; default is the Module's.
    pub keepalive: Option<Box<Keepalive>>,
    /// Routing priority; default `default`.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub priority: Option<RoutingPriority>,
    /// Protocols that a request may upgrade to, such as `websocket`; lower case, each once.
    pub allow_upgrade: Vec<String>,
    /// Older spelling of `allow_upgrade: [websocket]`; has been added to `allow_upgrade` when parsing is done.
    pub use_websocket: Option<bool>,

    /// Rate-limit labels by domain: groups, each a name and its labels. Those of the rate limit service's domain count.
    pub labels: Option<Box<Labels>>,
    /// A limit that each Envoy keeps by itself, in front of those that a service is asked about; none of the original.
    pub local_rate_limit: Option<Box<LocalRateLimit>>,
    /// Do not ask the authorization service; default `false`.
    pub bypass_auth: Option<bool>,
    /// Told to the authorization service.
    pub auth_context_extensions: BTreeMap<String, String>,
    /// Where the service's API documentation is, as written.
    pub docs: Option<Box<Value>>,
    /// Replaced error bodies, as written; the original removed the field in its version 4.
    pub error_response_overrides: Option<Box<Value>>,
    /// Do not replace error bodies; the original removed the field in its version 4.
    pub bypass_error_response_overrides: Option<bool>,
    /// Raw Envoy route settings, as written; without effect in the original.
    pub envoy_override: Option<Box<Value>>,
    /// Untyped extras, as written; without effect in the original.
    pub modules: Option<Box<Value>>,
    /// How the field `tls` was spelled in `v2`; no effect.
    #[serde(rename = "v2ExplicitTLS")]
    pub v2_explicit_tls: Option<Box<Value>>,
    /// Which headers were booleans in `v2`; no effect.
    #[serde(rename = "v2BoolHeaders")]
    pub v2_bool_headers: Option<Box<Value>>,
    /// Which query parameters were booleans in `v2`; no effect.
    #[serde(rename = "v2BoolQueryParameters")]
    pub v2_bool_query_parameters: Option<Box<Value>>,
}

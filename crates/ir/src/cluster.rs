//! Upstreams: where requests go, and how they are spoken to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::{HeaderEdits, UpstreamTls};

/// Names a cluster; unique by everything that the cluster is made of.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterName(pub Arc<str>);

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of interchangeable endpoints and the way to talk to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Resource name.
    pub name: ClusterName,
    /// Name in statistics where the user chose one.
    pub stats_name: Option<String>,
    /// Where the endpoints come from.
    pub discovery: Discovery,
    /// Protocol spoken to the endpoints.
    pub protocol: Protocol,
    /// TLS towards the endpoints.
    pub tls: Option<UpstreamTls>,
    /// Time for a connection to be made.
    pub connect_timeout: Duration,
    /// Close upstream connections without a request for this long.
    pub idle_timeout: Option<Duration>,
    /// Close upstream connections of this age.
    pub max_connection_lifetime: Option<Duration>,
    /// How an endpoint is picked.
    pub lb: LbPolicy,
    /// At most one for each priority.
    pub circuit_breakers: Vec<CircuitBreaker>,
    /// Active health checks.
    pub health_checks: Vec<HealthCheck>,
    /// Passive health checks.
    pub outlier_detection: Option<OutlierDetection>,
    /// TCP keep-alive probes.
    pub keepalive: Option<Keepalive>,
    /// Write HTTP/1.1 header names in `Proper-Case`.
    pub proper_case: bool,
    /// Bytes buffered for each connection; Envoy's default where absent.
    pub buffer_limit: Option<u32>,
    /// Requests are spread over zones by [`Endpoints::shares`].
    pub by_zone_shares: bool,
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Discovery {
    /// From [`Endpoints`] of the cluster's own name.
    Endpoints,
    /// Fixed addresses.
    Static(Vec<SocketAddr>),
    /// A Unix socket of this machine.
    Unix(Arc<str>),
    /// From DNS, asked again and again.
    Dns {
        /// Names to resolve, each with the port of every address found. `logical` takes one alone.
        hosts: Vec<(String, u16)>,
        /// Use one address at a time (`logical_dns`) instead of all of them (`strict_dns`).
        logical: bool,
        /// Ask again when the record's TTL has passed.
        respect_ttl: bool,
        /// Address families asked for.
        family: IpFamily,
    },
}

/// IP families that DNS is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpFamily {
    /// IPv4 only.
    #[default]
    V4,
    /// IPv6 only.
    V6,
    /// Both; IPv6 where there are addresses of both.
    Both,
}

/// HTTP version towards the endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 (with prior knowledge in clear text, by ALPN over TLS).
    Http2,
    /// Not HTTP: bytes as they come.
    Tcp,
}

/// How an endpoint is picked for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LbPolicy {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// The less busy of two picked by chance.
    LeastRequest,
    /// Consistent hashing on a ring; the route's [`crate::HashPolicy`] says of what.
    RingHash,
    /// Maglev consistent hashing.
    Maglev,
}

/// Envoy's routing priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// The usual one.
    #[default]
    Default,
    /// Has circuit breakers of its own.
    High,
}

/// Bounds what runs against a cluster at once. Absent numbers are Envoy's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are Envoy's thresholds of the same names")]
pub struct CircuitBreaker {
    pub priority: Priority,
    pub max_connections: Option<u32>,
    pub max_pending_requests: Option<u32>,
    pub max_requests: Option<u32>,
    pub max_retries: Option<u32>,
}

/// An active health check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// Time for the answer.
    pub timeout: Duration,
    /// Time between checks.
    pub interval: Duration,
    /// Failures until an endpoint is taken out.
    pub unhealthy_threshold: u32,
    /// Successes until it is taken in.
    pub healthy_threshold: u32,
    /// What is asked.
    pub kind: HealthCheckKind,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HealthCheckKind {
    /// `GET path`.
    Http {
        /// Path asked for.
        path: String,
        /// Host header; the cluster's name where absent.
        hostname: Option<String>,
        /// Edits to the request.
        headers: HeaderEdits,
        /// Statuses that count as healthy; 200 where empty.
        expected_statuses: Vec<StatusRange>,
    },
    /// `grpc.health.v1.Health/Check`.
    Grpc {
        /// Service asked about.
        service: String,
        /// `:authority`; the cluster's name where absent.
        authority: Option<String>,
    },
}

/// HTTP statuses from `start` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusRange {
    /// First status.
    pub start: u16,
    /// One past the last status.
    pub end: u16,
}

/// Takes endpoints out that answer badly. Absent values are Envoy's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are Envoy's of the same names")]
pub struct OutlierDetection {
    pub consecutive_5xx: Option<u32>,
    pub consecutive_gateway_failure: Option<u32>,
    pub consecutive_local_origin_failure: Option<u32>,
    pub interval: Option<Duration>,
    pub base_ejection_time: Option<Duration>,
    pub max_ejection_time: Option<Duration>,
    /// Percent, 0–100.
    pub max_ejection_percent: Option<u32>,
    pub split_external_local_origin_errors: bool,
}

/// TCP keep-alive probes. Absent values are the system's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keepalive {
    /// Unanswered probes until the connection is dead.
    pub probes: Option<u32>,
    /// Silence before the first probe, seconds.
    pub idle_time: Option<u32>,
    /// Time between probes, seconds.
    pub interval: Option<u32>,
}

/// The endpoints of a cluster whose [`Discovery`] is `Endpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service's DNS name: what `auto_host_rewrite` sends as Host.
    pub hostname: String,
    /// Sorted, without duplicates. Only those that take requests.
    pub endpoints: Vec<Endpoint>,
    /// The share of each zone, where zones have shares: then of every zone that is among the endpoints. Those without a zone
    /// are of the zone of no name.
    pub shares: BTreeMap<Arc<str>, u32>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Those of rank 0 take the requests, those of the next rank what these cannot, because too many of them are not fit.
    pub rank: u32,
    /// Its zone, where zones count.
    pub zone: Option<Arc<str>>,
    /// Address and port.
    pub address: SocketAddr,
    /// The same by the other IP family, tried when the first does not answer.
    pub other: Option<SocketAddr>,
}

impl Endpoint {
    /// One address, like all others.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { rank: 0, zone: None, address, other: None }
    }
}

//! What the controller tells: of its answers, what the console shows.

mod change;

use serde::Deserialize;

pub(super) use self::change::{Add, Conflict, DryRun, Effect, Field, Loss, Manifest, Protection, Section};

/// A part of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) total: usize,
}

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ObjectRef {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Location {
    pub(super) file: String,
    pub(super) line: u32,
}

/// An object and how far it has come.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    #[serde(flatten)]
    pub(super) id: ObjectRef,
    #[serde(flatten)]
    pub(super) location: Location,
    pub(super) state: String,
    pub(super) acked_by: usize,
    pub(super) envoys: usize,
    /// There is an editor of it.
    #[serde(default)]
    pub(super) is_editable: bool,
    #[serde(default)]
    pub(super) purpose: Option<Purpose>,
    pub(super) problems: Vec<Problem>,
}

/// What an object is for of which no route is made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Purpose {
    /// Connections to a port go to a service.
    Connections { port: u16, host: Option<String>, service: String },
    /// It says what previews may be; how many it rules, where it is in force.
    Previews { namespaces: Vec<String>, hosts: Vec<String>, domain: String, count: Option<usize> },
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) severity: String,
    pub(super) reason: String,
    pub(super) field: String,
    pub(super) message: String,
    pub(super) location: Option<Location>,
    pub(super) object: Option<ObjectRef>,
}

/// Routes with what is before and behind them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Topology {
    pub(super) listeners: Vec<Listener>,
    pub(super) hosts: Vec<Host>,
    pub(super) routes: Vec<Route>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) total: usize,
    /// Previews whose routes are left out.
    #[serde(default)]
    pub(super) previews: usize,
    /// Requests are counted by route.
    #[serde(default)]
    pub(super) counts_routes: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) origin: Vec<ObjectRef>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Host {
    pub(super) hostname: String,
    pub(super) listeners: Vec<String>,
    pub(super) certificate: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Route {
    pub(super) host: String,
    #[serde(rename = "match")]
    pub(super) matches: String,
    pub(super) action: String,
    pub(super) status: Option<u16>,
    pub(super) backends: Vec<Backend>,
    pub(super) asks_auth_service: bool,
    pub(super) rules: Vec<String>,
    pub(super) origin: Vec<ObjectRef>,
    /// The place of its host among those of the topology; told with it alone, as is what follows.
    #[serde(default)]
    pub(super) entry: usize,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    /// The name under which its requests are counted.
    #[serde(default)]
    pub(super) counted_as: Option<String>,
    #[serde(default)]
    pub(super) traffic: Option<Counts>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Backend {
    pub(super) cluster: Option<String>,
    pub(super) weight: u32,
    pub(super) invalid: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) discovery: String,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) tls: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Endpoint {
    pub(super) address: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Envoy {
    pub(super) node: String,
    pub(super) version: String,
    pub(super) protocol: String,
    pub(super) connected_for_ms: u64,
    pub(super) synced_revision: Option<u64>,
    pub(super) newest_revision: u64,
    pub(super) responses: u64,
    pub(super) nacks: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Certificate {
    pub(super) secret: String,
    pub(super) usage: String,
    pub(super) shown_for: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) issuer: String,
    pub(super) not_after: i64,
}

/// What becomes of a request.
#[derive(Debug, Deserialize)]
pub(super) struct Explanation {
    pub(super) request: String,
    pub(super) outcome: String,
    pub(super) listener: Option<Listener>,
    /// The same URL where the gateway listens, if not at its own port.
    #[serde(default)]
    pub(super) elsewhere: Vec<String>,
    pub(super) host: Option<ExplainedHost>,
    pub(super) route: Option<Route>,
    pub(super) protection: Vec<Asked>,
    pub(super) limits: Vec<Limit>,
    pub(super) failures: Vec<Failure>,
    pub(super) lost: Vec<Lost>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExplainedHost {
    pub(super) hostname: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) by: String,
    pub(super) path: String,
    pub(super) applies: bool,
    pub(super) outcome: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    pub(super) labels: String,
    pub(super) limit: Option<String>,
    pub(super) outcome: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) why: String,
    pub(super) service: String,
    pub(super) count: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lost {
    pub(super) route: Route,
    pub(super) reason: String,
}

/// Requests that went to a service.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Traffic {
    pub(super) name: String,
    pub(super) services: Vec<String>,
    /// They are asked about requests that are for others.
    #[serde(default)]
    pub(super) is_asked: bool,
    #[serde(flatten)]
    pub(super) counts: Counts,
}

/// Requests by route.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RouteTraffic {
    /// They are counted so.
    pub(super) is_counted: bool,
    /// The busiest.
    pub(super) routes: Vec<Route>,
    pub(super) total: usize,
}

/// What Envoy counts of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) client_errors: u64,
    pub(super) server_errors: u64,
    pub(super) all: Option<Latency>,
    pub(super) recent: Option<Latency>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

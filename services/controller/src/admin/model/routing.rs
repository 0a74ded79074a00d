//! What serves requests: listeners, hosts, routes and clusters, and the Envoys that have them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ObjectRef;

/// A host name and what serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostView {
    /// The host name or pattern: `shop.example.com`, `*.example.com`, `*`.
    pub hostname: String,
    /// The objects that ask for it.
    pub objects: Vec<ObjectRef>,
    /// The listeners that serve it.
    pub listeners: Vec<String>,
    /// The secret with its certificate, if it terminates TLS: `namespace/name`.
    pub certificate: Option<String>,
    /// Routes in its table.
    pub routes: usize,
}

/// A route, as Envoy tries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteView {
    /// The host name or pattern that it belongs to.
    pub host: String,
    /// Its place among the routes of that host, from 0. The first that matches wins.
    pub order: usize,
    /// Its name, which the access log has too: with `#session` behind it where a request bears a login that nobody asks for.
    pub name: String,
    /// What it matches, in words: `prefix /cart/, method GET`.
    #[serde(rename = "match")]
    pub matches: String,
    /// What it does: `forward`, `redirect`, `respond`.
    pub action: String,
    /// With which status, if it does not forward.
    pub status: Option<u16>,
    /// Where it leads, by weight.
    pub backends: Vec<BackendView>,
    /// Whether the AuthService is asked about its requests.
    #[serde(default)]
    pub asks_auth_service: bool,
    /// The rules of FilterPolicies that may apply to its requests, as `policy.namespace#3` (the first is 0), in the order in
    /// which they are tried. None: no policy is for it.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The objects that it was made from. None for what the gateway adds by itself.
    pub origin: Vec<ObjectRef>,
    /// The `RouteConfiguration` that holds it. Empty for a probe, which every listener answers.
    pub table: String,
    /// What Envoy's counts of its requests begin with, where it counts by route: `vhost.shop.example.com.route.shop_cart`.
    #[serde(default)]
    pub counted_as: Option<String>,
}

/// One of the places that a route leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackendView {
    /// The cluster. None where there is nothing to send requests to.
    pub cluster: Option<String>,
    /// Its share among the weights of the route.
    pub weight: u32,
    /// Why there is no cluster.
    pub invalid: Option<String>,
}

/// An upstream cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// Its name, as in Envoy's statistics.
    pub name: String,
    /// The service that it stands for, as it was written.
    pub service: String,
    /// How its endpoints are found: `eds`, `dns`, `static`.
    pub discovery: String,
    /// The endpoints that the controller knows. Empty where Envoy resolves a name.
    pub endpoints: Vec<EndpointView>,
    /// Whether connections to it are encrypted.
    pub tls: bool,
}

/// Where a cluster's requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointView {
    /// `address:port`.
    pub address: String,
    /// The same by the other IP family.
    pub other: Option<String>,
    /// Its zone, where zones count.
    pub zone: Option<String>,
    /// 0 takes the requests; 1 those that too few of rank 0 are fit for.
    pub rank: u32,
}

/// A connected Envoy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvoyView {
    /// `node.id`.
    pub node: String,
    /// `node.cluster`.
    pub cluster: String,
    /// `envoy/1.40.0`.
    pub version: String,
    /// `delta` or `state-of-the-world`.
    pub protocol: String,
    /// For how long it has been connected, in milliseconds.
    pub connected_for_ms: u64,
    /// The newest revision of which it has everything. None while it loads for the first time.
    pub synced_revision: Option<u64>,
    /// The newest revision that there is.
    pub newest_revision: u64,
    /// Responses that it was sent.
    pub responses: u64,
    /// Responses that it rejected.
    pub nacks: u64,
}

/// A listener, as a request meets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerView {
    /// Its name.
    pub name: String,
    /// `address:port`.
    pub address: String,
    /// The objects that it was made from.
    pub origin: Vec<ObjectRef>,
}

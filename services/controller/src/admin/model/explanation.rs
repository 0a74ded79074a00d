//! What becomes of a request, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BackendView, HostView, ListenerView, ObjectRef, RouteView};

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeaderView {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The request, as it was understood: `GET https://shop.example.com/cart`.
    pub request: String,
    /// The path as routes, rules and upstreams see it, where it is written otherwise: `/y` for `/x/../y`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The listener that takes the connection. None if none is on the port.
    pub listener: Option<ListenerView>,
    /// The same URL where the gateway does take such connections, if it takes none at its own port: with the ports of
    /// Listeners, and with `https` for `http` or the other way round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// The host whose table is used. None if none fits.
    pub host: Option<HostView>,
    /// The route that the request gets. None if it gets none.
    pub route: Option<RouteView>,
    /// The way of a connection that is passed on as it comes.
    pub tcp: Option<TcpView>,
    /// What comes of it, in a sentence: `forwarded to cart.shop:8080 as /`.
    pub outcome: String,
    /// Who is asked about the request before it goes on, and by which rule, in this order.
    #[serde(default)]
    pub protection: Vec<ProtectionExplained>,
    /// The id of the rules that the route names to the authentication service. None: that is not asked.
    #[serde(default)]
    pub rule_set: Option<String>,
    /// The limits that the request is held to.
    #[serde(default)]
    pub limits: Vec<LimitExplained>,
    /// By what it may fail all the same.
    #[serde(default)]
    pub failures: Vec<FailureView>,
    /// Routes that the request might have got, in the order in which they are tried, and why it did not.
    pub lost: Vec<Lost>,
}

/// Something for which Envoy answers a request instead of the service that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// With which status.
    pub status: u16,
    /// What happens then.
    pub why: String,
    /// The service.
    pub service: String,
    /// How often that was since the Envoy beside the controller began. None where there is none, or it does not tell.
    pub count: Option<u64>,
    /// Under which names Envoy counts it.
    #[serde(skip)]
    pub(crate) counters: Vec<String>,
}

/// Somebody who is asked about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProtectionExplained {
    /// The rule of a FilterPolicy, as `policy.namespace#3` (the first is 0); or the AuthServices that are asked. Where no rule
    /// applies, the policies that were looked at, as `policy.namespace`.
    pub by: String,
    /// The paths that the rule is for, as a glob. Empty for what is no rule.
    pub path: String,
    /// What the request passes, in this order.
    pub filters: Vec<String>,
    /// Whether the request is one of those that it is for.
    pub applies: bool,
    /// What comes of it, in a few words.
    pub outcome: String,
}

/// A limit that a request is held to, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitExplained {
    /// What is told of the request: `user=ann, method=POST`; `…` for what only Envoy knows. Empty for what Envoy counts by
    /// itself.
    pub labels: String,
    /// Those of them that the request says itself, by a header or where it comes from: nothing that an operator has written.
    pub of_request: String,
    /// How many requests: `60 per minute`. None if there is no limit, or it is not in force.
    pub limit: Option<String>,
    /// The name of the rule.
    pub rule: Option<String>,
    /// The object that asks for it.
    pub origin: Option<ObjectRef>,
    /// What comes of it, in a few words.
    pub outcome: String,
}

/// Connections that are passed on as they come, or with TLS taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TcpView {
    /// The names in the TLS handshake that are taken. None: every connection.
    pub server_names: Vec<String>,
    /// Where they lead, by weight.
    pub backends: Vec<BackendView>,
    /// The TCPMappings that it was made from.
    pub origin: Vec<ObjectRef>,
}

/// A route that a request did not get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lost {
    /// The route.
    pub route: RouteView,
    /// Why: `the header x-version is missing`, `a longer prefix comes first`.
    pub reason: String,
}

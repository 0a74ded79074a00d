//! The types that the API gives, which are also what `nuncio … -o json` prints.

use nuncio_api::{Location, ObjectId, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::LocatedProblem;

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectRef {
    /// `Mapping`, `Host`, …
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl From<&ObjectId> for ObjectRef {
    fn from(id: &ObjectId) -> Self {
        Self { kind: id.kind.to_string(), namespace: id.namespace.to_string(), name: id.name.to_string() }
    }
}

/// A place in a file. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationView {
    /// The file, relative to the directory.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl From<&Location> for LocationView {
    fn from(location: &Location) -> Self {
        Self { file: location.file.to_string(), line: location.line, column: location.column }
    }
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectState {
    /// It was read. It does not serve, for the reason in its problems, or because nothing refers to it.
    Parsed,
    /// It is part of the configuration, and no Envoy has been sent that yet.
    Translated,
    /// Envoys were sent it; not all have answered.
    Sent,
    /// All connected Envoys have it.
    Acked,
}

/// An object and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectView {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// Where it was written.
    #[serde(flatten)]
    pub location: LocationView,
    /// How far it has come.
    pub state: ObjectState,
    /// Envoys that have its newest version.
    pub acked_by: usize,
    /// Envoys that are connected.
    pub envoys: usize,
    /// Of its kind there is an editor.
    pub is_editable: bool,
    /// What it is for, where that is nothing of a route's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<PurposeView>,
    /// What is wrong with it.
    pub problems: Vec<ProblemView>,
}

/// What an object is for of which no route is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PurposeView {
    /// Connections to a port go to a service.
    Connections {
        /// The port.
        port: u16,
        /// The name that clients ask for by TLS; none where all connections go there.
        host: Option<String>,
        /// Where they go.
        service: String,
    },
    /// It says what Previews may be.
    Previews {
        /// The namespaces in which they count; `*` is each.
        namespaces: Vec<String>,
        /// The hosts that they may have the routes of.
        hosts: Vec<String>,
        /// The domain below which they have theirs.
        domain: String,
        /// How many there are that it rules; none where another policy is in force.
        count: Option<usize>,
    },
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemView {
    /// `error`: the object, or the named part of it, does not serve. `warning`: it serves, but not wholly as written.
    #[schema(value_type = String, example = "error")]
    pub severity: Severity,
    /// A stable word for programs.
    pub reason: String,
    /// The field it is about, as a dotted path; empty for the whole object.
    pub field: String,
    /// One sentence for people.
    pub message: String,
    /// Where to look. None for what is not written anywhere.
    pub location: Option<LocationView>,
    /// The object that has the problem. None for a file from which no object could be read.
    pub object: Option<ObjectRef>,
    /// What the object is called where its kind is none that is read: `LogService shop/logs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
}

impl From<&LocatedProblem> for ProblemView {
    fn from(located: &LocatedProblem) -> Self {
        let LocatedProblem { object, called, problem, location, snippet: _ } = located;
        Self {
            severity: problem.severity,
            reason: problem.reason.to_owned(),
            field: problem.field.clone(),
            message: problem.message.clone(),
            location: location.as_ref().map(LocationView::from),
            object: object.as_ref().map(ObjectRef::from),
            called: called.clone(),
        }
    }
}

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

/// A limit that a RateLimit asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitView {
    /// The domain of its labels.
    pub domain: String,
    /// The labels that a descriptor begins with: `user=*, method=POST`. Each value of `*` is counted for itself.
    pub labels: String,
    /// What logs call it.
    pub name: String,
    /// How many requests: `60 per minute`.
    pub limit: String,
    /// Requests beyond it pass, and are noted.
    pub log_only: bool,
    /// The RateLimit that it comes from.
    pub origin: ObjectRef,
    /// Who is asked about its domain: `limits.shop:8081 (RateLimitService shop/limits)`. None: nobody is.
    #[serde(default)]
    pub asked: Option<String>,
    /// How many rate limit services have fetched it over xDS, in its newest form.
    #[serde(default)]
    pub fetched_by: usize,
    /// Somebody is asked, and a service has it in its newest form.
    #[serde(default)]
    pub in_force: bool,
}

/// Requests that were over a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitedView {
    /// The domain of the labels.
    pub domain: String,
    /// The labels that are counted: `user=ann`.
    pub labels: String,
    /// The rule.
    pub name: String,
    /// How often it was over the limit since the service began; more or less, where there are very many.
    pub over: u64,
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

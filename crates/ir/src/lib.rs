//! The model in which the translators meet: what the gateway does, in terms of neither the objects
//! that asked for it nor the proxy that does it.
//!
//! Every node is plain, ordered data: `Eq` says that nothing changed, and [`version`] names a node's
//! content. Collections are sorted vectors or `BTreeMap`s, so that equal worlds give equal models.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod auth;
mod cluster;
mod entry;
mod extension;
mod header;
mod limit;
mod listener;
mod model;
mod preview;
mod resource_type;
mod route;
mod routes;
mod tls;
mod version;

pub use cluster::{
    CircuitBreaker, Cluster, ClusterName, Discovery, Endpoint, Endpoints, HealthCheck, HealthCheckKind, IpFamily,
    Keepalive, LbPolicy, OutlierDetection, Priority, Protocol, StatusRange,
};
pub use entry::{OTHER_PATHS, Removal};
pub use extension::{Authorization, AuthorizationBody, AuthorizationProtocol, Extension, Slot, SlotFilter};
pub use header::{HeaderAdd, HeaderEdits};
pub use limit::{LimitError, LimitNode, LimitRule, LimitRules, LimitService, Limits, RateLabel, TokenBucket};
pub use listener::{
    AccessLog, AccessLogFormat, BUFFER_LIMIT, CHAIN_HEADER, ChainMatch, ClientCertHeader, EscapedSlashes, FilterChain,
    ForwardClientCert, Gzip, GzipStrategy, Handler, HttpFilter, HttpSettings, IpRule, IpSource, JsonLogValue, Listener,
    TcpProxy, Transport, UnderscoreHeaders, WeightedCluster,
};
pub use model::{Change, Delta, Model, put};
pub use preview::{
    BAGGAGE_HEADER, BAGGAGE_MEMBER, BAGGAGE_NAME_MEMBER, COUNTED, CookieChoice, FOREIGN_HEADER, KEY_LENGTH, KEY_PREFIX,
    NO_HOST, PREVIEW_HEADER, PROBES_SWITCH, PreviewContext, PreviewEntry, PreviewTrust, PreviewWay, ProbeLog,
    SELECT_HEADER, SELECTOR_MARK, StreamBounds, TUNNEL_PROTOCOL,
};
pub use resource_type::ResourceType;
pub use route::{
    Arm, AuthContext, Backend, Check, Cors, Forward, HashPolicy, HeaderMatch, HostRewrite, Mirror, PathMatch,
    PathRewrite, QueryMatch, Redirect, Respond, Retry, Route, RouteAction, RouteMatch, RuleCheck, Scope, Table,
    TableName, Told, ValueMatch, VirtualHost,
};
pub use routes::Routes;
pub use tls::{
    ClientValidation, DownstreamTls, Pem, Secret, SecretName, SecretValue, TlsSettings, TlsVersion, UpstreamTls,
};
pub use version::{Version, version};

pub use nuncio_api::{LimitUnit, ObjectId};

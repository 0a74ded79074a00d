//! `AuthService`: who may come in is asked of another service.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CircuitBreaker;
use crate::ServiceRef;

/// How an authorization service is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthProto {
    /// By a request like the client's: 200 lets it in.
    #[default]
    Http,
    /// By Envoy's `Authorization/Check`.
    Grpc,
}

/// Version of the protocol that `grpc` speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthProtocolVersion {
    /// Envoy has it no longer.
    #[default]
    V2,
    /// `envoy.service.auth.v3`.
    V3,
}

/// The `spec` of an `AuthService`. Several that say the same but for `auth_service` share the work; lists of headers are
/// joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AuthService {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Who is asked: `[scheme://]host[.namespace][:port]`. Required.
    pub auth_service: ServiceRef,
    /// How it is asked; default `http`.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub proto: Option<AuthProto>,
    /// Version of the protocol; `grpc` needs `v3`, and nothing else looks at it.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub protocol_version: Option<AuthProtocolVersion>,
    /// Put before the path that the service is asked about, beginning with a slash; `http` alone.
    pub path_prefix: Option<String>,
    /// Name of the `TLSContext` for connections to the service, as `name` or `name.namespace`.
    pub tls: Option<String>,
    /// Milliseconds for the answer, 0 is no limit; default 5000.
    pub timeout_ms: Option<u64>,
    /// Headers of the request that the service is sent, beside `authorization`, `cookie`, `from`, `proxy-authorization`,
    /// `user-agent` and `x-forwarded-` `for`, `host` and `proto`. By `grpc` it is sent all.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub allowed_request_headers: Vec<String>,
    /// Headers of its answer that are passed on, to the upstream or to the client, beside `authorization`, `location`,
    /// `proxy-authenticate`, `set-cookie` and `www-authenticate`. Clients cannot set them themselves, but for those that are
    /// among the `allowed_request_headers`. By `grpc` the service says what is passed on.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub allowed_authorization_headers: Vec<String>,
    /// Headers that the service alone is sent; values may hold Envoy's command operators.
    pub add_auth_headers: BTreeMap<String, String>,
    /// Add `l5d-dst-override: host:port` for Linkerd to what the service is sent; default is the Module's, else `false`.
    pub add_linkerd_headers: Option<bool>,
    /// How much of the body the service is sent; default none.
    pub include_body: Option<IncludeBody>,
    /// Older spelling of `include_body` with 4096 bytes of larger bodies; without effect beside it.
    pub allow_request_body: Option<bool>,
    /// Status that the client gets when the service cannot be asked; default 403.
    pub status_on_error: Option<StatusOnError>,
    /// Let requests in when the service cannot be asked; default `false`.
    pub failure_mode_allow: Option<bool>,
    /// Bounds on what runs at once; default is the Module's. At most one for each priority.
    pub circuit_breakers: Vec<CircuitBreaker>,
    /// The service's name in statistics; default is made of `auth_service`.
    pub stats_name: Option<String>,
    /// How the field `tls` was spelled in `v2`; no effect.
    #[serde(rename = "v2ExplicitTLS")]
    pub v2_explicit_tls: Option<Value>,
}

/// How much of a request's body is sent along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IncludeBody {
    /// At most this many bytes. Required.
    pub max_bytes: u32,
    /// Send the beginning of a larger body; otherwise that is answered with 413, which is the default.
    pub allow_partial: bool,
}

/// A status for when something fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct StatusOnError {
    /// The HTTP status. Required.
    pub code: u16,
}

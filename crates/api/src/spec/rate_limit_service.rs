//! `RateLimitService`: whom Envoy asks about global rate limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ServiceRef;

/// The `spec` of a `RateLimitService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RateLimitService {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Who is asked, over gRPC: `[scheme://]host[.namespace][:port]`. Required.
    pub service: ServiceRef,
    /// The domain of labels that is asked about; default is the Module's `default_label_domain`, else `ambassador`.
    pub domain: Option<String>,
    /// Milliseconds for an answer, 0 is no limit; default 20.
    pub timeout_ms: Option<u64>,
    /// Version of Envoy's protocol. There is but `v3` any more.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub protocol_version: Option<ProtocolVersion>,
    /// Refuse requests with 500 where the service cannot be asked; default `false`, which lets them pass.
    pub failure_mode_deny: Option<bool>,
    /// Name of the `TLSContext` for connections to the service, as `name` or `name.namespace`.
    pub tls: Option<String>,
    /// The service's name in statistics; default is made of `service`.
    pub stats_name: Option<String>,
    /// How gRPC clients are told.
    pub grpc: Option<RateLimitGrpc>,
}

/// Versions of Envoy's protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolVersion {
    /// No Envoy speaks it any more.
    V2,
    /// The current one.
    V3,
}

/// How gRPC clients are told that they are over a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RateLimitGrpc {
    /// By `RESOURCE_EXHAUSTED` rather than `UNAVAILABLE`; default `false`.
    #[serde(alias = "rate_limited_as_resource_exhausted")]
    pub use_resource_exhausted_code: Option<bool>,
}

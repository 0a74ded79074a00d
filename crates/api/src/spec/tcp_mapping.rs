//! `TCPMapping`: forwards connections, whatever they carry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CircuitBreaker;
use crate::ServiceRef;

/// The `spec` of a `TCPMapping`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TcpMapping {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Port to listen on. Required.
    pub port: u16,
    /// The name that clients ask for by SNI; makes the port a TLS one.
    pub host: Option<String>,
    /// Address to listen on; default `0.0.0.0`.
    pub address: Option<String>,
    /// Where connections go: `[scheme://]host[.namespace][:port]`. Required.
    pub service: ServiceRef,
    /// This object's share in percent among those of the same port and host.
    pub weight: Option<i64>,
    /// Name of a resolver; default is the Module's, else `kubernetes-service`.
    pub resolver: Option<String>,
    /// Name of the `TLSContext` for connections to the service, as `name` or `name.namespace`.
    pub tls: Option<String>,
    /// Use IPv4 addresses; default is the Module's, else `true`.
    pub enable_ipv4: Option<bool>,
    /// Use IPv6 addresses; default is the Module's, else `false`.
    pub enable_ipv6: Option<bool>,
    /// Bounds on what runs at once; default is the Module's. At most one for each priority.
    pub circuit_breakers: Vec<CircuitBreaker>,
    /// Milliseconds without a byte after which a connection is closed, 0 is no limit; text or number.
    #[serde(deserialize_with = "crate::lenient::milliseconds")]
    #[schemars(with = "crate::crd::IntOrText")]
    pub idle_timeout_ms: Option<u64>,
    /// Keeps this object's upstream apart from others of the same service.
    pub cluster_tag: Option<String>,
    /// The upstream's name in statistics; default is made of the service.
    pub stats_name: Option<String>,
    /// How the field `tls` was spelled in `v2`; no effect.
    #[serde(rename = "v2ExplicitTLS")]
    pub v2_explicit_tls: Option<Value>,
}

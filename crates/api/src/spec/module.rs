//! `Module`: settings of the whole edge.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::is_proper_case;

use super::{
    Buffer, CircuitBreaker, ClientCertDetails, Cors, DefaultLabels, ForwardClientCertDetails, GrpcStats, Gzip, IpRule,
    Keepalive, LoadBalancer, LogFormat, LogType, ModuleDefaults, Probe, RetryPolicy, UnderscoresAction,
};

/// The `spec` of a `Module`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Module {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// The settings. Each fails alone: one that is wrong is left as it was last good, at its default where it never was,
    /// and the rest holds.
    pub config: ModuleConfig,
}

/// Who may connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum IpAccess {
    /// These addresses; an empty list names nobody.
    Rules(Vec<IpRule>),
    /// The list could not be read. Nobody may be let in by a list that is not known.
    #[schemars(skip)]
    Unreadable,
}

impl<'de> Deserialize<'de> for IpAccess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Rules)
    }
}

/// Defines a struct whose fields can be set one by one, by name.
macro_rules! settings {
    ($(#[$outer:meta])* pub struct $name:ident { $($(#[$inner:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        pub struct $name { $($(#[$inner])* pub $field: $type,)* }

        impl $name {
            /// The names of all settings.
            pub(crate) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Sets the setting called `key`; `None` if there is none of that name.
            pub(crate) fn set<'de, D: Deserializer<'de>>(&mut self, key: &str, value: D) -> Option<Result<(), D::Error>> {
                match key {
                    $(stringify!($field) => Some(Deserialize::deserialize(value).map(|value| self.$field = value)),)*
                    _ => None,
                }
            }

            /// Takes the setting called `key` from another.
            pub fn take(&mut self, key: &str, other: &Self) {
                match key {
                    $(stringify!($field) => self.$field.clone_from(&other.$field),)*
                    _ => {}
                }
            }
        }
    };
}

settings! {
/// The settings of the Module `ambassador`. What is absent has the default given with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ModuleConfig {
    /// Add `l5d-dst-override` for Linkerd; default `false`. A Mapping's own wins.
    pub add_linkerd_headers: Option<bool>,
    /// Port of Envoy's admin interface; the original's default is 8001.
    pub admin_port: Option<u16>,
    /// Let requests in that have both `Content-Length` and `Transfer-Encoding: chunked`; default `false`.
    pub allow_chunked_length: Option<bool>,
    /// Hold a request's body back until it is complete.
    pub buffer: Option<Buffer>,
    /// Bytes that Envoy buffers for a connection; Envoy's default is 1 MiB.
    pub buffer_limit_bytes: Option<u32>,
    /// Bounds on what runs at once, for Mappings without their own. At most one for each priority.
    pub circuit_breakers: Vec<CircuitBreaker>,
    /// Milliseconds after which an upstream connection without requests is closed, for Mappings without their own.
    pub cluster_idle_timeout_ms: Option<u64>,
    /// Milliseconds after which an upstream connection is replaced, for Mappings without their own.
    pub cluster_max_connection_lifetime_ms: Option<u64>,
    /// Milliseconds for a whole answer, for Mappings without `timeout_ms`; default 3000, 0 is no limit.
    pub cluster_request_timeout_ms: Option<u64>,
    /// Cross-origin policy, for Mappings without their own.
    pub cors: Option<Box<Cors>>,
    /// The original's own debugging switch.
    pub debug_mode: Option<bool>,
    /// Domain of rate-limit labels; default `ambassador`.
    pub default_label_domain: Option<String>,
    /// Rate-limit labels of every request, by domain.
    pub default_labels: BTreeMap<String, DefaultLabels>,
    /// Defaults for Mappings and TLSContexts.
    pub defaults: Option<ModuleDefaults>,
    /// The diagnostics pages under `/ambassador/v0/`; on by default.
    pub diagnostics: Option<Probe>,
    /// Translate gRPC for clients of HTTP/1.1; default `false`.
    pub enable_grpc_http11_bridge: Option<bool>,
    /// Translate gRPC-Web; default `false`.
    pub enable_grpc_web: Option<bool>,
    /// Answer HTTP/1.0 requests; default `false`.
    pub enable_http10: Option<bool>,
    /// Use IPv4 addresses of services; default `true`. A Mapping's own wins.
    pub enable_ipv4: Option<bool>,
    /// Use IPv6 addresses of services; default `false`. A Mapping's own wins.
    pub enable_ipv6: Option<bool>,
    /// Format of the access log: text, or fields where `envoy_log_type` is `json` or `typed_json`.
    pub envoy_log_format: Option<LogFormat>,
    /// File of the access log; default `/dev/fd/1`.
    pub envoy_log_path: Option<String>,
    /// Form of the access log; default `text`.
    pub envoy_log_type: Option<LogType>,
    /// Seconds that the original gives Envoy to check a configuration.
    pub envoy_validation_timeout: Option<u64>,
    /// Replaced error bodies, as written; the original removed the setting in its version 4.
    pub error_response_overrides: Option<Value>,
    /// What happens to `X-Forwarded-Client-Cert`; default `SANITIZE`.
    pub forward_client_cert_details: Option<ForwardClientCertDetails>,
    /// Statistics of gRPC calls.
    pub grpc_stats: Option<GrpcStats>,
    /// Compress answers.
    pub gzip: Option<Gzip>,
    /// Header names to be written with exactly these capitals.
    pub header_case_overrides: Vec<String>,
    /// What happens to headers with underscores in their names.
    pub headers_with_underscores_action: Option<UnderscoresAction>,
    /// Only these addresses may come in; excludes `ip_deny`.
    pub ip_allow: Option<IpAccess>,
    /// These addresses may not come in; excludes `ip_allow`.
    pub ip_deny: Option<IpAccess>,
    /// TCP keep-alive towards services, for Mappings without their own.
    pub keepalive: Option<Keepalive>,
    /// Milliseconds after which a client's connection without requests is closed.
    pub listener_idle_timeout_ms: Option<u64>,
    /// Milliseconds from the first byte of a request to its last, unless the answer has begun; default 300 000, 0 is no limit.
    /// None of the original.
    pub listener_request_timeout_ms: Option<u64>,
    /// The path `/ambassador/v0/check_alive`; on by default.
    pub liveness_probe: Option<Probe>,
    /// How an endpoint is picked, for Mappings without their own; default round robin.
    pub load_balancer: Option<LoadBalancer>,
    /// A Lua script that sees every request.
    pub lua_scripts: Option<String>,
    /// Kibibytes for all headers of a request; Envoy's default is 60.
    pub max_request_headers_kb: Option<u32>,
    /// Make one slash of many in paths.
    pub merge_slashes: Option<bool>,
    /// Keep a client's `X-Request-Id`; default `false`.
    pub preserve_external_request_id: Option<bool>,
    /// Write HTTP/1.1 header names to clients in `Proper-Case`; default `false`.
    pub proper_case: Option<bool>,
    /// The path `/ambassador/v0/check_ready`; on by default.
    pub readiness_probe: Option<Probe>,
    /// Longest regular expression; without effect in the original, and here any length is taken.
    pub regex_max_size: Option<u64>,
    /// Which expressions are meant, `safe` or `unsafe`; they are RE2 whatever it says.
    pub regex_type: Option<String>,
    /// Refuse paths with `%2F` or `%5C` with 400.
    pub reject_requests_with_escaped_slashes: Option<bool>,
    /// Resolver, for Mappings without their own; default `kubernetes-service`.
    pub resolver: Option<String>,
    /// Retries, for Mappings without their own.
    pub retry_policy: Option<RetryPolicy>,
    /// Envoy's runtime flags, as written.
    pub runtime_flags: Option<BTreeMap<String, Value>>,
    /// The `Server` header of answers; default `envoy`.
    pub server_name: Option<String>,
    /// What `X-Forwarded-Client-Cert` says of a client's certificate.
    pub set_current_client_cert_details: Option<ClientCertDetails>,
    /// Where the original sends its own statistics, as written.
    pub statsd: Option<Value>,
    /// Take the port off the Host header where it is the Listener's own; default `false`.
    pub strip_matching_host_port: Option<bool>,
    /// Keep `x-envoy-*` headers from clients and services; default `false`.
    pub suppress_envoy_headers: Option<bool>,
    /// Bare service names are of the edge's namespace instead of the Mapping's; default `false`.
    pub use_ambassador_namespace_for_service_resolution: Option<bool>,
    /// A client's address is that of its connection, and `X-Forwarded-For` is added to; default `true`.
    pub use_remote_address: Option<bool>,
}
}

impl ModuleConfig {
    /// Whether clients of HTTP/1.1 see header names in `Proper-Case`: if that is asked for, or is the spelling that some name
    /// is to have, since Envoy has none for single names.
    #[must_use]
    pub fn writes_proper_case(&self) -> bool {
        self.proper_case.unwrap_or(false) || self.overrides_with_proper_case()
    }

    /// Whether services see them so. `proper_case` is for clients alone, as in the original, and goes before single names.
    #[must_use]
    pub fn sends_proper_case(&self) -> bool {
        !self.proper_case.unwrap_or(false) && self.overrides_with_proper_case()
    }

    fn overrides_with_proper_case(&self) -> bool {
        self.header_case_overrides.iter().any(|name| is_proper_case(name))
    }
}

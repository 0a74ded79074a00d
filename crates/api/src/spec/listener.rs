//! `Listener`: a port that the edge is open on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LabelSelector;

/// The `spec` of a `Listener`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Listener {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Port to listen on. Required.
    pub port: u16,
    /// What is spoken on the port. This or `protocolStack` is required.
    pub protocol: Option<Protocol>,
    /// What is spoken on the port, layer by layer from the top; the last is `TCP` or `UDP`. Wins over `protocol`.
    #[serde(rename = "protocolStack")]
    pub protocol_stack: Vec<ProtocolLayer>,
    /// How a request is told to be secure. Required.
    #[serde(rename = "securityModel")]
    pub security_model: Option<SecurityModel>,
    /// Prefix of the port's statistics; default `ingress_http`, `ingress_https`, `ingress_tls_PORT`, `ingress_tcp_PORT`.
    #[serde(rename = "statsPrefix")]
    pub stats_prefix: Option<String>,
    /// Proxies in front of the edge whose `X-Forwarded-For` is trusted; default 0.
    #[serde(rename = "l7Depth")]
    pub l7_depth: Option<u32>,
    /// Streams that an HTTP/2 connection may have at once.
    #[serde(rename = "http2MaxConcurrentStreams")]
    pub http2_max_concurrent_streams: Option<u32>,
    /// The Hosts that the port serves. Required.
    #[serde(rename = "hostBinding")]
    pub host_binding: Option<HostBinding>,
    /// Services call each other here: what they say of the preview that a request belongs to is believed. Nobody else must
    /// reach the port.
    pub internal: Option<bool>,
}

impl Listener {
    /// Whether services call each other here.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.internal.unwrap_or(false)
    }

    /// The protocol's layers from the top: the stack as written, or what `protocol` stands for.
    #[must_use]
    pub fn layers(&self) -> &[ProtocolLayer] {
        use ProtocolLayer::{Http, Proxy, Tcp, Tls};
        if !self.protocol_stack.is_empty() {
            return &self.protocol_stack;
        }
        match self.protocol {
            None => &[],
            Some(Protocol::Http) => &[Http, Tcp],
            Some(Protocol::Https) => &[Tls, Http, Tcp],
            Some(Protocol::HttpProxy) => &[Proxy, Http, Tcp],
            Some(Protocol::HttpsProxy) => &[Tls, Proxy, Http, Tcp],
            Some(Protocol::Tcp) => &[Tcp],
            Some(Protocol::Tls) => &[Tls, Tcp],
        }
    }

    /// The prefix of the port's statistics: as written, else by its layers.
    #[must_use]
    pub fn prefix_of_statistics(&self) -> String {
        if let Some(prefix) = &self.stats_prefix {
            return prefix.clone();
        }
        let has = |layer| self.layers().contains(&layer);
        match (has(ProtocolLayer::Http), has(ProtocolLayer::Tls)) {
            (true, true) => "ingress_https".to_owned(),
            (true, false) => "ingress_http".to_owned(),
            (false, true) => format!("ingress_tls_{}", self.port),
            (false, false) => format!("ingress_tcp_{}", self.port),
        }
    }
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// HTTP in clear text.
    Http,
    /// HTTP over TLS; clear text is told apart and follows the insecure action.
    Https,
    /// HTTP behind the PROXY protocol.
    HttpProxy,
    /// HTTP over TLS behind the PROXY protocol.
    HttpsProxy,
    /// Bytes, for `TCPMapping`s.
    Tcp,
    /// TLS, for `TCPMapping`s with a host.
    Tls,
}

/// One layer of what is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProtocolLayer {
    /// TLS.
    Tls,
    /// HTTP.
    Http,
    /// The PROXY protocol.
    Proxy,
    /// TCP.
    Tcp,
    /// UDP; with HTTP on it, HTTP/3.
    Udp,
}

/// How a request is told to be secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SecurityModel {
    /// By `X-Forwarded-Proto`, which Envoy sets where no trusted proxy did.
    Xfp,
    /// Every request is.
    Secure,
    /// No request is.
    Insecure,
}

/// The Hosts that a Listener serves: those of which everything here holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HostBinding {
    /// By namespace.
    pub namespace: Option<HostNamespaces>,
    /// By labels.
    pub selector: Option<LabelSelector>,
}

/// Namespaces of Hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HostNamespaces {
    /// Which ones; default `SELF`.
    pub from: Option<NamespaceFrom>,
}

/// Which namespaces Hosts may be in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum NamespaceFrom {
    /// The Listener's own.
    #[default]
    #[serde(rename = "SELF")]
    Same,
    /// Any.
    All,
}

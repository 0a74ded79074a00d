//! TLS, towards clients and towards upstreams.

use std::fmt;
use std::sync::Arc;

/// Names a [`Secret`]: `namespace/name`, with a suffix for what is not a certificate.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName(pub Arc<str>);

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is sent to Envoy by SDS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// Resource name.
    pub name: SecretName,
    /// Content.
    pub value: SecretValue,
}

/// Content of a [`Secret`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretValue {
    /// A certificate chain and its key.
    Certificate {
        /// Certificate, then its issuers.
        chain: Pem,
        /// Private key.
        key: Pem,
    },
    /// Certificates by which a peer is verified. An empty `ca` refuses every certificate.
    Validation {
        /// Trusted authorities.
        ca: Pem,
        /// Revocation lists.
        crl: Option<Pem>,
    },
}

/// PEM text that never shows in logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pem(pub Arc<str>);

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({} bytes)", self.0.len())
    }
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TlsVersion {
    V1_0,
    V1_1,
    V1_2,
    V1_3,
}

/// Parameters of a handshake. Absent values are Envoy's defaults (TLS 1.2 and 1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Lowest version.
    pub min_version: Option<TlsVersion>,
    /// Highest version.
    pub max_version: Option<TlsVersion>,
    /// BoringSSL names, for TLS 1.2 and below.
    pub cipher_suites: Vec<String>,
    /// Key exchange groups.
    pub ecdh_curves: Vec<String>,
    /// Protocols offered by ALPN, best first.
    pub alpn: Vec<String>,
}

/// TLS that ends at the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DownstreamTls {
    /// The certificate shown.
    pub certificate: SecretName,
    /// Handshake parameters.
    pub settings: TlsSettings,
    /// Whether and how clients are verified.
    pub client: Option<ClientValidation>,
}

/// How clients' certificates are verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientValidation {
    /// A [`SecretValue::Validation`].
    pub authorities: SecretName,
    /// Refuse clients without a certificate.
    pub required: bool,
}

/// TLS towards an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UpstreamTls {
    /// Certificate shown to the upstream.
    pub certificate: Option<SecretName>,
    /// The upstream's certificate must be signed by these; not verified where absent.
    pub authorities: Option<SecretName>,
    /// Server name sent.
    pub sni: Option<String>,
    /// Handshake parameters.
    pub settings: TlsSettings,
}

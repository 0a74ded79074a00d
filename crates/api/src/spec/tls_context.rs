//! `TLSContext`: certificates and TLS settings, for clients and for services.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of a `TLSContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TlsContext {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Names that the certificate is shown for; without one the context is for connections to services.
    pub hosts: Vec<String>,
    /// Secret with certificate and key.
    pub secret: Option<String>,
    /// A dot in a Secret's name separates name and namespace (at the last one); default `true`.
    pub secret_namespacing: Option<bool>,
    /// File with the certificate and its chain, PEM.
    pub cert_chain_file: Option<String>,
    /// File with the key, PEM.
    pub private_key_file: Option<String>,
    /// Secret with the CAs that the other side's certificate must come from.
    pub ca_secret: Option<String>,
    /// File with those CAs, PEM.
    pub cacert_chain_file: Option<String>,
    /// Secret with the list of revoked certificates.
    pub crl_secret: Option<String>,
    /// Protocols offered by ALPN, with commas between them.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub alpn_protocols: Vec<String>,
    /// Clients must show a certificate; default `false`.
    pub cert_required: Option<bool>,
    /// Oldest version spoken; Envoy's default for servers is `v1.2`.
    pub min_tls_version: Option<TlsVersion>,
    /// Newest version spoken; Envoy's default is `v1.3`.
    pub max_tls_version: Option<TlsVersion>,
    /// Cipher suites up to TLS 1.2, in `BoringSSL`'s names.
    pub cipher_suites: Vec<String>,
    /// Curves for the key exchange.
    pub ecdh_curves: Vec<String>,
    /// Clear text on this port is redirected; a Host does that now.
    pub redirect_cleartext_from: Option<i64>,
    /// Name told to services by SNI.
    pub sni: Option<String>,
}

impl TlsContext {
    /// The settings that a Host can also have by itself.
    #[must_use]
    pub fn config(&self) -> TlsConfig {
        TlsConfig {
            cert_chain_file: self.cert_chain_file.clone(),
            private_key_file: self.private_key_file.clone(),
            ca_secret: self.ca_secret.clone(),
            cacert_chain_file: self.cacert_chain_file.clone(),
            crl_secret: self.crl_secret.clone(),
            alpn_protocols: self.alpn_protocols.clone(),
            cert_required: self.cert_required,
            min_tls_version: self.min_tls_version,
            max_tls_version: self.max_tls_version,
            cipher_suites: self.cipher_suites.clone(),
            ecdh_curves: self.ecdh_curves.clone(),
            redirect_cleartext_from: self.redirect_cleartext_from,
            sni: self.sni.clone(),
        }
    }
}

/// The TLS settings that a `TLSContext` and the `tls` of a Host share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TlsConfig {
    /// File with the certificate and its chain, PEM.
    pub cert_chain_file: Option<String>,
    /// File with the key, PEM.
    pub private_key_file: Option<String>,
    /// Secret with the CAs that clients' certificates must come from.
    pub ca_secret: Option<String>,
    /// File with those CAs, PEM.
    pub cacert_chain_file: Option<String>,
    /// Secret with the list of revoked certificates.
    pub crl_secret: Option<String>,
    /// Protocols offered by ALPN, with commas between them.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub alpn_protocols: Vec<String>,
    /// Clients must show a certificate; default `false`.
    pub cert_required: Option<bool>,
    /// Oldest version spoken; Envoy's default for servers is `v1.2`.
    pub min_tls_version: Option<TlsVersion>,
    /// Newest version spoken; Envoy's default is `v1.3`.
    pub max_tls_version: Option<TlsVersion>,
    /// Cipher suites up to TLS 1.2, in `BoringSSL`'s names.
    pub cipher_suites: Vec<String>,
    /// Curves for the key exchange.
    pub ecdh_curves: Vec<String>,
    /// Clear text on this port is redirected; `requestPolicy` does that now.
    pub redirect_cleartext_from: Option<i64>,
    /// Name told to services by SNI.
    pub sni: Option<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.0.
    #[serde(rename = "v1.0")]
    V1_0,
    /// TLS 1.1.
    #[serde(rename = "v1.1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "v1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "v1.3")]
    V1_3,
}

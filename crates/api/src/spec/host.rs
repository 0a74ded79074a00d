//! `Host`: a name that the edge answers to, its certificate, and what happens to clear text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LabelSelector, TlsConfig};

/// The `spec` of a `Host`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Host {
    /// The instances that take the object; `default` where empty.
    #[serde(alias = "ambassadorId", deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// The name, or a glob with one star at either end; default `*`.
    pub hostname: Option<String>,
    /// Labels of the Mappings that belong to this Host.
    #[serde(rename = "mappingSelector")]
    pub mapping_selector: Option<LabelSelector>,
    /// Older spelling of `mappingSelector`, which wins over it; has been moved there when parsing is done.
    pub selector: Option<LabelSelector>,
    /// The certificate; without it there is no TLS for this Host.
    #[serde(rename = "tlsSecret")]
    pub tls_secret: Option<SecretReference>,
    /// A `TLSContext` of the Host's namespace with further settings; excludes `tls`.
    #[serde(rename = "tlsContext")]
    pub tls_context: Option<LocalObjectReference>,
    /// Further TLS settings; excludes `tlsContext`.
    pub tls: Option<TlsConfig>,
    /// What happens to requests.
    #[serde(rename = "requestPolicy")]
    pub request_policy: Option<RequestPolicy>,
    /// Where to get a certificate from.
    #[serde(rename = "acmeProvider")]
    pub acme_provider: Option<AcmeProvider>,
    /// Preview URLs of the original's Service Preview.
    #[serde(rename = "previewUrl")]
    pub preview_url: Option<PreviewUrl>,
}

impl Host {
    /// What a TLSContext in the place of `tls` would have for this: a certificate of another namespace is named with it.
    #[must_use]
    pub fn secret_namespacing(&self) -> Option<bool> {
        let namespace = self.tls_secret.as_ref().and_then(|secret| secret.namespace.as_deref());
        namespace.is_some_and(|namespace| !namespace.is_empty()).then_some(true)
    }

    /// What happens to requests in clear text.
    #[must_use]
    pub fn insecure_action(&self) -> InsecureAction {
        self.request_policy.as_ref().and_then(|policy| policy.insecure.as_ref()?.action).unwrap_or_default()
    }
}

/// Names a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SecretReference {
    /// Name of the Secret. Required.
    pub name: String,
    /// Its namespace; default is that of the object that refers to it.
    pub namespace: Option<String>,
}

/// Names an object of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct LocalObjectReference {
    /// Name of the object. Required.
    pub name: String,
}

/// What happens to a Host's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RequestPolicy {
    /// Those that came in clear text.
    pub insecure: Option<InsecureRequestPolicy>,
}

/// What happens to requests in clear text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct InsecureRequestPolicy {
    /// The action; default `Redirect`.
    pub action: Option<InsecureAction>,
    /// Another port for clear text; a Listener does that now.
    #[serde(rename = "additionalPort")]
    pub additional_port: Option<i64>,
}

/// What happens to requests in clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum InsecureAction {
    /// They are sent to `https://`.
    #[default]
    Redirect,
    /// They are served like any other.
    Route,
    /// They are refused.
    Reject,
}

/// Where certificates come from by ACME (RFC 8555).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AcmeProvider {
    /// Directory URL of the authority, or `none`.
    pub authority: Option<String>,
    /// Address for the account.
    pub email: Option<String>,
    /// Secret with the account's key.
    #[serde(rename = "privateKeySecret")]
    pub private_key_secret: Option<LocalObjectReference>,
    /// The account, as the authority knows it.
    pub registration: Option<String>,
}

/// Preview URLs of the original's Service Preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewUrl {
    /// Whether they are on; default `false`.
    pub enabled: Option<bool>,
    /// Their form; the original knows `Path`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

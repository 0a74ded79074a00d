//! `Filter`: what a request must have to be let through.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::filter_oauth2::OAuth2Filter;
use super::{Duration, IncludeBody, StatusOnError};
use crate::ServiceRef;

/// The `spec` of a `Filter`: exactly one of its kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Filter {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// Wants a bearer token that is a JWT.
    #[serde(rename = "JWT")]
    pub jwt: Option<Box<JwtFilter>>,
    /// Wants a login, or gets a token for a machine.
    #[serde(rename = "OAuth2")]
    pub oauth2: Option<Box<OAuth2Filter>>,
    /// Wants a key.
    #[serde(rename = "APIKey")]
    pub api_key: Option<Box<ApiKeyFilter>>,
    /// Wants a name and a password. Not of the original.
    #[serde(rename = "Basic")]
    pub basic: Option<Box<BasicFilter>>,
    /// Asks another service.
    #[serde(rename = "External")]
    pub external: Option<Box<ExternalFilter>>,
    /// Wants a bearer token that its issuer says is active (RFC 7662). Not of the original.
    #[serde(rename = "Introspection")]
    pub introspection: Option<Box<IntrospectionFilter>>,
    /// A plugin in Go, which cannot be run here.
    #[serde(rename = "Plugin")]
    pub plugin: Option<Box<PluginFilter>>,
}

/// Whether TLS servers may ask to begin anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RenegotiateTls {
    /// They may not.
    #[default]
    Never,
    /// Once.
    OnceAsClient,
    /// As often as they like.
    FreelyAsClient,
}

/// A header for upstreams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct InjectedHeader {
    /// The header. Required.
    pub name: String,
    /// A template as of Go's `text/template`, over `.token`, `.idToken` and `.httpRequestHeader`.
    pub value: String,
    /// Where the template says `doNotSet`, pass on what the client sent, as the original does. Default: nothing is passed on.
    pub keep_client_value: Option<bool>,
}

/// The answer to who is not let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FilterErrorResponse {
    /// Of the challenge; default is `NAME.NAMESPACE` of the Filter.
    pub realm: Option<String>,
    /// An older way to say the header `Content-Type`.
    pub content_type: Option<String>,
    /// Headers added to the answer.
    pub headers: Vec<InjectedHeader>,
    /// The body, a template as of Go's `text/template`; default is JSON with a message.
    pub body_template: Option<String>,
}

/// Wants a bearer token that is a JWT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct JwtFilter {
    /// Where the issuer's keys are. Required unless `none` alone is valid.
    #[serde(rename = "jwksURI")]
    pub jwks_uri: Option<String>,
    /// Algorithms that are accepted; default is every one with a signature by a public key.
    pub valid_algorithms: Vec<String>,
    /// What `aud` must hold, where it is there.
    pub audience: Option<String>,
    /// One of these must be in `aud`, where it is there.
    pub audiences: Vec<String>,
    /// All of `audiences` must be in `aud`, rather than one. Not of the original under this name.
    pub require_all_audiences: Option<bool>,
    /// `aud` must be there.
    pub require_audience: Option<bool>,
    /// What `iss` must be, where it is there.
    pub issuer: Option<String>,
    /// `iss` must be there.
    pub require_issuer: Option<bool>,
    /// `exp` must be there.
    pub require_expires_at: Option<bool>,
    /// How much clocks may differ about `exp`; default none.
    pub leeway_for_expires_at: Option<Duration>,
    /// `nbf` must be there.
    pub require_not_before: Option<bool>,
    /// How much clocks may differ about `nbf`; default none.
    pub leeway_for_not_before: Option<Duration>,
    /// `iat` must be there.
    pub require_issued_at: Option<bool>,
    /// How much clocks may differ about `iat`; default none.
    pub leeway_for_issued_at: Option<Duration>,
    /// How long keys may be used beyond what their server allows.
    pub max_stale: Option<Duration>,
    /// Take any certificate of the server that has the keys.
    #[serde(rename = "insecureTLS")]
    pub insecure_tls: Option<bool>,
    /// No effect: TLS servers are never followed into a new beginning.
    #[serde(rename = "renegotiateTLS")]
    pub renegotiate_tls: Option<RenegotiateTls>,
    /// Headers for upstreams.
    pub inject_request_headers: Vec<InjectedHeader>,
    /// The answer to who has no such token.
    pub error_response: Option<FilterErrorResponse>,
}

/// Wants a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ApiKeyFilter {
    /// The header that has the key, in any case; default `X-API-Key`.
    pub http_header: Option<String>,
    /// Other places to look, in this order after `httpHeader`, which then has no default. Not of the original.
    pub sources: Vec<KeySource>,
    /// Secrets of the Filter's namespace. Every value in them is a key, or `sha256:` and the digest of one. Required.
    pub keys: Vec<KeySecret>,
    /// The header in which upstreams are told whose key it was: the name of its entry in the Secret. Not of the original.
    pub identity_header: Option<String>,
    /// Take the key out of the request before it goes on. Not of the original.
    pub remove_credential: Option<bool>,
}

/// Where in a request a key is: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct KeySource {
    /// The value of this header.
    pub header: Option<String>,
    /// `Authorization` with this scheme.
    pub authorization: Option<String>,
    /// This cookie.
    pub cookie: Option<String>,
    /// This parameter of the query, which then is not passed on.
    pub query: Option<String>,
}

/// A Secret with keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct KeySecret {
    /// Its name. Required.
    pub secret_name: String,
}

/// Wants a name and a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicFilter {
    /// A Secret of the Filter's namespace with an `htpasswd` file (bcrypt or SHA-1) under the key `htpasswd` or `auth`. Required.
    pub secret_name: String,
    /// What browsers are told that the password is for; default is `NAME.NAMESPACE` of the Filter.
    pub realm: Option<String>,
    /// The header in which upstreams are told the name.
    pub identity_header: Option<String>,
    /// Take the password out of the request before it goes on.
    pub remove_credential: Option<bool>,
}

/// How another service is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExternalProto {
    /// By a request like the client's; 200 lets it through.
    #[default]
    Http,
    /// By Envoy's `Authorization/Check`.
    Grpc,
}

/// Asks another service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ExternalFilter {
    /// `host:port`, or with `http://` or `https://` before it. Required.
    pub auth_service: ServiceRef,
    /// How it is asked.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub proto: Option<ExternalProto>,
    /// For a gRPC service: `v3`.
    #[serde(deserialize_with = "crate::lenient::name_unless_empty")]
    pub protocol_version: Option<super::AuthProtocolVersion>,
    /// Milliseconds for the answer; default 5000.
    pub timeout_ms: Option<u64>,
    /// The same as a duration.
    pub timeout: Option<Duration>,
    /// How much of the body it is sent; default nothing.
    pub include_body: Option<IncludeBody>,
    /// An older way to say `include_body` with 4096 bytes.
    pub allow_request_body: Option<bool>,
    /// The status when it cannot be asked; default 403.
    pub status_on_error: Option<StatusOnError>,
    /// Let requests through when it cannot be asked.
    pub failure_mode_allow: Option<bool>,
    /// By HTTP: put before the path.
    pub path_prefix: Option<String>,
    /// By HTTP: headers that it is sent beside the usual ones.
    pub allowed_request_headers: Vec<String>,
    /// By HTTP: headers of its answer that are passed on beside the usual ones.
    pub allowed_authorization_headers: Vec<String>,
    /// Send `l5d-dst-override`.
    pub add_linkerd_headers: Option<bool>,
    /// Speak TLS to it, as `https://` before `auth_service` says too.
    pub tls: Option<bool>,
    /// How TLS is spoken.
    #[serde(rename = "tlsConfig")]
    pub tls_config: Option<ExternalTls>,
}

/// How TLS is spoken to another service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ExternalTls {
    /// A certificate to show: `tls.crt` and `tls.key` of a Secret.
    pub certificate: Option<FromSecret>,
    /// Who must have signed the service's: `tls.crt` (or `ca.crt`) of a Secret.
    pub ca_certificate: Option<FromSecret>,
}

/// Something that is in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FromSecret {
    /// The Secret.
    pub from_secret: Option<NamedSecret>,
}

/// A Secret by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct NamedSecret {
    /// Its name. Required.
    pub name: String,
    /// Its namespace; default is the Filter's.
    pub namespace: Option<String>,
}

/// Wants a bearer token that its issuer says is active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct IntrospectionFilter {
    /// The endpoint. Required.
    pub endpoint: String,
    /// Who asks. Required.
    #[serde(rename = "clientID")]
    pub client_id: String,
    /// A Secret with the client's password under `oauth2-client-secret`. Required.
    pub secret_name: String,
    /// Its namespace; default is the Filter's.
    pub secret_namespace: Option<String>,
    /// One of these must be in `aud`; default any.
    pub audiences: Vec<String>,
    /// How long an answer may be used, within the token's life; default 30s.
    pub cache: Option<Duration>,
    /// Take any certificate of the issuer.
    #[serde(rename = "insecureTLS")]
    pub insecure_tls: Option<bool>,
    /// Headers for upstreams.
    pub inject_request_headers: Vec<InjectedHeader>,
    /// The answer to who has no such token.
    pub error_response: Option<FilterErrorResponse>,
}

/// A plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PluginFilter {
    /// The file, without `.so`.
    pub name: String,
}

/// Any JSON object.
pub type JsonObject = BTreeMap<String, serde_json::Value>;

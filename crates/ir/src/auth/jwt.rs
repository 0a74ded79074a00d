//! Tokens that can be checked without asking anybody.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::HttpClient;

/// Wants a bearer token that is a JWT.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Where the issuer's keys are; not needed where only `none` is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Arc<str>>,
    /// Algorithms that are accepted. Empty: every one with a signature by a public key.
    #[serde(default)]
    pub valid_algorithms: Vec<JwtAlgorithm>,
    /// What `aud` must hold.
    #[serde(default)]
    pub audiences: Audiences,
    /// `aud` must be there.
    #[serde(default)]
    pub require_audience: bool,
    /// What `iss` must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Arc<str>>,
    /// `iss` must be there.
    #[serde(default)]
    pub require_issuer: bool,
    /// `exp`.
    #[serde(default)]
    pub expires_at: Presence,
    /// `nbf`.
    #[serde(default)]
    pub not_before: Presence,
    /// `iat`.
    #[serde(default)]
    pub issued_at: Presence,
    /// How to fetch the keys.
    #[serde(default)]
    pub client: HttpClient,
    /// Headers for upstreams.
    #[serde(default)]
    pub inject_request_headers: Vec<InjectedHeader>,
    /// The answer to who has no such token.
    #[serde(default)]
    pub error_response: ErrorResponse,
}

/// An algorithm of RFC 7518 or 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub enum JwtAlgorithm {
    /// No signature at all: anybody can write such a token.
    #[serde(rename = "none")]
    None,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

/// What `aud` must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audiences {
    /// One of these, where the claim is there; anything where empty.
    Any(Vec<Arc<str>>),
    /// All of these.
    All(Vec<Arc<str>>),
}

impl Default for Audiences {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

/// How a time in a token is held against the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Presence {
    /// The claim must be there.
    pub required: bool,
    /// How much clocks may differ.
    pub leeway: Duration,
}

/// A header for upstreams.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectedHeader {
    /// Of the header. Clients' own is removed where the template writes none, unless `keep_client_value`.
    pub name: Arc<str>,
    /// A Go template.
    pub value: Arc<str>,
    /// Where the template says `doNotSet`, pass on what the client sent, as the original does.
    #[serde(default)]
    pub keep_client_value: bool,
}

/// The answer to who is not let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorResponse {
    /// Of the challenge; the filter's id where absent.
    pub realm: Option<Arc<str>>,
    /// Name and Go template of each header.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// A Go template; a JSON object of our own where absent.
    pub body_template: Option<Arc<str>>,
}

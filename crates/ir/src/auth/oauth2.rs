//! Logins, and tokens for machines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{FilterId, HeaderCondition, HttpClient, InjectedHeader, Sensitive};

/// Wants a login, or gets a token for a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The identity provider (`authorizationURL`).
    pub issuer: Arc<str>,
    /// How tokens are got.
    pub grant: Grant,
    /// How we show the provider who we are. For `ClientCredentials` only `JwtAssertion.set_client_id` counts.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Tokens count as expired this much earlier.
    #[serde(default)]
    pub expiration_safety_margin: Duration,
    /// How an access token is checked.
    #[serde(default)]
    pub access_token_validation: AccessTokenValidation,
    /// What checks it, beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_jwt_filter: Option<InheritedJwtFilter>,
    /// Do not refuse access tokens that are not of RFC 6750's syntax.
    #[serde(default)]
    pub allow_malformed_access_token: bool,
    /// Sent with requests for tokens and authorization, as `audience`; and accepted in access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Arc<str>>,
    /// Headers for upstreams.
    #[serde(default)]
    pub inject_request_headers: Vec<InjectedHeader>,
    /// How to speak to the provider.
    #[serde(default)]
    pub client: HttpClient,
}

/// How tokens are got.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person logs in at the provider.
    AuthorizationCode(Box<AuthorizationCode>),
    /// The client's name and password are in the request's headers.
    ClientCredentials,
    /// A person's name and password are in the request's headers.
    Password {
        /// Who we are to the provider.
        client_id: Arc<str>,
        /// Password, or key in PEM for assertions.
        client_secret: Sensitive,
    },
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCode {
    /// Who we are to the provider.
    pub client_id: Arc<str>,
    /// Password, or key in PEM for assertions.
    pub client_secret: Sensitive,
    /// What one login is for. The provider sends browsers back to the first; at least one.
    pub protected_origins: Vec<ProtectedOrigin>,
    /// Parameters for the provider, none of which is one that the protocol needs.
    #[serde(default)]
    pub extra_authorization_parameters: BTreeMap<Arc<str>, Arc<str>>,
    /// How long a session lives without requests. Where absent: as long as its access token, or 14 days where there is a
    /// refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_max_idle: Option<Duration>,
    /// How long a session lives at most; no limit of our own where absent. Not of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_max_life: Option<Duration>,
    /// Whether cookies end with the browser's session.
    #[serde(default)]
    pub session_cookies: SessionCookies,
    /// Where a browser goes after a logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_logout_redirect_uri: Option<Arc<str>>,
    /// Bind codes to the browser's login (RFC 7636, `S256`).
    #[serde(default)]
    pub pkce: bool,
    /// A state that is not good any longer begins a new login, rather than being an error.
    #[serde(default)]
    pub state_expire_redirect: bool,
    /// Send the parameters of a login to the provider directly where it can take them (RFC 9126). Not of the original.
    #[serde(default)]
    pub pushed_authorization_requests: bool,
    /// Bind tokens to a key of ours (RFC 9449). Not of the original.
    #[serde(default)]
    pub dpop: bool,
}

/// An origin that a login is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedOrigin {
    /// As browsers see it: `https://host` or `https://host:port`, in lower case, without a default port.
    pub origin: Arc<str>,
    /// As requests come in here, where a proxy in front changes it; scheme and host may be `*`.
    #[serde(default)]
    pub internal_origins: Vec<Arc<str>>,
    /// Hosts below it are meant too. They share its cookies.
    #[serde(default)]
    pub include_subdomains: bool,
    /// Of this domain and below it hosts are strangers to each other, and may set cookies for what is above: where one is
    /// below the origin, each host has cookies of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strangers: Option<Arc<str>>,
}

/// Whether cookies end with the browser's session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionCookies {
    /// They do, where the condition holds, and the contrary where it does not.
    pub value: bool,
    /// The condition; always where absent.
    pub if_request_header: Option<HeaderCondition>,
}

/// How we show a provider who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `Authorization: Basic`.
    #[default]
    HeaderPassword,
    /// `client_secret` in the body.
    BodyPassword,
    /// A token that we sign (RFC 7523): with the secret as a key for `HS…`, else with the private key in it.
    JwtAssertion(Box<JwtAssertion>),
}

/// A token that shows who we are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtAssertion {
    /// Send `client_id` beside it.
    pub set_client_id: bool,
    /// `aud`; the token endpoint where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Arc<str>>,
    /// `RS256`, `HS512`, …
    pub signing_method: Arc<str>,
    /// How long it is good.
    pub lifetime: Duration,
    /// Write `nbf`.
    pub set_nbf: bool,
    /// How much before now that is.
    pub nbf_safety_margin: Duration,
    /// Write `iat`.
    pub set_iat: bool,
    /// More claims: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_claims: Option<Arc<str>>,
    /// More parameters of the header: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_header_parameters: Option<Arc<str>>,
}

/// How an access token is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenValidation {
    /// As a JWT where it is one of the provider's, else by asking.
    #[default]
    Auto,
    /// As a JWT.
    Jwt,
    /// By asking the provider's `UserInfo`.
    UserInfo,
}

/// A JWT filter that checks access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InheritedJwtFilter {
    /// Which.
    pub filter: FilterId,
    /// The scopes asked of the login are asked of it too.
    pub inherit_scope_argument: bool,
    /// Without what is before the last `/` of each.
    pub strip_inherited_scope: bool,
    /// And these.
    pub scope: Vec<Arc<str>>,
}

//! The `OAuth2` of a `Filter`: logins, and tokens for machines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::filter::{InjectedHeader, JsonObject, RenegotiateTls};
use super::{Duration, HeaderCondition, SecretText};

/// Parameters of a login that the protocol writes itself.
pub const LOGIN_PARAMETERS: [&str; 9] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request_uri",
];

/// Wants a login, or gets a token for a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct OAuth2Filter {
    /// The identity provider: its issuer, below which it describes itself. Required.
    #[serde(rename = "authorizationURL")]
    pub authorization_url: String,
    /// How tokens are got; default `AuthorizationCode`.
    pub grant_type: Option<GrantType>,
    /// Who we are to the provider. Required but for `ClientCredentials`.
    #[serde(rename = "clientID")]
    pub client_id: Option<String>,
    /// Our password there, in clear text. `secretName` instead of it keeps it out of the manifest.
    pub secret: Option<SecretText>,
    /// A Secret with our password there under `oauth2-client-secret`.
    pub secret_name: Option<String>,
    /// Its namespace; default is the Filter's.
    pub secret_namespace: Option<String>,
    /// What one login is for. The provider sends browsers back to the first. Required for `AuthorizationCode`.
    pub protected_origins: Vec<ProtectedOrigin>,
    /// An older way to say one of `protectedOrigins`, with every `internalOrigin`.
    #[serde(rename = "clientURL")]
    pub client_url: Option<String>,
    /// How we show the provider who we are.
    pub client_authentication: Option<ClientAuthentication>,
    /// Tokens count as expired this much earlier; default 0.
    pub expiration_safety_margin: Option<Duration>,
    /// Parameters for the provider, none of which is one that the protocol needs.
    pub extra_authorization_parameters: BTreeMap<String, String>,
    /// How long a session lives without requests; default is the access token's life, or 14 days with a refresh token.
    pub client_session_max_idle: Option<Duration>,
    /// How long a session lives at most; default no limit. Not of the original.
    pub session_max_life: Option<Duration>,
    /// Whether cookies end with the browser's session.
    pub use_session_cookies: Option<UseSessionCookies>,
    /// Where a browser goes after a logout.
    #[serde(rename = "postLogoutRedirectURI")]
    pub post_logout_redirect_uri: Option<String>,
    /// Bind codes to the browser's login (RFC 7636). Done anyway with a provider that can.
    pub pkce: Option<Pkce>,
    /// A state that is not good any longer begins a new login, rather than being an error.
    pub state_expire_redirect: Option<bool>,
    /// Send the parameters of a login to the provider directly (RFC 9126). Not of the original.
    pub pushed_authorization_requests: Option<bool>,
    /// Bind tokens to a key of ours (RFC 9449). Not of the original.
    pub dpop: Option<bool>,
    /// How an access token is checked; default `auto`.
    pub access_token_validation: Option<AccessTokenValidation>,
    /// A Filter of kind JWT that checks access tokens.
    #[serde(rename = "accessTokenJWTFilter")]
    pub access_token_jwt_filter: Option<AccessTokenJwtFilter>,
    /// Do not refuse access tokens that are not of RFC 6750's syntax.
    pub allow_malformed_access_token: Option<bool>,
    /// Sent with requests for tokens and authorization, and accepted in access tokens.
    pub audience: Option<String>,
    /// Headers for upstreams.
    pub inject_request_headers: Vec<InjectedHeader>,
    /// Take any certificate of the provider.
    #[serde(rename = "insecureTLS")]
    pub insecure_tls: Option<bool>,
    /// No effect: TLS servers are never followed into a new beginning.
    #[serde(rename = "renegotiateTLS")]
    pub renegotiate_tls: Option<RenegotiateTls>,
    /// How long documents of the provider may be used beyond what it allows.
    pub max_stale: Option<Duration>,
    /// No effect, as in the original.
    #[serde(rename = "stateTTL")]
    pub state_ttl: Option<Duration>,
}

/// How tokens are got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum GrantType {
    /// A person logs in at the provider.
    #[default]
    AuthorizationCode,
    /// The client's name and password are in the request's headers.
    ClientCredentials,
    /// A person's name and password are in the request's headers.
    Password,
}

/// An origin that a login is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ProtectedOrigin {
    /// As browsers see it: `https://host`. Required.
    pub origin: String,
    /// As requests come in here, where a proxy in front changes it; scheme and host may be `*`.
    pub internal_origin: Option<String>,
    /// Several of these.
    pub allowed_internal_origins: Vec<String>,
    /// Hosts below it are meant too.
    pub include_subdomains: Option<bool>,
}

/// How we show the provider who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientAuthentication {
    /// `HeaderPassword` (default), `BodyPassword` or `JWTAssertion`.
    pub method: Option<String>,
    /// For `JWTAssertion`.
    pub jwt_assertion: Option<JwtAssertion>,
}

/// A token that shows who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct JwtAssertion {
    /// Send `client_id` beside it.
    #[serde(rename = "setClientID")]
    pub set_client_id: Option<bool>,
    /// `aud`; default is the token endpoint.
    pub audience: Option<String>,
    /// `RS256` (default), `HS512`, …
    pub signing_method: Option<String>,
    /// How long it is good; default 1m.
    pub lifetime: Option<Duration>,
    /// Write `nbf`.
    #[serde(rename = "setNBF")]
    pub set_nbf: Option<bool>,
    /// How much before now that is; default 0.
    pub nbf_safety_margin: Option<Duration>,
    /// Write `iat`.
    #[serde(rename = "setIAT")]
    pub set_iat: Option<bool>,
    /// More claims.
    #[schemars(with = "crate::crd::AnyObject")]
    pub other_claims: JsonObject,
    /// More parameters of the header.
    #[schemars(with = "crate::crd::AnyObject")]
    pub other_header_parameters: JsonObject,
}

/// Whether cookies end with the browser's session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct UseSessionCookies {
    /// They do where the condition holds, and the contrary where it does not; default true.
    pub value: Option<bool>,
    /// The condition; default always.
    pub if_request_header: Option<HeaderCondition>,
}

/// How codes are bound to the browser's login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Pkce {
    /// `S256`.
    pub code_challenge_method: Option<CodeChallengeMethod>,
}

/// How a code's challenge is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the name is the standard's")]
pub enum CodeChallengeMethod {
    S256,
}

/// How an access token is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessTokenValidation {
    /// As a JWT where it is one of the provider's, else by asking.
    #[default]
    Auto,
    /// As a JWT.
    Jwt,
    /// By asking the provider's `UserInfo`.
    UserInfo,
}

/// A Filter that checks access tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AccessTokenJwtFilter {
    /// Its name. Required.
    pub name: String,
    /// Its namespace; default is the Filter's.
    pub namespace: Option<String>,
    /// The scopes asked of the login are asked of it too.
    pub inherit_scope_argument: Option<bool>,
    /// Without what is before the last `/` of each.
    pub strip_inherited_scope: Option<bool>,
    /// What it is told.
    pub arguments: Option<ScopeArgument>,
}

/// Scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ScopeArgument {
    /// That a token must have.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub scope: Vec<String>,
}

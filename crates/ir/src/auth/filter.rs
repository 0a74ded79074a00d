//! What lets a request through or not.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ErrorResponse, InjectedHeader, Jwt, OAuth2, Sensitive};

/// Names a [`Filter`]: `name.namespace`, which is also its `realm`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilterId(pub Arc<str>);

impl fmt::Display for FilterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Its name.
    pub id: FilterId,
    /// What it does.
    pub kind: FilterKind,
}

/// What a filter does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterKind {
    /// Wants a bearer token that is a JWT.
    Jwt(Box<Jwt>),
    /// Wants a login, or gets a token for a machine.
    #[serde(rename = "oauth2")]
    OAuth2(Box<OAuth2>),
    /// Wants a key.
    ApiKey(Box<ApiKey>),
    /// Wants a name and a password.
    Basic(Box<Basic>),
    /// Asks another service.
    External(Box<External>),
    /// Wants a bearer token that its issuer says is active (RFC 7662).
    Introspection(Box<Introspection>),
    /// Wants a link that was signed for a preview, or the cookie that it was exchanged for. Not of the original.
    ShareLink(Box<ShareLink>),
    /// Cannot be used: denies every request with 503.
    Invalid {
        /// Why, for the log and for `explain`; clients do not see it.
        reason: Arc<str>,
    },
}

/// How to speak HTTP to an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClient {
    /// Take any certificate.
    pub insecure_tls: bool,
    /// Authorities of the server's certificate in PEM, beside those of the system.
    pub authorities: Option<Arc<str>>,
    /// A certificate chain to show and its key, in PEM.
    pub certificate: Option<(Arc<str>, Sensitive)>,
    /// How long a document may be used beyond what its server allows; where set, its `no-store` and `no-cache` do not count.
    pub max_stale: Option<Duration>,
}

/// Wants one of a few keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Where to look for a key; the first that is in the request counts.
    pub sources: Vec<KeySource>,
    /// The keys.
    pub keys: Vec<KeySecret>,
    /// How upstreams learn whose key it was.
    #[serde(default)]
    pub identity: UpstreamIdentity,
}

/// Where in a request a key is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The value of a header, in any case.
    Header(Arc<str>),
    /// `Authorization` with this scheme.
    Authorization(Arc<str>),
    /// A cookie.
    Cookie(Arc<str>),
    /// A parameter of the query, which then is not passed on.
    Query(Arc<str>),
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySecret {
    /// Whose it is: the entry's name in its Secret.
    pub owner: Arc<str>,
    /// The key itself, or `sha256:` and the hexadecimal digest of it.
    pub secret: Sensitive,
}

/// How upstreams learn who it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamIdentity {
    /// The header that tells; none where absent. Clients' own is always removed.
    pub header: Option<Arc<str>>,
    /// Take the credential out of the request.
    pub remove_credential: bool,
}

/// Wants a link to a preview.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareLink {
    /// What visitors call the preview.
    pub preview: Arc<str>,
    /// By which its links are signed, and no other preview's.
    pub key: Sensitive,
    /// Which of its links are good.
    pub generation: u32,
}

/// Wants a name and a password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// What browsers are told that the password is for.
    pub realm: Arc<str>,
    /// An `htpasswd` file: bcrypt (`$2y$`) or SHA-1 (`{SHA}`); other lines are refused.
    pub users: Sensitive,
    /// How upstreams learn who it was.
    #[serde(default)]
    pub identity: UpstreamIdentity,
}

/// Asks another service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// `http://host:port` or `https://host:port`.
    pub url: Arc<str>,
    /// Where it is, if that is known, those alike together and the nearest first: others are for when none of these can be connected
    /// to. Where absent, its name is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<Vec<SocketAddr>>>,
    /// How it is asked.
    pub protocol: ExternalProtocol,
    /// For the whole answer.
    pub timeout: Duration,
    /// Send the body too; where absent it is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_body: Option<IncludeBody>,
    /// The status when it cannot be asked.
    pub status_on_error: u16,
    /// Let requests through when it cannot be asked.
    #[serde(default)]
    pub failure_mode_allow: bool,
    /// By which upstreams learn from it who a request is from, in lower case: clients may not write them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_headers: Vec<Arc<str>>,
    /// Send `l5d-dst-override`.
    #[serde(default)]
    pub add_linkerd_headers: bool,
    /// How to speak to it.
    #[serde(default)]
    pub client: HttpClient,
}

/// How an external service is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalProtocol {
    /// The request's method and path by HTTP: 200 allows.
    Http {
        /// Before the path.
        path_prefix: Arc<str>,
        /// Headers of the request that it is sent, beside those that always are, in lower case.
        allowed_request_headers: Vec<Arc<str>>,
        /// Headers of its 200 that upstreams are sent, beside those that always are, in lower case.
        allowed_authorization_headers: Vec<Arc<str>>,
    },
    /// Envoy's `Authorization/Check` (v3).
    Grpc,
}

/// How much of a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncludeBody {
    /// At most this much.
    pub max_bytes: u32,
    /// Send the beginning of larger ones; else they are denied with 413.
    pub allow_partial: bool,
}

/// Asks a token's issuer about it (RFC 7662). Not of the original.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// The endpoint.
    pub endpoint: Arc<str>,
    /// Who asks.
    pub client_id: Arc<str>,
    /// Its password.
    pub client_secret: Sensitive,
    /// One of these must be in `aud`; any where empty.
    #[serde(default)]
    pub audiences: Vec<Arc<str>>,
    /// How long an answer may be used, within the token's life.
    pub cache: Duration,
    /// How to speak to it.
    #[serde(default)]
    pub client: HttpClient,
    /// Headers for upstreams.
    #[serde(default)]
    pub inject_request_headers: Vec<InjectedHeader>,
    /// The answer to who has no such token.
    #[serde(default)]
    pub error_response: ErrorResponse,
}

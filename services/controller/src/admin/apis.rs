//! APIs that the gateway serves, as a portal asks for them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::model::{EndpointView, ObjectRef};
use super::page::{ListQuery, Page};

/// Something that sends requests to a service, and all that is needed to show the service's API as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiView {
    /// The Mapping, or the Ingress.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations of it that begin with `nuncio.dev/`, and those of the Service behind it where it says nothing else.
    pub annotations: BTreeMap<String, String>,
    /// Whether the DevPortal in force shows it.
    pub selected: bool,
    /// Where the document is. None where nobody says; then it is not fetched.
    pub docs: Option<DocsView>,
    /// Which paths it takes.
    pub path: PathView,
    /// What happens to the path on the way. None: nothing.
    pub rewrite: Option<RewriteView>,
    /// The method that it takes, where it takes only one.
    pub method: Option<String>,
    /// What else it asks of a request, in words: `x-version v2`. Empty for nothing.
    pub conditions: Vec<String>,
    /// The names by which clients reach it.
    pub hosts: Vec<PublicHostView>,
    /// The service.
    pub upstream: UpstreamView,
    /// The rules of FilterPolicies that may apply to its requests, as `policy.namespace#3`.
    pub rules: Vec<String>,
    /// Whether the AuthService is asked about its requests.
    pub asks_auth_service: bool,
    /// What these rules and the AuthService want to be shown, each once. Empty where nobody is asked.
    #[serde(default)]
    pub credentials: Vec<CredentialView>,
    /// The Secrets whose keys these rules take, as `namespace/name`.
    #[serde(default)]
    pub key_secrets: Vec<String>,
    /// Whether no request gets through without showing any of that.
    #[serde(default)]
    pub always_asked: bool,
    /// Headers of clients that no service sees, in lower case; a name that ends in `*` stands for all that begin so.
    #[serde(default)]
    pub removed_headers: Vec<String>,
    /// Milliseconds for the whole answer; 0 is no limit.
    pub timeout_ms: u64,
}

/// Something that clients have to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CredentialView {
    /// A login in a browser.
    Login {
        /// Who logs people in.
        provider: String,
        /// Scopes that it must have.
        scopes: Vec<String>,
    },
    /// `Authorization: Bearer` with a token.
    Token {
        /// Whose, where that is said.
        issuer: Option<String>,
        /// Scopes that it must have.
        scopes: Vec<String>,
    },
    /// A key, in one of these places: `header X-API-Key`.
    Key {
        /// Where.
        places: Vec<String>,
    },
    /// A name and a password (`Authorization: Basic`).
    Password,
    /// What a provider gives tokens for, in these headers.
    Headers {
        /// Their names.
        names: Vec<String>,
    },
    /// Whatever a service wants that the gateway's operator has decide.
    Other,
}

/// `docs` of a Mapping, or the annotation `nuncio.dev/openapi`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocsView {
    /// Path of the document, as the service itself knows it.
    pub path: Option<String>,
    /// The document's URL, as it was written.
    pub url: Option<String>,
    /// The API is not to be shown.
    pub ignored: bool,
    /// What the API is called.
    pub display_name: Option<String>,
    /// Milliseconds that fetching may take.
    pub timeout_ms: Option<u64>,
    /// Why nothing of what is written can be used.
    pub invalid: Option<String>,
    /// The groups whose members the API is shown to. None: everybody.
    #[serde(default)]
    pub visible_to: Option<Vec<String>>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub enum PathView {
    /// It begins so.
    Prefix(String),
    /// It begins with these segments.
    Segments(String),
    /// It is this.
    Exact(String),
    /// This expression matches the whole of it.
    Regex(String),
}

/// A change of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub enum RewriteView {
    /// This replaces what the condition on the path matched.
    Matched(String),
    /// This replaces the whole path.
    Full(String),
    /// An expression replaces what it matches.
    Regex(String),
}

/// A name that clients use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicHostView {
    /// The name, or a pattern of names.
    pub host: String,
    /// Where it is reached, `https` first: `https://shop.example.com:8443`. Empty for a pattern, and where nobody listens.
    pub urls: Vec<String>,
}

/// The service behind a Mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpstreamView {
    /// The cluster.
    pub cluster: String,
    /// Host and port, as the manifest means them.
    pub service: String,
    /// The endpoints that the controller knows. Empty where Envoy resolves a name.
    pub endpoints: Vec<EndpointView>,
    /// The names that Envoy resolves, with their ports.
    pub names: Vec<String>,
    /// How connections to it are encrypted. None: they are not.
    pub tls: Option<UpstreamTlsView>,
    /// What the service sees as `Host`, where that is not what clients send.
    pub host: Option<String>,
}

/// TLS towards a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpstreamTlsView {
    /// The server name that is sent.
    pub sni: Option<String>,
    /// Whether the service's certificate is verified.
    pub verified: bool,
    /// The authorities by which it is verified, as `/api/v1/authorities` has them.
    pub authorities: Option<String>,
    /// Whether a certificate of the gateway's is shown to it.
    pub shows_certificate: bool,
    /// Which: `namespace/name` of its Secret.
    pub certificate: Option<String>,
}

/// What sends requests to services: the APIs for a portal to show. The answer has an `ETag`; one that is the same as in
/// `If-None-Match` has no body.
#[utoipa::path(get, path = "/api/v1/apis", tag = "lists", params(ListQuery),
    responses(
        (status = 200, description = "The part of the list that was asked for", body = Page<ApiView>),
        (status = 304, description = "Nothing has changed")))]
pub(super) async fn apis(State(view): State<Shared>, Query(query): Query<ListQuery>, headers: HeaderMap) -> Response {
    let tag = format!("\"{}\"", view.edition());
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let tagged = [(header::ETAG, tag.clone())];
    if known == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, tagged).into_response();
    }
    (tagged, Json(view.apis(&query))).into_response()
}

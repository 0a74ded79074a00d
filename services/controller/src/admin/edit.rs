//! Changes of manifests: what one would do, and doing it where that is allowed.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::model::ProblemView;

/// An object whose manifest is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ManifestQuery {
    /// As the list of objects says it: `Mapping`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The text of an object, as it stands in its file, or as an API server has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestView {
    /// The file, relative to the directory; of an object in a cluster `GROUP/KIND/NAMESPACE/NAME`.
    pub file: String,
    /// The line on which the text begins.
    pub line: u32,
    /// The text.
    pub text: String,
    /// A secret is in it, which is not in `text`.
    pub has_secret: bool,
    /// Another whenever the file is another.
    pub digest: String,
    /// The fields that can be set one by one.
    pub fields: Vec<FieldView>,
    /// It stands in a file, which a patch can be applied to.
    pub is_file: bool,
    /// Whether changes may be applied.
    pub may_apply: bool,
}

/// A field that can be set by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// Where it is: `spec.timeout_ms`.
    pub path: String,
    /// What it is known by, whatever it is called in the language of a page: `timeout`.
    pub name: String,
    /// What stands there; empty where nothing does.
    pub value: String,
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// As the list of objects says it: `Mapping`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its new text. Default: as it stands.
    #[serde(default)]
    pub text: Option<String>,
    /// Fields to set in that text, `spec.timeout_ms` for one; empty takes one away.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The digest of the file that was changed. Needed for applying.
    #[serde(default)]
    pub digest: Option<String>,
}

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunView {
    /// The manifest, with the new text and its fields.
    pub manifest: ManifestView,
    /// Whether the object could be used.
    pub is_valid: bool,
    /// What would be wrong with it.
    pub problems: Vec<ProblemView>,
    /// The change as a patch of the file, in the unified format; empty where nothing changes.
    pub patch: String,
    /// Routes that would be others, come or go: at most 100 of them.
    pub routes: Vec<RouteEffect>,
    /// How many there are in all.
    pub routes_total: usize,
    /// The hosts of all of those.
    pub hosts: Vec<String>,
    /// Listeners that would be others, come or go.
    pub listeners: Vec<String>,
}

/// What a change would do to a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct RouteEffect {
    /// The host name or pattern.
    pub host: String,
    /// What it matches, in words.
    #[serde(rename = "match")]
    pub matches: String,
    /// What becomes of it.
    pub effect: EffectView,
}

/// What becomes of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectView {
    /// It would come.
    Added,
    /// It would be another.
    Changed,
    /// It would go.
    Removed,
    /// Other rules of FilterPolicies would decide about its requests.
    Rules,
}

/// Why there is no change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// Its text cannot be changed here.
    #[error("{0}")]
    NotEditable(String),
    /// The text is not that object.
    #[error("{0}")]
    Invalid(String),
    /// The file was changed by somebody else.
    #[error("{0} has changed since: look at it again")]
    Conflict(String),
    /// Another change is being tried.
    #[error("another change is being looked at: try again in a moment")]
    Busy,
    /// Nobody allowed changes.
    #[error("changes are not applied here: the gateway was not started with --allow-edits")]
    NotAllowed,
    /// The API server does not let the gateway do that.
    #[error("the API server does not let the gateway change it: {0} (the chart's allowEdits gives the permission)")]
    Denied(String),
    /// The file cannot be read or written, or the API server not be asked.
    #[error("{0}")]
    Io(String),
}

/// The header of a refusal that says to programs which one it is: the text is for people.
const REASON: HeaderName = HeaderName::from_static("x-nuncio-reason");

impl IntoResponse for ChangeError {
    fn into_response(self) -> Response {
        let (status, reason) = match &self {
            Self::Missing => (StatusCode::NOT_FOUND, "missing"),
            Self::NotEditable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_editable"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Io(_) => (StatusCode::CONFLICT, "failed"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not_allowed"),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "denied"),
        };
        let wait = (status == StatusCode::TOO_MANY_REQUESTS).then_some([(header::RETRY_AFTER, "1")]);
        (status, [(REASON, reason)], wait, format!("{self}\n")).into_response()
    }
}

/// The text of an object of ours. `(not shown)` stands for a secret in it; where it is left so, the secret stays.
#[utoipa::path(get, path = "/api/v1/manifest", tag = "changes", params(ManifestQuery),
    responses(
        (status = 200, description = "Its text", body = ManifestView),
        (status = 404, description = "There is no such object", body = String),
        (status = 422, description = "Its text cannot be changed here, for the reason given", body = String),
    ))]
pub(super) async fn manifest(
    State(view): State<Shared>,
    Query(query): Query<ManifestQuery>,
) -> Result<Json<ManifestView>, ChangeError> {
    blocking(move || view.manifest(&query)).await.map(Json)
}

/// What a change would do. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/dry-run", tag = "changes", request_body = ChangeRequest,
    responses(
        (status = 200, description = "What it would do", body = DryRunView),
        (status = 400, description = "The text is not that object", body = String),
        (status = 404, description = "There is no such object", body = String),
        (status = 422, description = "Its text cannot be changed here, for the reason given", body = String),
        (status = 429, description = "Another change is being looked at: one at a time", body = String,
            headers(("Retry-After" = u32, description = "Seconds until it is worth another try"))),
    ))]
pub(super) async fn dry_run(
    State(view): State<Shared>,
    Json(change): Json<ChangeRequest>,
) -> Result<Json<DryRunView>, ChangeError> {
    blocking(move || view.dry_run(&change)).await.map(Json)
}

/// Writes a change into the file of the object, or applies it to the cluster. Only where the gateway was started with `--allow-edits`.
#[utoipa::path(post, path = "/api/v1/apply", tag = "changes", request_body = ChangeRequest,
    responses(
        (status = 200, description = "It is written, and did that", body = DryRunView),
        (status = 400, description = "The text is not that object, or is not valid", body = String),
        (status = 403, description = "Changes are not allowed", body = String),
        (status = 404, description = "There is no such object", body = String),
        (status = 409, description = "The file has changed, or cannot be written", body = String),
        (status = 422, description = "Its text cannot be changed here, for the reason given", body = String),
    ))]
pub(super) async fn apply(
    State(view): State<Shared>,
    Json(change): Json<ChangeRequest>,
) -> Result<Json<DryRunView>, ChangeError> {
    blocking(move || view.apply(&change)).await.map(Json)
}

/// Work that reads files or compiles everything.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, ChangeError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(ChangeError::Io(error.to_string())))
}

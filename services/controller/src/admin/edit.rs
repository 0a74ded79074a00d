//! Changes of manifests: what one would do, and doing it where that is allowed.

mod effects;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use self::effects::{ConflictView, DryRunView, EffectView, LossKind, LossView, RouteEffect};
use super::Shared;

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
    /// There is none yet: the text is what a new one says at first.
    #[serde(default)]
    pub new: bool,
    /// The file of the directory in which a new one is to stand.
    #[serde(default)]
    pub file: Option<String>,
}

/// The text of an object, as it stands in its file, or as an API server has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestView {
    /// The file, relative to the directory; of an object in a cluster `GROUP/KIND/NAMESPACE/NAME`.
    pub file: String,
    /// The line on which the object begins, as in the list of objects: comments before it are part of the text.
    pub line: u32,
    /// The text.
    pub text: String,
    /// A secret is in it, which is not in `text`.
    pub has_secret: bool,
    /// Another whenever what is shown of the object is another.
    pub digest: String,
    /// The fields that can be set one by one.
    pub fields: Vec<FieldView>,
    /// Items of its lists whose fields can be set, each behind the one that it is part of.
    pub sections: Vec<SectionView>,
    /// Lists of its own that items can be added to.
    pub adds: Vec<AddView>,
    /// How many items there are besides, of which only the text says what they are.
    pub sections_left_out: usize,
    /// It stands in a file, which a patch can be applied to.
    pub is_file: bool,
    /// The gateway has read it as it stands.
    pub is_read: bool,
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
    /// What may stand there, if it is one of a few.
    pub choices: Vec<String>,
    /// It has several lines, each `key: value`.
    pub has_lines: bool,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SectionView {
    /// Where it is: `spec.rules[0]`. By that it is taken away.
    pub path: String,
    /// What it is known by: `rule`.
    pub name: String,
    /// Which it is, from 1, with those that it is part of before it.
    pub numbers: Vec<usize>,
    /// Its fields.
    pub fields: Vec<FieldView>,
    /// Lists of it that items can be added to.
    pub adds: Vec<AddView>,
}

/// A list that items can be added to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddView {
    /// Where it is: `spec.rules`.
    pub path: String,
    /// What an item of it is known by: `rule`.
    pub name: String,
}

/// What is to become of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It is to be another.
    #[default]
    Change,
    /// There is to be one.
    Create,
    /// There is to be none.
    Delete,
}

/// A change of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// As the list of objects says it: `Mapping`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is to become of it.
    #[serde(default)]
    pub act: Act,
    /// The file of the directory in which a new one is to stand, where it is added at the end. Default: one of its own.
    #[serde(default)]
    pub file: Option<String>,
    /// Its new text. Default: as it stands, or as a new one begins.
    #[serde(default)]
    pub text: Option<String>,
    /// Fields to set in that text, `spec.timeout_ms` for one; empty takes one away.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// An item to take out of its list after that: `spec.rules[0]`.
    #[serde(default)]
    pub remove: Option<String>,
    /// A list to add an item to after that: `spec.rules`.
    #[serde(default)]
    pub add: Option<String>,
    /// The digest of the text that was changed. Where it is another by now, nothing is tried. Needed for applying,
    /// but for a new one.
    #[serde(default)]
    pub digest: Option<String>,
    /// What a dry run gave as `confirm`: the loss of exactly that protection is wanted.
    #[serde(default)]
    pub confirm: Option<String>,
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
    /// A field of it cannot be what it is to be.
    #[error("{why}")]
    Field {
        /// Which: `spec.rules[0].host`.
        field: String,
        /// Why.
        why: String,
    },
    /// There is one of that name.
    #[error("there is a {0} already: choose another name, or change that one")]
    Exists(String),
    /// It was changed by somebody else.
    #[error("{0} has changed since: look at it again")]
    Conflict(String),
    /// Nobody said that the protection which goes may go.
    #[error(
        "it takes protection away from {0} routes, or from others than was confirmed: look at what it would do, and confirm that"
    )]
    Unconfirmed(usize),
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
/// The one that says which field it is about.
const FIELD: HeaderName = HeaderName::from_static("x-nuncio-field");

impl IntoResponse for ChangeError {
    fn into_response(self) -> Response {
        let (status, reason) = match &self {
            Self::Missing => (StatusCode::NOT_FOUND, "missing"),
            Self::NotEditable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_editable"),
            Self::Invalid(_) | Self::Field { .. } => (StatusCode::BAD_REQUEST, "invalid"),
            Self::Exists(_) => (StatusCode::CONFLICT, "exists"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Unconfirmed(_) => (StatusCode::PRECONDITION_REQUIRED, "unconfirmed"),
            Self::Io(_) => (StatusCode::CONFLICT, "failed"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not_allowed"),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "denied"),
        };
        let wait = (status == StatusCode::TOO_MANY_REQUESTS).then_some([(header::RETRY_AFTER, "1")]);
        let field = match &self {
            Self::Field { field, .. } => HeaderValue::from_str(field).ok().map(|field| [(FIELD, field)]),
            _ => None,
        };
        (status, [(REASON, reason)], wait, field, format!("{self}\n")).into_response()
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
        (status = 409, description = "It has changed since the digest was told, or a new one is there already", body = String),
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

/// A change of a text that somebody else has changed since, beside that change.
#[utoipa::path(post, path = "/api/v1/compare", tag = "changes", request_body = ChangeRequest,
    responses(
        (status = 200, description = "Both changes", body = ConflictView),
        (status = 400, description = "A field of the change cannot be set", body = String),
        (status = 404, description = "There is no such object", body = String),
        (status = 422, description = "Its text cannot be changed here, for the reason given", body = String),
    ))]
pub(super) async fn compare(
    State(view): State<Shared>,
    Json(change): Json<ChangeRequest>,
) -> Result<Json<ConflictView>, ChangeError> {
    blocking(move || view.compare(&change)).await.map(Json)
}

/// Writes a change into the file of the object, or applies it to the cluster; creates or deletes it. Only where the gateway was started with `--allow-edits`.
#[utoipa::path(post, path = "/api/v1/apply", tag = "changes", request_body = ChangeRequest,
    responses(
        (status = 200, description = "It is written, and did that", body = DryRunView),
        (status = 400, description = "The text is not that object, or is not valid", body = String),
        (status = 403, description = "Changes are not allowed", body = String),
        (status = 404, description = "There is no such object", body = String),
        (status = 409, description = "It has changed since the digest was told, or cannot be written", body = String),
        (status = 422, description = "Its text cannot be changed here, for the reason given", body = String),
        (status = 428, description = "It takes protection away, and that is not confirmed", body = String),
        (status = 429, description = "Another change is being looked at or written", body = String),
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

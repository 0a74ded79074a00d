//! Previews, and where they can be seen.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::apis::UpstreamView;
use super::caller::{By, Caller, says_by_whom};
use super::model::{ObjectRef, ProblemView};
use super::page::{ListQuery, Page};
use super::preview_refusals::ProblemDetails;

/// A Preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewView {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// Whether it can be read: of one that cannot, nothing is told but what is wrong.
    #[serde(default = "yes")]
    pub is_valid: bool,
    /// Who may see it: `Public`.
    pub access: String,
    /// Who alone may see it, with `Owner`.
    pub owner: Option<String>,
    /// Where it can be seen; none while it cannot be.
    pub urls: Vec<PreviewUrlView>,
    /// What is replaced.
    pub services: Vec<PreviewedServiceView>,
    /// When it ends, in seconds since 1970; none where it stays.
    pub expires_at: Option<u64>,
    /// Whether it is shown no more, because its time is over or somebody had it end.
    #[serde(default)]
    pub has_ended: bool,
    /// Until when the PreviewPolicy lets it be shown at most, in seconds since 1970; none where it says no time.
    #[serde(default)]
    pub latest: Option<u64>,
    /// Whether there may be links to it, whoever is let in now.
    #[serde(default)]
    pub has_links: bool,
    /// When somebody last asked for it, in seconds since 1970, as far as the Envoys beside this controller and its peers tell.
    pub last_request: Option<u64>,
    /// How many there were of any kind, as those Envoys count them together; none where they have counted none.
    pub requests: Option<u64>,
    /// How many of them the baseline of a service got, because nobody stood in for it.
    pub fallbacks: Option<u64>,
    /// Since when they are counted, in seconds since 1970.
    pub counted_since: Option<u64>,
    /// By which people tell the key that services are told from others, without seeing it.
    pub key_fingerprint: Option<String>,
    /// What it is of, where that is known.
    pub source: Option<PreviewSourceView>,
    /// What is wrong with it.
    pub problems: Vec<ProblemView>,
    /// Whether who asks may change it by a request.
    pub may_change: bool,
    /// Where it is written, for who may change it, if no request has made it: it is changed and taken away there alone.
    #[serde(default)]
    pub written_in: Option<String>,
}

/// What one is of which nothing else is said.
fn yes() -> bool {
    true
}

/// What a preview is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewSourceView {
    /// `GitHub` or `GitLab`.
    pub provider: String,
    /// The repository: `acme/cart`.
    pub repository: String,
    /// The number of the pull request.
    pub pull_request: Option<u64>,
    /// Its branch.
    pub branch: Option<String>,
    /// The newest commit.
    pub commit: Option<String>,
    /// Who made it by a request.
    pub author: Option<String>,
    /// Who vouches for him.
    pub author_issuer: Option<String>,
}

/// Where a preview can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewUrlView {
    /// Name of the entrypoint.
    pub entrypoint: String,
    /// The host whose routes it has.
    pub baseline: String,
    /// Its URL.
    pub url: String,
    /// What `x-nuncio-preview` says at the host whose routes it has to get it there; none where no header chooses a preview.
    #[serde(default)]
    pub selector: Option<String>,
}

/// A service that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewedServiceView {
    /// Whose requests go elsewhere.
    pub baseline: String,
    /// Who gets them; `a tunnel` where a process does that connects to the gateway.
    pub backend: String,
    /// Which of its requests are meant, where not all: `GET /cart/items*`.
    pub only: Option<String>,
    /// The Preview that says so, `NAMESPACE/NAME`, where it is one that is included.
    pub included: Option<String>,
    /// How many requests those got by this preview, as those Envoys count them together; none where they do not.
    pub requests: Option<u64>,
    /// And how many the baseline got, because they were not there.
    pub fallbacks: Option<u64>,
    /// Who serves it by a connection to this gateway, for who may change the preview.
    #[serde(default)]
    pub served_by: Option<PreviewServerView>,
}

/// Who stands in for a service from a machine of his own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewServerView {
    /// What his login calls him.
    pub by: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// Whose Previews somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeePreviews {
    /// Those of one namespace.
    pub namespace: Option<String>,
    /// Those of a name.
    pub name: Option<String>,
    /// Who; the operator where absent, who sees all.
    pub by: Option<Caller>,
    /// At most so many; 1000 where nobody says it.
    pub limit: Option<usize>,
}

says_by_whom!(SeePreviews);

/// What has happened to a preview, and whom its routes lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewDetailView {
    /// Which object.
    #[serde(flatten)]
    pub id: ObjectRef,
    /// What has happened to it since this controller or one of its peers began, the last first.
    pub events: Vec<PreviewEventView>,
    /// Whom the routes lead to that it leads elsewhere than the baseline, by the objects that they are made of.
    pub upstreams: Vec<PreviewUpstreamView>,
}

/// Something that has happened to a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewEventView {
    /// When it was noticed, in seconds since 1970.
    pub at: u64,
    /// What.
    pub kind: PreviewEventKind,
    /// The service, or the time of its end, as far as it is about one.
    pub detail: String,
}

/// What may happen to a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PreviewEventKind {
    /// It was made.
    Created,
    /// It says something else.
    Changed,
    /// Every Envoy has it.
    Live,
    /// It cannot be seen any more.
    Hidden,
    /// It ends later than before.
    Extended,
    /// Nobody stands in for a service, and the baseline gets its requests.
    FellBack,
    /// Nobody stands in for a service, and its requests fail.
    Failed,
    /// Somebody stands in for a service again.
    Returned,
    /// People are warned that it ends.
    EndsSoon,
    /// Its time is over.
    Ended,
}

/// Whom requests of a preview lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewUpstreamView {
    /// What the route is made of: a Mapping.
    pub object: ObjectRef,
    /// Where it leads within the preview.
    pub upstream: UpstreamView,
    /// What the Preview says of the document there.
    pub docs: PreviewDocsView,
}

/// `docs` of a service of a Preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewDocsView {
    /// Path of the document, as the service itself knows it. None: it is at the place of the baseline's.
    pub path: Option<String>,
    /// None is to be asked for.
    pub ignored: bool,
}

/// Previews, with what has happened to them and whom they lead to.
#[utoipa::path(get, path = "/api/v1/preview-details", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<PreviewDetailView>)))]
pub(super) async fn details(
    State(view): State<Shared>,
    Query(query): Query<ListQuery>,
) -> Json<Page<PreviewDetailView>> {
    Json(view.preview_details(&query))
}

/// Previews, and where they can be seen.
#[utoipa::path(get, path = "/api/v1/previews", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<PreviewView>)))]
pub(super) async fn previews(State(view): State<Shared>, Query(query): Query<ListQuery>) -> Json<Page<PreviewView>> {
    Json(view.previews(&query))
}

/// Those that somebody may know of: what he may change, and what is there for him.
#[utoipa::path(post, path = "/api/v1/preview-list", tag = "lists", request_body = SeePreviews,
    responses((status = 200, description = "At most 1000 of them", body = Page<PreviewView>),
        (status = 401, description = "Nobody knows by whom the request is", body = ProblemDetails)))]
pub(super) async fn seen(State(view): State<Shared>, By(wanted): By<SeePreviews>) -> Json<Page<PreviewView>> {
    Json(view.seen_previews(&wanted))
}

//! Changes for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::ApiId;
use crate::changes::{Change, Severity};
use crate::history::Version;
use crate::web::changes::recent;
use crate::web::documents_link;
use crate::web::visit::Visit;

/// The most versions of all APIs.
const MOST: usize = 100;
/// The most changes of each of them.
const NAMED: usize = 20;

/// A document as it was from some time on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionView {
    /// Namespace of the API's Mapping.
    namespace: String,
    /// Name of the API's Mapping.
    name: String,
    /// Counts the versions of the API.
    number: u64,
    /// When it was first seen.
    since: String,
    /// What the document called its version.
    version: Option<String>,
    /// The worst of its changes; none in the first version that was seen.
    severity: Option<Severity>,
    /// What had changed, the worst first.
    changes: Vec<Change>,
    /// How many more changes there were: of an API those that are not kept; of all APIs those that the API's own list has,
    /// too.
    more_changes: usize,
    /// The document as it was then.
    document: String,
}

impl VersionView {
    fn of(id: &ApiId, version: &Version, most: usize) -> Self {
        let rest = version.changes.len().saturating_sub(most);
        Self {
            namespace: id.namespace.clone(),
            name: id.segment(),
            number: version.number,
            since: version.since.to_string(),
            version: version.label.clone(),
            severity: version.changes.first().map(|worst| worst.severity),
            changes: version.changes.iter().take(most).cloned().collect(),
            more_changes: version.more_changes + rest,
            document: format!("{}/versions/{}", documents_link(id), version.number),
        }
    }
}

/// What has changed in an API.
#[utoipa::path(get, path = "/docs/api/v1/apis/{namespace}/{name}/changes", tag = "changes",
    operation_id = "api_changes",
    params(("namespace" = String, Path, description = "Namespace of its Mapping"),
        ("name" = String, Path, description = "Name of its Mapping")),
    responses((status = 200, description = "The versions of its document that are kept, the newest first", body = Vec<VersionView>),
        (status = 404, description = "The gateway serves no such API")))]
pub(super) async fn of_api(site: Visit, Path((namespace, name)): Path<(String, String)>) -> Response {
    let Some(entry) = site.catalog().find(&namespace, &name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id = &entry.api.id;
    let versions: Vec<_> = site.versions(id).iter().map(|version| VersionView::of(id, version, usize::MAX)).collect();
    Json(versions).into_response()
}

/// What has changed in all APIs.
#[utoipa::path(get, path = "/docs/api/v1/changes", tag = "changes",
    operation_id = "changes",
    responses((status = 200, description = "Versions of documents that changed something, the newest first", body = Vec<VersionView>)))]
pub(super) async fn of_all(site: Visit) -> Json<Vec<VersionView>> {
    let view =
        |(entry, version): &(Arc<crate::catalog::Entry>, Arc<Version>)| VersionView::of(&entry.api.id, version, NAMED);
    Json(recent(&site, MOST).iter().map(view).collect())
}

//! What the DevPortal in force says, as a portal asks for it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::model::ObjectRef;

/// What a portal shows. Which Mappings are among it is said of each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalView {
    /// The DevPortal in force. None: there is none, and all of this is as by default.
    pub id: Option<ObjectRef>,
    /// The directory of its pages, as `file:///…`. None: where the portal itself is told.
    pub content_url: Option<String>,
    /// The directory below that.
    pub content_dir: Option<String>,
    /// APIs that no Mapping names.
    pub docs: Vec<PortalDocsView>,
    /// What an API is called beside its title.
    pub naming: PortalNaming,
    /// What can be searched.
    pub search: PortalSearch,
    /// Documents keep the servers that they name.
    pub preserve_servers: bool,
}

/// An API that no Mapping names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalDocsView {
    /// What it is called.
    pub service: String,
    /// Where its document is.
    pub url: String,
    /// Milliseconds that fetching may take.
    pub timeout_ms: Option<u64>,
}

/// What an API is called beside its title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PortalNaming {
    /// Namespace and name of its Mapping.
    #[default]
    Namespace,
    /// Name and prefix of its Mapping.
    Prefix,
}

/// What can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PortalSearch {
    /// Nothing.
    Off,
    /// Titles of APIs and pages.
    Titles,
    /// All that documents and pages say.
    #[default]
    All,
}

/// What the DevPortal in force says. It changes with the list of APIs, and so with that list's `ETag`.
#[utoipa::path(get, path = "/api/v1/portal", tag = "lists",
    responses((status = 200, description = "What it says", body = PortalView)))]
pub(super) async fn portal(State(view): State<Shared>) -> Json<PortalView> {
    Json(view.portal())
}

//! Which gateway this is, for who may have meant another.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;

/// Which gateway it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayView {
    /// Its machine, or its pod.
    pub machine: String,
    /// Where its objects are.
    pub source: GatewaySource,
}

/// Where objects are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GatewaySource {
    /// In files below this directory.
    Directory(String),
    /// In the cluster with this API server.
    Cluster(String),
}

impl GatewaySource {
    /// A directory, whatever way leads to it.
    pub(crate) fn directory(path: &Path) -> Self {
        let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
        Self::Directory(whole.as_deref().unwrap_or(path).display().to_string())
    }
}

/// Which gateway it is, and where its objects are.
#[utoipa::path(get, path = "/api/v1/gateway", tag = "lists",
    responses((status = 200, description = "This one", body = GatewayView)))]
pub(super) async fn gateway(State(view): State<Shared>) -> Json<GatewayView> {
    Json(view.gateway())
}

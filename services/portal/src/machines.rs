//! For programs: lists of the APIs, every page in markdown, and an endpoint for agents. All of it is read only.

mod directory;
mod mcp;
#[cfg(test)]
mod tests;
mod twin;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use self::twin::twin;
use crate::web::Site;

/// What is for whoever may see the portal.
pub(crate) fn router() -> Router<Site> {
    Router::new()
        .route("/llms.txt", get(directory::llms))
        .route("/docs/llms.txt", get(directory::llms))
        .route("/.well-known/api-catalog", get(directory::catalog))
        .route("/docs/mcp", post(mcp::of_portal))
}

/// What is for whoever may see the console.
pub(crate) fn router_of_console() -> Router<Site> {
    Router::new().route("/console/mcp", post(mcp::of_console))
}

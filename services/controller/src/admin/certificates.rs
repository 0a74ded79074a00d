//! Certificates in use, and until when they hold.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::page::{ListQuery, Page};

/// A certificate that is shown to clients, or authorities by which peers are verified. Never a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// The secret, as Envoy knows it: `namespace/name`, with `#ca` behind it for authorities.
    pub secret: String,
    /// `certificate`, or `authorities`.
    pub usage: String,
    /// The server names for which listeners show it; `*` where they show it to whoever names none.
    pub shown_for: Vec<String>,
    /// The names in it.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Seconds since 1970 from which it holds.
    pub not_before: i64,
    /// Seconds since 1970 until which it holds; of several, the first that ends.
    pub not_after: i64,
}

/// Certificates in use, those that end first at the beginning.
#[utoipa::path(get, path = "/api/v1/certificates", tag = "lists", params(ListQuery),
    responses((status = 200, description = "The part of the list that was asked for", body = Page<CertificateView>)))]
pub(super) async fn certificates(
    State(view): State<Shared>,
    Query(query): Query<ListQuery>,
) -> Json<Page<CertificateView>> {
    Json(view.certificates(&query))
}

//! Certificates in use, and until when they hold.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

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

/// Which authorities are asked for.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct AuthoritiesQuery {
    /// Their name, as lists of APIs have it.
    name: String,
}

/// Authorities by which peers are verified. Never a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthoritiesView {
    /// Their certificates, as PEM.
    pub ca: String,
    /// Their revocation lists, as PEM.
    pub crl: Option<String>,
}

/// Authorities in use, for who verifies a service as the gateway does.
#[utoipa::path(get, path = "/api/v1/authorities", tag = "lists", params(AuthoritiesQuery),
    responses((status = 200, description = "Their certificates", body = AuthoritiesView),
        (status = 404, description = "Nothing is verified by authorities of this name")))]
pub(super) async fn authorities(State(view): State<Shared>, Query(query): Query<AuthoritiesQuery>) -> Response {
    match view.authorities(&query.name) {
        Some(authorities) => Json(authorities).into_response(),
        None => (StatusCode::NOT_FOUND, format!("there are no authorities {} in use\n", query.name)).into_response(),
    }
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

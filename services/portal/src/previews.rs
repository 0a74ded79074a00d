//! Previews, for people, CI jobs and forges.
//!
//! The portal knows who asks, by the gateway's word; the controller knows what the `PreviewPolicy` lets him do, and writes.
//! Secrets of webhooks never come here: what a forge sends is passed on as it came.

mod acts;
mod api;
mod change;
mod detail;
mod difference;
mod doctor;
mod form;
mod hooks;
mod list;
mod model;
mod one;
mod problem;
mod qr;
mod rights;
mod routes;
mod serving;
mod share;
mod tunnel;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::model::{Caller, Preview, Previews, Url};
use crate::web::{Site, escape_path};

/// What programs ask, with its description.
pub(crate) fn api() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(api::list))
        .routes(routes!(api::one, api::put, api::delete))
        .routes(routes!(rights::show))
        .routes(routes!(share::shareable, share::share, share::withdraw))
        .routes(routes!(api::extend))
        .routes(routes!(api::events))
        .routes(routes!(difference::changes))
        .routes(routes!(tunnel::open))
        .routes(routes!(doctor::probe))
}

/// What forges send, and pages.
pub(crate) fn router() -> Router<Site> {
    hooks::router()
        .route("/docs/previews", get(list::list))
        .route("/docs/previews/new", get(form::new).post(form::create))
        .route("/docs/previews/new/fields", get(form::again).post(form::create_by_fields))
        .route("/docs/previews/{namespace}/{name}", get(one::one))
        .route("/docs/previews/{namespace}/{name}/change", get(change::show).post(change::by_manifest))
        .route("/docs/previews/{namespace}/{name}/change/fields", get(change::again).post(change::by_fields))
        .route("/docs/previews/{namespace}/{name}/changes", get(difference::page))
        .route("/docs/previews/{namespace}/{name}/delete", get(acts::again).post(acts::delete))
        .route("/docs/previews/{namespace}/{name}/share", get(acts::ask_share).post(acts::share))
        .route("/docs/previews/{namespace}/{name}/share/withdraw", get(acts::again).post(acts::withdraw))
        .route("/docs/previews/{namespace}/{name}/doctor", get(doctor::show).post(doctor::follow))
        .route("/docs/previews/{namespace}/{name}/extend", get(acts::again).post(acts::extend))
}

/// The page of one.
fn link(namespace: &str, name: &str) -> String {
    format!("/docs/previews/{}/{}", escape_path(namespace), escape_path(name))
}

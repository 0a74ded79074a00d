//! What is served: pages for people, which need no JavaScript, and documents for programs.

mod alias;
mod assets;
mod catalog;
mod changes;
mod compression;
mod documents;
mod edge;
mod error;
mod feeds;
pub(crate) mod filters;
mod guard;
mod headers;
mod json;
mod keys;
mod login;
mod page;
mod pages;
mod reference;
mod refusal;
mod rendering;
mod search;
mod slash;
#[cfg(test)]
pub(crate) mod tests;
mod try_it;
mod visit;
pub(crate) mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::sync::Notify;

pub(crate) use self::assets::{Asset, FOLLOW, PALETTE};
pub(crate) use self::changes::ChangesView;
use self::error::NotFound;
pub(crate) use self::guard::is_foreign;
pub(crate) use self::headers::of_page;
pub(crate) use self::page::{Frame, respond};
pub(crate) use self::reference::{api_link, documents_link, operation};
pub(crate) use self::refusal::wants_page;
pub(crate) use self::search::found as search;
pub(crate) use self::visit::Visit;
use crate::access::Access;
use crate::catalog::Shared;
use crate::console::{self, Console};
use crate::content;
use crate::exports::Exports;
use crate::fetch::Fetcher;
use crate::history::History;
use crate::keys::Keys;
use crate::machines;
use crate::previews;
use crate::refresh::Wish;
use crate::search::SharedSearch;

/// What every page is made of.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) title: Arc<str>,
    pub(crate) catalog: Shared,
    /// Pages beside it.
    pub(crate) content: content::Shared,
    /// Asks for them to be looked at.
    pub(crate) content_wish: Arc<Notify>,
    /// What documents were before.
    pub(crate) history: Arc<History>,
    /// What the catalog holds, for looking things up.
    pub(crate) search: SharedSearch,
    /// Documents for clients.
    pub(crate) exports: Exports,
    /// Asks for every document to be looked at.
    pub(crate) refresh: Arc<Wish>,
    /// Fetches what nobody keeps.
    pub(crate) fetcher: Fetcher,
    /// What operators see.
    pub(crate) console: Console,
    /// Who reads.
    pub(crate) access: Access,
    /// Keys that developers give themselves, where they may.
    pub(crate) keys: Option<Keys>,
}

/// Everything below `/docs/`, so that one Mapping serves it, the documents where Edge Stack had them, and the console.
pub(crate) fn router(site: Site) -> Router {
    let pages = Router::new()
        .route("/", get(async || Redirect::permanent("/docs/")))
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(catalog::page))
        .route("/docs/doc/{title}", get(reference::by_title))
        .route("/docs/doc/{namespace}/{name}", get(reference::api))
        .route("/docs/doc/{namespace}/{name}/operations/{slug}", get(reference::operation))
        .route("/docs/doc/{namespace}/{name}/schemas/{schema}", get(reference::schema))
        .route("/docs/doc/{namespace}/{name}/webhooks/{slug}", get(reference::webhook))
        .route("/docs/doc/{namespace}/{name}/changes", get(changes::of_api))
        .route("/docs/doc/{namespace}/{name}/changes/{feed}", get(feeds::of_api))
        .route("/docs/changes", get(changes::of_all))
        .route("/docs/changes/{feed}", get(feeds::of_all))
        .route("/docs/search", get(search::page))
        .route("/docs/pages/", get(pages::list))
        .route("/docs/pages/{*slug}", get(pages::page))
        .route("/docs/files/{*path}", get(pages::file))
        .route("/docs/theme/{digest}", get(pages::theme))
        .route("/docs/keys", get(keys::page).post(keys::create))
        .route("/docs/keys/{id}/rotate", get(keys::ask_rotate).post(keys::rotate))
        .route("/docs/keys/{id}/revoke", get(keys::ask_revoke).post(keys::revoke))
        .route("/docs/login", get(login::login))
        .route("/docs/logout", get(login::logout))
        .route("/docs/assets/{file}", get(assets::file))
        .route("/docs/api/refreshContent", post(json::refresh))
        .route("/openapi/services/{namespace}/{name}/openapi.json", get(documents::for_clients))
        .route("/openapi/services/{namespace}/{name}/original", get(documents::original))
        .route("/openapi/services/{namespace}/{name}/versions/{number}", get(documents::version))
        .fallback(nothing);
    let all =
        pages.merge(json::router()).merge(console::router(&site)).merge(machines::router()).merge(previews::router());
    let led = all.layer(middleware::from_fn(slash::too_many));
    let guarded = led.layer(middleware::from_fn(guard::refuse_foreign));
    let explained = guarded.layer(middleware::from_fn_with_state(site.clone(), refusal::explain));
    let hardened = explained.layer(middleware::map_response(headers::harden)).with_state(site);
    // Around the router: a twin has another address than its page.
    let whole = Router::new().fallback_service(hardened).layer(middleware::from_fn(machines::twin));
    let whole = whole.layer(middleware::from_fn(alias::shorter));
    whole.layer(compression::layer())
}

async fn nothing(site: Visit, uri: Uri) -> Response {
    if let Some(known) = reference::by_long_prefix(&site, uri.path()) {
        return known.into_response();
    }
    NotFound::new(&site, site.texts().with("nothing_at", "path", &uri.path())).into_response()
}

/// A text as a part of a path (RFC 3986): whatever it holds, it is one segment.
pub(crate) fn escape_path(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte as char),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

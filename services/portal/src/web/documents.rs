//! The documents themselves, for programs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::error::NotFound;
use super::visit::Visit;
use crate::merged::merge;
use crate::reference::Reference;

/// An API's document, as clients meet the API.
pub(super) async fn for_clients(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, NotFound> {
    let reference = find(&site, &namespace, &name)?;
    let text = serde_json::to_vec_pretty(reference.value()).unwrap_or_default();
    Ok(send("application/json", text.into(), &asked))
}

/// One document of all APIs that are for the reader: what several call alike begins with the API's name. Where several are for
/// the same path and method, the first counts and the others stand in `x-conflicts`; `x-nuncio-left-out` says which APIs are not
/// in it, and why.
#[utoipa::path(get, path = "/openapi/openapi.json", tag = "catalog",
    responses((status = 200, description = "The document, of OpenAPI 3.1, or of 3.2 where one of them is", content_type = "application/json", body = serde_json::Value),
        (status = 304, description = "It is what it was, by its ETag"),
        (status = 500, description = "It cannot be made")))]
pub(super) async fn merged(site: Visit, asked: HeaderMap) -> Response {
    // It may be large.
    static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);
    let Ok(_permit) = ONE_AT_A_TIME.acquire().await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let (catalog, title) = (Arc::clone(site.catalog()), site.frame().title.to_owned());
    let made = tokio::task::spawn_blocking(move || {
        serde_json::to_vec_pretty(&merge(&title, catalog.entries.iter().map(|entry| &**entry))).unwrap_or_default()
    });
    match made.await {
        Ok(text) => send("application/json", text.into(), &asked),
        Err(error) => {
            tracing::error!("the document of all APIs cannot be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An API's document, byte for byte as the service gave it.
pub(super) async fn original(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, NotFound> {
    let document = &find(&site, &namespace, &name)?.document;
    let media = if document.is_yaml { "application/yaml" } else { "application/json" };
    Ok(send(media, document.original.clone(), &asked))
}

/// An API's document as it was once.
pub(super) async fn version(
    site: Visit,
    Path((namespace, name, number)): Path<(String, String, u64)>,
    asked: HeaderMap,
) -> Result<Response, NotFound> {
    let missing = || {
        NotFound::new(
            &site,
            site.texts().fill("no_version", &[("number", &number), ("api", &format!("{namespace}/{name}"))]),
        )
    };
    let entry = site.catalog().find(&namespace, &name).cloned().ok_or_else(missing)?;
    let versions = site.history.of(&entry.api.id);
    let version = versions.iter().find(|version| version.number == number).ok_or_else(missing)?;
    let is_json = version.document.trim_ascii_start().starts_with(b"{");
    let media = if is_json { "application/json" } else { "application/yaml" };
    Ok(send(media, version.document.clone(), &asked))
}

fn find(site: &Visit, namespace: &str, name: &str) -> Result<Arc<Reference>, NotFound> {
    let reference = site.catalog().find(namespace, name).and_then(|entry| entry.reference.clone());
    reference
        .ok_or_else(|| NotFound::new(site, site.texts().with("no_document_of", "api", &format!("{namespace}/{name}"))))
}

fn send(media: &'static str, text: Bytes, asked: &HeaderMap) -> Response {
    // It is the same however it is compressed.
    let tag = format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&text));
    let is_known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes().strip_prefix(b"W/").unwrap_or(known.as_bytes()) == &tag.as_bytes()[2..]);
    if is_known {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag), (header::CONTENT_TYPE, media.to_owned())], text).into_response()
}

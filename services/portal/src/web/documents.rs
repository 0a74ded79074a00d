//! The documents themselves, for programs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::NotFound;
use super::visit::Visit;
use crate::exports::{Export, Failed};
use crate::reference::Reference;

/// An API's document, as clients meet the API.
pub(super) async fn for_clients(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, NotFound> {
    let reference = find(&site, &namespace, &name)?;
    let edition = site.catalog().edition;
    Ok(give(site.exports.of_api(&site.console.admin, edition, &reference, |tag| is_known(tag, &asked)).await))
}

/// One document of all APIs that are for the reader: what several call alike begins with the API's name. Where several are for
/// the same path and method, the first counts and the others stand in `x-conflicts`; `x-nuncio-left-out` says which APIs are not
/// in it, and why.
#[utoipa::path(get, path = "/openapi/openapi.json", tag = "catalog",
    responses((status = 200, description = "The document, of OpenAPI 3.1, or of 3.2 where one of them is", content_type = "application/json", body = serde_json::Value),
        (status = 304, description = "It is what it was, by its ETag"),
        (status = 500, description = "It cannot be made")))]
pub(super) async fn merged(site: Visit, asked: HeaderMap) -> Response {
    let title = site.frame().title;
    give(site.exports.of_all(&site.console.admin, site.catalog(), title, |tag| is_known(tag, &asked)).await)
}

fn give(export: Result<Export, Failed>) -> Response {
    match export {
        Ok(Export::Known(tag)) => (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response(),
        Ok(Export::Text(tag, text)) => {
            ([(header::ETAG, tag), (header::CONTENT_TYPE, "application/json".to_owned())], text).into_response()
        }
        Err(Failed) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
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
    let versions = site.versions(&entry.api.id);
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
    if is_known(&tag, asked) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag), (header::CONTENT_TYPE, media.to_owned())], text).into_response()
}

/// Whether who asks has a document with this tag, which is a weak one.
fn is_known(tag: &str, asked: &HeaderMap) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    let mut known = known.flat_map(|known| known.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.trim_start_matches("W/") == tag.trim_start_matches("W/"))
}

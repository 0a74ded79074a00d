//! Pages of the operator's, and what they look like.

use askama::Template;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::NotFound;
use super::page::{Frame, respond};
use super::visit::Visit;
use crate::content::Page;

/// Pictures are files of the operator's; one that is opened by itself runs nothing all the same.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

#[derive(Template)]
#[template(path = "page.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    page: &'a Page,
    /// The others, and whether it is this one.
    pages: Vec<(&'a Page, bool)>,
}

#[derive(Template)]
#[template(path = "pages.html")]
struct AllPages<'a> {
    frame: Frame<'a>,
    pages: Vec<&'a Page>,
    /// What is not shown, and why: for operators.
    problems: &'a [String],
}

/// One of them.
pub(super) async fn page(site: Visit, Path(slug): Path<String>) -> Result<Response, NotFound> {
    let found = site.pages().find(|page| page.slug == slug);
    let page = found.ok_or_else(|| NotFound::new(&site, site.texts().with("no_page", "page", &slug)))?;
    let pages = site.pages().map(|one| (one, one.slug == slug)).collect();
    Ok(respond(&OnePage { frame: site.frame(), page, pages }))
}

/// All of them.
pub(super) async fn list(site: Visit) -> Response {
    let frame = site.frame();
    let problems = if frame.has_console { &site.content().problems[..] } else { &[] };
    respond(&AllPages { frame, pages: site.pages().collect(), problems })
}

/// A picture.
pub(super) async fn file(site: Visit, Path(path): Path<String>) -> Response {
    let Some(file) = site.content().file(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [(header::CONTENT_TYPE, file.media), (header::CONTENT_SECURITY_POLICY, PICTURE_POLICY)];
    (headers, file.bytes.clone()).into_response()
}

/// The colours.
pub(super) async fn theme(site: Visit) -> Response {
    let Some(theme) = &site.content().theme else { return StatusCode::NOT_FOUND.into_response() };
    // What changes has another name.
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, theme.css.clone()).into_response()
}

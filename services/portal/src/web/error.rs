//! Pages for what is not there.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::page::{Frame, respond};
use super::visit::Visit;

/// There is no such page.
#[derive(Debug)]
pub(crate) struct NotFound {
    site: Box<Visit>,
    what: String,
}

impl NotFound {
    /// An API, or something of it, that is not there.
    pub(super) fn new(site: &Visit, what: impl Into<String>) -> Self {
        Self { site: Box::new(site.clone()), what: what.into() }
    }
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct Page<'a> {
    frame: Frame<'a>,
    what: &'a str,
}

impl IntoResponse for NotFound {
    fn into_response(self) -> Response {
        let page = Page { frame: self.site.frame(), what: &self.what };
        (StatusCode::NOT_FOUND, respond(&page)).into_response()
    }
}

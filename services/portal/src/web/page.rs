//! What all pages share.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Site;
use super::assets::{ICON, STYLE};

/// What is around the content of a page.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) style: &'a str,
    pub(crate) icon: &'a str,
    /// What was searched for.
    pub(crate) term: &'a str,
    /// Who is logged in; nothing where nobody knows.
    pub(crate) who: &'a str,
    /// Where a login begins; nothing where there is none to be had.
    pub(crate) login: &'a str,
    /// There are keys for who is logged in.
    pub(crate) has_keys: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self {
            title: &site.title,
            style: STYLE.path(),
            icon: ICON.path(),
            term: "",
            who: "",
            login: "",
            has_keys: false,
        }
    }
}

/// A page as an answer.
pub(crate) fn respond(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

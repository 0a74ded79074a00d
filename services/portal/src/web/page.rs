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
    /// The part of the site that the page belongs to.
    pub(crate) section: &'static str,
    /// What was searched for.
    pub(crate) term: &'a str,
    /// Who is logged in; nothing where nobody knows.
    pub(crate) who: &'a str,
    /// Where a login begins; nothing where there is none to be had.
    pub(crate) login: &'a str,
    /// There is a search.
    pub(crate) has_search: bool,
    /// There are keys for who is logged in.
    pub(crate) has_keys: bool,
    /// The console is for the reader.
    pub(crate) has_console: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self {
            title: &site.title,
            style: STYLE.path(),
            icon: ICON.path(),
            section: "",
            term: "",
            who: "",
            login: "",
            has_search: true,
            has_keys: false,
            has_console: false,
        }
    }

    /// The parts of the site that are for the reader: what each is called, where it is, and whether the page is of it.
    pub(crate) fn sections(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [
            ("", "APIs", "/docs/", true),
            ("changes", "Changes", "/docs/changes", true),
            ("previews", "Previews", "/docs/previews", true),
            ("keys", "Keys", "/docs/keys", self.has_keys),
            ("console", "Console", "/console/", self.has_console),
        ];
        let own = all.into_iter().filter(|(_, _, _, is_there)| *is_there);
        own.map(|(section, title, link, _)| (title, link, section == self.section)).collect()
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

//! Looking for something: a page, and the same as JSON where Edge Stack had it.

use askama::Template;
use axum::Json;
use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{Frame, respond};
use super::visit::Visit;
use crate::search::{Found, Sort};

/// The most answers.
const LIMIT: usize = 50;
/// How many are looked at: some are of APIs that are not for everybody.
const LOOKED_AT: usize = 1000;

/// A question.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct Question {
    /// Words that have to be in what is found.
    #[serde(alias = "q")]
    term: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Page<'a> {
    frame: Frame<'a>,
    term: &'a str,
    found: Vec<Found>,
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundView {
    /// What it is.
    kind: Sort,
    /// What it is called.
    title: String,
    /// The API that it belongs to.
    api: String,
    /// Method and path of an operation; empty of anything else.
    operation: String,
    /// Its page.
    link: String,
}

/// The page of what was found.
pub(super) async fn page(site: Visit, Query(question): Query<Question>) -> Response {
    let term = question.term.trim();
    let found = ask(&site, term);
    respond(&Page { frame: Frame { term, ..site.frame() }, term, found })
}

/// What is found by a question.
#[utoipa::path(get, path = "/docs/api/search", tag = "catalog", params(Question),
    responses((status = 200, description = "The best answers, the best first", body = Vec<FoundView>)))]
pub(super) async fn json(site: Visit, Query(question): Query<Question>) -> Json<Vec<FoundView>> {
    Json(found(&site, &question.term))
}

/// What is found by words, the best first.
pub(crate) fn found(site: &Visit, term: &str) -> Vec<FoundView> {
    let view = |found: Found| FoundView {
        kind: found.sort,
        title: found.title,
        api: found.api,
        operation: format!("{} {}", found.method, found.path).trim().to_owned(),
        link: found.link,
    };
    ask(site, term.trim()).into_iter().map(view).collect()
}

fn ask(site: &Visit, term: &str) -> Vec<Found> {
    let search = site.search.load();
    let found = search.as_ref().as_ref().map(|search| search.ask(term, LOOKED_AT));
    let is_shown = |found: &&Found| match &found.id {
        Some(id) => site.catalog().entries.iter().any(|entry| entry.api.id == *id),
        None => site.pages().any(|page| page.link() == found.link),
    };
    match found {
        Some(Ok(found)) => found.into_iter().filter(is_shown).take(LIMIT).cloned().collect(),
        Some(Err(error)) => {
            tracing::error!("the search failed: {error}");
            Vec::new()
        }
        None => Vec::new(),
    }
}

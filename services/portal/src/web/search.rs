//! Looking for something: a page, and the same as JSON where Edge Stack had it.

use std::collections::HashSet;

use askama::Template;
use axum::Json;
use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{Frame, respond};
use super::rendering::made;
use super::visit::Visit;
use crate::search::{Found, Hit, Part, Search, Sort};

/// The most answers.
const LIMIT: usize = 50;

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
    /// How many were found, in words.
    count: String,
    found: &'a [Hit<'a>],
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
    /// Its page, at the field by which it was found.
    link: String,
    /// What of it has those words that neither title nor path have.
    reasons: Vec<ReasonView>,
}

/// Why something was found.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    /// What of it.
    part: Part,
    /// What that says, as much of it as is around the words.
    text: String,
}

/// The page of what was found.
pub(super) async fn page(site: Visit, Query(question): Query<Question>) -> Response {
    made(move || found_page(&site, &question)).await
}

fn found_page(site: &Visit, question: &Question) -> Response {
    let term = question.term.trim();
    let search = site.search.load();
    let found = ask(site, search.as_ref().as_ref(), term);
    let count = match found.len() {
        LIMIT => site.texts().with("search_best", "number", &LIMIT),
        number => site.texts().count("count_found", number),
    };
    respond(&Page { frame: Frame { term, ..site.frame() }, term, count, found: &found })
}

/// What is found by a question.
#[utoipa::path(get, path = "/docs/api/search", tag = "catalog", params(Question),
    responses((status = 200, description = "The best answers, the best first", body = Vec<FoundView>)))]
pub(super) async fn json(site: Visit, Query(question): Query<Question>) -> Json<Vec<FoundView>> {
    Json(found(&site, &question.term).await)
}

/// What is found by words, the best first.
pub(crate) async fn found(site: &Visit, term: &str) -> Vec<FoundView> {
    let (site, term) = (site.clone(), term.to_owned());
    let find = move || {
        let search = site.search.load();
        ask(&site, search.as_ref().as_ref(), term.trim()).iter().map(FoundView::of).collect()
    };
    made(find).await
}

impl FoundView {
    fn of(hit: &Hit<'_>) -> Self {
        let Found { sort, title, api, method, path, .. } = hit.found;
        Self {
            kind: *sort,
            title: title.clone(),
            api: api.clone(),
            operation: format!("{method} {path}").trim().to_owned(),
            link: hit.link(),
            reasons: hit.reasons.iter().map(|reason| ReasonView { part: reason.part, text: reason.plain() }).collect(),
        }
    }
}

/// What of the index is for the reader.
fn ask<'s>(site: &Visit, search: Option<&'s Search>, term: &str) -> Vec<Hit<'s>> {
    let apis: HashSet<_> = site.catalog().entries.iter().map(|entry| &entry.api.id).collect();
    let pages: HashSet<_> = site.pages().map(crate::content::Page::link).collect();
    let is_shown = |found: &Found| match &found.id {
        Some(id) => apis.contains(id),
        None => pages.contains(&found.link),
    };
    match search.map(|search| search.ask(term, LIMIT, is_shown)) {
        Some(Ok(found)) => found,
        Some(Err(error)) => {
            tracing::error!("the search failed: {error}");
            Vec::new()
        }
        None => Vec::new(),
    }
}

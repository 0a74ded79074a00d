//! What is wrong, and where to look.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::link::{Part, Turns, with_query};
use super::model::{Page as List, Problem};
use super::page::{Trouble, ask};
use super::words::Object;
use crate::web::{Frame, Visit, respond};

/// Problems of one page.
const LIMIT: usize = 100;

/// Which part of the list to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    offset: usize,
}

#[derive(Template)]
#[template(path = "console/problems.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    problems: Vec<ProblemRow>,
    turns: Turns,
}

/// A problem in words.
pub(super) struct ProblemRow {
    /// How it is marked.
    pub(super) class: &'static str,
    /// The text that says how bad it is.
    pub(super) severity_text: &'static str,
    pub(super) reason: String,
    pub(super) field: String,
    /// What a form calls that, where there is one.
    pub(super) label: String,
    pub(super) message: String,
    pub(super) place: String,
    pub(super) object: Option<Object>,
}

impl ProblemRow {
    pub(super) fn new(problem: Problem) -> Self {
        let place = problem.location.map(|location| match location.line {
            0 => location.file,
            line => format!("{}:{line}", location.file),
        });
        let (class, severity_text) = match problem.severity.as_str() {
            "error" => ("breaking", "error"),
            _ => ("warning", "warning"),
        };
        Self {
            class,
            severity_text,
            reason: problem.reason,
            field: problem.field,
            label: String::new(),
            message: problem.message,
            place: place.unwrap_or_default(),
            object: problem.object.as_ref().map(Object::new),
        }
    }
}

/// The page.
pub(super) async fn page(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let (offset, limit) = (wanted.offset.to_string(), LIMIT.to_string());
    let path = with_query("/api/v1/problems", [("offset", offset.as_str()), ("limit", &limit)]);
    let list: List<Problem> = ask(&site, &path).await?;
    let part = Part { offset: wanted.offset, shown: list.items.len(), total: list.total };
    let link = |offset: usize| with_query("/console/problems", [("offset", offset.to_string().as_str())]);
    let turns = Turns::new(site.texts(), part, LIMIT, link);
    let problems = list.items.into_iter().map(ProblemRow::new).collect();
    Ok(respond(&Page { frame: site.frame(), here: "problems", problems, turns }))
}

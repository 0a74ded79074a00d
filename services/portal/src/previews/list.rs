//! The list of previews, for people; it is what is shown in the place of one that there is not, too.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::api::all;
use super::link;
use super::model::{Preview, Url};
use super::problem::ProblemDetails;
use super::rights::rights;
use crate::texts::Texts;
use crate::web::words::Moment;
use crate::web::{Frame, Visit, escape_path, filters, respond};

/// Which to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    namespace: String,
    text: String,
    state: String,
    /// Whether those of others are left out.
    mine: Option<String>,
    /// Which part of them, counted from 1.
    page: usize,
}

/// How many are on a page.
const ROWS: usize = 50;

impl Wanted {
    /// Where another page of the same is.
    fn at(&self, page: usize) -> String {
        let page = page.to_string();
        let mine = self.mine.as_deref().unwrap_or_default();
        let all = [
            ("namespace", &*self.namespace),
            ("text", &self.text),
            ("state", &self.state),
            ("mine", mine),
            ("page", &page),
        ];
        let said = all.into_iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = said.map(|(name, value)| format!("{name}={}", escape_path(value))).collect();
        format!("/docs/previews?{}", query.join("&"))
    }
}

#[derive(Template)]
#[template(path = "previews/list.html")]
struct List<'a> {
    frame: Frame<'a>,
    wanted: &'a Wanted,
    rows: Vec<Row>,
    words: String,
    /// Where those before these are, and those after.
    before: Option<String>,
    after: Option<String>,
    states: &'static [State],
    trouble: Option<String>,
    /// It is known who reads.
    is_known: bool,
    /// He may make one somewhere.
    may_make: bool,
}

/// A preview in the list.
struct Row {
    link: String,
    name: String,
    namespace: String,
    state: State,
    urls: Vec<Url>,
    /// Its addresses let nobody in by themselves.
    is_for_links: bool,
    replaces: String,
    source: String,
    ends: Option<Moment>,
    has_ended: bool,
}

/// How a preview is: its name in URLs, a class of the style sheet, and the text that says so.
#[derive(Clone, Copy)]
pub(super) struct State {
    name: &'static str,
    pub(super) class: &'static str,
    pub(super) text: &'static str,
}

impl State {
    pub(super) fn of(preview: &Preview) -> Self {
        let is_told = |reason: &str| preview.problems.iter().any(|problem| problem.reason == reason);
        match (preview.urls.is_empty(), preview.problems.is_empty()) {
            _ if preview.has_ended && is_told("Deleted") => DELETED,
            _ if preview.has_ended => ENDED,
            (true, _) => HIDDEN,
            (false, true) => SERVED,
            _ if is_told("ExpiresSoon") => ENDING,
            (false, false) => TROUBLED,
        }
    }

    /// Whether it is the one that is wanted; any where none is.
    fn is_called(self, wanted: &str) -> bool {
        wanted.is_empty() || self.name == wanted
    }
}

const SERVED: State = State { name: "served", class: "current", text: "previews_current" };
const TROUBLED: State = State { name: "troubled", class: "stale", text: "previews_stale" };
const ENDING: State = State { name: "ending", class: "stale", text: "previews_ending" };
const HIDDEN: State = State { name: "hidden", class: "missing", text: "previews_missing" };
const ENDED: State = State { name: "ended", class: "missing", text: "previews_ended" };
/// Who looks for those that have ended finds it.
const DELETED: State = State { text: "previews_deleted", ..ENDED };
/// All states, for who wants one of them.
const STATES: [State; 5] = [SERVED, TROUBLED, ENDING, HIDDEN, ENDED];

/// All of them.
pub(super) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Response {
    let namespace = Some(wanted.namespace.trim()).filter(|namespace| !namespace.is_empty());
    let (answer, rights) = tokio::join!(all(&visit, namespace, None), rights(&visit));
    let (status, found, trouble) = match answer {
        Ok(found) => (StatusCode::OK, found.items, None),
        Err(problem) => (problem.code(), Vec::new(), Some(told(&problem, visit.texts()))),
    };
    let reader = visit.viewer.identity.as_ref().filter(|_| wanted.mine.is_some());
    let is_his = |preview: &Preview| reader.is_none_or(|reader| preview.is_of(reader));
    let fits = |preview: &&Preview| {
        preview.fits(wanted.text.trim()) && State::of(preview).is_called(&wanted.state) && is_his(preview)
    };
    let fitting: Vec<_> = found.iter().filter(fits).collect();
    let words = visit.texts().count("count_preview", fitting.len());
    let last = fitting.len().div_ceil(ROWS).max(1);
    let at = wanted.page.clamp(1, last);
    let rows =
        fitting.into_iter().skip((at - 1) * ROWS).take(ROWS).map(|preview| row(preview, visit.texts())).collect();
    let (before, after) = ((at > 1).then(|| wanted.at(at - 1)), (at < last).then(|| wanted.at(at + 1)));
    let may_make = trouble.is_none() && rights.is_ok_and(|rights| rights.why.is_empty());
    let (frame, is_known) = (visit.frame(), visit.viewer.identity.is_some());
    let page =
        List { frame, wanted: &wanted, rows, words, before, after, states: &STATES, trouble, is_known, may_make };
    (status, respond(&page)).into_response()
}

fn row(preview: &Preview, texts: &Texts) -> Row {
    Row {
        link: link(&preview.namespace, &preview.name),
        name: preview.name.clone(),
        namespace: preview.namespace.clone(),
        state: State::of(preview),
        urls: preview.urls.clone(),
        is_for_links: preview.is_for_links(),
        replaces: preview.replaces(texts),
        source: preview.source_words(),
        ends: preview.ends(texts),
        has_ended: preview.has_ended,
    }
}

/// Why not: that somebody has to log in is said in the words of pages.
fn told(problem: &ProblemDetails, texts: &Texts) -> String {
    if problem.wants_login() { texts.text("previews_nobody").to_owned() } else { problem.detail.clone() }
}

/// Why there is no such page.
#[derive(Debug)]
pub(super) struct Refused {
    visit: Box<Visit>,
    problem: ProblemDetails,
}

impl Refused {
    pub(super) fn new(visit: &Visit, problem: ProblemDetails) -> Self {
        Self { visit: Box::new(visit.clone()), problem }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let wanted = Wanted::default();
        let trouble = Some(told(&self.problem, self.visit.texts()));
        let (rows, words) = (Vec::new(), String::new());
        let (frame, is_known) = (self.visit.frame(), self.visit.viewer.identity.is_some());
        let (before, after, may_make) = (None, None, false);
        let states = &STATES;
        let page = List { frame, wanted: &wanted, rows, words, before, after, states, trouble, is_known, may_make };
        (self.problem.code(), respond(&page)).into_response()
    }
}

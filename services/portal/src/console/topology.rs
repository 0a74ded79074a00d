//! The first page: routes, drawn and as a table.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::graph::Graph;
use super::link::{Part, Turns, with_query};
use super::model::Topology;
use super::page::{Trouble, ask};
use super::rows::{Row, rows};
use crate::texts::Texts;
use crate::web::{Frame, Visit, filters, respond};

/// Routes of one page: more are no drawing that anybody could read.
pub(super) const LIMIT: usize = 30;

/// Which routes to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    host: String,
    service: String,
    text: String,
    /// An object whose routes are shown.
    kind: String,
    namespace: String,
    name: String,
    /// Also the gateway's own routes, which nobody wrote. Who looks for something finds it there, too.
    all: bool,
    /// Also those of previews: copies of what is there already.
    previews: bool,
    offset: usize,
}

#[derive(Template)]
#[template(path = "console/topology.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    wanted: &'a Wanted,
    is_filtered: bool,
    /// The way to the gateway's own routes where they are left out.
    more: Option<String>,
    fold: Option<Fold>,
    graph: Graph,
    /// Requests are counted by route.
    is_counted: bool,
    rows: Vec<Row>,
    turns: Turns,
}

impl Wanted {
    fn pairs(&self) -> [(&'static str, &str); 6] {
        let typed = [("host", &self.host), ("service", &self.service), ("text", &self.text)];
        let [host, service, text] = typed.map(|(key, value)| (key, value.trim()));
        [host, service, text, ("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name)]
    }

    /// The object, as it is called.
    fn object(&self) -> Option<String> {
        (!self.kind.is_empty()).then(|| format!("{} {}/{}", self.kind, self.namespace, self.name))
    }

    fn is_filtered(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// Whether only that is shown which somebody wrote.
    fn is_brief(&self) -> bool {
        !self.all && !self.is_filtered()
    }

    /// What the controller is asked for, with or without previews.
    fn question(&self, previews: bool) -> String {
        let own = if self.is_brief() { "false" } else { "" };
        let previews = if previews { "" } else { "false" };
        self.link(
            "/api/v1/topology",
            self.offset,
            &[("limit", &LIMIT.to_string()), ("own", own), ("previews", previews)],
        )
    }

    /// The page with the routes from there on.
    fn page(&self, offset: usize) -> String {
        self.page_with(offset, self.all, self.previews)
    }

    fn page_with(&self, offset: usize, all: bool, previews: bool) -> String {
        let switch = |is_on: bool| if is_on { "true" } else { "" };
        self.link("/console/", offset, &[("all", switch(all)), ("previews", switch(previews))])
    }

    fn link(&self, path: &str, offset: usize, more: &[(&'static str, &str)]) -> String {
        let offset = if offset == 0 { String::new() } else { offset.to_string() };
        let more = more.iter().copied().chain([("offset", offset.as_str())]);
        with_query(path, self.pairs().into_iter().chain(more))
    }
}

/// What a page says of previews whose routes are folded away, or could be.
pub(super) struct Fold {
    /// How many there are; nothing where they are shown.
    pub(super) previews: Option<String>,
    /// Where it is the other way round.
    pub(super) link: String,
}

impl Fold {
    /// Of routes that are told; `shown` is the page with those of previews.
    pub(super) fn away(topology: &Topology, texts: &Texts, shown: String) -> Option<Self> {
        let previews = (topology.previews > 0).then(|| texts.count("count_preview", topology.previews))?;
        Some(Self { previews: Some(previews), link: shown })
    }
}

/// Routes that a question is about, those of previews only where they are wanted or nothing else fits.
pub(super) async fn routes(
    site: &Visit,
    previews: bool,
    question: impl Fn(bool) -> String,
) -> Result<Topology, Trouble> {
    let told: Topology = ask(site, &question(previews)).await?;
    if told.total == 0 && told.previews > 0 { ask(site, &question(true)).await } else { Ok(told) }
}

/// The page.
pub(super) async fn page(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let topology = routes(&site, wanted.previews, |previews| wanted.question(previews)).await?;
    let part = Part { offset: wanted.offset, shown: topology.routes.len(), total: topology.total };
    let turns = Turns::new(site.texts(), part, LIMIT, |offset| wanted.page(offset));
    Ok(respond(&Page {
        frame: site.frame(),
        here: "topology",
        is_filtered: wanted.is_filtered(),
        more: wanted.is_brief().then(|| wanted.page_with(0, true, wanted.previews)),
        fold: if wanted.previews {
            Some(Fold { previews: None, link: wanted.page_with(0, wanted.all, false) })
        } else {
            Fold::away(&topology, site.texts(), wanted.page_with(0, wanted.all, true))
        },
        graph: Graph::new(&topology, site.texts()),
        is_counted: topology.counts_routes,
        rows: rows(&topology, &site),
        turns,
        wanted: &wanted,
    }))
}

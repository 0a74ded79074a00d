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
    /// Also what nobody wrote: the gateway's own routes, and those of previews. Who looks for something finds it there, too.
    all: bool,
    offset: usize,
}

#[derive(Template)]
#[template(path = "console/topology.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    wanted: &'a Wanted,
    is_filtered: bool,
    /// The way to the routes that are left out; nothing where none are.
    more: Option<String>,
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

    /// What the controller is asked for.
    fn question(&self) -> String {
        let aside = if self.is_brief() { "false" } else { "" };
        self.link(
            "/api/v1/topology",
            self.offset,
            &[("limit", &LIMIT.to_string()), ("own", aside), ("previews", aside)],
        )
    }

    /// The page with the routes from there on.
    fn page(&self, offset: usize) -> String {
        self.link("/console/", offset, &[("all", if self.all { "true" } else { "" })])
    }

    fn link(&self, path: &str, offset: usize, more: &[(&'static str, &str)]) -> String {
        let offset = if offset == 0 { String::new() } else { offset.to_string() };
        let more = more.iter().copied().chain([("offset", offset.as_str())]);
        with_query(path, self.pairs().into_iter().chain(more))
    }
}

/// The page.
pub(super) async fn page(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let topology: Topology = ask(&site, &wanted.question()).await?;
    let part = Part { offset: wanted.offset, shown: topology.routes.len(), total: topology.total };
    let turns = Turns::new(site.texts(), part, LIMIT, |offset| wanted.page(offset));
    Ok(respond(&Page {
        frame: site.frame(),
        here: "topology",
        is_filtered: wanted.is_filtered(),
        more: wanted.is_brief().then(|| "/console/?all=true".to_owned()),
        graph: Graph::new(&topology, site.texts()),
        is_counted: topology.counts_routes,
        rows: rows(&topology, &site),
        turns,
        wanted: &wanted,
    }))
}

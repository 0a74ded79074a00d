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
use crate::web::{Frame, Visit, respond};

/// Routes of one page: more are no drawing that anybody could read.
pub(super) const LIMIT: usize = 30;

/// Which routes to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    host: String,
    service: String,
    text: String,
    offset: usize,
}

#[derive(Template)]
#[template(path = "console/topology.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    wanted: &'a Wanted,
    is_filtered: bool,
    graph: Graph,
    rows: Vec<Row>,
    turns: Turns,
}

impl Wanted {
    fn pairs(&self) -> [(&'static str, &str); 3] {
        [("host", self.host.trim()), ("service", self.service.trim()), ("text", self.text.trim())]
    }

    fn link(&self, path: &str, offset: usize) -> String {
        let offset = if offset == 0 { String::new() } else { offset.to_string() };
        let limit = LIMIT.to_string();
        let limit = if path.starts_with("/api/") { limit.as_str() } else { "" };
        with_query(path, self.pairs().into_iter().chain([("offset", offset.as_str()), ("limit", limit)]))
    }
}

/// The page.
pub(super) async fn page(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let path = wanted.link("/api/v1/topology", wanted.offset);
    let topology: Topology = ask(&site, &path).await?;
    let part = Part { offset: wanted.offset, shown: topology.routes.len(), total: topology.total };
    let turns = Turns::new(site.texts(), part, LIMIT, |offset| wanted.link("/console/", offset));
    Ok(respond(&Page {
        frame: site.frame(),
        here: "topology",
        is_filtered: wanted.pairs().iter().any(|(_, value)| !value.is_empty()),
        graph: Graph::new(&topology, site.texts()),
        rows: rows(&topology, site.texts()),
        turns,
        wanted: &wanted,
    }))
}

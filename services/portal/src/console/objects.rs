//! Objects: how far each has come, and why no further.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::graph::Graph;
use super::link::{self, Turns, with_query};
use super::model::{Object, ObjectRef, Page as List, Topology};
use super::page::{Trouble, ask};
use super::problems::Trouble as Wrong;
use super::rows::{Row, rows};
use super::topology::LIMIT as ROUTES;
use crate::web::{Frame, Visit, respond, words::count_of};

/// Objects of one page.
const LIMIT: usize = 100;

/// Which objects to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    kind: String,
    namespace: String,
    name: String,
    offset: usize,
}

impl Wanted {
    fn link(&self, path: &str, offset: usize) -> String {
        let pairs = [("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name)];
        let pairs = pairs.map(|(key, value)| (key, value.trim()));
        let (offset, limit) = (offset.to_string(), LIMIT.to_string());
        let limit = if path.starts_with("/api/") { limit.as_str() } else { "" };
        let offset = if offset == "0" { "" } else { offset.as_str() };
        with_query(path, pairs.into_iter().chain([("offset", offset), ("limit", limit)]))
    }
}

#[derive(Template)]
#[template(path = "console/objects.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    here: &'static str,
    wanted: &'a Wanted,
    rows: Vec<ObjectRow>,
    turns: Turns,
}

/// An object in the table.
struct ObjectRow {
    id: ObjectRef,
    link: String,
    place: String,
    state: &'static str,
    state_words: String,
    problems: String,
}

/// The list.
pub(super) async fn list(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let path = wanted.link("/api/v1/objects", wanted.offset);
    let list: List<Object> = ask(&site, &path).await?;
    let (shown, total) = (list.items.len(), list.total);
    let turns = Turns::new(wanted.offset, shown, total, LIMIT, |offset| wanted.link("/console/objects", offset));
    let rows = list.items.iter().map(object_row).collect();
    Ok(respond(&ListPage { frame: site.frame(), here: "objects", wanted: &wanted, rows, turns }))
}

fn object_row(object: &Object) -> ObjectRow {
    ObjectRow {
        link: link::object(&object.id),
        place: place(object),
        state: state(object),
        state_words: state_words(object),
        problems: if object.problems.is_empty() { String::new() } else { count_of(object.problems.len(), "problem") },
        id: object.id.clone(),
    }
}

fn place(object: &Object) -> String {
    let location = &object.location;
    if location.line == 0 { location.file.clone() } else { format!("{}:{}", location.file, location.line) }
}

/// Of these kinds there is an editor: Kubernetes' own are others', and the text of a Filter may hold a secret.
fn is_editable(kind: &str) -> bool {
    let foreign = ["Service", "EndpointSlice", "Secret", "Ingress", "IngressClass"];
    !foreign.contains(&kind) && !kind.starts_with("Filter.") && kind != "Filter"
}

/// How it is marked.
fn state(object: &Object) -> &'static str {
    let has_error = object.problems.iter().any(|problem| problem.severity == "error");
    match object.state.as_str() {
        _ if has_error => "missing",
        _ if !object.problems.is_empty() => "stale",
        "acked" => "current",
        _ => "waiting",
    }
}

/// How far it has come, and why no further.
fn state_words(object: &Object) -> String {
    let has_error = object.problems.iter().any(|problem| problem.severity == "error");
    match (object.state.as_str(), object.envoys) {
        ("acked", 1) => "live in the one Envoy".to_owned(),
        ("acked", envoys) => format!("live in all {envoys} Envoys"),
        ("sent", envoys) => format!("live in {} of {envoys} Envoys; the others have not answered yet", object.acked_by),
        ("translated", _) => "ready; no Envoy is connected that could be sent it".to_owned(),
        ("parsed", _) if has_error => "does not serve, because of what is wrong with it".to_owned(),
        ("parsed", _) => "read; nothing in the configuration comes of it by itself".to_owned(),
        (other, _) => other.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "console/object.html")]
struct ObjectPage<'a> {
    frame: Frame<'a>,
    here: &'static str,
    object: ObjectRow,
    /// Its text can be shown: it holds no secret.
    is_editable: bool,
    problems: Vec<Wrong>,
    graph: Graph,
    rows: Vec<Row>,
    /// Where all of its routes are shown, if these are some.
    more: Option<String>,
}

/// The page of one object.
pub(super) async fn one(
    site: Visit,
    Path((kind, namespace, name)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let of_kind = [("kind", kind.as_str()), ("namespace", &namespace), ("name", &name)];
    let list: List<Object> = ask(&site, &with_query("/api/v1/objects", of_kind)).await?;
    let Some(object) = list.items.into_iter().next() else {
        return Err(Trouble::missing(&site, format!("There is no {kind} {namespace}/{name}.")));
    };
    let limit = ROUTES.to_string();
    let of_it = [("namespace", namespace.as_str()), ("name", &name), ("limit", &limit)];
    let mut topology: Topology = ask(&site, &with_query("/api/v1/topology", of_it)).await?;
    let some = topology.routes.len() < topology.total;
    // Another kind may have one of the same name.
    topology.routes.retain(|route| route.origin.contains(&object.id));
    let row = object_row(&object);
    Ok(respond(&ObjectPage {
        frame: site.frame(),
        here: "objects",
        graph: Graph::new(&topology),
        rows: rows(&topology),
        more: some.then(|| with_query("/console/", [("text", name.as_str())])),
        is_editable: is_editable(&object.id.kind),
        object: row,
        problems: object.problems.into_iter().map(Wrong::new).collect(),
    }))
}

//! Objects: how far each has come, and why no further.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::edit::is_read;
use super::graph::Graph;
use super::link::{self, Part, Turns, with_query};
use super::model::{Object, ObjectRef, Page as List, Purpose, Topology};
use super::page::{Trouble, ask};
use super::problems::ProblemRow;
use super::rows::{Row, rows};
use super::topology::{self, Fold, LIMIT as ROUTES};
use crate::texts::Texts;
use crate::web::{Asset, FOLLOW, Frame, PALETTE, Visit, filters, of_page, respond};

/// Objects of one page.
const LIMIT: usize = 100;
/// How many seconds a page waits for what was made or changed.
const PATIENCE: u64 = 30;

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
    /// Where another of these is made.
    fn link_to_new(&self) -> String {
        with_query("/console/new", [("kind", self.kind.trim()), ("namespace", self.namespace.trim())])
    }

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
    /// What it is for, where no route is made of it.
    purpose: Option<String>,
    problems: String,
}

/// The list.
pub(super) async fn list(site: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Trouble> {
    let path = wanted.link("/api/v1/objects", wanted.offset);
    let list: List<Object> = ask(&site, &path).await?;
    let part = Part { offset: wanted.offset, shown: list.items.len(), total: list.total };
    let turns = Turns::new(site.texts(), part, LIMIT, |offset| wanted.link("/console/objects", offset));
    let rows = list.items.iter().map(|object| object_row(object, site.texts())).collect();
    Ok(respond(&ListPage { frame: site.frame(), here: "objects", wanted: &wanted, rows, turns }))
}

fn object_row(object: &Object, texts: &Texts) -> ObjectRow {
    ObjectRow {
        link: link::object(&object.id),
        place: place(object),
        state: state(object),
        state_words: state_words(object, texts),
        purpose: object.purpose.as_ref().map(|purpose| purpose_words(purpose, texts)),
        problems: match object.problems.len() {
            0 => String::new(),
            number => texts.count("count_problem", number),
        },
        id: object.id.clone(),
    }
}

fn place(object: &Object) -> String {
    let location = &object.location;
    if location.line == 0 { location.file.clone() } else { format!("{}:{}", location.file, location.line) }
}

fn purpose_words(purpose: &Purpose, texts: &Texts) -> String {
    match purpose {
        Purpose::Connections { port, host: None, service } => {
            texts.fill("object_connections", &[("port", port), ("service", service)])
        }
        Purpose::Connections { port, host: Some(host), service } => {
            texts.fill("object_connections_by_name", &[("port", port), ("host", host), ("service", service)])
        }
        Purpose::Previews { namespaces, hosts, domain, count } => {
            let (namespaces, hosts) = (namespaces.join(", "), hosts.join(", "));
            let what =
                texts.fill("object_previews", &[("namespaces", &namespaces), ("hosts", &hosts), ("domain", domain)]);
            match count {
                Some(count) => format!("{what} {}", texts.with("object_previews_ruled", "number", count)),
                None => format!("{what} {}", texts.text("object_previews_idle")),
            }
        }
    }
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
fn state_words(object: &Object, texts: &Texts) -> String {
    let has_error = object.problems.iter().any(|problem| problem.severity == "error");
    match (object.state.as_str(), object.envoys) {
        ("acked", 1) if has_error => texts.text("object_ill_one").to_owned(),
        ("acked", envoys) if has_error => texts.with("object_ill", "envoys", &envoys),
        ("acked", 1) => texts.text("object_acked_one").to_owned(),
        ("acked", envoys) => texts.with("object_acked", "envoys", &envoys),
        ("sent", envoys) => texts.fill("object_sent", &[("acked", &object.acked_by), ("envoys", &envoys)]),
        ("translated", _) => texts.text("object_translated").to_owned(),
        ("parsed", _) if has_error => texts.text("object_broken").to_owned(),
        ("parsed", _) => texts.text("object_parsed").to_owned(),
        (other, _) => other.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "console/object.html")]
struct ObjectPage<'a> {
    frame: Frame<'a>,
    here: &'static str,
    object: ObjectRow,
    /// A change of it is on its way: the page is looked at again.
    is_followed: bool,
    /// Where it is looked at again.
    again: String,
    follow: &'static Asset,
    /// There is an editor of it.
    is_editable: bool,
    problems: Vec<ProblemRow>,
    graph: Graph,
    /// Requests are counted by route.
    is_counted: bool,
    rows: Vec<Row>,
    /// Where all of its routes are shown, if these are some.
    more: Option<String>,
    fold: Option<Fold>,
}

/// Where somebody comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Came {
    /// When he has applied a change, in seconds of Unix; something else where nobody says when.
    applied: String,
}

impl Came {
    fn has_applied(&self) -> bool {
        !self.applied.is_empty()
    }

    /// Whether what he has made or changed may be on its way yet. Clocks of portals differ.
    fn may_wait(&self, now: Timestamp) -> bool {
        self.applied.parse::<i64>().is_ok_and(|applied| now.as_second().abs_diff(applied) <= PATIENCE)
    }

    fn again(&self, id: &ObjectRef) -> String {
        with_query(&link::object(id), [("applied", self.applied.as_str())])
    }
}

/// The page of an object after a change of it was applied.
pub(super) fn link_after(id: &ObjectRef) -> String {
    Came { applied: Timestamp::now().as_second().to_string() }.again(id)
}

/// The page of one object.
pub(super) async fn one(
    site: Visit,
    Path((kind, namespace, name)): Path<(String, String, String)>,
    Query(from): Query<Came>,
) -> Result<Response, Trouble> {
    let may_wait = from.may_wait(Timestamp::now());
    let id = ObjectRef { kind, namespace, name };
    // This is asked first: whatever is told after it is no older.
    let is_read = !may_wait || is_read(&site, &id).await?;
    let of_kind = [("kind", id.kind.as_str()), ("namespace", &id.namespace), ("name", &id.name)];
    let list: List<Object> = ask(&site, &with_query("/api/v1/objects", of_kind)).await?;
    let Some(object) = list.items.into_iter().next() else {
        if may_wait {
            return Ok(awaited(&site, id, &from));
        }
        let mut why = site.texts().with("no_object", "object", &format!("{} {}/{}", id.kind, id.namespace, id.name));
        if from.has_applied() {
            why = format!("{why} {}", site.texts().text("no_object_applied"));
        }
        return Err(Trouble::missing(&site, why));
    };
    let limit = ROUTES.to_string();
    let question = |previews: bool| {
        let previews = if previews { "" } else { "false" };
        let of_it = [("limit", limit.as_str()), ("own", "false"), ("previews", previews)];
        with_query("/api/v1/topology", of_kind.into_iter().chain(of_it))
    };
    let topology = topology::routes(&site, false, question).await?;
    let some = topology.routes.len() < topology.total;
    let mut row = object_row(&object, site.texts());
    if !is_read {
        (row.state, row.state_words) = ("waiting", site.texts().text("object_written").to_owned());
    }
    let page = respond(&ObjectPage {
        frame: site.frame(),
        here: "objects",
        graph: Graph::new(&topology, site.texts()),
        is_counted: topology.counts_routes,
        rows: rows(&topology, &site),
        more: some.then(|| with_query("/console/", of_kind)),
        fold: Fold::away(
            &topology,
            site.texts(),
            with_query("/console/", of_kind.into_iter().chain([("previews", "true")])),
        ),
        is_editable: object.is_editable,
        object: row,
        is_followed: may_wait && (!is_read || object.state == "sent"),
        again: from.again(&object.id),
        follow: &FOLLOW,
        problems: object.problems.into_iter().map(ProblemRow::new).collect(),
    });
    Ok(([(header::CONTENT_SECURITY_POLICY, of_page(&[&PALETTE, &FOLLOW], ""))], page).into_response())
}

/// The page of an object that was made just now, and is not read yet.
fn awaited(site: &Visit, id: ObjectRef, from: &Came) -> Response {
    let page = respond(&ObjectPage {
        frame: site.frame(),
        here: "objects",
        graph: Graph::new(&Topology::default(), site.texts()),
        is_counted: false,
        rows: Vec::new(),
        more: None,
        fold: None,
        is_editable: false,
        again: from.again(&id),
        object: ObjectRow {
            link: link::object(&id),
            place: String::new(),
            state: "waiting",
            state_words: site.texts().text("object_written").to_owned(),
            purpose: None,
            problems: String::new(),
            id,
        },
        is_followed: true,
        follow: &FOLLOW,
        problems: Vec::new(),
    });
    ([(header::CONTENT_SECURITY_POLICY, of_page(&[&PALETTE, &FOLLOW], ""))], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_route_says_what_it_is_for() {
        let words = |purpose: &str| purpose_words(&serde_json::from_str(purpose).unwrap(), &Texts::default());
        let all = words(r#"{"connections": {"port": 5432, "host": null, "service": "db:5432"}}"#);
        assert!(all.contains("port 5432") && all.contains("db:5432") && !all.contains("TLS"), "{all}");
        let named = words(r#"{"connections": {"port": 5432, "host": "db.example", "service": "db"}}"#);
        assert!(named.contains("db.example"), "{named}");
        let policy = |count: &str| {
            words(&format!(
                r#"{{"previews": {{"namespaces": ["shop"], "hosts": ["*.example"], "domain": "pre.example", "count": {count}}}}}"#
            ))
        };
        let (ruling, idle) = (policy("3"), policy("null"));
        assert!(ruling.contains("*.example") && ruling.contains('3'), "{ruling}");
        assert!(idle.contains("pre.example") && idle.contains("not in force"), "{idle}");
    }

    #[test]
    fn a_page_waits_for_a_new_object_for_a_while() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let waits = |applied: &str| Came { applied: applied.to_owned() }.may_wait(now);
        for applied in ["1000000", "999970", "1000030"] {
            assert!(waits(applied), "{applied}");
        }
        for applied in ["999969", "1000031", "", "true", "99999999999999999999"] {
            assert!(!waits(applied), "{applied}");
        }
    }
}

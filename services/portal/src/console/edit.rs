//! The editor of an object: what a change would do, before it is made.
//!
//! A proposal is a query, fields or a text, so that it can be sent to another as an address; only a text that is too long for
//! one is posted. Nothing is written but by the last of the buttons, and by that only where the gateway was told to allow it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::link;
use super::model::{DryRun, Manifest, ObjectRef};
use super::page::{Trouble, ask};
use super::problems::Trouble as Wrong;
use crate::texts::Texts;
use crate::web::{Frame, Visit, respond};

/// A change, as the controller wants it.
#[derive(Debug, Serialize)]
struct Change<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    text: Option<&'a str>,
    set: &'a BTreeMap<String, String>,
    digest: Option<&'a str>,
}

/// The longest text, as it is escaped, that is part of an address: servers take 8 KiB.
const LONGEST_ADDRESS: usize = 6 << 10;

type Pairs = BTreeMap<String, String>;
type Id = Path<(String, String, String)>;

#[derive(Template)]
#[template(path = "console/edit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    id: &'a ObjectRef,
    link: String,
    manifest: Manifest,
    trial: Option<Trial>,
}

/// What a change would do, in words.
struct Trial {
    is_valid: bool,
    problems: Vec<Wrong>,
    /// Lines of the patch, each with its class.
    lines: Vec<(&'static str, String)>,
    radius: String,
    effects: Vec<super::model::Effect>,
    left_out: usize,
}

/// The editor; with a text or fields in the query, what setting those would do.
pub(super) async fn page(
    site: Visit,
    Path((kind, namespace, name)): Id,
    Query(mut set): Query<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    let text = set.remove("text");
    if text.is_some() || !set.is_empty() {
        let told = tell(&site, "dry-run", &id, text.as_deref(), &set, None).await?;
        return Ok(edit_page(&site, &id, told));
    }
    let ObjectRef { kind, namespace, name } = &id;
    let query = [("kind", kind.as_str()), ("namespace", namespace), ("name", name)];
    let manifest = ask(&site, &link::with_query("/api/v1/manifest", query)).await?;
    Ok(respond(&show(&site, &id, manifest, None)))
}

/// What a text would do, or the same as a patch, or doing it.
pub(super) async fn post(
    site: Visit,
    Path((kind, namespace, name)): Id,
    Form(form): Form<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    let (text, digest) = (form.get("text").map(String::as_str), form.get("digest").map(String::as_str));
    let is_question = form.get("by").is_none_or(|by| by == "text");
    let action = if form.get("by").is_some_and(|by| by == "apply") { "apply" } else { "dry-run" };
    let told = tell(&site, action, &id, text, &BTreeMap::new(), digest).await?;
    if let Some(address) = text.filter(|_| is_question && !told.manifest.has_secret).and_then(|text| address(&id, text))
    {
        return Ok(Redirect::to(&address).into_response());
    }
    Ok(match form.get("by").map(String::as_str) {
        Some("apply") => Redirect::to(&link::object(&id)).into_response(),
        Some("patch") => download(&id, "patch", told.patch),
        Some("manifest") if !told.manifest.has_secret => download(&id, "yaml", told.manifest.text),
        _ => edit_page(&site, &id, told),
    })
}

async fn tell(
    site: &Visit,
    action: &str,
    ObjectRef { kind, namespace, name }: &ObjectRef,
    text: Option<&str>,
    set: &Pairs,
    digest: Option<&str>,
) -> Result<DryRun, Trouble> {
    let change = Change { kind, namespace, name, text, set, digest };
    let told = site.console.admin.ask(&format!("/api/v1/{action}"), &change).await;
    told.map_err(|error| Trouble::of(site, &error))
}

/// Where a text without a secret is tried, if it is not too long for that. Addresses go down in logs.
fn address(id: &ObjectRef, text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let address = link::with_query(&format!("{}/edit", link::object(id)), [("text", text.as_str())]);
    (address.len() <= LONGEST_ADDRESS).then_some(address)
}

fn download(id: &ObjectRef, extension: &str, text: String) -> Response {
    let (name, media) =
        (crate::web::escape_path(&id.name), if extension == "patch" { "text/x-diff" } else { "application/yaml" });
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, format!("{media}; charset=utf-8")), (header::CONTENT_DISPOSITION, disposition)];
    (headers, text).into_response()
}

fn edit_page(site: &Visit, id: &ObjectRef, told: DryRun) -> Response {
    let (shown, total, hosts) = (told.routes.len(), told.routes_total, told.hosts.len());
    let trial = Trial {
        is_valid: told.is_valid,
        problems: told.problems.into_iter().map(Wrong::new).collect(),
        lines: told.patch.lines().map(|line| (class(line), line.to_owned())).collect(),
        radius: radius(site.texts(), total, hosts, &told.listeners),
        effects: told.routes,
        left_out: total - shown.min(total),
    };
    respond(&show(site, id, told.manifest, Some(trial)))
}

/// How far it reaches.
fn radius(texts: &Texts, routes: usize, hosts: usize, listeners: &[String]) -> String {
    let of_listeners = match listeners {
        [only] => texts.with("count_listener_one", "name", only),
        all => texts.count("count_listener", all.len()),
    };
    let name = match (routes, listeners) {
        (0, []) => "radius_none",
        (0, _) => "radius_none_listeners",
        (_, []) => "radius",
        _ => "radius_listeners",
    };
    let (routes, hosts) = (texts.count("count_route", routes), texts.count("count_host", hosts));
    texts.fill(name, &[("routes", &routes), ("hosts", &hosts), ("listeners", &of_listeners)])
}

fn class(line: &str) -> &'static str {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@', ..] => "quiet",
        [b'+', ..] => "added",
        [b'-', ..] => "removed",
        _ => "same",
    }
}

fn show<'a>(site: &'a Visit, id: &'a ObjectRef, manifest: Manifest, trial: Option<Trial>) -> Page<'a> {
    Page { frame: site.frame(), here: "objects", id, link: link::object(id), manifest, trial }
}

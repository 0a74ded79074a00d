//! The editor of a Mapping: what a change would do, before it is made.
//!
//! Fields are set by a query, so that a proposal can be sent to another as an address. A text is posted. Nothing is
//! written but by the last of the buttons, and by that only where the gateway was told to allow it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::link;
use super::model::{DryRun, Manifest, ObjectRef};
use super::page::{Trouble, ask};
use super::problems::Trouble as Wrong;
use crate::web::{Frame, Site, respond, words::count_of};

/// A field that has an input of its own.
struct Field {
    path: &'static str,
    title: &'static str,
    hint: &'static str,
    value: String,
}

/// Path, title and hint.
const FIELDS: [(&str, &str, &str); 7] = [
    ("spec.timeout_ms", "Timeout", "milliseconds for the whole answer; 0 is no limit"),
    ("spec.idle_timeout_ms", "Idle timeout", "milliseconds without a byte"),
    ("spec.connect_timeout_ms", "Connect timeout", "milliseconds until a connection stands"),
    ("spec.retry_policy.retry_on", "Retry on", "5xx, gateway-error, connect-failure, …"),
    ("spec.retry_policy.num_retries", "Retries", "tries after the first"),
    ("spec.retry_policy.per_try_timeout", "Time for each try", "as in 500ms"),
    ("spec.weight", "Weight", "share of the requests in percent"),
];

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

type Pairs = BTreeMap<String, String>;
type Id = Path<(String, String, String)>;

#[derive(Template)]
#[template(path = "console/edit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    id: &'a ObjectRef,
    link: String,
    fields: Vec<Field>,
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

/// The editor; with fields in the query, what setting those would do.
pub(super) async fn page(
    State(site): State<Site>,
    Path((kind, namespace, name)): Id,
    Query(set): Query<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    if !set.is_empty() {
        let told = tell(&site, "dry-run", &id, None, &set, None).await?;
        return Ok(edit_page(&site, &id, told));
    }
    let ObjectRef { kind, namespace, name } = &id;
    let query = [("kind", kind.as_str()), ("namespace", namespace), ("name", name)];
    let manifest = ask(&site, &link::with_query("/api/v1/manifest", query)).await?;
    Ok(respond(&show(&site, &id, manifest, None)))
}

/// What a text would do, or the same as a patch, or doing it.
pub(super) async fn post(
    State(site): State<Site>,
    Path((kind, namespace, name)): Id,
    Form(form): Form<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    let (text, digest) = (form.get("text").map(String::as_str), form.get("digest").map(String::as_str));
    let action = if form.get("by").is_some_and(|by| by == "apply") { "apply" } else { "dry-run" };
    let told = tell(&site, action, &id, text, &BTreeMap::new(), digest).await?;
    Ok(match form.get("by").map(String::as_str) {
        Some("apply") => Redirect::to(&link::object(&id)).into_response(),
        Some("patch") => patch(&id, told.patch),
        _ => edit_page(&site, &id, told),
    })
}

async fn tell(
    site: &Site,
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

fn patch(id: &ObjectRef, patch: String) -> Response {
    let name = crate::web::escape_path(&id.name);
    let disposition = format!("attachment; filename=\"{name}.patch\"");
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, "text/x-diff; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, patch).into_response()
}

fn edit_page(site: &Site, id: &ObjectRef, told: DryRun) -> Response {
    let (shown, total, hosts) = (told.routes.len(), told.routes_total, told.hosts.len());
    let trial = Trial {
        is_valid: told.is_valid,
        problems: told.problems.into_iter().map(Wrong::new).collect(),
        lines: told.patch.lines().map(|line| (class(line), line.to_owned())).collect(),
        radius: match total {
            0 => "affects no route".to_owned(),
            _ => format!("affects {} on {}", count_of(total, "route"), count_of(hosts, "host")),
        },
        effects: told.routes,
        left_out: total - shown.min(total),
    };
    respond(&show(site, id, told.manifest, Some(trial)))
}

fn class(line: &str) -> &'static str {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'@', ..] => "quiet",
        [b'+', ..] => "added",
        [b'-', ..] => "removed",
        _ => "same",
    }
}

fn show<'a>(site: &'a Site, id: &'a ObjectRef, manifest: Manifest, trial: Option<Trial>) -> Page<'a> {
    let fields = FIELDS.map(|(path, title, hint)| {
        let value = manifest.fields.get(path).cloned().unwrap_or_default();
        Field { path, title, hint, value }
    });
    let (frame, link) = (Frame::new(site), link::object(id));
    Page { frame, here: "objects", id, link, fields: fields.into(), manifest, trial }
}

//! The editor of an object: what a change would do, before it is made; that there is a new one, or one no more, too.
//!
//! A proposal is a query, fields or a text, so that it can be sent to another as an address; only a text that is too long for
//! one is posted. With it goes the digest of the text that it was made of: what others did since is not undone. Nothing is
//! written but by the last of the buttons, and by that only where the gateway was told to allow it.

mod conflict;
mod form;
mod new;
mod refused;
mod subject;
mod trial;

use askama::Template;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::de::DeserializeOwned;

use self::refused::Refused;
use self::subject::{Act, Change, Pairs, Subject};
use self::trial::Trial;
use super::link;
use super::model::{DryRun, Manifest, ObjectRef};
use super::objects::link_after;
use super::page::Trouble;
use crate::gateway::GatewayError;
use crate::web::{Frame, Visit, filters, is_foreign, respond};

pub(super) use self::new::choose;

/// The longest text, as it is escaped, that is part of an address: servers take 8 KiB.
const LONGEST_ADDRESS: usize = 6 << 10;

type Id = Path<(String, String, String)>;

#[derive(Template)]
#[template(path = "console/edit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    id: &'a ObjectRef,
    link: String,
    title: String,
    /// Where it is looked at.
    action: String,
    is_new: bool,
    is_gone: bool,
    manifest: Manifest,
    trial: Option<Trial>,
    /// Why nothing came of what is shown.
    refused: Option<Refused>,
    /// Somebody was led here by a page of others: nothing is tried before he says so.
    is_strange: bool,
}

/// The editor; with a text or fields in the query, what setting those would do.
pub(super) async fn page(site: Visit, headers: HeaderMap, id: Id, query: Query<Pairs>) -> Result<Response, Trouble> {
    look(site, &headers, id, query, Act::Change).await
}

/// The same of a new object.
pub(super) async fn page_of_new(
    site: Visit,
    headers: HeaderMap,
    id: Id,
    query: Query<Pairs>,
) -> Result<Response, Trouble> {
    look(site, &headers, id, query, Act::Create).await
}

/// What would come of an object not being there.
pub(super) async fn page_of_removal(
    site: Visit,
    headers: HeaderMap,
    id: Id,
    query: Query<Pairs>,
) -> Result<Response, Trouble> {
    look(site, &headers, id, query, Act::Delete).await
}

async fn look(
    site: Visit,
    headers: &HeaderMap,
    id: Id,
    Query(mut set): Query<Pairs>,
    act: Act,
) -> Result<Response, Trouble> {
    let subject = subject(id, act, set.remove("file"));
    let (text, digest) = (set.remove("text"), set.remove("digest"));
    let is_tried = act == Act::Delete || text.is_some() || !set.is_empty();
    let change = Change { text: text.as_deref(), set, digest: given(digest.as_deref()), ..subject.change() };
    // A trial takes the editor's only turn: no page of others takes it by leading somebody here.
    let is_strange = is_tried && is_foreign(headers);
    if !is_tried || is_strange {
        let mut manifest: Manifest = match site.console.admin.get(&subject.manifest()).await {
            Ok(manifest) => manifest,
            Err(error) if act == Act::Create => return new::again(&site, &subject, &error),
            Err(error) => return Err(Trouble::of(&site, &error)),
        };
        manifest.keep(&change);
        return Ok(respond(&Page { is_strange, ..show(&site, &subject, manifest) }));
    }
    match tell(&site, "dry-run", &change).await {
        Ok(told) => Ok(tried(&site, &subject, told)),
        Err(error) => refused::answer(&site, &subject, &change, error).await,
    }
}

fn subject(Path((kind, namespace, name)): Id, act: Act, file: Option<String>) -> Subject {
    let file = file.filter(|file| !file.trim().is_empty() && act == Act::Create);
    Subject { id: ObjectRef { kind, namespace, name }, act, file }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// What a text would do, or the same as a patch, or doing it.
pub(super) async fn post(site: Visit, id: Id, form: Form<Pairs>) -> Result<Response, Trouble> {
    act(site, id, form, Act::Change).await
}

/// The same of a new object.
pub(super) async fn create(site: Visit, id: Id, form: Form<Pairs>) -> Result<Response, Trouble> {
    act(site, id, form, Act::Create).await
}

/// Takes an object away.
pub(super) async fn delete(site: Visit, id: Id, form: Form<Pairs>) -> Result<Response, Trouble> {
    act(site, id, form, Act::Delete).await
}

async fn act(site: Visit, id: Id, Form(form): Form<Pairs>, act: Act) -> Result<Response, Trouble> {
    let of = |name: &str| form.get(name).map(String::as_str);
    let subject = subject(id, act, of("file").map(ToOwned::to_owned));
    let by = of("by").unwrap_or("text");
    let is_field = |(path, _): &(&String, &String)| path.starts_with("spec.");
    let change = Change {
        text: of("text").filter(|_| act != Act::Delete),
        set: form.iter().filter(is_field).map(|(path, value)| (path.clone(), value.clone())).collect(),
        add: of("add"),
        remove: of("remove"),
        digest: given(of("digest")),
        confirm: of("confirm"),
        ..subject.change()
    };
    let action = if by == "apply" { "apply" } else { "dry-run" };
    let told: DryRun = match tell(&site, action, &change).await {
        Ok(told) => told,
        Err(error) => return refused::answer(&site, &subject, &change, error).await,
    };
    Ok(match by {
        "apply" if act == Act::Delete => {
            let list = link::with_query("/console/objects", [("kind", subject.id.kind.as_str())]);
            Redirect::to(&list).into_response()
        }
        "apply" => Redirect::to(&link_after(&subject.id)).into_response(),
        "patch" => download(&subject.id, "patch", told.patch),
        "manifest" if !told.manifest.has_secret => download(&subject.id, "yaml", told.manifest.text),
        _ => match address(&subject, &told, change.digest) {
            Some(address) => Redirect::to(&address).into_response(),
            None => tried(&site, &subject, told),
        },
    })
}

async fn tell<T: DeserializeOwned>(site: &Visit, action: &str, change: &Change<'_>) -> Result<T, GatewayError> {
    site.console.admin.ask(&format!("/api/v1/{action}"), change).await
}

/// Whether the gateway has read an object as it stands. What it cannot show as it stands is waited for no longer: the object's
/// problems say why.
pub(super) async fn is_read(site: &Visit, id: &ObjectRef) -> Result<bool, Trouble> {
    let subject = Subject { id: id.clone(), act: Act::Change, file: None };
    match site.console.admin.get::<Manifest>(&subject.manifest()).await {
        Ok(manifest) => Ok(manifest.is_read),
        Err(GatewayError::Refused { .. }) => Ok(true),
        Err(error) => Err(Trouble::of(site, &error)),
    }
}

/// Where a text without a secret is tried, if it is not too long for that. Addresses go down in logs.
fn address(subject: &Subject, told: &DryRun, digest: Option<&str>) -> Option<String> {
    if subject.act == Act::Delete || told.manifest.has_secret {
        return None;
    }
    let address = subject.page_with(&told.manifest.text, digest);
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

/// What was tried, and what it would do.
fn tried(site: &Visit, subject: &Subject, told: DryRun) -> Response {
    let (manifest, trial) = Trial::of(site.texts(), told);
    respond(&Page { trial: Some(trial), ..show(site, subject, manifest) })
}

fn show<'a>(site: &'a Visit, subject: &'a Subject, manifest: Manifest) -> Page<'a> {
    let title = match subject.act {
        Act::Change => "edit_title",
        Act::Create => "edit_title_new",
        Act::Delete => "edit_title_gone",
    };
    Page {
        title: site.texts().fill(title, &[("kind", &subject.id.kind), ("name", &subject.id.name)]),
        frame: site.frame(),
        here: "objects",
        id: &subject.id,
        link: link::object(&subject.id),
        action: subject.page(),
        is_new: subject.act == Act::Create,
        is_gone: subject.act == Act::Delete,
        manifest,
        trial: None,
        refused: None,
        is_strange: false,
    }
}

//! The editor of an object: what a change would do, before it is made.
//!
//! A proposal is a query, fields or a text, so that it can be sent to another as an address; only a text that is too long for
//! one is posted. With it goes the digest of the text that it was made of: what others did since is not undone. Nothing is
//! written but by the last of the buttons, and by that only where the gateway was told to allow it.

mod conflict;
mod refused;
mod trial;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::refused::Refused;
use self::trial::Trial;
use super::link;
use super::model::{DryRun, Manifest, ObjectRef};
use super::page::{Trouble, ask};
use crate::gateway::GatewayError;
use crate::web::{Frame, Visit, filters, respond};

/// A change, as the controller wants it.
#[derive(Clone, Debug, Serialize)]
struct Change<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    text: Option<&'a str>,
    set: &'a Pairs,
    digest: Option<&'a str>,
    confirm: Option<&'a str>,
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
    /// Why nothing came of what is shown.
    refused: Option<Refused>,
}

/// The editor; with a text or fields in the query, what setting those would do.
pub(super) async fn page(
    site: Visit,
    Path((kind, namespace, name)): Id,
    Query(mut set): Query<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    let (text, digest) = (set.remove("text"), set.remove("digest"));
    if text.is_some() || !set.is_empty() {
        let change = change(&id, text.as_deref(), &set, digest.as_deref());
        return match tell(&site, "dry-run", &change).await {
            Ok(told) => Ok(tried(&site, &id, told)),
            Err(error) => refused::answer(&site, &id, &change, error).await,
        };
    }
    Ok(respond(&show(&site, &id, manifest(&site, &id).await?)))
}

/// What a text would do, or the same as a patch, or doing it.
pub(super) async fn post(
    site: Visit,
    Path((kind, namespace, name)): Id,
    Form(form): Form<Pairs>,
) -> Result<Response, Trouble> {
    let id = ObjectRef { kind, namespace, name };
    let of = |name: &str| form.get(name).map(String::as_str);
    let (text, by, set) = (of("text"), of("by").unwrap_or("text"), Pairs::new());
    let change = Change { confirm: of("confirm"), ..change(&id, text, &set, of("digest")) };
    let action = if by == "apply" { "apply" } else { "dry-run" };
    let told: DryRun = match tell(&site, action, &change).await {
        Ok(told) => told,
        Err(error) => return refused::answer(&site, &id, &change, error).await,
    };
    Ok(match by {
        "apply" => Redirect::to(&format!("{}?applied=true", link::object(&id))).into_response(),
        "patch" => download(&id, "patch", told.patch),
        "manifest" if !told.manifest.has_secret => download(&id, "yaml", told.manifest.text),
        _ => match text.filter(|_| !told.manifest.has_secret).and_then(|text| address(&id, text, change.digest)) {
            Some(address) => Redirect::to(&address).into_response(),
            None => tried(&site, &id, told),
        },
    })
}

fn change<'a>(id: &'a ObjectRef, text: Option<&'a str>, set: &'a Pairs, digest: Option<&'a str>) -> Change<'a> {
    let ObjectRef { kind, namespace, name } = id;
    Change { kind, namespace, name, text, set, digest: digest.filter(|digest| !digest.is_empty()), confirm: None }
}

async fn tell<T: DeserializeOwned>(site: &Visit, action: &str, change: &Change<'_>) -> Result<T, GatewayError> {
    site.console.admin.ask(&format!("/api/v1/{action}"), change).await
}

/// The text of an object as it stands.
pub(super) async fn manifest(
    site: &Visit,
    ObjectRef { kind, namespace, name }: &ObjectRef,
) -> Result<Manifest, Trouble> {
    let query = [("kind", kind.as_str()), ("namespace", namespace), ("name", name)];
    ask(site, &link::with_query("/api/v1/manifest", query)).await
}

/// Where a text without a secret is tried, if it is not too long for that. Addresses go down in logs.
fn address(id: &ObjectRef, text: &str, digest: Option<&str>) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let pairs = [("text", text.as_str()), ("digest", digest.unwrap_or_default())];
    let address = link::with_query(&format!("{}/edit", link::object(id)), pairs);
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
fn tried(site: &Visit, id: &ObjectRef, told: DryRun) -> Response {
    let (manifest, trial) = Trial::of(site.texts(), told);
    respond(&Page { trial: Some(trial), ..show(site, id, manifest) })
}

fn show<'a>(site: &'a Visit, id: &'a ObjectRef, manifest: Manifest) -> Page<'a> {
    Page { frame: site.frame(), here: "objects", id, link: link::object(id), manifest, trial: None, refused: None }
}

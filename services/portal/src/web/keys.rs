//! The pages on which developers give themselves keys.
//!
//! What changes something is a form that is answered with another page, so that loading that again does nothing again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use nuncio_auth::cookie;
use serde::Deserialize;

use super::error::NotFound;
use super::page::{Frame, respond};
use super::reference::api_link;
use super::visit::Visit;
use super::words::{Moment, ago};
use crate::access::Identity;
use crate::catalog::Entry;
use crate::gateway::Credential;
use crate::keys::{Key, KeyUse, Keys, KeysError, LONGEST, MOST, NewKey};
use crate::texts::Texts;

/// The cookie that a new key comes in, to the one page that shows it.
const COOKIE: &str = "nuncio_key";
/// How many seconds that has.
const ON_THE_WAY: u32 = 120;
const PAGE: &str = "/docs/keys";

#[derive(Template)]
#[template(path = "keys.html")]
struct Page<'a> {
    frame: Frame<'a>,
    keys: Vec<Row>,
    /// A key that is shown this once.
    new: Option<NewKey>,
    wrong: Option<String>,
    /// What a new one was to be called when nothing came of it.
    typed: &'a str,
    /// The APIs that take them: what each is called, and its page.
    apis: Vec<(String, String)>,
}

/// Asks once more before a key is good no longer.
#[derive(Template)]
#[template(path = "keys_confirm.html")]
struct Confirm<'a> {
    frame: Frame<'a>,
    key: Row,
    /// `rotate` or `revoke`.
    change: &'static str,
    /// The texts that say what is done, what that means, and that it is done.
    texts: [&'static str; 3],
}

/// A key.
struct Row {
    id: String,
    name: String,
    since: Moment,
    used: String,
}

/// What a key is to be called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: String,
}

/// What is shown beside the keys that are there.
#[derive(Default)]
struct Shown<'a> {
    new: Option<NewKey>,
    failed: Option<KeysError>,
    typed: &'a str,
}

impl Shown<'_> {
    fn failed(error: KeysError) -> Self {
        Self { failed: Some(error), ..Self::default() }
    }
}

/// The keys of the reader; a new one is shown this once.
pub(super) async fn page(visit: Visit, headers: HeaderMap) -> Response {
    let Some((keys, owner)) = whose(&visit) else { return nobody(&visit, "").await };
    let sealed: Vec<_> = cookie::values(&headers, COOKIE).collect();
    if sealed.is_empty() {
        return list(&visit, keys, owner, Shown::default()).await;
    }
    let new = match keys.opened(owner, sealed).await {
        Ok(new) => new,
        // The cookie stays: loading the page again shows the key.
        Err(error) => return list(&visit, keys, owner, Shown::failed(error)).await,
    };
    let mut answer = list(&visit, keys, owner, Shown { new, ..Shown::default() }).await;
    answer.headers_mut().append(header::SET_COOKIE, set_cookie("", 0, &headers));
    answer
}

/// A new one.
pub(super) async fn create(visit: Visit, headers: HeaderMap, Form(wanted): Form<Wanted>) -> Response {
    let Some((keys, owner)) = whose(&visit) else { return nobody(&visit, &wanted.name).await };
    match keys.create(owner, &wanted.name).await {
        Ok(new) => changed(&headers, Some(new)),
        Err(error) => list(&visit, keys, owner, Shown { typed: &wanted.name, ..Shown::failed(error) }).await,
    }
}

/// Asks whether another is meant to take the place of one.
pub(super) async fn ask_rotate(visit: Visit, Path(id): Path<String>) -> Response {
    let texts = ["keys_rotate_title", "keys_rotate_what", "keys_rotate"];
    confirm(&visit, &id, "rotate", texts).await
}

/// Another in the place of one.
pub(super) async fn rotate(visit: Visit, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let Some((keys, owner)) = whose(&visit) else { return nobody(&visit, "").await };
    match keys.rotate(owner, &id).await {
        Ok(new) => changed(&headers, Some(new)),
        Err(error) => list(&visit, keys, owner, Shown::failed(error)).await,
    }
}

/// Asks whether the end of one is meant.
pub(super) async fn ask_revoke(visit: Visit, Path(id): Path<String>) -> Response {
    let texts = ["keys_revoke_title", "keys_revoke_what", "keys_revoke"];
    confirm(&visit, &id, "revoke", texts).await
}

/// The end of one.
pub(super) async fn revoke(visit: Visit, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let Some((keys, owner)) = whose(&visit) else { return nobody(&visit, "").await };
    match keys.revoke(owner, &id).await {
        Ok(()) => changed(&headers, None),
        Err(error) => list(&visit, keys, owner, Shown::failed(error)).await,
    }
}

/// Where keys are, and whose are asked for.
fn whose(visit: &Visit) -> Option<(&Keys, &Identity)> {
    visit.keys.as_ref().zip(visit.viewer.identity.as_ref())
}

/// Whether an API takes keys that readers make here.
pub(super) fn takes_own(visit: &Visit, entry: &Entry) -> bool {
    let is_taken = |keys: &Keys| entry.api.routes().any(|served| keys.are_in(&served.key_secrets));
    visit.keys.as_ref().is_some_and(is_taken)
}

/// Those of them that are for the reader: where the operations are known, one of them has to ask for a key.
async fn apis(visit: &Visit) -> Vec<(String, String)> {
    let catalog = visit.catalog();
    let entries: Vec<_> = catalog.entries.iter().filter(|entry| takes_own(visit, entry)).collect();
    let references: Vec<_> = entries.iter().filter_map(|entry| entry.reference.clone()).collect();
    let routed = visit.exports.routed(&visit.console.admin, catalog.edition, &references).await;
    let mut routed = routed.into_iter();
    let is_key = |credential: &Credential| matches!(credential, Credential::Key { .. });
    let mut asks = |entry: &&Arc<Entry>| {
        let asked = entry.reference.as_ref().and_then(|_| routed.next().flatten()?.asked());
        asked.is_none_or(|(credentials, _)| credentials.iter().any(is_key))
    };
    let taking = entries.iter().copied().filter(|entry| asks(entry));
    taking.map(|entry| (entry.title().to_owned(), api_link(&entry.api.id))).collect()
}

/// Why there are none. Who was logged out before he sent the name of a new one finds it in the form again.
async fn nobody(visit: &Visit, typed: &str) -> Response {
    if visit.keys.is_none() {
        return NotFound::new(visit, visit.texts().text("keys_off")).into_response();
    }
    let page = Page { frame: visit.frame(), keys: Vec::new(), new: None, wrong: None, typed, apis: apis(visit).await };
    let status = if typed.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
    (status, respond(&page)).into_response()
}

/// Leads on to the list after a change, with a new key in a cookie.
fn changed(headers: &HeaderMap, new: Option<NewKey>) -> Response {
    let mut answer = Redirect::to(PAGE).into_response();
    let cookie = new.map(|new| set_cookie(&new.sealed(), ON_THE_WAY, headers));
    answer.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    answer
}

/// The reader's keys.
async fn list(visit: &Visit, keys: &Keys, owner: &Identity, shown: Shown<'_>) -> Response {
    let Shown { new, failed, typed } = shown;
    let (own, failed) = match (keys.of(owner).await, failed) {
        (Ok(own), failed) => (own, failed),
        (Err(error), failed) => (Vec::new(), failed.or(Some(error))),
    };
    let page = Page {
        frame: visit.frame(),
        keys: rows(visit, keys, own).await,
        new,
        wrong: failed.as_ref().map(|error| told(error, visit.texts())),
        typed,
        apis: apis(visit).await,
    };
    for_no_cache(failed.as_ref(), &page)
}

async fn confirm(visit: &Visit, id: &str, change: &'static str, texts: [&'static str; 3]) -> Response {
    let Some((keys, owner)) = whose(visit) else { return nobody(visit, "").await };
    let key = match keys.find(owner, id).await {
        Ok(key) => key,
        Err(error) => return list(visit, keys, owner, Shown::failed(error)).await,
    };
    match rows(visit, keys, vec![(id.to_owned(), key)]).await.pop() {
        Some(key) => for_no_cache(None, &Confirm { frame: visit.frame(), key, change, texts }),
        None => list(visit, keys, owner, Shown::default()).await,
    }
}

/// A page that is for no cache.
fn for_no_cache(failed: Option<&KeysError>, page: &impl Template) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (failed.map_or(StatusCode::OK, status), headers, respond(page)).into_response()
}

async fn rows(visit: &Visit, keys: &Keys, own: Vec<(String, Key)>) -> Vec<Row> {
    let uses = keys.used(&own.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()).await;
    let texts = visit.texts();
    let row = |(id, key): (String, Key)| Row {
        used: uses.get(&id).map_or_else(|| texts.text("keys_never").to_owned(), |used| words(*used, texts)),
        name: key.name,
        since: Moment::new(texts, key.since),
        id,
    };
    own.into_iter().map(row).collect()
}

/// The cookie, for these pages and no others; with no seconds to live, its end.
fn set_cookie(value: &str, seconds: u32, headers: &HeaderMap) -> HeaderValue {
    let is_over_tls = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let secure = if is_over_tls { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path={PAGE}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn words(used: KeyUse, texts: &Texts) -> String {
    let last = i64::try_from(used.last).ok().and_then(|last| Timestamp::from_second(last).ok()).unwrap_or_default();
    let requests = texts.count("count_request", usize::try_from(used.count).unwrap_or(usize::MAX));
    texts.fill("keys_used_last", &[("requests", &requests), ("ago", &ago(texts, last))])
}

fn status(error: &KeysError) -> StatusCode {
    match error {
        KeysError::Name | KeysError::TooMany => StatusCode::UNPROCESSABLE_ENTITY,
        KeysError::Unknown => StatusCode::NOT_FOUND,
        KeysError::File(..) | KeysError::Cluster(..) | KeysError::Unreadable(..) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What the reader is told: where files are is for operators.
fn told(error: &KeysError, texts: &Texts) -> String {
    match error {
        KeysError::File(..) | KeysError::Cluster(..) | KeysError::Unreadable(..) => {
            tracing::error!("keys cannot be kept: {error}");
            texts.text("keys_unreadable").to_owned()
        }
        KeysError::Name => texts.with("keys_wrong_name", "most", &LONGEST),
        KeysError::TooMany => texts.with("keys_too_many", "most", &MOST),
        KeysError::Unknown => texts.text("keys_unknown").to_owned(),
    }
}

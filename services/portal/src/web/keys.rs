//! The page on which developers give themselves keys.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error::NotFound;
use super::page::{Frame, respond};
use super::visit::Visit;
use super::words::ago;
use crate::access::Identity;
use crate::keys::{Key, KeyUse, Keys, KeysError, LONGEST, MOST, NewKey};
use crate::texts::Texts;

#[derive(Template)]
#[template(path = "keys.html")]
struct Page<'a> {
    frame: Frame<'a>,
    keys: Vec<Row>,
    /// A key that is shown this once.
    new: Option<NewKey>,
    wrong: Option<String>,
}

/// A key.
struct Row {
    id: String,
    name: String,
    since: String,
    used: String,
}

/// What a key is to be called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: String,
}

/// What is done with the reader's keys.
enum Change {
    Nothing,
    Create(String),
    Rotate(String),
    Revoke(String),
}

impl Change {
    /// Does it; gives a new key, if there is one.
    async fn make(&self, keys: &Keys, owner: &Identity) -> Result<Option<NewKey>, KeysError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Create(name) => keys.create(owner, name).await.map(Some),
            Self::Rotate(id) => keys.rotate(owner, id).await.map(Some),
            Self::Revoke(id) => keys.revoke(owner, id).await.map(|()| None),
        }
    }
}

/// The keys of the reader.
pub(super) async fn page(visit: Visit) -> Response {
    answer(&visit, Change::Nothing).await
}

/// A new one, which is shown this once.
pub(super) async fn create(visit: Visit, Form(wanted): Form<Wanted>) -> Response {
    answer(&visit, Change::Create(wanted.name)).await
}

/// Another in the place of one.
pub(super) async fn rotate(visit: Visit, Path(id): Path<String>) -> Response {
    answer(&visit, Change::Rotate(id)).await
}

/// The end of one, which is not asked for again when the page that follows is loaded again.
pub(super) async fn revoke(visit: Visit, Path(id): Path<String>) -> Response {
    let answer = answer(&visit, Change::Revoke(id)).await;
    if answer.status().is_success() { Redirect::to("/docs/keys").into_response() } else { answer }
}

/// Does something for the reader, and shows his keys.
async fn answer(visit: &Visit, change: Change) -> Response {
    let Some(keys) = &visit.keys else {
        return NotFound::new(visit, visit.texts().text("keys_off")).into_response();
    };
    let page = Page { frame: visit.frame(), keys: Vec::new(), new: None, wrong: None };
    let Some(owner) = &visit.viewer.identity else {
        return (StatusCode::FORBIDDEN, respond(&page)).into_response();
    };
    let done = change.make(keys, owner).await;
    let own = keys.of(owner).await;
    let failed = done.as_ref().err().or(own.as_ref().err());
    let (status, wrong) =
        failed.map_or((StatusCode::OK, None), |error| (status(error), Some(told(error, visit.texts()))));
    let own = own.unwrap_or_default();
    let uses = keys.used(&own.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()).await;
    let row = |(id, key): (String, Key)| Row {
        used: uses
            .get(&id)
            .map_or_else(|| visit.texts().text("keys_never").to_owned(), |used| words(*used, visit.texts())),
        name: key.name,
        since: ago(visit.texts(), key.since),
        id,
    };
    let keys = own.into_iter().map(row).collect();
    let page = Page { keys, new: done.ok().flatten(), wrong, ..page };
    // A key is for no cache.
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, respond(&page)).into_response()
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

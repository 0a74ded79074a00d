//! What somebody does with a preview on its page.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::api::{What, change};
use super::link;
use super::list::Refused;
use super::model::{Preview, Shared, Url, moment};
use super::one::{Id, find, show_refused};
use super::problem::ProblemDetails;
use super::share::{Wanted as Wish, links};
use crate::web::words::Moment;
use crate::web::{Frame, Visit, filters, respond};

/// Leads who loads the address of an act to the page that it is on: that does nothing again.
pub(super) async fn again(Path((namespace, name)): Id) -> Redirect {
    Redirect::to(&link(&namespace, &name))
}

/// Ends one.
pub(super) async fn delete(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    match change(&visit, &namespace, &name, What::Delete {}).await {
        Ok(_) => Ok(Redirect::to("/docs/previews").into_response()),
        Err(problem) => show_refused(&visit, &namespace, &name, problem).await,
    }
}

/// For how long one is to be shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    ttl: String,
    /// He has seen that it has ended, and wants it back.
    back: Option<String>,
}

/// Has one shown for longer. Who has not seen that it has ended does not bring it back.
pub(super) async fn extend(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(Extension { ttl, back }): Form<Extension>,
) -> Result<Response, Refused> {
    let ttl = Some(ttl.trim()).filter(|ttl| !ttl.is_empty());
    match change(&visit, &namespace, &name, What::Extend { ttl, only_shown: back.is_none() }).await {
        Ok(changed) => {
            let told = match (&*changed.outcome, changed.why.is_empty()) {
                ("unchanged", _) => "?extended=same",
                (_, false) => "?extended=less",
                _ => "",
            };
            Ok(Redirect::to(&format!("{}{told}", link(&namespace, &name))).into_response())
        }
        Err(problem) => show_refused(&visit, &namespace, &name, problem).await,
    }
}

/// What a link opens, before it is made; then the link.
#[derive(Template)]
#[template(path = "previews/share.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// The text that asks, or says what came of it.
    title: &'static str,
    preview: &'a Preview,
    link: String,
    ends: Option<Moment>,
    wrong: Option<String>,
    shared: Option<SharedLinks>,
    /// Its links have just been withdrawn.
    is_withdrawn: bool,
}

/// Links that were just made: nobody is shown them again.
struct SharedLinks {
    links: Vec<Url>,
    until: Option<Moment>,
}

/// What came of what somebody wanted of the links to one.
enum Came {
    /// He wants nothing yet.
    Nothing,
    Made(Shared),
    Withdrawn,
    Refused(ProblemDetails),
}

impl Came {
    fn title(&self) -> &'static str {
        match self {
            Self::Nothing | Self::Refused(_) => "share_title",
            Self::Made(_) => "share_title_made",
            Self::Withdrawn => "share_title_withdrawn",
        }
    }
}

/// Asks whether a link is to be made, or all are to be withdrawn.
pub(super) async fn ask_share(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    let preview = find(&visit, &namespace, &name).await?;
    if !preview.may_change || !preview.is_for_links() {
        let why = visit.texts().with("share_none", "name", &preview.name);
        return Err(Refused::new(&visit, ProblemDetails::new(StatusCode::NOT_FOUND, why)));
    }
    Ok(page(&visit, &preview, Came::Nothing))
}

/// Makes links to one. They are in the answer, so that no address has them.
pub(super) async fn share(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(Wish { ttl }): Form<Wish>,
) -> Result<Response, Refused> {
    let preview = find(&visit, &namespace, &name).await?;
    let made = links(&visit, &namespace, &name, ttl.as_deref()).await;
    let mut answer = page(&visit, &preview, made.map_or_else(Came::Refused, Came::Made));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Withdraws all links to one.
pub(super) async fn withdraw(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    let preview = find(&visit, &namespace, &name).await?;
    let withdrawn = change(&visit, &namespace, &name, What::Withdraw {}).await;
    Ok(page(&visit, &preview, withdrawn.map_or_else(Came::Refused, |_| Came::Withdrawn)))
}

fn page(visit: &Visit, preview: &Preview, came: Came) -> Response {
    let texts = visit.texts();
    let (title, is_withdrawn) = (came.title(), matches!(came, Came::Withdrawn));
    let (status, wrong, shared) = match came {
        Came::Nothing | Came::Withdrawn => (StatusCode::OK, None, None),
        Came::Made(made) => {
            (StatusCode::OK, None, Some(SharedLinks { until: moment(texts, made.expires_at), links: made.links }))
        }
        Came::Refused(problem) => (problem.code(), Some(problem.detail), None),
    };
    let page = Page {
        frame: visit.frame(),
        title,
        preview,
        link: link(&preview.namespace, &preview.name),
        ends: preview.ends(texts),
        wrong,
        shared,
        is_withdrawn,
    };
    (status, respond(&page)).into_response()
}

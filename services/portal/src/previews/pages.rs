//! Previews for people: a page of each.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::api::{What, all, change, details};
use super::list::{Refused, State};
use super::model::{Event, Preview, Route, Routes, Shared, Url, moment};
use super::problem::ProblemDetails;
use super::qr::{Drawing, draw};
use super::share::{Wanted as Wish, links};
use crate::gateway::host_of;
use crate::texts::Texts;
use crate::web::words::date;
use crate::web::{Frame, Visit, escape_path, respond};

#[derive(Template)]
#[template(path = "previews/one.html")]
struct One<'a> {
    frame: Frame<'a>,
    /// When somebody last asked for it.
    asked: Option<String>,
    preview: &'a Preview,
    addresses: Vec<Address<'a>>,
    /// What has happened to it, the last first.
    events: Vec<EventRow>,
    link: String,
    state: State,
    source: String,
    ends: Option<String>,
    routes: Vec<RouteRow>,
    differ: String,
    wrong: Option<String>,
    may_change: bool,
    /// Where the portal is.
    server: &'a str,
    shared: Option<SharedLinks>,
}

/// Where a preview can be seen.
struct Address<'a> {
    url: &'a Url,
    code: Option<Drawing>,
}

/// Something that has happened to it.
struct EventRow {
    when: String,
    what: String,
}

/// Links that were just made: nobody is shown them again.
struct SharedLinks {
    links: Vec<Url>,
    until: String,
}

/// A route of a preview.
struct RouteRow {
    host: String,
    matches: String,
    leads: String,
    differs: bool,
}

type Id = Path<(String, String)>;

/// One of them.
pub(super) async fn one(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    show(&visit, &namespace, &name, None, None).await
}

async fn show(
    visit: &Visit,
    namespace: &str,
    name: &str,
    wrong: Option<ProblemDetails>,
    shared: Option<Shared>,
) -> Result<Response, Refused> {
    let refused = |problem| Refused::new(visit, problem);
    let found = all(visit, Some(namespace), Some(name)).await.map_err(refused)?;
    let missing = || refused(ProblemDetails::missing(namespace, name));
    let preview = found.items.into_iter().next().ok_or_else(missing)?;
    let mut routes = Vec::new();
    for url in &preview.urls {
        let path = format!("/api/v1/routes?limit=1000&host={}", escape_path(&host_of(&url.url).unwrap_or_default()));
        let of_host: Routes = visit.console.admin.get(&path).await.map_err(|error| refused(error.into()))?;
        // Those of an API that is not for the reader are as little his in a preview.
        let is_his = |route: &&Route| differs(route) || visit.may_see_route(&route.origin);
        let forwarding = of_host.items.iter().filter(|route| route.action == "forward");
        routes.extend(forwarding.filter(is_his).map(|route| shown(route, url)));
    }
    // What has happened is of use, and no more than that.
    let events = details(visit, namespace, name).await.unwrap_or_default().events;
    let differ = routes.iter().filter(|route| route.differs).count();
    let status = wrong.as_ref().map_or(StatusCode::OK, ProblemDetails::code);
    let page = One {
        frame: visit.frame(),
        preview: &preview,
        addresses: preview.urls.iter().map(|url| Address { url, code: draw(&url.url) }).collect(),
        events: events.iter().map(|event| happened(event, visit.texts())).collect(),
        link: link(namespace, name),
        state: State::of(&preview),
        source: preview.source_words(),
        ends: preview.ends(visit.texts()),
        asked: preview.asked(visit.texts()),
        differ: differ_words(visit.texts(), differ, routes.len()),
        routes,
        wrong: wrong.map(|problem| problem.detail),
        may_change: preview.may_change && visit.viewer.identity.is_some(),
        server: &visit.origin,
        shared: shared.map(|shared| SharedLinks {
            until: moment(visit.texts(), shared.expires_at).unwrap_or_default(),
            links: shared.links,
        }),
    };
    Ok((status, respond(&page)).into_response())
}

/// What has happened, in the words of pages.
const HAPPENED: [(&str, &str); 10] = [
    ("created", "previews_event_created"),
    ("changed", "previews_event_changed"),
    ("live", "previews_event_live"),
    ("hidden", "previews_event_hidden"),
    ("extended", "previews_event_extended"),
    ("fell-back", "previews_event_fell_back"),
    ("failed", "previews_event_failed"),
    ("returned", "previews_event_returned"),
    ("ends-soon", "previews_event_ends_soon"),
    ("ended", "previews_event_ended"),
];

fn happened(event: &Event, texts: &Texts) -> EventRow {
    let detail = event.detail.parse().map_or_else(|_| event.detail.clone(), |time: Timestamp| date(texts, time));
    let known = HAPPENED.iter().find(|(kind, _)| *kind == event.kind);
    let what = known.map_or_else(|| event.kind.clone(), |(_, text)| texts.with(text, "detail", &detail));
    EventRow { when: moment(texts, event.at).unwrap_or_default(), what }
}

fn differ_words(texts: &Texts, differ: usize, routes: usize) -> String {
    let routes = texts.count("count_route", routes);
    texts.fill("previews_differ", &[("number", &differ), ("routes", &routes)])
}

fn shown(route: &Route, url: &Url) -> RouteRow {
    RouteRow {
        host: url.baseline.clone(),
        matches: route.matches.clone(),
        leads: route.leads(),
        differs: differs(route),
    }
}

/// Whether the preview leads it elsewhere.
fn differs(route: &Route) -> bool {
    route.origin.iter().any(|object| object.kind == "Preview")
}

/// Ends one.
pub(super) async fn delete(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    match change(&visit, &namespace, &name, What::Delete {}).await {
        Ok(_) => Ok(Redirect::to("/docs/previews").into_response()),
        Err(problem) => show(&visit, &namespace, &name, Some(problem), None).await,
    }
}

/// Makes links to one. They are in the answer, so that no address has them.
pub(super) async fn share(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(Wish { ttl }): Form<Wish>,
) -> Result<Response, Refused> {
    let (wrong, shared) = match links(&visit, &namespace, &name, ttl.as_deref()).await {
        Ok(shared) => (None, Some(shared)),
        Err(problem) => (Some(problem), None),
    };
    let mut page = show(&visit, &namespace, &name, wrong, shared).await?;
    page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(page)
}

/// For how long one is to be shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    ttl: String,
}

/// Has one shown for longer.
pub(super) async fn extend(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(Extension { ttl }): Form<Extension>,
) -> Result<Response, Refused> {
    let ttl = Some(ttl.trim()).filter(|ttl| !ttl.is_empty());
    match change(&visit, &namespace, &name, What::Extend { ttl }).await {
        // It is shown for less than was asked for.
        Ok(changed) if !changed.why.is_empty() => {
            let told = ProblemDetails::new(StatusCode::OK, changed.why);
            show(&visit, &namespace, &name, Some(told), None).await
        }
        Ok(_) => Ok(Redirect::to(&link(&namespace, &name)).into_response()),
        Err(problem) => show(&visit, &namespace, &name, Some(problem), None).await,
    }
}

pub(super) fn link(namespace: &str, name: &str) -> String {
    format!("/docs/previews/{}/{}", escape_path(namespace), escape_path(name))
}

//! The page of a preview.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::api::{all, details};
use super::detail::Event;
use super::form::link_to_anew;
use super::link;
use super::list::{Refused, State};
use super::model::{Preview, Url, moment};
use super::problem::ProblemDetails;
use super::qr::{Drawing, draw};
use super::routes::{Part, RouteMap, Which, routes};
use super::serving::{Tunnel, tunnels};
use crate::texts::Texts;
use crate::web::words::{Moment, date};
use crate::web::{Frame, Visit, filters, respond};

#[derive(Template)]
#[template(path = "previews/one.html")]
struct One<'a> {
    frame: Frame<'a>,
    /// When somebody last asked for it.
    asked: Option<Moment>,
    preview: &'a Preview,
    addresses: Vec<Address<'a>>,
    /// What has happened to it, the last first.
    events: Vec<EventRow>,
    link: String,
    /// Where another manifest is sent in its place.
    anew: String,
    state: State,
    source: String,
    ends: Option<Moment>,
    /// On which date, where nobody counts the days until then.
    far: Option<String>,
    routes: RouteMap,
    /// Services that are for the reader to serve.
    tunnels: Vec<Tunnel<'a>>,
    wrong: Option<String>,
    may_change: bool,
    /// He may take it away here.
    is_deletable: bool,
    /// And there is a form for changing it.
    is_changeable: bool,
    /// Where the portal is.
    server: String,
}

/// Where a preview can be seen.
struct Address<'a> {
    url: &'a Url,
    code: Option<Drawing>,
}

/// Something that has happened to it.
struct EventRow {
    when: Option<Moment>,
    what: String,
}

pub(super) type Id = Path<(String, String)>;

/// What of one its page shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// What has just been done with it, so that it is said what came of it.
    extended: String,
    changed: String,
    /// `all` of its routes, and from which on.
    routes: String,
    from: usize,
}

impl Shown {
    fn part(&self) -> Part {
        Part { which: if self.routes == "all" { Which::All } else { Which::Differing }, from: self.from }
    }

    /// The name of the text that says it.
    fn words(&self) -> Option<&'static str> {
        match (&*self.extended, &*self.changed) {
            ("same", _) => Some("previews_extended_same"),
            ("less", _) => Some("previews_extended_less"),
            (_, "longer") => Some("previews_changed_longer"),
            _ => None,
        }
    }
}

/// One of them.
pub(super) async fn one(
    visit: Visit,
    Path((namespace, name)): Id,
    Query(shown): Query<Shown>,
) -> Result<Response, Refused> {
    let told = shown.words().map(|text| ProblemDetails::new(StatusCode::OK, visit.texts().text(text)));
    show(&visit, &namespace, &name, shown.part(), told).await
}

/// It, and what was wrong with what somebody wanted of it.
pub(super) async fn show_refused(
    visit: &Visit,
    namespace: &str,
    name: &str,
    problem: ProblemDetails,
) -> Result<Response, Refused> {
    show(visit, namespace, name, Part::default(), Some(problem)).await
}

async fn show(
    visit: &Visit,
    namespace: &str,
    name: &str,
    part: Part,
    wrong: Option<ProblemDetails>,
) -> Result<Response, Refused> {
    let preview = find(visit, namespace, name).await?;
    let routes = routes(visit, &preview, part).await.map_err(|problem| Refused::new(visit, problem))?;
    // What has happened is of use, and no more than that.
    let events = details(visit, namespace, name).await.unwrap_or_default().events;
    let status = wrong.as_ref().map_or(StatusCode::OK, ProblemDetails::code);
    let may_change = preview.may_change && visit.viewer.identity.is_some();
    let is_deletable = may_change && preview.written_in.is_none() && !preview.has_ended;
    let page = One {
        frame: visit.frame(),
        preview: &preview,
        addresses: preview.urls.iter().map(|url| address(&preview, url)).collect(),
        events: happened(&events, visit.texts()),
        link: link(namespace, name),
        anew: link_to_anew(namespace, name),
        state: State::of(&preview),
        source: preview.source_words(),
        ends: preview.ends(visit.texts()),
        far: far(&preview, visit.texts()),
        asked: preview.asked(visit.texts()),
        routes,
        tunnels: if may_change && !preview.has_ended { tunnels(&preview, visit.texts()) } else { Vec::new() },
        wrong: wrong.map(|problem| problem.detail),
        may_change,
        is_deletable,
        is_changeable: is_deletable && preview.is_valid,
        server: server(visit, &preview),
    };
    Ok((status, respond(&page)).into_response())
}

/// Until how many days nobody needs the date.
const NEAR: i64 = 30;

/// The date of an end that is far away.
fn far(preview: &Preview, texts: &Texts) -> Option<String> {
    let ends = Timestamp::from_second(i64::try_from(preview.expires_at?).ok()?).ok()?;
    let left = ends.as_second() - Timestamp::now().as_second();
    (left > NEAR * 86_400).then(|| date(texts, ends))
}

/// An address that lets nobody in by itself is of no use to a telephone.
fn address<'a>(preview: &Preview, url: &'a Url) -> Address<'a> {
    Address { url, code: if preview.is_for_links() { None } else { draw(&url.url) } }
}

/// Where the portal is for programs of the reader's machine. Envoy takes the port off the name by which it is asked: the gateway
/// says it of the portal, or of the preview, which is behind the same.
fn server(visit: &Visit, preview: &Preview) -> String {
    let read = |url: &str| url.parse::<Uri>().ok();
    let Some(asked) = read(&visit.origin).filter(|asked| asked.port().is_none()) else { return visit.origin.clone() };
    let is_alike = |other: &Uri| other.scheme() == asked.scheme();
    let mut own = visit.catalog().addresses.iter().filter_map(|address| read(address)).filter(is_alike);
    let mut others = preview.urls.iter().filter_map(|url| read(&url.url)).filter(is_alike);
    let known = own.find(|address| address.host() == asked.host()).or_else(|| others.next());
    let port = known.and_then(|known| known.port_u16()).map(|port| format!(":{port}"));
    format!("{}{}", visit.origin, port.unwrap_or_default())
}

/// A preview that the reader may know of.
pub(super) async fn find(visit: &Visit, namespace: &str, name: &str) -> Result<Preview, Refused> {
    let refused = |problem| Refused::new(visit, problem);
    let found = all(visit, Some(namespace), Some(name)).await.map_err(refused)?;
    found.items.into_iter().next().ok_or_else(|| refused(ProblemDetails::missing(namespace, name)))
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

/// Events, the last of which comes first, in the words of pages.
fn happened(events: &[Event], texts: &Texts) -> Vec<EventRow> {
    events.iter().enumerate().map(|(at, event)| told(event, &events[at + 1..], texts)).collect()
}

fn told(event: &Event, before: &[Event], texts: &Texts) -> EventRow {
    let detail = event.detail.parse().map_or_else(|_| event.detail.clone(), |time: Timestamp| date(texts, time));
    let known = HAPPENED.iter().find(|(kind, _)| *kind == event.kind);
    let text = known.map(|(_, text)| match (is_return(event, before), event.kind == "extended" && detail.is_empty()) {
        (true, true) => "previews_event_back_endless",
        (true, false) => "previews_event_back",
        (false, true) => "previews_event_endless",
        (false, false) => *text,
    });
    let what = text.map_or_else(|| event.kind.clone(), |text| texts.with(text, "detail", &detail));
    EventRow { when: moment(texts, event.at), what }
}

/// Whether it has another time after it had ended, and so was brought back by that.
fn is_return(event: &Event, before: &[Event]) -> bool {
    let is_of_end = |event: &&Event| ["extended", "ended"].contains(&&*event.kind);
    event.kind == "extended" && before.iter().find(is_of_end).is_some_and(|last| last.kind == "ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_another_time_after_its_end_was_brought_back() {
        let until = "2026-12-24T18:00:00Z";
        let event = |kind: &str, detail: &str| Event { at: 7, kind: kind.to_owned(), detail: detail.to_owned() };
        let events = [
            event("extended", until),
            event("live", ""),
            event("extended", until),
            event("ended", ""),
            event("extended", until),
            event("created", ""),
        ];
        let told: Vec<_> = happened(&events, &Texts::default()).into_iter().map(|row| row.what).collect();
        let shown = "It is shown until 24 December 2026, 18:00 UTC.";
        let back = "It was brought back, and is shown until 24 December 2026, 18:00 UTC.";
        assert_eq!(told, [shown, "The gateway shows it.", back, "It has ended.", shown, "It was made."]);
    }

    #[test]
    fn what_has_no_end_any_more_is_told_without_a_time() {
        let event = |kind: &str| Event { at: 7, kind: kind.to_owned(), detail: String::new() };
        let events = ["extended", "ended", "extended", "created"].map(event);
        let told: Vec<_> = happened(&events, &Texts::default()).into_iter().map(|row| row.what).collect();
        let (shown, back) = ("It has no end any more.", "It was brought back, and has no end any more.");
        assert_eq!(told, [back, "It has ended.", shown, "It was made."]);
    }
}

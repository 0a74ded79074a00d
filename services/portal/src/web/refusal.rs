//! Refusals for who meets them in a browser: a page, with what to do. Programs get what is short, as they asked for it.

use askama::Template;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::page::{Frame, respond};
use super::{Site, Visit};

/// What is longer is no sentence.
const LONGEST: usize = 4 << 10;

/// The texts of titles, by status; what is not here has one for all.
const TITLES: [(u16, &str); 8] = [
    (400, "refusal_400"),
    (403, "refusal_403"),
    (404, "not_found"),
    (405, "refusal_405"),
    (413, "refusal_413"),
    (415, "refusal_400"),
    (422, "refusal_400"),
    (421, "refusal_421"),
];

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: &'a str,
    why: &'a str,
    status: u16,
}

/// Makes a page of what is refused in plain words, or in none.
pub(super) async fn explain(State(site): State<Site>, request: Request, next: Next) -> Response {
    let Some(form) = Form::of(request.headers()) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let Ok(visit) = Visit::from_request_parts(&mut parts, &site).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    if !is_refusal || !is_plain(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let why = to_bytes(body, LONGEST).await.unwrap_or_default();
    let made = form.write(&visit, parts.status, String::from_utf8_lossy(&why).trim());
    let (media, body) = made.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(media.headers);
    Response::from_parts(parts, body)
}

/// Whether somebody reads what is answered.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    Form::of(headers) == Some(Form::Page)
}

/// In which form somebody wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Page,
    Json,
}

impl Form {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
        match () {
            () if accept.contains("text/html") => Some(Self::Page),
            () if accept.contains("json") => Some(Self::Json),
            () => None,
        }
    }

    fn write(self, visit: &Visit, status: StatusCode, why: &str) -> Response<Body> {
        let known = TITLES.iter().find(|(of, _)| *of == status.as_u16());
        let title = visit.texts().text(known.map_or("refusal", |(_, title)| *title));
        match self {
            Self::Page if status == StatusCode::PAYLOAD_TOO_LARGE => {
                let why = visit.texts().text("refusal_413_why");
                respond(&Page { frame: visit.frame(), title, why, status: status.as_u16() })
            }
            Self::Page => respond(&Page { frame: visit.frame(), title, why, status: status.as_u16() }),
            Self::Json => {
                let media = HeaderValue::from_static("application/problem+json");
                let title = status.canonical_reason().unwrap_or_default();
                let told = json!({ "status": status.as_u16(), "title": title, "detail": why });
                ([(header::CONTENT_TYPE, media)], Json(told)).into_response()
            }
        }
    }
}

/// Whether nothing else than words is said.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|media| media.as_bytes().starts_with(b"text/plain"))
}

//! Which object is to be made, and where.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::model::ObjectRef;
use super::subject::{Act, Subject};
use crate::web::{Frame, Visit, respond};

/// Kinds of which objects can be made, the commonest first.
const KINDS: [&str; 16] = [
    "Mapping",
    "Host",
    "Filter",
    "FilterPolicy",
    "RateLimit",
    "Listener",
    "TLSContext",
    "TCPMapping",
    "AuthService",
    "RateLimitService",
    "Module",
    "DevPortal",
    "KubernetesEndpointResolver",
    "KubernetesServiceResolver",
    "Preview",
    "PreviewPolicy",
];

/// What somebody has said of it so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Wanted {
    kind: String,
    namespace: String,
    name: String,
    file: String,
}

#[derive(Template)]
#[template(path = "console/new.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    wanted: &'a Wanted,
    kinds: &'static [&'static str],
}

/// The form for it, or, when all is said, the way to its editor.
pub(in crate::console) async fn choose(site: Visit, Query(wanted): Query<Wanted>) -> Response {
    let [kind, namespace, name] = [&wanted.kind, &wanted.namespace, &wanted.name].map(|text| text.trim());
    if [kind, namespace, name].iter().any(|text| text.is_empty()) {
        return respond(&Page { frame: site.frame(), here: "objects", wanted: &wanted, kinds: &KINDS });
    }
    let id = ObjectRef { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
    let file = Some(wanted.file.trim().to_owned()).filter(|file| !file.is_empty());
    Redirect::to(&Subject { id, act: Act::Create, file }.page()).into_response()
}

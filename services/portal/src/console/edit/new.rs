//! Which object is to be made, and where.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::model::ObjectRef;
use super::super::page::Trouble;
use super::refused::Refused;
use super::subject::{Act, Subject};
use crate::gateway::GatewayError;
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
    kinds: Vec<&'a str>,
    /// Why none can be made of that, and which of the fields says so.
    refused: Option<Refused>,
    at: &'static str,
}

impl<'a> Page<'a> {
    fn new(site: &'a Visit, wanted: &'a Wanted) -> Self {
        Self { frame: site.frame(), here: "objects", wanted, kinds: kinds(wanted), refused: None, at: "" }
    }
}

/// What may be chosen: what somebody has said stays, whatever it is.
fn kinds(wanted: &Wanted) -> Vec<&str> {
    let kind = wanted.kind.trim();
    let own = Some(kind).filter(|kind| !kind.is_empty() && !KINDS.contains(kind));
    KINDS.into_iter().chain(own).collect()
}

/// The form for it, or, when all is said, the way to its editor.
pub(in crate::console) async fn choose(site: Visit, Query(wanted): Query<Wanted>) -> Response {
    let [kind, namespace, name] = [&wanted.kind, &wanted.namespace, &wanted.name].map(|text| text.trim());
    if [kind, namespace, name].iter().any(|text| text.is_empty()) {
        return respond(&Page::new(&site, &wanted));
    }
    let id = ObjectRef { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
    let file = Some(wanted.file.trim().to_owned()).filter(|file| !file.is_empty());
    Redirect::to(&Subject { id, act: Act::Create, file }.page()).into_response()
}

/// The form again, with why no object can be begun so.
pub(super) fn again(site: &Visit, subject: &Subject, error: &GatewayError) -> Result<Response, Trouble> {
    let trouble = Trouble::of(site, error);
    let GatewayError::Refused { reason, field, .. } = error else { return Err(trouble) };
    let texts = site.texts();
    let (at, title) = match (reason.as_str(), field.as_deref()) {
        ("invalid", Some("metadata.name")) => ("name", texts.text("new_no_name")),
        ("invalid", Some("metadata.namespace")) => ("namespace", texts.text("new_no_namespace")),
        ("invalid", Some("file")) => ("file", texts.text("new_no_file")),
        ("exists", _) => ("name", &*trouble.title),
        _ => ("", &*trouble.title),
    };
    let refused = Some(Refused { title: title.to_owned(), label: None, why: trouble.why.clone() });
    let ObjectRef { kind, namespace, name } = subject.id.clone();
    let wanted = Wanted { kind, namespace, name, file: subject.file.clone().unwrap_or_default() };
    let page = respond(&Page { refused, at, ..Page::new(site, &wanted) });
    Ok((error.status(), page).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_which_none_can_be_made_is_not_another_one_when_the_form_comes_again() {
        let of = |kind: &str| Wanted { kind: kind.to_owned(), ..Wanted::default() };
        assert_eq!(kinds(&of("Service")).last(), Some(&"Service"));
        for known in ["", "Host"] {
            assert_eq!(kinds(&of(known)), KINDS, "{known}");
        }
    }
}

//! Where previews are made: by fields, or by a manifest.

mod fields;
mod offer;

use askama::Template;
use axum::extract::{Form, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

pub(super) use self::fields::{Fault, Fields};
pub(super) use self::offer::{Input, saying};
use super::api::{What, change};
use super::link;
use super::list::Refused;
use super::problem::ProblemDetails;
use super::rights::{self, Rights};
use crate::web::{Frame, Visit, escape_path, respond};

#[derive(Template)]
#[template(path = "previews/new.html")]
struct New<'a> {
    frame: Frame<'a>,
    inputs: Vec<Input<'a>>,
    text: &'a str,
    wrong: Option<String>,
    /// He was logged out before he sent what he typed: he may log in elsewhere, and send it again.
    is_logged_out: bool,
    /// What he may make who reads this.
    rights: &'a Rights,
}

/// What somebody wants to make.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    pub(super) text: String,
}

/// Which preview a manifest is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
}

/// Which one the manifest is to be that is shown for an example.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    namespace: String,
    name: String,
}

/// Where one is made.
pub(super) async fn new(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Refused> {
    if !visit.viewer.is_somebody() {
        return Err(Refused::new(&visit, ProblemDetails::unknown()));
    }
    Ok(page(&visit, &Fields::default(), &wanted, None, None).await)
}

/// Where a manifest is sent in the place of what one was made of.
pub(super) fn link_to_anew(namespace: &str, name: &str) -> String {
    format!("/docs/previews/new?namespace={}&name={}#by-manifest", escape_path(namespace), escape_path(name))
}

/// The forms, filled with what was typed, and why it is refused, where it is.
async fn page(
    visit: &Visit,
    fields: &Fields,
    wanted: &Wanted,
    text: Option<&str>,
    problem: Option<&ProblemDetails>,
) -> Response {
    let rights = rights_of(visit).await;
    let example = offer::manifest(&rights, &wanted.namespace, &wanted.name);
    let fault = problem.filter(|_| text.is_none()).and_then(Fault::of);
    let mut inputs = offer::naming(fields, &rights, fault.as_ref());
    inputs.extend(saying(visit.texts(), fields, &rights, fault.as_ref()));
    let frame = visit.frame();
    // Of what he typed he learns what is wrong with it, logged in or not.
    let is_logged_out = problem.is_some_and(ProblemDetails::wants_login) && !frame.login.is_empty();
    let why = |problem: &ProblemDetails| match is_logged_out {
        true => visit.texts().text("previews_new_logged_out").to_owned(),
        false => problem.detail.clone(),
    };
    let page =
        New { frame, inputs, text: text.unwrap_or(&example), wrong: problem.map(why), is_logged_out, rights: &rights };
    (problem.map_or(StatusCode::OK, ProblemDetails::code), respond(&page)).into_response()
}

/// Leads who loads the address of a form's answer to the form.
pub(super) async fn again() -> Redirect {
    Redirect::to("/docs/previews/new")
}

/// What the reader may make. Why nobody can say it is why he cannot, too.
pub(super) async fn rights_of(visit: &Visit) -> Rights {
    let none = |why: String| Rights { why, ..Rights::default() };
    if visit.viewer.identity.is_none() {
        return none(visit.texts().text("previews_nobody").to_owned());
    }
    let rights = rights::rights(visit).await.unwrap_or_else(|problem| none(problem.detail));
    Rights { why: sentence(&rights.why), ..rights }
}

/// What is told to programs as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Makes one, or changes it, by a manifest.
pub(super) async fn create(visit: Visit, Form(Manifest { text }): Form<Manifest>) -> Response {
    match made(&visit, &text, false).await {
        Ok(link) => Redirect::to(&link).into_response(),
        Err(problem) => page(&visit, &Fields::default(), &Wanted::default(), Some(&text), Some(&problem)).await,
    }
}

/// Makes one by fields. It changes none: who fills in fields has not seen what else there is of that name. Who sends the same
/// twice is led to what he made the first time.
pub(super) async fn create_by_fields(visit: Visit, Form(fields): Form<Fields>) -> Response {
    match made(&visit, &fields.manifest().to_string(), true).await {
        Ok(link) => Redirect::to(&link).into_response(),
        Err(problem) => page(&visit, &fields, &Wanted::default(), None, Some(&problem.without_lines())).await,
    }
}

/// Nobody is led to a preview that the policy keeps from being shown.
async fn made(visit: &Visit, text: &str, only_new: bool) -> Result<String, ProblemDetails> {
    let Metadata { name, namespace } = named(text)?;
    let namespace = namespace.filter(|it| !it.is_empty()).unwrap_or_else(|| "default".to_owned());
    change(visit, &namespace, &name, What::Put { text, only_new, only_allowed: true, digest: None }).await?;
    Ok(link(&namespace, &name))
}

fn named(text: &str) -> Result<Metadata, ProblemDetails> {
    let refused = |why: String| ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let named: Named = serde_saphyr::from_str(text).map_err(|error| refused(format!("this is no YAML: {error}")))?;
    if named.metadata.name.is_empty() {
        let field = Some("metadata.name".to_owned());
        return Err(ProblemDetails { field, ..refused("the manifest has no metadata.name".to_owned()) });
    }
    Ok(named.metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital() {
        let why = "the PreviewPolicy does not let you make previews anywhere";
        assert_eq!(sentence(why), "The PreviewPolicy does not let you make previews anywhere");
        assert_eq!((sentence("ärger"), sentence("")), ("Ärger".to_owned(), String::new()));
    }
}

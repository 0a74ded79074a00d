//! Where somebody changes a preview that a request has made: by fields, where it is of one service at one host, or by its
//! manifest.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{What, asked, change};
use super::form::{Fault, Fields, Input, Manifest, rights_of, saying};
use super::link;
use super::list::Refused;
use super::model::Caller;
use super::one::Id;
use super::problem::ProblemDetails;
use crate::web::{Frame, Visit, respond};

#[derive(Template)]
#[template(path = "previews/change.html")]
struct Page<'a> {
    frame: Frame<'a>,
    name: &'a str,
    link: String,
    /// None where it is more than fields can say.
    inputs: Vec<Input<'a>>,
    text: &'a str,
    wrong: Option<String>,
}

#[derive(Serialize)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    by: Caller<'a>,
}

/// What it says.
#[derive(Deserialize)]
struct Told {
    text: String,
}

/// The forms, filled with what it is.
pub(super) async fn show(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    let text = told(&visit, &namespace, &name).await.map_err(|problem| Refused::new(&visit, problem))?;
    let fields = read(&text).as_ref().and_then(Fields::of);
    Ok(page(&visit, (&namespace, &name), fields.as_ref(), &text, None).await)
}

/// Leads who loads the address of a form's answer to the form.
pub(super) async fn again(Path((namespace, name)): Id) -> Redirect {
    Redirect::to(&format!("{}/change", link(&namespace, &name)))
}

/// Has it be as a manifest says.
pub(super) async fn by_manifest(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(Manifest { text }): Form<Manifest>,
) -> Response {
    match put(&visit, &namespace, &name, &text).await {
        Ok(there) => there.into_response(),
        Err(problem) => {
            let fields = read(&text).as_ref().and_then(Fields::of);
            // What was typed stands in the manifest: none of the fields was.
            let problem = ProblemDetails { field: None, ..problem };
            page(&visit, (&namespace, &name), fields.as_ref(), &text, Some(&problem)).await
        }
    }
}

/// Has it be as fields say, and all else of it as it is.
pub(super) async fn by_fields(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    let refused = |problem| Refused::new(&visit, problem);
    let text = told(&visit, &namespace, &name).await.map_err(refused)?;
    // Somebody may have made it more than fields can say meanwhile.
    let Some(mut manifest) = read(&text).filter(|manifest| Fields::of(manifest).is_some()) else {
        let why = visit.texts().text("previews_change_more");
        let problem = ProblemDetails::new(StatusCode::CONFLICT, why);
        return Ok(page(&visit, (&namespace, &name), None, &text, Some(&problem)).await);
    };
    fields.put_into(&mut manifest["spec"]);
    match put(&visit, &namespace, &name, &manifest.to_string()).await {
        Ok(there) => Ok(there.into_response()),
        Err(problem) => Ok(page(&visit, (&namespace, &name), Some(&fields), &text, Some(&problem)).await),
    }
}

async fn put(visit: &Visit, namespace: &str, name: &str, text: &str) -> Result<Redirect, ProblemDetails> {
    change(visit, namespace, name, What::Put { text, only_new: false, only_allowed: true }).await?;
    Ok(Redirect::to(&link(namespace, name)))
}

/// What a preview says, for who may change it.
async fn told(visit: &Visit, namespace: &str, name: &str) -> Result<String, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    let Told { text } = asked(visit, "preview-manifest", &Asked { namespace, name, by }).await?;
    Ok(text)
}

fn read(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

async fn page(
    visit: &Visit,
    (namespace, name): (&str, &str),
    fields: Option<&Fields>,
    text: &str,
    problem: Option<&ProblemDetails>,
) -> Response {
    let (rights, fault) = (rights_of(visit).await, problem.and_then(Fault::of));
    let inputs = fields.map(|fields| saying(visit.texts(), fields, &rights, fault.as_ref()));
    let page = Page {
        frame: visit.frame(),
        name,
        link: link(namespace, name),
        inputs: inputs.unwrap_or_default(),
        text,
        wrong: problem.map(|problem| problem.detail.clone()),
    };
    (problem.map_or(StatusCode::OK, ProblemDetails::code), respond(&page)).into_response()
}

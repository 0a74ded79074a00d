//! Where somebody changes a preview that a request has made: by fields, where it is of one service at one host, or by its
//! manifest. With either goes the digest of what it was made of: what others did since is not undone unseen.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::{What, all, asked, change};
use super::form::{Fault, Fields, Input, rights_of, saying};
use super::link;
use super::list::Refused;
use super::model::{Caller, Problem};
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
    /// None where he was logged out before he sent fields.
    text: &'a str,
    /// Of what each form is filled with.
    digest: &'a str,
    fields_digest: &'a str,
    /// What it says now, where somebody else has changed it since the forms were shown.
    others: &'a str,
    wrong: Option<String>,
    /// He was logged out before he sent what he typed: he may log in elsewhere, and send it again.
    is_logged_out: bool,
}

/// What the forms are filled with, and the digests of what that was made of.
#[derive(Clone, Copy)]
struct Filled<'a> {
    fields: Option<&'a Fields>,
    fields_digest: &'a str,
    text: &'a str,
    digest: &'a str,
    typed: Typed,
}

/// The form that has what he typed: the other has what it is now.
#[derive(Clone, Copy)]
enum Typed {
    Fields,
    Manifest,
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
    digest: String,
}

/// What is typed as a manifest.
#[derive(Deserialize)]
pub(super) struct ByManifest {
    text: String,
    /// Of what the form was filled with.
    #[serde(default)]
    digest: String,
}

/// What is typed into fields.
#[derive(Deserialize)]
pub(super) struct ByFields {
    #[serde(flatten)]
    fields: Fields,
    #[serde(default)]
    digest: String,
}

/// The forms, filled with what it is.
pub(super) async fn show(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    let Told { text, digest } =
        told(&visit, &namespace, &name).await.map_err(|problem| Refused::new(&visit, problem))?;
    let fields = read(&text).as_ref().and_then(Fields::of);
    let (fields, digest) = (fields.as_ref(), &*digest);
    let filled = Filled { fields, fields_digest: digest, text: &text, digest, typed: Typed::Manifest };
    let problem = known_problem(&visit, &namespace, &name).await;
    Ok(page(&visit, (&namespace, &name), filled, problem.as_ref()).await)
}

/// What is wrong with what stands in, or where, though it was taken: it stands at its field for who comes to change it.
async fn known_problem(visit: &Visit, namespace: &str, name: &str) -> Option<ProblemDetails> {
    let preview = all(visit, Some(namespace), Some(name)).await.ok()?.items.into_iter().next()?;
    let Problem { field, message, .. } = preview.problems.into_iter().find(Problem::is_of_place)?;
    let told = ProblemDetails::new(StatusCode::OK, format!("{field}: {message}"));
    Some(ProblemDetails { field: Some(field), ..told })
}

/// Leads who loads the address of a form's answer to the form.
pub(super) async fn again(Path((namespace, name)): Id) -> Redirect {
    Redirect::to(&format!("{}/change", link(&namespace, &name)))
}

/// Has it be as a manifest says.
pub(super) async fn by_manifest(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(ByManifest { text, digest }): Form<ByManifest>,
) -> Response {
    match put(&visit, &namespace, &name, &text, &digest).await {
        Ok(there) => there.into_response(),
        Err(problem) => {
            // What was typed stands in the manifest: the fields have what it is now, and nothing is wrong with them.
            let now = told(&visit, &namespace, &name).await.ok();
            let fields = now.as_ref().and_then(|now| Fields::of(&read(&now.text)?));
            let fields_digest = now.as_ref().map_or(digest.as_str(), |now| now.digest.as_str());
            let problem = ProblemDetails { field: None, ..problem };
            let fields = fields.as_ref();
            let filled = Filled { fields, fields_digest, text: &text, digest: &digest, typed: Typed::Manifest };
            page(&visit, (&namespace, &name), filled, Some(&problem)).await
        }
    }
}

/// Has it be as fields say, and all else of it as it is.
pub(super) async fn by_fields(
    visit: Visit,
    Path((namespace, name)): Id,
    Form(ByFields { fields, digest }): Form<ByFields>,
) -> Result<Response, Refused> {
    let Told { text, digest: now } = match told(&visit, &namespace, &name).await {
        Ok(told) => told,
        // Nobody tells him what it says while he is logged out, but what he typed is his.
        Err(problem) if problem.wants_login() => {
            let (fields, typed) = (Some(&fields), Typed::Fields);
            let filled = Filled { fields, fields_digest: &digest, text: "", digest: "", typed };
            return Ok(page(&visit, (&namespace, &name), filled, Some(&problem)).await);
        }
        Err(problem) => return Err(Refused::new(&visit, problem)),
    };
    let digest = if digest.is_empty() { now.clone() } else { digest };
    // Somebody may have made it more than fields can say meanwhile.
    let Some(mut manifest) = read(&text).filter(|manifest| Fields::of(manifest).is_some()) else {
        let why = visit.texts().text("previews_change_more");
        let problem = ProblemDetails::new(StatusCode::CONFLICT, why);
        let filled = Filled { fields: None, fields_digest: "", text: &text, digest: &now, typed: Typed::Manifest };
        return Ok(page(&visit, (&namespace, &name), filled, Some(&problem)).await);
    };
    fields.put_into(&mut manifest["spec"]);
    match put(&visit, &namespace, &name, &manifest.to_string(), &digest).await {
        Ok(there) => Ok(there.into_response()),
        Err(problem) => {
            let (fields, typed) = (Some(&fields), Typed::Fields);
            let filled = Filled { fields, fields_digest: &digest, text: &text, digest: &now, typed };
            Ok(page(&visit, (&namespace, &name), filled, Some(&problem.without_lines())).await)
        }
    }
}

async fn put(visit: &Visit, namespace: &str, name: &str, text: &str, digest: &str) -> Result<Redirect, ProblemDetails> {
    let digest = Some(digest).filter(|digest| !digest.is_empty());
    let wanted = What::Put { text, only_new: false, only_allowed: true, digest };
    let changed = change(visit, namespace, name, wanted).await?;
    let told = if changed.why.is_empty() { "" } else { "?changed=longer" };
    Ok(Redirect::to(&format!("{}{told}", link(namespace, name))))
}

/// What a preview says, for who may change it.
async fn told(visit: &Visit, namespace: &str, name: &str) -> Result<Told, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    asked(visit, "preview-manifest", &Asked { namespace, name, by }).await
}

fn read(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

async fn page(
    visit: &Visit,
    (namespace, name): (&str, &str),
    filled: Filled<'_>,
    problem: Option<&ProblemDetails>,
) -> Response {
    let (rights, fault) = (rights_of(visit).await, problem.and_then(Fault::of));
    let others = match problem {
        Some(problem) if problem.code() == StatusCode::CONFLICT => told(visit, namespace, name).await.ok(),
        _ => None,
    };
    let Filled { fields, fields_digest, text, digest, typed } = filled;
    let sent = match typed {
        Typed::Fields => fields_digest,
        Typed::Manifest => digest,
    };
    let others = others.filter(|others| !sent.is_empty() && others.digest != sent);
    // Who has seen what others did may save again what he typed.
    let seen = others.as_ref().map_or(sent, |others| others.digest.as_str());
    let (fields_digest, digest) = match typed {
        Typed::Fields => (seen, digest),
        Typed::Manifest => (fields_digest, seen),
    };
    let meanwhile = others.as_ref().map(|_| visit.texts().text("previews_change_meanwhile").to_owned());
    let inputs = fields.map(|fields| saying(visit.texts(), fields, &rights, fault.as_ref()));
    let frame = visit.frame();
    let is_logged_out = problem.is_some_and(ProblemDetails::wants_login) && !frame.login.is_empty();
    let why = |problem: &ProblemDetails| match is_logged_out {
        true => visit.texts().text("previews_change_logged_out").to_owned(),
        false => problem.detail.clone(),
    };
    let page = Page {
        frame,
        name,
        link: link(namespace, name),
        inputs: inputs.unwrap_or_default(),
        text,
        digest,
        fields_digest,
        others: others.as_ref().map_or("", |others| others.text.as_str()),
        wrong: meanwhile.or_else(|| problem.map(why)),
        is_logged_out,
    };
    (problem.map_or(StatusCode::OK, ProblemDetails::code), respond(&page)).into_response()
}

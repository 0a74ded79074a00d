//! Where previews are made: by fields, or by a manifest.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{What, change};
use super::link;
use super::list::Refused;
use super::problem::ProblemDetails;
use super::rights::{self, Rights};
use crate::web::{Frame, Visit, respond};

/// What a manifest looks like, for who writes his first.
const EXAMPLE: &str = "\
apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata:
  name: cart-fix-tax
  namespace: shop
spec:
  services:
  - baseline: cart
    backend: cart-fix-tax:8080
  entrypoints:
  - {name: web, host: shop.example.com}
  access: {mode: Authenticated}
";

#[derive(Template)]
#[template(path = "previews/new.html")]
struct New<'a> {
    frame: Frame<'a>,
    fields: &'a Fields,
    text: &'a str,
    wrong: Option<String>,
    /// What he may make who reads this.
    rights: &'a Rights,
}

/// A preview of one service at one host, as fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    name: String,
    namespace: String,
    baseline: String,
    backend: String,
    host: String,
    access: String,
    /// Separated by commas.
    groups: String,
    owner: String,
    ttl: String,
}

impl Fields {
    /// What they stand for.
    fn manifest(&self) -> Value {
        let list = |text: &str| text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let groups: Vec<String> = list(&self.groups);
        let mut access = json!({ "mode": self.access.trim() });
        let owner = [self.owner.trim()].into_iter().filter(|owner| !owner.is_empty());
        owner.for_each(|owner| access["owner"] = json!(owner));
        if !groups.is_empty() {
            access["groups"] = json!(groups);
        }
        let mut manifest = json!({
            "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview",
            "metadata": { "name": self.name.trim(), "namespace": self.namespace.trim() },
            "spec": {
                "services": [{ "baseline": self.baseline.trim(), "backend": self.backend.trim() }],
                "entrypoints": [{ "name": "web", "host": self.host.trim() }],
                "access": access,
            },
        });
        // What says nothing is not written, and would not be the same when it is sent again.
        if !self.ttl.trim().is_empty() {
            manifest["spec"]["lifetime"] = json!({ "ttl": self.ttl.trim() });
        }
        manifest
    }
}

/// What somebody wants to make.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    text: String,
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

/// Where one is made.
pub(super) async fn new(visit: Visit) -> Result<Response, Refused> {
    if !visit.viewer.is_somebody() {
        return Err(Refused::new(&visit, ProblemDetails::unknown()));
    }
    let (rights, fields, frame) = (rights_of(&visit).await, Fields::default(), visit.frame());
    let page = New { frame, fields: &fields, text: EXAMPLE, wrong: None, rights: &rights };
    Ok(respond(&page).into_response())
}

/// Leads who loads the address of a form's answer to the form.
pub(super) async fn again() -> Redirect {
    Redirect::to("/docs/previews/new")
}

/// What the reader may make. Why nobody can say it is why he cannot, too.
async fn rights_of(visit: &Visit) -> Rights {
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
        Err(problem) => refused(&visit, &Fields::default(), &text, &problem).await,
    }
}

/// Makes one by fields. It changes none: who fills in fields has not seen what else there is of that name. Who sends the same
/// twice is led to what he made the first time.
pub(super) async fn create_by_fields(visit: Visit, Form(fields): Form<Fields>) -> Response {
    match made(&visit, &fields.manifest().to_string(), true).await {
        Ok(link) => Redirect::to(&link).into_response(),
        Err(problem) => refused(&visit, &fields, EXAMPLE, &problem).await,
    }
}

async fn made(visit: &Visit, text: &str, only_new: bool) -> Result<String, ProblemDetails> {
    let Metadata { name, namespace } = named(text)?;
    let namespace = namespace.filter(|it| !it.is_empty()).unwrap_or_else(|| "default".to_owned());
    change(visit, &namespace, &name, What::Put { text, only_new }).await?;
    Ok(link(&namespace, &name))
}

async fn refused(visit: &Visit, fields: &Fields, text: &str, problem: &ProblemDetails) -> Response {
    let (rights, wrong) = (rights_of(visit).await, Some(problem.detail.clone()));
    let page = New { frame: visit.frame(), fields, text, wrong, rights: &rights };
    (problem.code(), respond(&page)).into_response()
}

fn named(text: &str) -> Result<Metadata, ProblemDetails> {
    let refused = |why: String| ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let named: Named = serde_saphyr::from_str(text).map_err(|error| refused(format!("this is no YAML: {error}")))?;
    if named.metadata.name.is_empty() {
        return Err(refused("the manifest has no metadata.name".to_owned()));
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

//! Whether an object may be stored: what `nuncio check` says of it alone.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use nuncio_api::{Object, Problem, Severity, from_json, read_json};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Reviewer;
use super::review::{self, Refusal};

/// Path of the validation.
pub const VALIDATION_PATH: &str = "/webhooks/validate";

/// Warnings that are passed on; the API server drops those beyond 4 KiB.
const WARNINGS: usize = 16;

/// `AdmissionReview`, as it is asked.
#[derive(Debug, Deserialize)]
struct Question {
    #[serde(rename = "apiVersion")]
    api_version: String,
    request: Request,
}

#[derive(Debug, Deserialize)]
struct Request {
    uid: String,
    #[serde(default)]
    namespace: String,
    /// Absent, or null, where an object is deleted.
    #[serde(default, deserialize_with = "however_deep")]
    object: Value,
    #[serde(default, rename = "oldObject", deserialize_with = "however_deep")]
    old_object: Value,
}

/// An object, of which what is too deep is to be complained about rather than the whole review.
fn however_deep<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?;
    read_json(text.get().as_bytes()).map_err(D::Error::custom)
}

/// `AdmissionReview`, as it is answered.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: &'static str,
    response: Reply,
}

#[derive(Debug, Serialize)]
struct Reply {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

pub(super) async fn handle(State(state): State<Arc<review::State>>, body: Body) -> Result<Response, Refusal> {
    let reviewer = state.reviewer.clone();
    let review = state.take_in(body, reviewer.limits.admission_bytes).await?;
    let read = move || serde_json::from_slice(&review.bytes).map(|question| answer(question, &reviewer));
    Ok(Json(state.work(read).await??).into_response())
}

fn answer(Question { api_version, request }: Question, reviewer: &Reviewer) -> Answer {
    let (errors, warnings) = judge(&request, reviewer);
    let denied = (!errors.is_empty()).then(|| Status { code: 422, reason: "Invalid", message: errors.join("; ") });
    let response = Reply { uid: request.uid, allowed: denied.is_none(), status: denied, warnings };
    Answer { api_version, kind: "AdmissionReview", response }
}

/// What forbids the object, and what is to be said of it.
fn judge(request: &Request, Reviewer { ambassador_id, defaults, limits: _ }: &Reviewer) -> (Vec<String>, Vec<String>) {
    let nothing = (Vec::new(), Vec::new());
    if !is_ours(&request.object) || !is_changed(request) {
        return nothing;
    }
    let mut defaults = defaults.clone();
    if !request.namespace.is_empty() {
        defaults.namespace = request.namespace.as_str().into();
    }
    let parsed = from_json(&request.object, &Arc::from("request"), &defaults);
    let ours = |ids: &[String]| ids.iter().any(|id| id == ambassador_id || id == "_automatic_");
    if parsed.objects.iter().any(|object| !ours(&object.ambassador_id)) {
        return nothing;
    }
    let of_object = |object: &Object| {
        let kind = object.id.kind;
        object.problems.iter().map(move |(problem, _)| problem.clone().as_written_in(kind)).collect::<Vec<_>>()
    };
    let of_objects = parsed.objects.iter().flat_map(of_object);
    let problems: Vec<_> = of_objects.chain(parsed.problems.iter().map(|found| found.problem.clone())).collect();
    let told = |severity| problems.iter().filter(move |problem| problem.severity == severity);
    let errors = told(Severity::Error).map(|problem| problem.to_string()).collect();
    (errors, told(Severity::Warning).map(shown).take(WARNINGS).collect())
}

/// A warning stands in a header (RFC 9111's `Warning`), of which clients show some 250 characters.
fn shown(problem: &Problem) -> String {
    problem.to_string().chars().take(250).collect()
}

fn is_ours(object: &Value) -> bool {
    let groups = ["getambassador.io/", "gateway.getambassador.io/"];
    object["apiVersion"].as_str().is_some_and(|version| groups.iter().any(|group| version.starts_with(group)))
}

/// An object that is wrong already can still get labels, lose a finalizer or be deleted.
fn is_changed(request: &Request) -> bool {
    let Request { object, old_object, .. } = request;
    let deleted = object.pointer("/metadata/deletionTimestamp").is_some();
    let same =
        old_object.is_object() && ["apiVersion", "spec"].iter().all(|key| object.get(key) == old_object.get(key));
    !deleted && !same
}

//! Whether an object may be stored: what `nuncio check` says of it alone.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use nuncio_api::{Object, Problem, Severity, from_json};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Reviewer;
use super::review::{self, Refusal};

/// Path of the validation.
pub const VALIDATION_PATH: &str = "/webhooks/validate";

/// Warnings that are passed on; the API server drops those beyond 4 KiB.
const WARNINGS: usize = 16;

/// `AdmissionReview`, as it is asked.
#[derive(Debug, Deserialize)]
struct Question<'a> {
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(borrow)]
    request: Request<'a>,
}

/// Objects are texts: of one that is nested too deep it is to be complained about rather than of the whole review.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    uid: String,
    #[serde(default)]
    namespace: String,
    /// Absent, or null, where an object is deleted.
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    old_object: Option<&'a RawValue>,
}

/// What tells whether an object is a matter of ours, and another than it was.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head<'a> {
    api_version: String,
    metadata: Metadata,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    deletion_timestamp: Option<IgnoredAny>,
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

fn answer(Question { api_version, request }: Question<'_>, reviewer: &Reviewer) -> Answer {
    let (errors, warnings) = request.object.map(|object| judge(object, &request, reviewer)).unwrap_or_default();
    let denied = (!errors.is_empty()).then(|| Status { code: 422, reason: "Invalid", message: errors.join("; ") });
    let response = Reply { uid: request.uid, allowed: denied.is_none(), status: denied, warnings };
    Answer { api_version, kind: "AdmissionReview", response }
}

/// What forbids the object, and what is to be said of it.
fn judge(object: &RawValue, request: &Request<'_>, reviewer: &Reviewer) -> (Vec<String>, Vec<String>) {
    let Reviewer { ambassador_id, defaults, limits: _ } = reviewer;
    let nothing = (Vec::new(), Vec::new());
    let head = Head::of(object);
    if !head.is_ours() || !head.is_other_than(request.old_object) {
        return nothing;
    }
    let mut defaults = defaults.clone();
    if !request.namespace.is_empty() {
        defaults.namespace = request.namespace.as_str().into();
    }
    let parsed = match from_json(object.get().as_bytes(), &Arc::from("request"), &defaults) {
        Ok(parsed) => parsed,
        Err(error) => return (vec![error.to_string()], Vec::new()),
    };
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

impl<'a> Head<'a> {
    fn of(object: &'a RawValue) -> Self {
        serde_json::from_str(object.get()).unwrap_or_default()
    }

    fn is_ours(&self) -> bool {
        let groups = ["getambassador.io/", "gateway.getambassador.io/", "nuncio.dev/"];
        groups.iter().any(|group| self.api_version.starts_with(group))
    }

    /// An object that is wrong already can still get labels, lose a finalizer or be deleted. API servers write what is equal
    /// with equal texts.
    fn is_other_than(&self, old: Option<&RawValue>) -> bool {
        let says_the_same = |old: Head<'_>| {
            old.api_version == self.api_version && old.spec.map(RawValue::get) == self.spec.map(RawValue::get)
        };
        self.metadata.deletion_timestamp.is_none() && !old.map(Head::of).is_some_and(says_the_same)
    }
}

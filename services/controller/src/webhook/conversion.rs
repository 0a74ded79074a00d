//! Conversion between versions.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use nuncio_api::convert::{ConvertError, Version, convert};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::review;

/// `ConversionReview`, as it is asked.
#[derive(Debug, Deserialize)]
struct Question {
    #[serde(rename = "apiVersion")]
    api_version: String,
    request: Request,
}

#[derive(Debug, Deserialize)]
struct Request {
    uid: String,
    #[serde(rename = "desiredAPIVersion")]
    desired_api_version: String,
    #[serde(default)]
    objects: Vec<Value>,
}

/// `ConversionReview`, as it is answered.
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
    #[serde(rename = "convertedObjects")]
    converted: Vec<Value>,
    result: Outcome,
}

#[derive(Debug, Serialize)]
struct Outcome {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

pub(super) async fn handle(State(state): State<Arc<review::State>>, body: Body) -> Response {
    state.answer(body, state.reviewer.limits.conversion_bytes, answer).await
}

fn answer(Question { api_version, request }: Question) -> Answer {
    let Request { uid, desired_api_version, objects } = request;
    let (converted, result) = match convert_all(objects, &desired_api_version) {
        Ok(converted) => (converted, Outcome { status: "Success", message: None }),
        Err(message) => (Vec::new(), Outcome { status: "Failed", message: Some(message) }),
    };
    Answer { api_version, kind: "ConversionReview", response: Reply { uid, converted, result } }
}

/// All objects in the version, or the first that cannot be had in it.
fn convert_all(objects: Vec<Value>, desired: &str) -> Result<Vec<Value>, String> {
    let version = Version::from_api_version(desired);
    let version = version.ok_or_else(|| ConvertError::UnknownVersion(desired.to_owned()).to_string())?;
    let one = |object: Value| {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
        convert(object, version).map_err(|error| format!("{kind} {namespace}/{name}: {error}"))
    };
    objects.into_iter().map(one).collect()
}

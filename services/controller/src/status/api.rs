//! Writing to the API server: statuses and events.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use kube::Client;
use serde_json::{Value, json};

use crate::source::kubernetes::resources::ApiKind;

/// Under which name the API server notes which fields are ours.
pub(crate) const FIELD_MANAGER: &str = "nuncio";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is said of a field that a schema does not have.
const UNDECLARED: &str = "field not declared in schema";

/// How a write that failed is to be followed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WriteError {
    /// The object is gone: there is nothing to write.
    Gone,
    /// The object is another of the same name, or is changed faster than it can be written.
    Conflict,
    /// The API server will not have what was written.
    Refused(String),
    /// We may not.
    Denied(String),
    /// The definition of the kind has no place for it.
    NoRoom(String),
    /// It does not answer or has no time: nothing can be written for now.
    Unavailable(String),
}

/// Which object a status is of.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) api: ApiKind,
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) uid: Arc<str>,
}

/// Applies a status; gives the one that the object has now.
pub(super) async fn apply_status(client: &Client, target: &Target, status: &Value) -> Result<Value, WriteError> {
    let Target { api, namespace, name, uid } = target;
    let path = format!("{}/{name}/status?fieldManager={FIELD_MANAGER}&force=true", api.path(Some(namespace)));
    let object = json!({
        "apiVersion": api.api_version(),
        "kind": api.kind,
        // With another uid it is another object, and a conflict.
        "metadata": { "name": &**name, "namespace": &**namespace, "uid": &**uid },
        "status": status,
    });
    let request = Request::patch(path).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
    let mut object = match send(client, request, Some(&object)).await {
        // Of a status that there cannot be it is said in the same words that the object is not there.
        Err(WriteError::Gone) if exists(client, target).await? => {
            return Err(WriteError::NoRoom("no status subresource".to_owned()));
        }
        answer => answer?,
    };
    Ok(object.get_mut("status").map(Value::take).unwrap_or_default())
}

/// Whether an object is there, and still the one that is meant.
async fn exists(client: &Client, Target { api, namespace, name, uid }: &Target) -> Result<bool, WriteError> {
    let request = Request::get(format!("{}/{name}", api.path(Some(namespace))));
    match send(client, request, None).await {
        Ok(object) => Ok(object.pointer("/metadata/uid").and_then(Value::as_str) == Some(uid)),
        Err(WriteError::Gone) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes an event.
pub(super) async fn create_event(client: &Client, namespace: &str, event: &Value) -> Result<(), WriteError> {
    let request = Request::post(format!("{}?fieldManager={FIELD_MANAGER}", events_path(namespace)));
    send(client, request.header(header::CONTENT_TYPE, "application/json"), Some(event)).await.map(drop)
}

/// Changes an event.
pub(super) async fn patch_event(client: &Client, namespace: &str, name: &str, patch: &Value) -> Result<(), WriteError> {
    let request = Request::patch(format!("{}/{name}?fieldManager={FIELD_MANAGER}", events_path(namespace)));
    send(client, request.header(header::CONTENT_TYPE, "application/merge-patch+json"), Some(patch)).await.map(drop)
}

fn events_path(namespace: &str) -> String {
    format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events")
}

async fn send(client: &Client, request: http::request::Builder, body: Option<&Value>) -> Result<Value, WriteError> {
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let request = request.body(body).map_err(|error| WriteError::Refused(error.to_string()))?;
    match tokio::time::timeout(PATIENCE, client.request(request)).await {
        Ok(answer) => answer.map_err(follow_up),
        Err(_) => Err(WriteError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

fn follow_up(error: kube::Error) -> WriteError {
    match error {
        kube::Error::Api(status) => match status.code {
            404 | 410 => WriteError::Gone,
            409 => WriteError::Conflict,
            401 | 403 => WriteError::Denied(status.message),
            429 | 502..=504 => WriteError::Unavailable(status.message),
            // A server-side apply that cannot be is an error of the server's own.
            500 if status.message.contains(UNDECLARED) => WriteError::NoRoom(status.message),
            _ => WriteError::Refused(status.message),
        },
        error => WriteError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let answer = |code| follow_up(kube::Error::Api(Box::new(Status { code, ..Status::failure("said", "") })));
        assert_eq!(answer(409), WriteError::Conflict);
        assert_eq!(answer(404), WriteError::Gone);
        assert_eq!(answer(422), WriteError::Refused("said".to_owned()));
        assert_eq!(answer(500), WriteError::Refused("said".to_owned()));
        assert_eq!(answer(403), WriteError::Denied("said".to_owned()));
        assert_eq!(answer(429), WriteError::Unavailable("said".to_owned()));
    }
}

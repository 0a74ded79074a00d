//! Previews as objects of a cluster, applied on the server side under a name of their own.

use std::time::Duration;

use http::{Request, header, request};
use nuncio_api::{Object, ObjectId};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::admin::PreviewError;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::resources::api_kind;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Under which name the API server notes which fields were set here.
const FIELD_MANAGER: &str = "nuncio-previews";
/// And of what it notes of objects.
const NOTES: &str = "nuncio-notes";
/// The label by which those are known that were written here (the recommended one).
pub(super) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "nuncio-previews");

/// Writes Previews there. All of it blocks.
#[derive(Clone, Debug)]
pub(super) struct InCluster(Cluster);

impl InCluster {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self(cluster)
    }

    /// Whether an object was written here.
    pub(super) fn is_own(object: &Object) -> bool {
        object.labels.get(MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
    }

    /// Gives the whole object, with what others have set in it.
    pub(super) fn apply(&self, id: &ObjectId, text: &str) -> Result<String, PreviewError> {
        let path = format!("{}?fieldManager={FIELD_MANAGER}&force=true", path(id)?);
        let request = Request::patch(path).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
        self.ask(id, request, text.as_bytes().to_vec()).map(|object| object.to_string())
    }

    /// Under a name of its own, so that what is applied later leaves it alone.
    pub(super) fn annotate(&self, id: &ObjectId, (key, value): (&str, &str)) -> Result<(), PreviewError> {
        let request = Request::patch(format!("{}?fieldManager={NOTES}", path(id)?));
        let request = request.header(header::CONTENT_TYPE, "application/merge-patch+json");
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        self.ask(id, request, patch.to_string().into_bytes()).map(drop)
    }

    pub(super) fn delete(&self, id: &ObjectId) -> Result<(), PreviewError> {
        self.ask(id, Request::delete(path(id)?), Vec::new()).map(drop)
    }

    fn ask(&self, id: &ObjectId, request: request::Builder, body: Vec<u8>) -> Result<Value, PreviewError> {
        let request = request.body(body).map_err(|error| PreviewError::Conflict(error.to_string()))?;
        let asked = async { tokio::time::timeout(PATIENCE, self.0.client.request::<Value>(request)).await };
        match Handle::current().block_on(asked) {
            Ok(answer) => answer.map_err(|error| refusal(id, error)),
            Err(_) => Err(PreviewError::Conflict(format!("the API server is silent for {} s", PATIENCE.as_secs()))),
        }
    }
}

fn path(id: &ObjectId) -> Result<String, PreviewError> {
    let api = api_kind(id.kind).ok_or_else(|| PreviewError::Missing(id.to_string()))?;
    Ok(format!("{}/{}", api.path(Some(&id.namespace)), id.name))
}

fn refusal(id: &ObjectId, error: kube::Error) -> PreviewError {
    match error {
        kube::Error::Api(status) => match status.code {
            404 => PreviewError::Missing(format!("{}/{}, or no such namespace", id.namespace, id.name)),
            401 | 403 => {
                PreviewError::Forbidden(format!("the API server does not let the gateway: {}", status.message))
            }
            400 | 422 => PreviewError::Invalid(status.message),
            _ => PreviewError::Conflict(format!("the API server says: {}", status.message)),
        },
        error => PreviewError::Conflict(format!("the API server cannot be asked: {error}")),
    }
}

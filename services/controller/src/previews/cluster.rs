//! Previews as objects of a cluster, applied on the server side under a name of their own.

use std::time::Duration;

use http::{Request, header, request};
use nuncio_api::{Object, ObjectId};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::manifest::Manifest;
use super::place::Unwritten;
use crate::admin::PreviewError;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::managed::applied;
use crate::source::kubernetes::resources::api_kind;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Under which name the API server notes which fields were set here.
const FIELD_MANAGER: &str = "nuncio-previews";
/// And when one ends that was made to end sooner or later: what is applied under the first name says nothing of that, and
/// takes nothing of it back.
const LIFETIME_MANAGER: &str = "nuncio-lifetime";
/// And of what it notes of objects.
const NOTES: &str = "nuncio-notes";
/// How often a status, or a note, may come between the writes of one change.
const TRIES: usize = 3;
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

    /// The object as it is now, whatever the gateway has seen of it.
    pub(super) fn find(&self, id: &ObjectId) -> Result<Option<Value>, PreviewError> {
        match self.ask(id, Request::get(path(id)?), Vec::new()) {
            Ok(found) => Ok(Some(found)),
            Err(Unwritten::Refused(PreviewError::Missing(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an object where none is. Gives the whole object.
    pub(super) fn create(&self, id: &ObjectId, manifest: &Value) -> Result<Value, Unwritten> {
        let request = Request::post(format!("{}?fieldManager={FIELD_MANAGER}", collection(id)?));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.ask(id, request, manifest.to_string().into_bytes())
    }

    /// Has an object say this, with what others have set in it, if it still is as it was found. Gives the whole object.
    pub(super) fn apply(&self, id: &ObjectId, found: &Value, manifest: Value) -> Result<Value, Unwritten> {
        let found = match applied(&found["metadata"]["managedFields"], FIELD_MANAGER) {
            Some(managed) => {
                &self.merge_as(FIELD_MANAGER, id, found, json!({"metadata": {"managedFields": managed}}))?
            }
            None => found,
        };
        self.apply_as(FIELD_MANAGER, id, found, manifest)
    }

    /// Has a Preview end when this one does, as of its times; or says nothing of that any more, so that what others say of it
    /// counts. All else stays as it is, and whose it is. This may be the end of a change that is written in part: what has been
    /// told of the object since is in nobody's way, and what somebody has had it say is. Gives the whole object.
    pub(super) fn end_at(&self, id: &ObjectId, found: &Value, end: Option<&Manifest>) -> Result<Value, Unwritten> {
        let metadata = json!({ "name": &*id.name, "namespace": &*id.namespace });
        let mut part = json!({ "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": metadata });
        if let Some(manifest) = end {
            part["metadata"]["annotations"] = json!(manifest.notes());
            part["spec"] = json!({ "lifetime": { "expiresAt": manifest.end() } });
        }
        let mut now = found.clone();
        for _ in 0..TRIES {
            match self.apply_as(LIFETIME_MANAGER, id, &now, part.clone()) {
                Err(Unwritten::Stale) => {}
                done => return done,
            }
            now = self.find(id)?.filter(|now| says_the_same(now, found)).ok_or(Unwritten::Stale)?;
        }
        Err(Unwritten::Stale)
    }

    /// Writes what is known by now of a Preview, as a part of its spec. Gives the whole object.
    pub(super) fn note(&self, id: &ObjectId, found: &Value, news: &Value) -> Result<Value, Unwritten> {
        self.merge_as(FIELD_MANAGER, id, found, json!({ "spec": news }))
    }

    /// Under a name of its own, so that what is applied later leaves it alone.
    pub(super) fn annotate(&self, id: &ObjectId, (key, value): (&str, &str)) -> Result<(), PreviewError> {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        Ok(self.merge_as(NOTES, id, &Value::Null, patch).map(drop)?)
    }

    /// Takes an object away that still is as it was found.
    pub(super) fn delete(&self, id: &ObjectId, found: &Value) -> Result<(), Unwritten> {
        let request = Request::delete(path(id)?).header(header::CONTENT_TYPE, "application/json");
        let metadata = &found["metadata"];
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"] },
        });
        self.ask(id, request, options.to_string().into_bytes()).map(drop)
    }

    fn apply_as(&self, manager: &str, id: &ObjectId, found: &Value, mut part: Value) -> Result<Value, Unwritten> {
        pin(&mut part, found);
        let path = format!("{}?fieldManager={manager}&force=true", path(id)?);
        let request = Request::patch(path).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
        self.ask(id, request, part.to_string().into_bytes())
    }

    fn merge_as(&self, manager: &str, id: &ObjectId, found: &Value, mut patch: Value) -> Result<Value, Unwritten> {
        pin(&mut patch, found);
        let request = Request::patch(format!("{}?fieldManager={manager}", path(id)?));
        let request = request.header(header::CONTENT_TYPE, "application/merge-patch+json");
        self.ask(id, request, patch.to_string().into_bytes())
    }

    fn ask(&self, id: &ObjectId, request: request::Builder, body: Vec<u8>) -> Result<Value, Unwritten> {
        let request = request.body(body).map_err(|error| PreviewError::Conflict(error.to_string()))?;
        let asked = async { tokio::time::timeout(PATIENCE, self.0.client.request::<Value>(request)).await };
        match Handle::current().block_on(asked) {
            Ok(answer) => answer.map_err(|error| refusal(id, error)),
            Err(_) => {
                Err(PreviewError::Conflict(format!("the API server is silent for {} s", PATIENCE.as_secs())).into())
            }
        }
    }
}

/// What is written is for the object as it was found: neither for one that was made anew under its name, nor over what
/// somebody has written since.
fn pin(part: &mut Value, found: &Value) {
    for key in ["uid", "resourceVersion"] {
        if let Some(value) = found["metadata"].get(key) {
            part["metadata"][key] = value.clone();
        }
    }
}

/// Whether an object is the one that was found, and nobody has had it say anything else: neither its status nor a note of it
/// raises its generation.
fn says_the_same(now: &Value, found: &Value) -> bool {
    ["uid", "generation", "labels"].iter().all(|key| now["metadata"][key] == found["metadata"][key])
}

fn collection(id: &ObjectId) -> Result<String, PreviewError> {
    let api = api_kind(id.kind).ok_or_else(|| PreviewError::Missing(id.to_string()))?;
    Ok(api.path(Some(&id.namespace)))
}

fn path(id: &ObjectId) -> Result<String, PreviewError> {
    Ok(format!("{}/{}", collection(id)?, id.name))
}

fn refusal(id: &ObjectId, error: kube::Error) -> Unwritten {
    let error = match error {
        kube::Error::Api(status) => match status.code {
            404 => PreviewError::Missing(format!("{}/{}, or no such namespace", id.namespace, id.name)),
            401 | 403 => {
                PreviewError::Forbidden(format!("the API server does not let the gateway: {}", status.message))
            }
            400 | 422 => PreviewError::Invalid(status.message),
            409 => return Unwritten::Stale,
            _ => PreviewError::Conflict(format!("the API server says: {}", status.message)),
        },
        error => PreviewError::Conflict(format!("the API server cannot be asked: {error}")),
    };
    Unwritten::Refused(error)
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn what_is_written_is_for_the_object_as_it_was_found() {
        let found = json!({"metadata": {"uid": "u", "resourceVersion": "9", "labels": {}}, "spec": {}});
        let mut part = json!({"metadata": {"name": "tax"}});
        pin(&mut part, &found);
        assert_eq!(part, json!({"metadata": {"name": "tax", "uid": "u", "resourceVersion": "9"}}));
        let mut note = json!({"metadata": {"annotations": {}}});
        pin(&mut note, &Value::Null);
        assert_eq!(note, json!({"metadata": {"annotations": {}}}), "a note is for whatever is there");
    }

    #[test]
    fn what_is_told_of_an_object_is_nothing_that_it_says() {
        let found = json!({"metadata": {"uid": "u", "resourceVersion": "9", "generation": 3}, "status": {}});
        let with = |metadata: &Value| {
            let mut now = found.clone();
            now["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
            says_the_same(&now, &found)
        };
        assert!(with(&json!({"resourceVersion": "10", "annotations": {"nuncio.dev/asked": "2026-11-29T06:00:00Z"}})));
        for other in [json!({"uid": "v"}), json!({"generation": 4}), json!({"labels": {"team": "cart"}})] {
            assert!(!with(&other), "{other}");
        }
    }

    #[test]
    fn an_object_has_the_path_of_its_kind() {
        let id = ObjectId::new(Kind::Preview, "shop", "tax");
        assert_eq!(path(&id).unwrap(), "/apis/nuncio.dev/v1alpha1/namespaces/shop/previews/tax");
    }
}

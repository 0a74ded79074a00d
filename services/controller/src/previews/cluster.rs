//! Previews as objects of a cluster, applied on the server side under a name of their own.

use std::time::Duration;

use http::{Request, header, request};
use nuncio_api::{Object, ObjectId};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::place::Only;
use crate::admin::PreviewError;
use crate::source::kubernetes::Cluster;
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
        self.apply_as(FIELD_MANAGER, id, text.to_owned())
    }

    /// Has a Preview end then, as of a change of this time; or says nothing of that any more, so that what others say of it
    /// counts. All else stays as it is, and whose it is. Gives the whole object.
    pub(super) fn end_at(&self, old: &Object, end: Option<(&str, &str)>) -> Result<String, PreviewError> {
        let id = &old.id;
        // By its uid it is not made where it is gone by now.
        let metadata = json!({ "name": &*id.name, "namespace": &*id.namespace, "uid": old.uid.as_deref() });
        let mut part = json!({ "apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": metadata });
        if let Some((end, changed)) = end {
            part["metadata"]["annotations"] = json!({ Object::CHANGED: changed });
            part["spec"] = json!({ "lifetime": { "expiresAt": end } });
        }
        self.apply_as(LIFETIME_MANAGER, id, part.to_string())
    }

    /// Writes what is known by now of the source of a Preview. Gives the whole object.
    pub(super) fn note_source(&self, id: &ObjectId, news: &Value) -> Result<String, PreviewError> {
        self.merge_as(FIELD_MANAGER, id, &json!({ "spec": { "source": news } })).map(|object| object.to_string())
    }

    /// Under a name of its own, so that what is applied later leaves it alone.
    pub(super) fn annotate(&self, id: &ObjectId, (key, value): (&str, &str)) -> Result<(), PreviewError> {
        self.merge_as(NOTES, id, &json!({ "metadata": { "annotations": { key: value } } })).map(drop)
    }

    fn apply_as(&self, manager: &str, id: &ObjectId, text: String) -> Result<String, PreviewError> {
        let path = format!("{}?fieldManager={manager}&force=true", path(id)?);
        let request = Request::patch(path).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
        self.ask(id, request, text.into_bytes()).map(|object| object.to_string())
    }

    fn merge_as(&self, manager: &str, id: &ObjectId, patch: &Value) -> Result<Value, PreviewError> {
        let request = Request::patch(format!("{}?fieldManager={manager}", path(id)?));
        let request = request.header(header::CONTENT_TYPE, "application/merge-patch+json");
        self.ask(id, request, patch.to_string().into_bytes())
    }

    pub(super) fn delete(&self, old: &Object, only: Only) -> Result<(), PreviewError> {
        let id = &old.id;
        let version = match only {
            Only::Same => Value::Null,
            Only::Unchanged => self.version(old)?,
        };
        let request = Request::delete(path(id)?).header(header::CONTENT_TYPE, "application/json");
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": old.uid.as_deref(), "resourceVersion": version },
        });
        self.ask(id, request, options.to_string().into_bytes()).map(drop)
    }

    /// The version of an object of which nobody wants anything else since it was seen.
    fn version(&self, seen: &Object) -> Result<Value, PreviewError> {
        let now = self.ask(&seen.id, Request::get(path(&seen.id)?), Vec::new())?;
        let metadata = &now["metadata"];
        if metadata["uid"].as_str() != seen.uid.as_deref() || metadata["generation"].as_i64() != seen.generation {
            return Err(PreviewError::Conflict(format!("{} has changed in the meantime", seen.id)));
        }
        Ok(metadata["resourceVersion"].clone())
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Response;
    use http_body_util::BodyExt;
    use kube::client::{Body, Client};
    use nuncio_api::{Defaults, parse};

    use super::*;

    /// What is asked of an API server that has an object so, when one is to be deleted that was seen as of generation 2.
    async fn asked(only: Only, now: Value) -> (Result<(), PreviewError>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let server = tower::service_fn(move |request: Request<Body>| {
            let (heard, now) = (Arc::clone(&heard), now.to_string());
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let options: Value = serde_json::from_slice(&body).unwrap_or_default();
                heard.lock().unwrap().push(format!("{} {}", head.method, options["preconditions"]));
                Ok::<_, std::io::Error>(Response::new(Body::from(now.into_bytes())))
            }
        });
        let cluster = InCluster(Cluster { client: Client::new(server, "default"), server: String::new() });
        let seen = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "spec": {},
            "metadata": {"name": "tax", "namespace": "shop", "uid": "u", "generation": 2}});
        let defaults = Defaults { namespace: "shop".into(), env: None };
        let seen = parse(seen.to_string().as_bytes(), &Arc::from("seen"), &defaults).objects.remove(0);
        let result = tokio::task::spawn_blocking(move || cluster.delete(&seen, only)).await.unwrap();
        let asked = asked.lock().unwrap().clone();
        (result, asked)
    }

    #[tokio::test]
    async fn what_others_have_changed_or_made_anew_is_not_deleted() {
        let now = |uid: &str, generation: u32| json!({"metadata": {"uid": uid, "generation": generation, "resourceVersion": "9"}});
        let (result, told) = asked(Only::Same, now("u", 3)).await;
        assert_eq!((result, told), (Ok(()), vec![r#"DELETE {"resourceVersion":null,"uid":"u"}"#.to_owned()]));
        let (result, told) = asked(Only::Unchanged, now("u", 2)).await;
        let delete = r#"DELETE {"resourceVersion":"9","uid":"u"}"#.to_owned();
        assert_eq!((result, told), (Ok(()), vec!["GET null".to_owned(), delete]));
        for other in [now("u", 3), now("v", 2)] {
            let (result, told) = asked(Only::Unchanged, other).await;
            assert!(matches!(result, Err(PreviewError::Conflict(_))), "{result:?}");
            assert_eq!(told, ["GET null"]);
        }
    }
}

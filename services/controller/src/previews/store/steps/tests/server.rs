//! An API server, and who meddles with it.

use std::sync::{Arc, PoisonError};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::{Body, Client};

use super::*;
use crate::previews::cluster::InCluster;
use crate::previews::place::Place;
use crate::source::kubernetes::Cluster;

/// An API server with one Preview, or none.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) object: Option<Value>,
    version: u64,
    /// What comes before the next write whose query has this text: the last of these first.
    pub(super) meddle: Vec<(&'static str, Meddling)>,
}

/// What somebody else does between a look and the write after it.
#[derive(Clone, Debug)]
pub(super) enum Meddling {
    /// He makes this in the place of what is there.
    Makes(Value),
    /// He writes this into what is there.
    Writes(Value),
    /// Nobody does anything: the API server fails.
    Fails,
}

pub(super) type Shared = Arc<Mutex<Server>>;

impl Server {
    pub(super) fn of(object: Option<Value>) -> Shared {
        let mut server = Self::default();
        if let Some(object) = object {
            server.put(object);
        }
        Arc::new(Mutex::new(server))
    }

    fn put(&mut self, mut object: Value) -> Value {
        self.version += 1;
        let before = self.object.take().unwrap_or_default();
        let raised = u64::from(before["spec"] != object["spec"]);
        let metadata = &mut object["metadata"];
        metadata["generation"] = json!(before["metadata"]["generation"].as_u64().unwrap_or_default() + raised);
        metadata["resourceVersion"] = json!(self.version.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{}", self.version));
        }
        self.object.insert(object).clone()
    }

    /// What is there after somebody has written it, if nothing fails.
    fn meddled(&mut self, other: Meddling) -> Option<Value> {
        match other {
            Meddling::Makes(object) => Some(self.put(object)),
            Meddling::Writes(patch) => {
                let mut object = self.object.clone().unwrap_or_default();
                merge(&mut object, &patch);
                Some(self.put(object))
            }
            Meddling::Fails => None,
        }
    }

    fn answer(&mut self, method: &Method, query: &str, body: &Value) -> (u16, Value) {
        if method != Method::GET
            && let Some((_, other)) = self.meddle.pop_if(|(before, _)| query.contains(*before))
            && self.meddled(other).is_none()
        {
            return (500, json!({"kind": "Status", "status": "Failure", "code": 500}));
        }
        let pins = if method == Method::DELETE { &body["preconditions"] } else { &body["metadata"] };
        let is_stale = |object: &Value| {
            ["uid", "resourceVersion"].iter().any(|key| !pins[*key].is_null() && pins[*key] != object["metadata"][*key])
        };
        match (method, self.object.clone()) {
            (&Method::GET, Some(object)) => (200, object),
            (&Method::POST, None) => (201, self.put(body.clone())),
            (&Method::PATCH, Some(mut object)) if !is_stale(&object) => {
                if query.contains("fieldManager=nuncio-previews&force") {
                    object["spec"] = json!({});
                }
                merge(&mut object, body);
                (200, self.put(object))
            }
            (&Method::DELETE, Some(object)) if !is_stale(&object) => {
                self.object = None;
                (200, object)
            }
            (&Method::GET, None) => (404, json!({"kind": "Status", "status": "Failure", "code": 404})),
            _ => (409, json!({"kind": "Status", "status": "Failure", "code": 409})),
        }
    }
}

fn merge(into: &mut Value, patch: &Value) {
    match patch {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| merge(&mut into[key], value)),
        other => *into = other.clone(),
    }
}

/// A replica that writes there.
pub(super) fn replica(server: &Shared) -> Store {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (head, body) = request.into_parts();
            let body = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
            let query = head.uri.query().unwrap_or_default();
            let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
            let (status, answer) = server.answer(&head.method, query, &body);
            let answer = Body::from(answer.to_string().into_bytes());
            Ok::<_, std::io::Error>(Response::builder().status(status).body(answer).unwrap())
        }
    });
    let cluster = Cluster { client: Client::new(service, "default"), server: String::new() };
    let unfollowed = Store::unfollowed(Path::new("none").to_owned(), "default".to_owned());
    Store { place: Place::Cluster(InCluster::new(cluster)), ..unfollowed }
}

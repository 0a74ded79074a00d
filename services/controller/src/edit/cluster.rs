//! The text of an object of a cluster: what the API server has of it, without what is its own.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use nuncio_api::{Kind, Location, Masked, ObjectId, Written, set_field, to_yaml};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::conflict;
use super::manifest::{Manifest, Place};
use crate::admin::ChangeError;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::managed::applied;
use crate::source::kubernetes::resources::api_kind;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Under which name the API server notes which fields were set here.
const FIELD_MANAGER: &str = "nuncio-console";
/// What repeats the object as `kubectl` knew it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Objects of a cluster.
#[derive(Clone, Debug)]
pub(super) struct InCluster {
    cluster: Cluster,
}

/// One of them.
#[derive(Debug)]
pub(super) struct ClusterObject {
    cluster: Cluster,
    path: String,
    /// Where others of its kind and namespace are.
    collection: String,
    /// As it is known to people.
    name: Arc<str>,
    /// What was read: nothing is written over what is newer.
    version: String,
    /// Who set which of its fields, as it notes that itself.
    managed: Value,
}

impl InCluster {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// Reads an object. Blocks.
    pub(super) fn read(&self, id: &ObjectId, location: &Location) -> Result<Manifest, ChangeError> {
        let mut object = self.object(id, Arc::clone(&location.file))?;
        let mut read = object.ask(Request::get(&object.path), Vec::new())?;
        read["metadata"]["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut object.version);
        object.managed = read["metadata"]["managedFields"].take();
        let generation = read["metadata"]["generation"].clone();
        let text = to_yaml(&tidied(read));
        Ok(Manifest {
            name: Arc::clone(&location.file),
            line: 1,
            digest: digest(id.kind, &generation, &text),
            text,
            place: Place::Cluster(object),
        })
    }
}

impl InCluster {
    fn object(&self, id: &ObjectId, name: Arc<str>) -> Result<ClusterObject, ChangeError> {
        let api = api_kind(id.kind).ok_or(ChangeError::Missing)?;
        let collection = api.path(Some(&id.namespace));
        let path = format!("{collection}/{}", id.name);
        let (cluster, version) = (self.cluster.clone(), String::new());
        Ok(ClusterObject { cluster, path, collection, name, version, managed: Value::Null })
    }

    /// An object that is not there yet, and begins with this text.
    pub(super) fn place(&self, id: &ObjectId, text: String) -> Result<Manifest, ChangeError> {
        let name: Arc<str> = id.to_string().into();
        let place = Place::Cluster(self.object(id, Arc::clone(&name))?);
        Ok(Manifest { name, line: 1, digest: String::new(), text, place })
    }
}

impl ClusterObject {
    /// Creates the object. Blocks.
    pub(super) fn create(&self, text: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ChangeError> {
        let create = |how: &str| {
            let request = Request::post(format!("{}?fieldManager={FIELD_MANAGER}{how}", self.collection));
            self.ask(request.header(header::CONTENT_TYPE, "application/yaml"), text.as_bytes().to_vec())
        };
        let created = to_yaml(&tidied(create("&dryRun=All").map_err(|error| self.if_taken(error))?));
        if !is_same(&created) {
            return Err(ChangeError::Io("the API server would make another object of it".to_owned()));
        }
        create("").map_err(|error| self.if_taken(error)).map(drop)
    }

    /// Somebody has made one of that name.
    fn if_taken(&self, error: ChangeError) -> ChangeError {
        if matches!(error, ChangeError::Conflict(_)) { ChangeError::Exists(self.name.to_string()) } else { error }
    }

    /// Deletes the object that was read, unless it is another by now. Blocks.
    pub(super) fn remove(&self) -> Result<(), ChangeError> {
        let options = json!({ "kind": "DeleteOptions", "apiVersion": "v1",
            "preconditions": { "resourceVersion": self.version } });
        let request = Request::delete(&self.path).header(header::CONTENT_TYPE, "application/json");
        self.ask(request, options.to_string().into_bytes()).map(drop)
    }

    /// Applies a text (server-side). What others have set and it has no longer stays theirs: then nothing is changed. Blocks.
    pub(super) fn write(&self, text: &str, is_same: impl Fn(&str) -> bool) -> Result<(), ChangeError> {
        let version = self.own()?;
        let written = to_yaml(&tidied(self.apply(text, &version, "&dryRun=All")?));
        if !is_same(&written) {
            let why =
                "a field that was taken away was set by others, and stays as long as they set it: change it there";
            return Err(ChangeError::Io(why.to_owned()));
        }
        self.apply(text, &version, "").map(drop)
    }

    /// Has the object note what it was created with as applied, where it was created here: for the API server that was somebody
    /// else, whose fields would stay. Nothing else of it changes. Gives the version that it has then.
    fn own(&self) -> Result<String, ChangeError> {
        let Some(managed) = applied(&self.managed, FIELD_MANAGER) else { return Ok(self.version.clone()) };
        let patch = json!({ "metadata": { "resourceVersion": self.version, "managedFields": managed } });
        let request = Request::patch(format!("{}?fieldManager={FIELD_MANAGER}", self.path));
        let request = request.header(header::CONTENT_TYPE, "application/merge-patch+json");
        let noted = self.ask(request, patch.to_string().into_bytes())?;
        Ok(noted["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
    }

    fn apply(&self, text: &str, version: &str, how: &str) -> Result<Value, ChangeError> {
        let path = format!("{}?fieldManager={FIELD_MANAGER}&force=true{how}", self.path);
        let request = Request::patch(path).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
        self.ask(request, versioned(text, version)?.into_bytes())
    }

    fn ask(&self, request: http::request::Builder, body: Vec<u8>) -> Result<Value, ChangeError> {
        let request = request.body(body).map_err(|error| ChangeError::Io(error.to_string()))?;
        let asked = async { tokio::time::timeout(PATIENCE, self.cluster.client.request(request)).await };
        match Handle::current().block_on(asked) {
            Ok(answer) => answer.map_err(|error| self.refusal(error)),
            Err(_) => Err(ChangeError::Io(format!("the API server gave no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    fn refusal(&self, error: kube::Error) -> ChangeError {
        match error {
            kube::Error::Api(status) => match status.code {
                404 => ChangeError::Missing,
                401 | 403 => ChangeError::Denied(status.message),
                400 | 422 => ChangeError::Invalid(status.message),
                409 => ChangeError::Conflict(self.name.to_string()),
                _ => ChangeError::Io(format!("the API server says: {}", status.message)),
            },
            error => ChangeError::Io(format!("the API server cannot be asked: {error}")),
        }
    }
}

/// Another whenever `spec` is, which the API server counts, or something that is shown.
fn digest(kind: Kind, generation: &Value, text: &str) -> String {
    let shown = Masked::of(kind, text).map(|masked| masked.text).unwrap_or_default();
    format!("{generation}-{}", conflict::digest(&shown))
}

/// A text that is good for this version of the object alone.
fn versioned(text: &str, version: &str) -> Result<String, ChangeError> {
    /// A version is a text, also where it is a number: it is put between quotes afterwards.
    const PLACE: &str = "nuncio-resource-version";
    let marked = set_field(text, "metadata.resourceVersion", Some(&Written::Text(PLACE.to_owned())));
    let marked = marked.map_err(|error| ChangeError::Invalid(format!("{error}: write metadata in lines")))?;
    Ok(marked.replacen(&format!("resourceVersion: {PLACE}"), &format!("resourceVersion: \"{version}\""), 1))
}

/// What somebody would have written.
fn tidied(mut object: Value) -> Value {
    let mut tidy = Map::new();
    for field in ["apiVersion", "kind", "spec"] {
        tidy.insert(field.to_owned(), object[field].take());
    }
    let mut metadata = Map::new();
    for field in ["name", "namespace", "labels", "annotations"] {
        let mut value = object["metadata"][field].take();
        if let Some(annotations) = value.as_object_mut() {
            annotations.remove(LAST_APPLIED);
        }
        if !value.is_null() && value.as_object().is_none_or(|fields| !fields.is_empty()) {
            metadata.insert(field.to_owned(), value);
        }
    }
    tidy.insert("metadata".to_owned(), metadata.into());
    tidy.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_servers_is_not_in_the_text() {
        let object = json!({ "apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "status": { "state": "Running" },
            "metadata": { "name": "cart", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 2,
                "managedFields": [{}], "annotations": { LAST_APPLIED: "{}" }, "labels": { "team": "no" } },
            "spec": { "prefix": "/cart/", "timeout_ms": 700, "weight": null, "headers": { "x-a": true } } });
        let text = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  labels:\n    team: \"no\"\n  \
            name: cart\n  namespace: shop\nspec:\n  headers:\n    x-a: true\n  prefix: /cart/\n  timeout_ms: 700\n  weight: null\n";
        assert_eq!(to_yaml(&tidied(object)), text);
        let versioned = versioned(text, "7").unwrap();
        assert_eq!(versioned, text.replace("  namespace: shop\n", "  namespace: shop\n  resourceVersion: \"7\"\n"));
    }
    #[test]
    fn a_digest_tells_of_every_change_and_of_no_secret() {
        let digest = |generation: u8, text: &str| digest(Kind::Filter, &json!(generation), text);
        let text = "metadata:\n  labels:\n    a: b\nspec:\n  OAuth2:\n    secret: abc\n";
        assert_eq!(digest(1, text), digest(1, &text.replace("abc", "abd")));
        assert_ne!(digest(1, text), digest(2, text));
        assert_ne!(digest(1, text), digest(1, &text.replace("a: b", "a: c")));
    }
}

//! An object as the API server sends it: its bytes, and what tells whether it changed.
//!
//! Nothing of what an object says is read here, only what stands around it: the rest is handed on as the text it came as.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::resources::{ApiKind, Depth};

/// Prefix of annotations that repeat the object or tell of tools' work.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What the API server writes into metadata and nobody here reads. With them, every status would be a change.
const METADATA_OF_THE_SERVER: [&str; 7] = [
    "managedFields",
    "resourceVersion",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "ownerReferences",
];

/// The fields of a JSON object, each as it stands in the text.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// An object in the text that it came in.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    fields: Fields<'a>,
}

/// What is read of an object's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head {
    name: String,
    namespace: String,
    resource_version: String,
    generation: i64,
}

impl Object<'_> {
    /// One field, if it can be read as that.
    fn field<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.fields.get(name)?.get()).ok()
    }

    fn head(&self) -> Head {
        self.field("metadata").unwrap_or_default()
    }

    /// The whole of it, read as something else than an object of a kind.
    pub(super) fn read<T: for<'a> Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_value(serde_json::to_value(&self.fields).ok()?).ok()
    }

    /// Its version, if it says one.
    pub(super) fn version(&self) -> Option<String> {
        Some(self.head().resource_version).filter(|version| !version.is_empty())
    }

    /// Whether it has this annotation.
    pub(super) fn has_annotation(&self, name: &str) -> bool {
        #[derive(Deserialize)]
        struct Annotated {
            annotations: BTreeMap<String, String>,
        }
        self.field("metadata").is_some_and(|found: Annotated| found.annotations.contains_key(name))
    }

    /// Its name as a file. `None` for what has no name.
    pub(super) fn file(&self, api: &ApiKind) -> Option<Arc<str>> {
        self.head().file(api)
    }
}

impl Head {
    fn file(&self, api: &ApiKind) -> Option<Arc<str>> {
        (!self.name.is_empty()).then(|| file_of(api, &self.namespace, &self.name))
    }

    fn version_digest(&self) -> u128 {
        xxhash_rust::xxh3::xxh3_128(self.resource_version.as_bytes())
    }
}

/// An object, ready to be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name as a file: `getambassador.io/Mapping/shop/cart`.
    pub(super) file: Arc<str>,
    /// Equal for equal objects; of an object that is watched by its metadata, for equal versions.
    pub(super) digest: u128,
    /// The object as JSON; empty for one that is watched by its metadata.
    pub(super) bytes: Vec<u8>,
    /// What is taken out of it: its status, which is no change of it, and the generation that it may be of.
    pub(super) status: (i64, Value),
}

impl Item {
    /// Reads an object as it came. `None` for what has no name.
    pub(super) fn read(api: &ApiKind, object: Object<'_>) -> Option<Self> {
        let head = object.head();
        let file = head.file(api)?;
        if api.depth == Depth::Metadata {
            let (digest, bytes) = (head.version_digest(), Vec::new());
            return Some(Self { file, digest, bytes, status: (0, Value::Null) });
        }
        let status = (head.generation, object.field("status").unwrap_or_default());
        let bytes = manifest(api, object)?;
        Some(Self { file, digest: xxhash_rust::xxh3::xxh3_128(&bytes), bytes, status })
    }

    /// Reads an object of a kind that is watched by its metadata, fetched as a whole.
    pub(super) fn fetched(api: &ApiKind, object: Object<'_>) -> Option<Self> {
        let digest = object.head().version_digest();
        let whole = ApiKind { depth: Depth::Whole, ..*api };
        Some(Self { digest, ..Self::read(&whole, object)? })
    }
}

/// The name under which an object is a file.
pub(crate) fn file_of(api: &ApiKind, namespace: &str, name: &str) -> Arc<str> {
    format!("{}/{namespace}/{name}", api.directory()).into()
}

/// What a manifest would say, with `uid` and `generation`.
fn manifest(api: &ApiKind, object: Object<'_>) -> Option<Vec<u8>> {
    let mut fields = object.fields;
    fields.remove("status");
    // Items of a list do not say what they are.
    let (version, kind) = (to_raw_value(&api.api_version()).ok()?, to_raw_value(api.kind).ok()?);
    fields.insert("apiVersion".to_owned(), &version);
    fields.insert("kind".to_owned(), &kind);
    let metadata = metadata(api, fields.get("metadata")?)?;
    fields.insert("metadata".to_owned(), &metadata);
    serde_json::to_vec(&fields).ok()
}

/// Metadata without what is the server's.
fn metadata(api: &ApiKind, text: &RawValue) -> Option<Box<RawValue>> {
    let mut metadata: Fields<'_> = serde_json::from_str(text.get()).ok()?;
    for field in METADATA_OF_THE_SERVER {
        metadata.remove(field);
    }
    let annotations = metadata.remove("annotations").and_then(|annotations| manifest_annotations(api, annotations));
    if let Some(annotations) = &annotations {
        metadata.insert("annotations".to_owned(), annotations);
    }
    to_raw_value(&metadata).ok()
}

/// Annotations that somebody wrote. `None` if there are none.
fn manifest_annotations(api: &ApiKind, text: &RawValue) -> Option<Box<RawValue>> {
    // One of them is the time of the last change.
    if api.kind == "EndpointSlice" {
        return None;
    }
    let mut annotations: Fields<'_> = serde_json::from_str(text.get()).ok()?;
    annotations.remove(LAST_APPLIED);
    (!annotations.is_empty()).then(|| to_raw_value(&annotations).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;
    use serde_json::json;

    use super::super::resources::api_kind;
    use super::*;

    fn object(text: &str) -> Object<'_> {
        serde_json::from_str(text).unwrap()
    }

    fn item(api: &ApiKind, value: &Value) -> Option<Item> {
        Item::read(api, object(&value.to_string()))
    }

    fn mapping(status: &str, generation: u32) -> Value {
        json!({
            "metadata": {
                "name": "cart", "namespace": "shop", "uid": "u", "generation": generation, "resourceVersion": status,
                "managedFields": [{"manager": status}],
                "annotations": {LAST_APPLIED: "{}"},
            },
            "spec": {"prefix": "/cart/"},
            "status": {"state": status},
        })
    }

    #[test]
    fn a_status_is_no_change_and_a_generation_is() {
        let api = api_kind(Kind::Mapping).unwrap();
        let read = |object: Value| item(&api, &object).unwrap();
        let (one, other) = (read(mapping("Running", 1)), read(mapping("Inactive", 1)));
        assert_eq!((one.digest, &one.bytes), (other.digest, &other.bytes));
        assert_eq!(one.status, (1, json!({"state": "Running"})));
        assert_ne!(one.digest, read(mapping("Running", 2)).digest);
        assert_eq!(&*one.file, "getambassador.io/Mapping/shop/cart");
        let value: Value = serde_json::from_slice(&one.bytes).unwrap();
        assert_eq!(
            value,
            json!({
                "apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping",
                "metadata": {"name": "cart", "namespace": "shop", "uid": "u", "generation": 1},
                "spec": {"prefix": "/cart/"},
            })
        );
    }

    #[test]
    fn a_secret_is_known_by_its_version_alone() {
        let api = api_kind(Kind::Secret).unwrap();
        let secret =
            |version: &str| json!({"metadata": {"name": "tls", "namespace": "shop", "resourceVersion": version}});
        let seen = item(&api, &secret("1")).unwrap();
        assert!(seen.bytes.is_empty());
        let fetched = Item::fetched(&api, object(&secret("1").to_string())).unwrap();
        assert_eq!(seen.digest, fetched.digest);
        assert!(!fetched.bytes.is_empty());
        assert_ne!(seen.digest, item(&api, &secret("2")).unwrap().digest);
    }

    #[test]
    fn what_has_no_name_is_no_object() {
        let api = api_kind(Kind::Host).unwrap();
        assert_eq!(item(&api, &json!({"metadata": {}})), None);
        assert_eq!(item(&api, &json!({"spec": {}})), None);
    }
}

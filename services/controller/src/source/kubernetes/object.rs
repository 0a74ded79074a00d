//! An object of the API server as a file: its name, its bytes, and what tells whether it changed.

use std::sync::Arc;

use serde_json::{Map, Value};

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
    pub(super) fn read(api: &ApiKind, object: Value) -> Option<Self> {
        let file = file_name(api, &object)?;
        if api.depth == Depth::Metadata {
            return Some(Self { file, digest: version(&object), bytes: Vec::new(), status: (0, Value::Null) });
        }
        Some(Self::whole(api, file, object))
    }

    /// Reads an object of a kind that is watched by its metadata, fetched as a whole.
    pub(super) fn fetched(api: &ApiKind, object: Value) -> Option<Self> {
        let (file, digest) = (file_name(api, &object)?, version(&object));
        Some(Self { digest, ..Self::whole(api, file, object) })
    }

    fn whole(api: &ApiKind, file: Arc<str>, mut object: Value) -> Self {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
        let status = strip(api, &mut object);
        let bytes = object.to_string().into_bytes();
        Self { file, digest: xxhash_rust::xxh3::xxh3_128(&bytes), bytes, status: (generation, status) }
    }
}

/// The name of an object as a file.
pub(super) fn file_name(api: &ApiKind, object: &Value) -> Option<Arc<str>> {
    let metadata = object.get("metadata")?;
    let name = metadata.get("name")?.as_str()?;
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
    Some(file_of(api, namespace, name))
}

/// The name under which an object is a file.
pub(crate) fn file_of(api: &ApiKind, namespace: &str, name: &str) -> Arc<str> {
    format!("{}/{namespace}/{name}", api.directory()).into()
}

fn version(object: &Value) -> u128 {
    let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_128(version.as_bytes())
}

/// Leaves what a manifest would say, with `uid` and `generation`. Gives the status.
fn strip(api: &ApiKind, object: &mut Value) -> Value {
    let Some(fields) = object.as_object_mut() else { return Value::Null };
    // Items of a list do not say what they are.
    fields.insert("apiVersion".to_owned(), api.api_version().into());
    fields.insert("kind".to_owned(), api.kind.into());
    let status = fields.remove("status").unwrap_or_default();
    let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return status };
    for field in METADATA_OF_THE_SERVER {
        metadata.remove(field);
    }
    strip_annotations(api, metadata);
    status
}

fn strip_annotations(api: &ApiKind, metadata: &mut Map<String, Value>) {
    if api.kind == "EndpointSlice" {
        // One of them is the time of the last change.
        metadata.remove("annotations");
    } else if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;
    use serde_json::json;

    use super::super::resources::api_kind;
    use super::*;

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
        let read = |object| Item::read(&api, object).unwrap();
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
        let seen = Item::read(&api, secret("1")).unwrap();
        assert!(seen.bytes.is_empty());
        let fetched = Item::fetched(&api, secret("1")).unwrap();
        assert_eq!(seen.digest, fetched.digest);
        assert!(!fetched.bytes.is_empty());
        assert_ne!(seen.digest, Item::read(&api, secret("2")).unwrap().digest);
    }

    #[test]
    fn what_has_no_name_is_no_object() {
        let api = api_kind(Kind::Host).unwrap();
        assert_eq!(Item::read(&api, json!({"metadata": {}})), None);
        assert_eq!(Item::read(&api, json!([])), None);
    }
}

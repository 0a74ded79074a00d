//! Path items that paths only refer to: several may share one, but each has its own route.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::document::{METHODS, MORE_OPERATIONS};
use crate::reference::{pointer_name, reference, resolve};

/// The most values that are copied to where they are referred to. What would be more stays a reference.
const MAX_COPIED: usize = 500_000;
/// Where path items are shared.
const SHARED: &str = "#/components/pathItems/";

/// Puts path items where paths refer to them, and drops those that nothing refers to any more.
pub(super) fn path_items(document: &mut Value) {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let referring: Vec<String> =
        paths.filter(|(_, item)| reference(item).is_some()).map(|(path, _)| path.clone()).collect();
    let mut left = MAX_COPIED;
    let mut copied = BTreeSet::new();
    for path in referring {
        let item = &document["paths"][path.as_str()];
        let Some(whole) = whole(document, item, &mut left) else { continue };
        copied.extend(reference(item).and_then(|target| target.strip_prefix(SHARED)).map(pointer_name));
        document["paths"][path.as_str()] = Value::Object(whole);
    }
    drop_unused(document, &copied);
}

/// A path item with what it refers to, whose operations count; `None` where that is nowhere in the document, or would be too much.
fn whole(document: &Value, item: &Value, left: &mut usize) -> Option<Map<String, Value>> {
    let target = resolve(document, item);
    if reference(target).is_some() {
        return None;
    }
    *left = left.checked_sub(size(target))?;
    let mut whole = target.as_object()?.clone();
    let is_beside = |key: &str| key != "$ref" && key != MORE_OPERATIONS && !METHODS.contains(&key);
    let own = item.as_object().into_iter().flatten().filter(|(key, _)| is_beside(key));
    whole.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    Some(whole)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(size).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn drop_unused(document: &mut Value, copied: &BTreeSet<String>) {
    if copied.is_empty() {
        return;
    }
    let mut used = BTreeSet::new();
    note_shared(document, &mut used);
    let shared = document.pointer_mut("/components/pathItems").and_then(Value::as_object_mut);
    let Some(shared) = shared else { return };
    shared.retain(|name, _| used.contains(name) || !copied.contains(name));
    if shared.is_empty()
        && let Some(components) = document.get_mut("components").and_then(Value::as_object_mut)
    {
        components.remove("pathItems");
    }
}

/// The names of those that something refers to.
fn note_shared(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for key in ["$ref", "operationRef"] {
                let target = object.get(key).and_then(Value::as_str).and_then(|target| target.strip_prefix(SHARED));
                used.extend(target.and_then(|target| target.split('/').next()).map(pointer_name));
            }
            object.values().for_each(|value| note_shared(value, used));
        }
        Value::Array(items) => items.iter().for_each(|value| note_shared(value, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_path_gets_its_own_and_what_others_need_stays() {
        let mut document = json!({
            "paths": {
                "/a": { "$ref": "#/components/pathItems/shared" },
                "/b": { "$ref": "#/components/pathItems/shared", "summary": "B" },
                "/c": { "$ref": "#/components/pathItems/hooked" },
                "/d": { "$ref": "https://elsewhere.example/item.json" },
                "/e": { "$ref": "#/components/pathItems/loop" },
            },
            "webhooks": { "w": { "$ref": "#/components/pathItems/hooked" } },
            "components": { "pathItems": {
                "shared": { "summary": "S", "get": { "summary": "shared" } },
                "hooked": { "post": {} },
                "loop": { "$ref": "#/components/pathItems/loop" },
                "spare": { "put": {} },
            } },
        });
        path_items(&mut document);
        let paths = &document["paths"];
        assert_eq!(paths["/a"], json!({ "summary": "S", "get": { "summary": "shared" } }));
        assert_eq!(paths["/b"], json!({ "summary": "B", "get": { "summary": "shared" } }));
        assert_eq!(paths["/c"], json!({ "post": {} }));
        assert_eq!(paths["/d"]["$ref"], "https://elsewhere.example/item.json");
        assert_eq!(paths["/e"]["$ref"], "#/components/pathItems/loop");
        let left: Vec<_> = document["components"]["pathItems"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["hooked", "loop", "spare"]);
    }

    #[test]
    fn a_small_document_does_not_become_a_large_one() {
        let large: Vec<_> = (0..1000).collect();
        let paths: Map<_, _> =
            (0..1000).map(|number| (format!("/{number}"), json!({ "$ref": "#/components/pathItems/large" }))).collect();
        let mut document =
            json!({ "paths": paths, "components": { "pathItems": { "large": { "get": { "x-large": large } } } } });
        path_items(&mut document);
        let left = document["paths"].as_object().unwrap().values().filter(|item| reference(item).is_some()).count();
        assert!((500..1000).contains(&left) && document["components"]["pathItems"]["large"].is_object(), "{left}");
    }
}

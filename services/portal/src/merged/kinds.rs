//! Variants that a discriminator tells apart by the names of their schemas: these names change, so they are written down.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::walk::{Part, walk};
use crate::reference::schema_name;

/// Where shared schemas are.
const SCHEMAS: &str = "#/components/schemas/";

/// Writes down what each name stands for.
pub(super) fn tell(document: &mut Value) {
    let heirs = heirs(document);
    let shared = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in shared.into_iter().flatten() {
        let Some(schema) = schema.as_object_mut().filter(|schema| variants(schema).is_empty()) else { continue };
        tell_of(schema, heirs.get(name).map_or(&[][..], Vec::as_slice));
    }
    walk(document, Part::Object, &mut |part, object| {
        if part == Part::Schema && object.contains_key("discriminator") {
            let variants = variants(object);
            tell_of(object, &variants);
        }
    });
}

/// The schemas that say of a shared one that they are all of it and more, by its name.
fn heirs(document: &Value) -> BTreeMap<String, Vec<String>> {
    let mut heirs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let shared = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in shared.into_iter().flatten() {
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        for parent in parts.filter_map(|part| schema_name(part.get("$ref")?.as_str()?)) {
            heirs.entry(parent).or_default().push(name.clone());
        }
    }
    heirs
}

/// The names of the shared schemas that a schema lists.
fn variants(schema: &Map<String, Value>) -> Vec<String> {
    let listed = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    listed.filter_map(|variant| schema_name(variant.get("$ref")?.as_str()?)).collect()
}

fn tell_of(schema: &mut Map<String, Value>, kinds: &[String]) {
    let Some(Value::Object(discriminator)) = schema.get_mut("discriminator") else { return };
    if kinds.is_empty() {
        return;
    }
    let mapping = discriminator.entry("mapping").or_insert_with(|| Value::Object(Map::new()));
    let Some(mapping) = mapping.as_object_mut() else { return };
    let meant =
        |target: &Value| target.as_str().and_then(|target| schema_name(target).or_else(|| Some(target.to_owned())));
    let known: Vec<_> = mapping.values().filter_map(meant).collect();
    for kind in kinds.iter().filter(|kind| !known.contains(kind)) {
        let target = format!("{SCHEMAS}{}", kind.replace('~', "~0").replace('/', "~1"));
        mapping.entry(kind.clone()).or_insert(Value::String(target));
    }
}

//! From 3.0 to 3.1: schemas are JSON Schema there.

use serde_json::{Map, Value, json};

use super::walk::{Part, walk};

/// What may stand beside a reference, because it changes nothing.
const BESIDE_REFERENCE: [&str; 3] = ["$ref", "summary", "description"];

/// Makes a document of 3.0 one of 3.1.
pub(super) fn lift(document: &mut Value) {
    walk(document, Part::Object, &mut |part, object| {
        if part == Part::Schema {
            schema(object);
        }
    });
}

fn schema(schema: &mut Map<String, Value>) {
    if schema.get("$ref").is_some_and(Value::is_string) {
        // It counted for nothing in 3.0, and would in 3.1.
        schema.retain(|key, _| BESIDE_REFERENCE.contains(&key.as_str()));
        return;
    }
    nullable(schema);
    bound(schema, "exclusiveMinimum", "minimum");
    bound(schema, "exclusiveMaximum", "maximum");
    if let Some(example) = schema.remove("example") {
        schema.entry("examples").or_insert_with(|| json!([example]));
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("binary") => {
            schema.remove("format");
            schema.insert("contentMediaType".to_owned(), json!("application/octet-stream"));
        }
        Some("byte") => {
            schema.remove("format");
            schema.insert("contentEncoding".to_owned(), json!("base64"));
        }
        _ => {}
    }
    // So 2.0 has it.
    if let Some(Value::String(property)) = schema.get("discriminator") {
        let property = property.clone();
        schema.insert("discriminator".to_owned(), json!({ "propertyName": property }));
    }
}

/// Without a type it said nothing.
fn nullable(schema: &mut Map<String, Value>) {
    // 2.0 has no word for it, and many documents that one.
    if !["nullable", "x-nullable"].map(|key| schema.remove(key)).contains(&Some(Value::Bool(true))) {
        return;
    }
    let Some(Value::String(kind)) = schema.get("type") else { return };
    let kinds = json!([kind, "null"]);
    schema.insert("type".to_owned(), kinds);
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

/// A bound that says of another whether it belongs to what is allowed.
fn bound(schema: &mut Map<String, Value>, exclusive: &str, inclusive: &str) {
    match schema.get(exclusive) {
        Some(Value::Bool(true)) => {
            match schema.remove(inclusive) {
                Some(limit) => schema.insert(exclusive.to_owned(), limit),
                None => schema.remove(exclusive),
            };
        }
        Some(Value::Bool(false)) => drop(schema.remove(exclusive)),
        _ => {}
    }
}

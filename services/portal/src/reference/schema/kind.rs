//! The type of a value, in words.

use serde_json::Value;

use super::list;
use crate::reference::resolve::{reference, resolve, whole_schema};
use crate::texts::Texts;

/// `array of Line`, `string (date-time)`, `integer or null`.
pub(super) fn words(texts: &Texts, root: &Value, schema: &Value) -> String {
    words_at(texts, root, schema, 0)
}

fn words_at(texts: &Texts, root: &Value, schema: &Value, depth: usize) -> String {
    if let Some(reference) = reference(schema) {
        return whole_schema(reference).unwrap_or_else(|| match reference.starts_with('#') {
            true => words_at(texts, root, without_reference(resolve(root, schema)), depth + 1),
            false => texts.with("kind_elsewhere", "place", &reference),
        });
    }
    match schema {
        Value::Bool(true) => return texts.text("kind_anything").to_owned(),
        Value::Bool(false) => return texts.text("kind_nothing").to_owned(),
        _ => {}
    }
    let nullable = ["nullable", "x-nullable"].iter().any(|key| schema.get(key) == Some(&Value::Bool(true)));
    let mut names: Vec<String> = match schema.get("type") {
        Some(Value::String(name)) => vec![one(texts, root, schema, name, depth)],
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).map(|name| one(texts, root, schema, name, depth)).collect()
        }
        _ => vec![implied(texts, root, schema, depth)],
    };
    let has_null = |key| list(schema, key).any(is_null);
    if (nullable || has_null("oneOf") || has_null("anyOf")) && !names.iter().any(|name| name == "null") {
        names.push("null".to_owned());
    }
    either(texts, &names)
}

/// `string or null`.
fn either(texts: &Texts, names: &[String]) -> String {
    names.join(&format!(" {} ", texts.text("or")))
}

/// Whether a schema is for `null` alone.
pub(super) fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn one(texts: &Texts, root: &Value, schema: &Value, name: &str, depth: usize) -> String {
    match (name, schema.get("format").and_then(Value::as_str)) {
        ("array", _) => match schema.get("items") {
            Some(items) if depth < 5 => texts.with("kind_array_of", "items", &words_at(texts, root, items, depth + 1)),
            _ => "array".to_owned(),
        },
        (name, Some(format)) => format!("{name} ({format})"),
        (name, None) => name.to_owned(),
    }
}

/// The type of what says none.
fn implied(texts: &Texts, root: &Value, schema: &Value, depth: usize) -> String {
    let has = |key: &str| schema.get(key).is_some();
    let variants = || list(schema, "oneOf").chain(list(schema, "anyOf")).filter(|variant| !is_null(variant));
    if has("properties") || has("allOf") || has("additionalProperties") {
        "object".to_owned()
    } else if has("items") {
        one(texts, root, schema, "array", depth)
    } else if variants().next().is_some() && depth < 5 {
        let names: Vec<_> = variants().take(4).map(|variant| words_at(texts, root, variant, depth + 1)).collect();
        let more =
            if variants().nth(4).is_some() { format!(" {}", texts.text("kind_or_others")) } else { String::new() };
        format!("{}{more}", either(texts, &names))
    } else if has("enum") || has("const") {
        texts.text("kind_value").to_owned()
    } else {
        texts.text("kind_anything").to_owned()
    }
}

/// A reference that leads in a circle means nothing.
fn without_reference(schema: &Value) -> &Value {
    if reference(schema).is_some() { &Value::Bool(true) } else { schema }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_words() {
        let root = json!({ "components": { "schemas": { "Line": { "$defs": { "Number": { "type": "integer" } } } } }, "x": { "type": "string" }, "loop": { "$ref": "#/loop" } });
        for (schema, expected) in [
            (json!({ "type": "string", "format": "date-time" }), "string (date-time)"),
            (json!({ "type": ["integer", "null"] }), "integer or null"),
            (json!({ "type": "integer", "nullable": true }), "integer or null"),
            (json!({ "type": "array", "items": { "$ref": "#/components/schemas/Line" } }), "array of Line"),
            (json!({ "$ref": "#/x" }), "string"),
            (json!({ "$ref": "#/components/schemas/Line/$defs/Number" }), "integer"),
            (json!({ "$ref": "#/loop" }), "anything"),
            (json!({ "$ref": "other.yaml#/A" }), "what other.yaml#/A says"),
            (json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Line" }] }), "Line or null"),
            (json!({ "properties": {} }), "object"),
            (json!({ "const": 1 }), "value"),
            (json!(true), "anything"),
            (json!({}), "anything"),
        ] {
            assert_eq!(words(&Texts::default(), &root, &schema), expected, "{schema}");
        }
    }
}

//! Example values: those that a document gives, and what can be made of a schema where it gives none.

use serde_json::{Map, Value, json};

use super::resolve::resolve;

/// How deep examples are made.
const MAX_DEPTH: usize = 8;
/// How many properties an example has, all together.
const MAX_PROPERTIES: usize = 200;

/// What a parameter, a header or a content says: `example`, or the first of `examples`.
pub(super) fn given(root: &Value, object: &Value) -> Option<Value> {
    if let Some(example) = object.get("example") {
        return Some(example.clone());
    }
    match object.get("examples") {
        Some(Value::Object(examples)) => {
            let first = resolve(root, examples.values().next()?);
            Some(first.get("value").or(first.get("dataValue")).unwrap_or(first).clone())
        }
        Some(Value::Array(examples)) => examples.first().cloned(),
        _ => None,
    }
}

/// A value that a schema allows, as far as that can be told. `writing` leaves out what only the service writes.
pub(super) fn of_schema(root: &Value, schema: &Value, writing: bool) -> Value {
    Maker { root, writing, properties: 0 }.value(schema, 0)
}

struct Maker<'d> {
    root: &'d Value,
    writing: bool,
    properties: usize,
}

impl Maker<'_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = resolve(self.root, schema);
        if let Some(known) = known(schema) {
            return known;
        }
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            return self.joined(schema, parts, depth);
        }
        let variants = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array());
        if let Some(variant) = variants.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            return self.value(variant, depth + 1);
        }
        match kind(schema) {
            "object" => Value::Object(self.object(schema, depth)),
            "array" => match schema.get("items") {
                Some(items) => json!([self.value(items, depth + 1)]),
                None => json!([]),
            },
            "string" => json!(string(schema)),
            "integer" => schema.get("minimum").filter(|least| least.is_i64()).cloned().unwrap_or(json!(1)),
            "number" => schema.get("minimum").cloned().unwrap_or(json!(1.5)),
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }

    fn joined(&mut self, schema: &Value, parts: &[Value], depth: usize) -> Value {
        let mut joined = self.object(schema, depth);
        for part in parts {
            match self.value(part, depth + 1) {
                Value::Object(more) => joined.extend(more),
                // One part that is no object says what all are.
                value if joined.is_empty() && !value.is_null() => return value,
                _ => {}
            }
        }
        Value::Object(joined)
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let target = resolve(self.root, property);
            let hidden = if self.writing { "readOnly" } else { "writeOnly" };
            self.properties += 1;
            if target.get(hidden) == Some(&Value::Bool(true)) || self.properties > MAX_PROPERTIES {
                continue;
            }
            object.insert(name.clone(), self.value(property, depth + 1));
        }
        if let Some(others) =
            schema.get("additionalProperties").filter(|others| others.is_object() && object.is_empty())
        {
            object.insert("name".to_owned(), self.value(others, depth + 1));
        }
        object
    }
}

fn known(schema: &Value) -> Option<Value> {
    let of_list = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|list| list.first());
    let known = schema.get("example").or_else(|| of_list("examples")).or_else(|| schema.get("default"));
    known.or_else(|| schema.get("const")).or_else(|| of_list("enum")).cloned()
}

fn kind(schema: &Value) -> &str {
    let said = match schema.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    };
    let has = |key: &str| schema.get(key).is_some();
    said.unwrap_or(if has("properties") || has("additionalProperties") {
        "object"
    } else if has("items") {
        "array"
    } else {
        ""
    })
}

fn string(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "date" => "2026-01-31",
        "date-time" => "2026-01-31T12:00:00Z",
        "time" => "12:00:00Z",
        "duration" => "PT1H",
        "email" => "ann@example.com",
        "uuid" => "3f2b8c1e-6d4a-4b7e-9a55-0c1d2e3f4a5b",
        "uri" | "url" => "https://example.com/",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" | "binary" => "ZXhhbXBsZQ==",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_what_the_schema_allows() {
        let root = json!({ "components": { "schemas": {
            "Node": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Node" }, "n": { "type": "integer", "minimum": 3 } } },
            "Base": { "properties": { "id": { "type": "string", "format": "uuid", "readOnly": true } } },
        } } });
        let make = |schema: Value, writing| of_schema(&root, &schema, writing);
        for (schema, expected) in [
            (json!({ "type": "array", "items": { "type": "string", "format": "date" } }), json!(["2026-01-31"])),
            (json!({ "enum": ["b", "a"] }), json!("b")),
            (json!({ "type": ["null", "boolean"] }), json!(true)),
            (json!({ "oneOf": [{ "type": "null" }, { "const": 5 }] }), json!(5)),
            (json!({ "type": "object", "additionalProperties": { "type": "integer" } }), json!({ "name": 1 })),
        ] {
            assert_eq!(make(schema.clone(), false), expected, "{schema}");
        }
        let joined =
            json!({ "allOf": [{ "$ref": "#/components/schemas/Base" }, { "properties": { "a": { "default": 2 } } }] });
        assert_eq!(make(joined.clone(), true), json!({ "a": 2 }), "the service writes its id");
        assert!(make(joined, false)["id"].is_string());
        assert_eq!(make(json!({ "$ref": "#/components/schemas/Node" }), false)["next"]["next"]["n"], 3);
    }

    #[test]
    fn given_examples_come_first() {
        let root = json!({ "components": { "examples": { "e": { "value": 7 } } } });
        assert_eq!(
            given(&root, &json!({ "examples": { "x": { "$ref": "#/components/examples/e" } } })),
            Some(json!(7))
        );
        assert_eq!(given(&root, &json!({ "example": 1 })), Some(json!(1)));
        assert_eq!(given(&root, &json!({})), None);
    }
}

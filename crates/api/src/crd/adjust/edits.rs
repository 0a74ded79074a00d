//! What is added to schemas.

use serde_json::{Map, Value, json};

/// A schema in the making.
pub(super) type Schema = Map<String, Value>;

pub(super) fn field<'s>(schema: &'s mut Schema, name: &str) -> Option<&'s mut Schema> {
    schema.get_mut("properties")?.get_mut(name)?.as_object_mut()
}

pub(super) fn property(schema: &mut Schema, name: &str, value: Value) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(name.to_owned(), value);
    }
}

pub(super) fn bound(schema: &mut Schema, name: &str, key: &str, value: i64) {
    if let Some(field) = field(schema, name) {
        field.insert(key.to_owned(), json!(value));
    }
}

/// Fields that must be there.
pub(super) fn needs(schema: &mut Schema, names: &[&str]) {
    let mut required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    required.extend(names.iter().map(|name| json!(name)));
    schema.insert("required".to_owned(), Value::Array(required));
}

/// Texts that must be there and not be empty.
pub(super) fn needs_text(schema: &mut Schema, names: &[&str]) {
    needs(schema, names);
    for name in names {
        bound(schema, name, "minLength", 1);
    }
}

/// A rule in the Common Expression Language.
pub(super) fn rule(schema: &mut Schema, rule: &str, message: &str) {
    let rules = schema.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(json!({ "rule": rule, "message": message }));
    }
}

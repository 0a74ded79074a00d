//! From what schemars makes of a type to a structural schema of `apiextensions.k8s.io/v1`: no references, no choices among
//! types, no defaults.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use super::adjust;

/// How deep types may lie in each other; none of ours refers to itself.
const DEPTH: usize = 32;

/// The structural schema of a type.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let root = schema_for!(T).to_value();
    let empty = Map::new();
    let defs = root.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let name = root.get("title").and_then(Value::as_str).unwrap_or_default();
    let mut schema = Structure { defs }.of(&root, DEPTH);
    adjust::apply(name, &mut schema);
    // The spec itself is required or not as its kind says, which `manifest` knows.
    schema.remove("nullable");
    let mut schema = Value::Object(schema);
    describe_values(&mut schema);
    schema
}

/// Where the values of an enumeration are told until its description is settled.
const VALUES: &str = "x-values";

/// Adds to each description what the values stand for.
fn describe_values(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(Value::String(values)) = fields.remove(VALUES) {
        let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{text} {values}");
        fields.insert("description".to_owned(), json!(text.trim()));
    }
    for value in fields.values_mut() {
        describe_values(value);
    }
}

struct Structure<'d> {
    defs: &'d Map<String, Value>,
}

impl Structure<'_> {
    fn of(&self, schema: &Value, depth: usize) -> Map<String, Value> {
        let (Some(depth), Some(schema)) = (depth.checked_sub(1), schema.as_object()) else { return anything() };
        let mut out = self.shape(schema, depth);
        if let Some(description) = schema.get("description").and_then(Value::as_str) {
            // What a field says of itself goes before what its type says.
            let text = description.split_whitespace().collect::<Vec<_>>().join(" ");
            out.insert("description".to_owned(), json!(text));
        }
        out
    }

    /// Everything but the description.
    fn shape(&self, schema: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/")) {
            let mut shape = self.defs.get(name).map_or_else(anything, |def| self.of(def, depth));
            adjust::apply(name, &mut shape);
            return shape;
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            return self.optional(choices, depth);
        }
        if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            return enumeration(variants);
        }
        match kind(schema) {
            Some(("object", _)) => self.object(schema, depth),
            Some(("array", _)) => {
                let items = schema.get("items").map_or_else(anything, |items| self.of(items, depth));
                of([("type", json!("array")), ("items", Value::Object(items)), ("nullable", json!(true))])
            }
            Some((name, nullable)) => scalar(name, nullable, schema),
            None => extension(schema),
        }
    }

    /// `Option` of a type with a name of its own.
    fn optional(&self, choices: &[Value], depth: usize) -> Map<String, Value> {
        let is_null = |choice: &&Value| choice.get("type").is_some_and(|kind| kind == "null");
        let mut shapes = choices.iter().filter(|choice| !is_null(choice));
        match (shapes.next(), shapes.next()) {
            (Some(only), None) => {
                let mut shape = self.of(only, depth);
                shape.insert("nullable".to_owned(), json!(true));
                // Beside `nullable` an `enum` must name null, which kubectl's own validation cannot read.
                if let Some(Value::Array(values)) = shape.remove("enum") {
                    let values: Vec<_> = values.iter().filter_map(Value::as_str).map(escape).collect();
                    shape.insert("pattern".to_owned(), json!(format!("^({})$", values.join("|"))));
                }
                shape
            }
            _ => anything(),
        }
    }

    /// The parser takes `null` for an object or a list that is empty.
    fn object(&self, schema: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        let mut out = of([("type", json!("object")), ("nullable", json!(true))]);
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let properties: Map<_, _> = properties
                .iter()
                .map(|(name, property)| (name.clone(), Value::Object(self.of(property, depth))))
                .collect();
            out.insert("properties".to_owned(), Value::Object(properties));
        } else if let Some(values) = schema.get("additionalProperties") {
            out.insert("additionalProperties".to_owned(), Value::Object(self.of(values, depth)));
        } else {
            out.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
        }
        if let Some(required) = schema.get("required") {
            out.insert("required".to_owned(), required.clone());
        }
        out
    }
}

/// The type's name, and whether it may be null.
fn kind(schema: &Map<String, Value>) -> Option<(&str, bool)> {
    match schema.get("type")? {
        Value::String(name) => Some((name, false)),
        Value::Array(names) => {
            let name = names.iter().filter_map(Value::as_str).find(|name| *name != "null")?;
            Some((name, names.iter().any(|name| name == "null")))
        }
        _ => None,
    }
}

fn scalar(name: &str, nullable: bool, schema: &Map<String, Value>) -> Map<String, Value> {
    let mut out = of([("type", json!(name))]);
    for key in ["minimum", "maximum", "enum"] {
        if let Some(value) = schema.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    // Kubernetes knows the formats of signed numbers alone.
    match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => {
            out.insert("format".to_owned(), json!("int64"));
            out.insert("maximum".to_owned(), json!(u32::MAX));
        }
        Some("int64" | "uint64") => {
            out.insert("format".to_owned(), json!("int64"));
        }
        _ => {}
    }
    if nullable {
        out.insert("nullable".to_owned(), json!(true));
    }
    out
}

/// Variants that each have a description: the values, and what they stand for.
fn enumeration(variants: &[Value]) -> Map<String, Value> {
    let mut values = Vec::new();
    let mut told = Vec::new();
    for variant in variants {
        let Some(value) = variant.get("const").and_then(Value::as_str) else { return anything() };
        values.push(json!(value));
        if let Some(text) = variant.get("description").and_then(Value::as_str) {
            told.push(format!("`{value}`: {text}"));
        }
    }
    let mut out = of([("type", json!("string")), ("enum", Value::Array(values))]);
    out.insert(VALUES.to_owned(), json!(told.join(" ")));
    out
}

/// A value of an enumeration as an expression: `v1.2` has a dot.
fn escape(value: &str) -> String {
    value.replace('.', r"\.")
}

/// A schema that says itself how Kubernetes is to take it, or says nothing.
fn extension(schema: &Map<String, Value>) -> Map<String, Value> {
    let own: Map<_, _> = schema
        .iter()
        .filter(|(key, _)| key.starts_with("x-kubernetes-"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if own.is_empty() {
        return anything();
    }
    let mut own = own;
    own.insert("nullable".to_owned(), json!(true));
    own
}

/// Any value at all.
pub(super) fn anything() -> Map<String, Value> {
    of([("x-kubernetes-preserve-unknown-fields", json!(true)), ("nullable", json!(true))])
}

fn of<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

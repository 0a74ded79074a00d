//! Makes a value that a schema allows: a field added to a kind is fuzzed without a word here.

use arbitrary::{Result, Unstructured};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::values::{self, chance};

/// Depth below which nothing more is nested.
const DEEPEST: usize = 6;

/// Makes values of one type.
pub(crate) struct Forge {
    schema: Value,
}

impl Forge {
    pub(crate) fn of<T: JsonSchema>() -> Self {
        Self { schema: schemars::schema_for!(T).to_value() }
    }

    /// A value of the type. Of its fields those in `always` are there, and of the others one in `rare`.
    pub(crate) fn object(&self, u: &mut Unstructured<'_>, always: &[&str], rare: u32) -> Result<Value> {
        let mut object = Map::new();
        for (name, schema) in self.schema["properties"].as_object().into_iter().flatten() {
            let wanted = always.contains(&name.as_str()) || chance(u, 1, rare)?;
            if wanted && !values::NEVER.contains(&name.as_str()) {
                object.insert(name.clone(), self.value(u, schema, name, 0)?);
            }
        }
        Ok(Value::Object(object))
    }

    fn value(&self, u: &mut Unstructured<'_>, schema: &Value, field: &str, depth: usize) -> Result<Value> {
        if chance(u, 1, 150)? {
            return values::nonsense(u);
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.strip_prefix('#').and_then(|path| self.schema.pointer(path));
            return self.value(u, target.unwrap_or(&Value::Null), field, depth);
        }
        if let Some(value) = schema.get("const") {
            return Ok(value.clone());
        }
        if let Some(values) = schema["enum"].as_array() {
            return Ok(u.choose(values)?.clone());
        }
        if let Some(variants) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let variants: Vec<_> = variants.iter().filter(|variant| variant["type"] != "null").collect();
            let variant = *u.choose(&variants)?;
            return self.value(u, variant, field, depth);
        }
        match type_of(schema) {
            "object" => self.nested(u, schema, field, depth + 1),
            "array" => {
                let most = if depth > DEEPEST { 0 } else { 3 };
                let count = u.int_in_range(0..=most)?.max(u8::from(chance(u, 3, 4)?));
                (0..count).map(|_| self.value(u, &schema["items"], field, depth + 1)).collect()
            }
            "string" => values::text(u, field).map(Value::from),
            "integer" | "number" => values::number(u, field),
            "boolean" => Ok(Value::from(u.int_in_range(0..=1)? == 1)),
            _ => values::nonsense(u),
        }
    }

    fn nested(&self, u: &mut Unstructured<'_>, schema: &Value, field: &str, depth: usize) -> Result<Value> {
        let mut object = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let required = values::REQUIRED.contains(&(field, name));
            if depth <= DEEPEST && (required || chance(u, 2, 5)?) && !values::NEVER.contains(&name.as_str()) {
                object.insert(name.clone(), self.value(u, schema, name, depth)?);
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.value(u, &schema["properties"][name], name, depth)?);
            }
        }
        if let Some(schema) = schema.get("additionalProperties").filter(|schema| schema.is_object()) {
            for _ in 0..u.int_in_range(1..=2)? {
                object.insert(values::key(u, field)?, self.value(u, schema, field, depth)?);
            }
        }
        Ok(Value::Object(object))
    }
}

/// The type, where `null` may stand for none.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or(""),
        name => name.as_str().unwrap_or(""),
    }
}

/// An object as it is written.
pub(crate) fn manifest(api: &str, kind: &str, name: &str, namespace: &str, body: Value) -> Value {
    let mut manifest = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    if let (Some(manifest), Value::Object(body)) = (manifest.as_object_mut(), body) {
        manifest.extend(body);
    }
    manifest
}

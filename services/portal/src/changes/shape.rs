//! What a schema says of a value, however it says it: parts are joined, and the ways of saying that there may be nothing
//! are one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bounds::Bounds;
use crate::document::text;
use crate::reference::resolve;

/// How deep parts are joined: each takes some of the stack.
const MAX_DEPTH: usize = 12;

/// What a value may be.
#[derive(Default)]
pub(super) struct Shape<'d> {
    /// Its types; anything where there is none.
    pub(super) types: BTreeSet<&'d str>,
    pub(super) nullable: bool,
    pub(super) format: Option<&'d str>,
    pub(super) values: Option<Vec<&'d Value>>,
    pub(super) bounds: Bounds,
    pub(super) pattern: Option<&'d str>,
    pub(super) default: Option<&'d Value>,
    pub(super) properties: BTreeMap<&'d str, &'d Value>,
    pub(super) required: BTreeSet<&'d str>,
    /// Whether there may be other properties.
    pub(super) is_closed: bool,
    /// What other properties are.
    pub(super) others: Option<&'d Value>,
    pub(super) items: Option<&'d Value>,
    /// Of which the value is one.
    pub(super) variants: Vec<&'d Value>,
    pub(super) discriminator: Option<&'d str>,
}

impl<'d> Shape<'d> {
    /// That of a schema of the document `root`.
    pub(super) fn of(root: &'d Value, schema: &'d Value) -> Self {
        let mut shape = Self::default();
        shape.add(root, schema, 0, &mut BTreeSet::new());
        shape.infer_type();
        shape
    }

    /// Whether it is one of several things, and nothing more.
    pub(super) fn is_union(&self) -> bool {
        !self.variants.is_empty() && self.properties.is_empty()
    }

    /// Whether the value may be nothing.
    pub(super) fn takes_null(&self) -> bool {
        let is_anything = self.types.is_empty() && self.variants.is_empty() && self.values.is_none();
        self.nullable || is_anything
    }

    /// Adds a part, once, however often and in whatever circle parts refer to it: those that are `seen` are in it.
    fn add(&mut self, root: &'d Value, schema: &'d Value, depth: usize, seen: &mut BTreeSet<*const Value>) {
        let schema = resolve(root, schema);
        if depth > MAX_DEPTH || !seen.insert(std::ptr::from_ref(schema)) {
            return;
        }
        self.add_own(schema);
        for part in list(schema, "allOf") {
            self.add(root, part, depth + 1, seen);
        }
        for key in ["oneOf", "anyOf"] {
            let (null, variants): (Vec<_>, Vec<_>) = list(schema, key).partition(|variant| is_null(variant));
            self.nullable |= !null.is_empty();
            match &variants[..] {
                // One of one is that one.
                [only] => self.add(root, only, depth + 1, seen),
                several => self.variants.extend(several),
            }
        }
    }

    fn add_own(&mut self, schema: &'d Value) {
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        self.nullable |= ["nullable", "x-nullable"].iter().any(|key| schema.get(key) == Some(&Value::Bool(true)));
        self.nullable |= types.contains(&"null");
        self.types.extend(types.into_iter().filter(|name| *name != "null"));
        self.add_values(schema);
        self.bounds.add(schema);
        self.format = self.format.or(text(schema, "format"));
        self.pattern = self.pattern.or(text(schema, "pattern"));
        self.default = self.default.or(schema.get("default"));
        self.items = self.items.or(schema.get("items").filter(|items| items.is_object()));
        self.properties.extend(
            schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(name, of)| (name.as_str(), of)),
        );
        self.required.extend(list(schema, "required").filter_map(Value::as_str));
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => self.is_closed = true,
            Some(others @ Value::Object(_)) => self.others = Some(others),
            _ => {}
        }
        self.discriminator = self.discriminator.or_else(|| text(schema.get("discriminator")?, "propertyName"));
    }

    fn add_values(&mut self, schema: &'d Value) {
        let said = match (schema.get("enum").and_then(Value::as_array), schema.get("const")) {
            (Some(values), _) => values.iter().collect(),
            (None, Some(only)) => vec![only],
            (None, None) => return,
        };
        self.nullable |= said.iter().any(|value| value.is_null());
        self.values = Some(said.into_iter().filter(|value| !value.is_null()).collect());
    }

    /// Many do not say that what has properties is an object.
    fn infer_type(&mut self) {
        if !self.types.is_empty() {
            return;
        }
        if !self.properties.is_empty() {
            self.types.insert("object");
        } else if self.items.is_some() {
            self.types.insert("array");
        } else if let Some(values) = &self.values {
            self.types.extend(values.iter().map(|value| type_of(value)));
        }
    }
}

fn list<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

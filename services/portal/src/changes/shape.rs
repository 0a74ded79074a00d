//! What a schema says of a value, however it says it: parts are joined, and the ways of saying that there may be nothing
//! are one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bounds::Bounds;
use super::comparison::ANYTHING;
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
    /// What the property says that tells variants apart, where the document lists that.
    pub(super) told_by: BTreeSet<&'d str>,
    /// How much was looked at for it.
    pub(super) work: usize,
}

impl<'d> Shape<'d> {
    /// That of a schema of the document `root`.
    pub(super) fn of(root: &'d Value, schema: &'d Value) -> Self {
        let mut shape = Self::default();
        shape.add(root, schema, 0, &mut BTreeSet::new());
        shape.infer_type();
        // What has to be there is a property, whether it is told what it is or not.
        for name in &shape.required {
            shape.properties.entry(name).or_insert(&ANYTHING);
        }
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
        let entries = |key: &str| schema.get(key).and_then(Value::as_object).map_or(0, serde_json::Map::len);
        let items = ["allOf", "oneOf", "anyOf", "required", "enum"].map(|key| list(schema, key).count());
        self.work += 1 + entries("properties") + items.iter().sum::<usize>();
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        self.nullable |= ["nullable", "x-nullable"].iter().any(|key| schema.get(key) == Some(&Value::Bool(true)));
        self.nullable |= types.contains(&"null");
        self.add_types(types);
        self.add_values(schema);
        self.bounds.add(schema);
        self.format = self.format.or(text(schema, "format")).or_else(|| format_of_bytes(schema));
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
        let Some(discriminator) = schema.get("discriminator") else { return };
        self.discriminator = self.discriminator.or_else(|| text(discriminator, "propertyName"));
        let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
        self.told_by.extend(mapping.map(|(name, _)| name.as_str()));
    }

    /// Parts narrow each other.
    fn add_types(&mut self, types: Vec<&'d str>) {
        // What is nothing but `null` is no value of any other type.
        let types: BTreeSet<_> = match types[..] {
            ["null"] => types.into_iter().collect(),
            _ => types.into_iter().filter(|name| *name != "null").collect(),
        };
        match (self.types.is_empty(), types.is_empty()) {
            (_, true) => {}
            (true, false) => self.types = types,
            (false, false) => {
                let both: BTreeSet<_> = narrower(&self.types, &types).chain(narrower(&types, &self.types)).collect();
                // Where they have nothing in common nothing is allowed, which is no type.
                if !both.is_empty() {
                    self.types = both;
                }
            }
        }
    }

    fn add_values(&mut self, schema: &'d Value) {
        let said = match (schema.get("enum").and_then(Value::as_array), schema.get("const")) {
            (Some(values), _) => values.iter().collect(),
            (None, Some(only)) => vec![only],
            (None, None) => return,
        };
        self.nullable |= said.iter().any(|value| value.is_null());
        let mut values: Vec<_> = said.into_iter().filter(|value| !value.is_null()).collect();
        if let Some(known) = &self.values {
            let known: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
            values.retain(|value| known.contains(&value.to_string()));
        }
        self.values = Some(values);
    }

    /// Many do not say that what has properties is an object.
    fn infer_type(&mut self) {
        if !self.types.is_empty() {
            return;
        }
        if !self.properties.is_empty() || !self.required.is_empty() {
            self.types.insert("object");
        } else if self.items.is_some() {
            self.types.insert("array");
        } else if let Some(values) = &self.values {
            self.types.extend(values.iter().map(|value| type_of(value)));
        }
    }
}

/// What 3.1 says of bytes otherwise than by a format, as the versions before do.
fn format_of_bytes(schema: &Value) -> Option<&'static str> {
    match (text(schema, "contentEncoding"), text(schema, "contentMediaType")) {
        (Some("base64"), _) => Some("byte"),
        (None, Some("application/octet-stream")) => Some("binary"),
        _ => None,
    }
}

fn list<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn is_null(schema: &Value) -> bool {
    let only = |key: &str| matches!(schema.get(key).and_then(Value::as_array).map(Vec::as_slice), Some([only]) if only == "null");
    schema["type"] == "null" || only("type") || schema.get("const").is_some_and(Value::is_null)
}

/// The types of the one that the others have, too: every integer is a number.
fn narrower<'d>(one: &BTreeSet<&'d str>, others: &BTreeSet<&'d str>) -> impl Iterator<Item = &'d str> {
    let is_in = |name: &&str| others.contains(name) || (*name == "integer" && others.contains("number"));
    one.iter().copied().filter(is_in).collect::<Vec<_>>().into_iter()
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

//! Whether a schema allows a value: the keywords of JSON Schema that documents use, as each version of OpenAPI spells them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value};

use super::scalar;
use crate::document::text;
use crate::reference::resolve::{reference, resolve, schema_name};

/// How deep schemas lead into each other for one value, before they are a circle.
const MAX_DEPTH: usize = 100;
/// How many schemas are looked at for one value.
const MAX_STEPS: usize = 50_000;
/// The same for all values of an example together.
const MAX_STEPS_OF_ALL: usize = 500_000;
/// How many items of a list take one step.
const LISTED: usize = 16;
/// How many steps it takes to read an expression.
const PATTERN: usize = 5_000;
/// What an expression of a stranger may take in memory.
const MAX_PATTERN: usize = 1 << 20;

/// Looks at values of one document.
pub(super) struct Check<'d> {
    root: &'d Value,
    /// The value is on its way to the service.
    writing: bool,
    /// Of `oneOf` exactly one fits, and an expression that cannot be read lets nothing through.
    is_strict: bool,
    steps: Cell<usize>,
    steps_of_all: Cell<usize>,
    patterns: RefCell<BTreeMap<String, Option<Regex>>>,
}

impl<'d> Check<'d> {
    pub(super) fn new(root: &'d Value, writing: bool, is_strict: bool) -> Self {
        Self { root, writing, is_strict, steps: Cell::new(0), steps_of_all: Cell::new(0), patterns: RefCell::default() }
    }

    /// Whether the schema allows the value.
    pub(super) fn allows(&self, schema: &Value, value: &Value) -> bool {
        self.steps.set(0);
        self.at(schema, value, 0)
    }

    /// Whether an expression finds itself in a text.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        let read = || {
            self.charge(PATTERN);
            regex::RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().ok()
        };
        let mut known = self.patterns.borrow_mut();
        let regex = known.entry(pattern.to_owned()).or_insert_with(read);
        regex.as_ref().map_or(!self.is_strict, |regex| regex.is_match(text))
    }

    /// Something took so many steps.
    pub(super) fn charge(&self, steps: usize) {
        self.steps_of_all.update(|all| all + steps);
    }

    /// How many steps all values took.
    pub(super) fn work(&self) -> usize {
        self.steps_of_all.get()
    }

    /// Nothing is looked at any more.
    pub(super) fn is_spent(&self) -> bool {
        self.steps_of_all.get() > MAX_STEPS_OF_ALL
    }

    /// Whether what a schema is for goes the other way alone.
    pub(super) fn is_hidden(&self, schema: &Value) -> bool {
        let other = if self.writing { "readOnly" } else { "writeOnly" };
        [schema, resolve(self.root, schema)].iter().any(|schema| schema.get(other) == Some(&Value::Bool(true)))
    }

    fn at(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        if let Value::Bool(allowed) = schema {
            return *allowed;
        }
        // What is listed is looked at one by one.
        let listed = ["enum", "required"].map(|key| list(schema, key).count()).iter().sum::<usize>();
        let step = 1 + listed / LISTED;
        self.steps.update(|steps| steps + step);
        self.charge(step);
        match () {
            () if self.steps.get() > MAX_STEPS || self.is_spent() => return false,
            () if depth > MAX_DEPTH || !schema.is_object() => return true,
            () if value.is_null() && is_nullable(schema) => return true,
            () => {}
        }
        let refers = reference(schema).is_some();
        (!refers || self.target(schema, value, depth))
            && is_of_type(schema, value)
            && is_listed(schema, value)
            && self.combined(schema, value, depth + 1)
            && match value {
                Value::Number(number) => scalar::is_within(schema, number.as_f64().unwrap_or_default()),
                Value::String(value) => self.text(schema, value),
                Value::Array(items) => self.items(schema, items, depth + 1),
                Value::Object(object) => self.object(schema, object, depth + 1),
                Value::Null | Value::Bool(_) => true,
            }
    }

    fn target(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        let target = resolve(self.root, schema);
        std::ptr::eq(target, schema) || self.at(target, value, depth + 1)
    }

    fn combined(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        let fits = |part: &Value| self.at(part, value, depth);
        let condition = || match schema.get("if") {
            None => true,
            Some(condition) => schema.get(if fits(condition) { "then" } else { "else" }).is_none_or(fits),
        };
        list(schema, "allOf").all(fits)
            && (schema.get("anyOf").is_none() || list(schema, "anyOf").any(fits))
            && (schema.get("oneOf").is_none() || self.one_of(schema, value, depth))
            && schema.get("not").is_none_or(|part| !fits(part))
            && condition()
    }

    /// Where a property tells variants apart, the one that it names counts.
    fn one_of(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        if let Some(named) = named(schema, value) {
            return self.at(named, value, depth);
        }
        match list(schema, "oneOf").filter(|variant| self.at(variant, value, depth)).take(2).count() {
            0 => false,
            1 => true,
            _ => !self.is_strict,
        }
    }

    fn text(&self, schema: &Value, value: &str) -> bool {
        let length = value.chars().count();
        is_counted(schema, length, "minLength", "maxLength")
            && text(schema, "pattern").is_none_or(|pattern| self.matches(pattern, value))
            && text(schema, "format").is_none_or(|format| scalar::is_of_format(format, value))
    }

    fn items(&self, schema: &Value, items: &[Value], depth: usize) -> bool {
        let first: Vec<_> = list(schema, "prefixItems").collect();
        let rest = schema.get("items");
        let fits = |(place, item): (usize, &Value)| {
            first.get(place).copied().or(rest).is_none_or(|schema| self.at(schema, item, depth))
        };
        let contains = |part: &Value| items.iter().any(|item| self.at(part, item, depth));
        let is_once = || items.iter().map(Value::to_string).collect::<BTreeSet<_>>().len() == items.len();
        is_counted(schema, items.len(), "minItems", "maxItems")
            && (schema.get("uniqueItems") != Some(&Value::Bool(true)) || is_once())
            && items.iter().enumerate().all(fits)
            && schema.get("contains").is_none_or(contains)
    }

    fn object(&self, schema: &Value, object: &Map<String, Value>, depth: usize) -> bool {
        let properties = schema.get("properties").and_then(Value::as_object);
        let goes = |name: &str| !properties.and_then(|all| all.get(name)).is_some_and(|one| self.is_hidden(one));
        let has = |name: &Value| name.as_str().is_none_or(|name| object.contains_key(name) || !goes(name));
        let needs = |(name, needed): (&String, &Value)| {
            !object.contains_key(name) || needed.as_array().into_iter().flatten().all(has)
        };
        let dependent = schema.get("dependentRequired").and_then(Value::as_object);
        let is_named = |name: &String| {
            let name = Value::from(name.as_str());
            schema.get("propertyNames").is_none_or(|names| self.at(names, &name, depth))
        };
        is_counted(schema, object.len(), "minProperties", "maxProperties")
            && list(schema, "required").all(has)
            && dependent.into_iter().flatten().all(needs)
            && object.keys().all(|name| goes(name) && is_named(name))
            && object.iter().all(|(name, value)| self.of_property(schema, name).all(|one| self.at(one, value, depth)))
    }

    /// The schemas that a schema has for a property: those of its name and of what its name is like, or else that of any.
    pub(super) fn of_property<'v>(&self, schema: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
        let own = schema.get("properties").and_then(|all| all.get(name));
        let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let mut all: Vec<_> = patterns.filter(|(like, _)| self.matches(like, name)).map(|(_, one)| one).collect();
        all.extend(own);
        if all.is_empty() {
            all.extend(schema.get("additionalProperties"));
        }
        all.into_iter()
    }
}

/// The variant that the value names itself.
fn named<'v>(schema: &'v Value, value: &Value) -> Option<&'v Value> {
    let discriminator = schema.get("discriminator")?;
    let name = value.get(text(discriminator, "propertyName")?)?.as_str()?;
    let told = discriminator.get("mapping").and_then(|mapping| text(mapping, name)).unwrap_or(name);
    list(schema, "oneOf").find(|variant| {
        reference(variant).is_some_and(|target| target == told || schema_name(target).as_deref() == Some(told))
    })
}

/// Whether the value may be nothing, as 3.0 and 2.0 say it.
pub(super) fn is_nullable(schema: &Value) -> bool {
    ["nullable", "x-nullable"].iter().any(|key| schema.get(key) == Some(&Value::Bool(true)))
}

/// Whether a value is of a type. One that nobody knows is any.
pub(super) fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

fn is_of_type(schema: &Value, value: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => is_of(name, value),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| is_of(name, value)),
        _ => true,
    }
}

fn is_listed(schema: &Value, value: &Value) -> bool {
    let is_same = |other: &Value| other == value || (other.is_number() && other.as_f64() == value.as_f64());
    let listed = schema.get("enum").and_then(Value::as_array);
    listed.is_none_or(|values| values.iter().any(is_same)) && schema.get("const").is_none_or(is_same)
}

fn is_counted(schema: &Value, number: usize, least: &str, most: &str) -> bool {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let number = number as f64;
    bound(least).is_none_or(|least| number >= least) && bound(most).is_none_or(|most| number <= most)
}

/// The items of a list.
pub(super) fn list<'v>(schema: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests;

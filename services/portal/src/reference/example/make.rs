//! Makes a value of schemas that have to allow it together: those of a property, with all that they refer to and are put
//! together from. What is made is looked at, and something else is tried where it will not do.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::all::All;
use super::check::{Check, is_nullable, is_of, list};
use super::scalar;
use crate::reference::budget::size_within;

/// How deep values are in each other.
const MAX_DEPTH: usize = 40;
/// From how deep on there is only what has to be there.
const MAX_OPTIONAL_DEPTH: usize = 8;
/// How many values are made at most, all together.
const MAX_STEPS: usize = 3_000;
/// How many properties an example has that need not be there, all together.
const MAX_PROPERTIES: usize = 200;
/// How many of the values that a document tells are looked at.
const MAX_TOLD: usize = 100;
/// The most characters of what a document tells that an example holds.
const MAX_SIZE: usize = 30_000;
/// How many characters, or properties, are looked at in one step.
const LOOKED: usize = 16;
/// How many items or properties of any name an example has because there have to be some.
const MAX_ITEMS: usize = 20;

pub(super) struct Maker<'d> {
    root: &'d Value,
    check: Check<'d>,
    /// The shared schemas that what is made is in: none is in itself.
    open: Vec<&'d Value>,
    depth: usize,
    steps: usize,
    properties: usize,
    /// How many characters of what the document tells it may hold still.
    room: Cell<usize>,
    /// Which of several values that would do is made: items may have to differ.
    salt: usize,
}

impl<'d> Maker<'d> {
    pub(super) fn new(root: &'d Value, writing: bool, is_strict: bool) -> Self {
        let check = Check::new(root, writing, is_strict);
        Self { root, check, open: Vec::new(), depth: 0, steps: 0, properties: 0, room: Cell::new(MAX_SIZE), salt: 0 }
    }

    /// How many steps it took.
    pub(super) fn work(&self) -> usize {
        self.steps + self.check.work()
    }

    fn is_spent(&self) -> bool {
        self.steps > MAX_STEPS || self.check.is_spent()
    }

    /// A value that all schemas allow; none where none was found.
    pub(super) fn value(&mut self, schemas: &[&'d Value]) -> Option<Value> {
        let mut all = All::default();
        for schema in schemas {
            all.add(self.root, schema);
        }
        let among = all.schemas.clone();
        schemas.iter().for_each(|schema| all.name(schema, &among));
        self.depth += 1;
        let shared = all.shared.clone();
        let made = self.within(&shared, |maker| maker.one(&all, 0));
        self.depth -= 1;
        // What they are put together from may not be nothing where they may themselves, as 3.0 has it.
        let is_allowed = || schemas.iter().all(|schema| self.check.allows(schema, &Value::Null));
        made.or_else(|| (schemas.iter().any(|schema| is_nullable(schema)) && is_allowed()).then_some(Value::Null))
    }

    /// Something in these shared schemas, if this is not in one of them.
    fn within<T>(&mut self, shared: &[&'d Value], make: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let is_open = |schema: &&'d Value| self.open.iter().any(|open| std::ptr::eq(*open, *schema));
        self.steps += 1;
        if shared.iter().any(is_open) || self.depth > MAX_DEPTH || self.is_spent() {
            return None;
        }
        let before = self.open.len();
        self.open.extend(shared);
        let made = make(self);
        self.open.truncate(before);
        made
    }

    fn is_allowed(&self, all: &All<'d>, value: &Value) -> bool {
        all.schemas.iter().all(|schema| self.check.allows(schema, value))
    }

    /// A value, where of the first `chosen` unions there is a variant among the schemas already.
    fn one(&mut self, all: &All<'d>, chosen: usize) -> Option<Value> {
        if let Some(told) = self.told(all) {
            return Some(told);
        }
        let Some((union, key)) = all.unions().nth(chosen) else {
            return all.kinds().into_iter().find_map(|kind| self.of_kind(all, kind));
        };
        let mut variants: Vec<_> = list(union, key).collect();
        variants.sort_by_key(|variant| variant["type"] == "null");
        variants.into_iter().find_map(|variant| {
            if self.is_spent() {
                return None;
            }
            let mut with = all.clone();
            with.add(self.root, variant);
            let among = with.schemas.clone();
            with.name(variant, &among);
            let shared = with.shared.split_off(all.shared.len());
            self.within(&shared, |maker| maker.one(&with, chosen + 1))
        })
    }

    /// What the document tells: an example, what holds by default, or one of those that it may be.
    fn told(&self, all: &All<'d>) -> Option<Value> {
        let of = |key: &'static str| all.schemas.iter().filter_map(move |schema| schema.get(key));
        let lists = |key: &'static str| all.schemas.iter().flat_map(move |schema| list(schema, key));
        let told = of("example").chain(lists("examples")).chain(of("default")).map(|value| (value, true));
        let values = of("const").chain(lists("enum")).map(|value| (value, false));
        let told = told.chain(values).take(MAX_TOLD).filter(|(value, _)| self.has_room(value));
        let told = told.map(|(value, goes)| if goes { self.going(all, value) } else { value.clone() });
        let told = told.filter(|value| self.is_allowed(all, value));
        let told: Vec<_> = told.take(self.salt.saturating_add(1)).collect();
        let is_closed = || all.schemas.iter().any(|one| one.get("const").or_else(|| one.get("enum")).is_some());
        told.get(self.salt).or_else(|| told.last().filter(|_| is_closed())).cloned()
    }

    /// Whether the example may hold such a value as well.
    fn has_room(&self, value: &Value) -> bool {
        let size = size_within(value, self.room.get());
        self.check.charge(size.unwrap_or(self.room.get()) / LOOKED);
        self.room.update(|room| room - size.unwrap_or(0));
        size.is_some()
    }

    /// An object without what goes the other way.
    fn going(&self, all: &All<'d>, value: &Value) -> Value {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            let hides = |schema: &&Value, name: &str| {
                schema.get("properties").and_then(|all| all.get(name)).is_some_and(|one| self.check.is_hidden(one))
            };
            object.retain(|name, _| !all.schemas.iter().any(|schema| hides(schema, name)));
        }
        value
    }

    fn of_kind(&mut self, all: &All<'d>, kind: &str) -> Option<Value> {
        let made = match kind {
            "object" => return self.object(all),
            "array" => self.array(all).into_iter().collect(),
            "integer" | "number" => scalar::numbers(&all.schemas, kind == "integer", self.salt),
            "boolean" => [true, false].map(|one| Value::Bool(one == self.salt.is_multiple_of(2))).to_vec(),
            "null" => vec![Value::Null],
            _ => scalar::texts(&all.schemas, self.salt).into_iter().map(Value::String).collect(),
        };
        made.into_iter().find(|value| is_of(kind, value) && self.is_allowed(all, value))
    }

    fn array(&mut self, all: &All<'d>) -> Option<Value> {
        let (least, most) = (all.count("minItems").max(), all.count("maxItems").min());
        let first = all.schemas.iter().map(|schema| list(schema, "prefixItems").count()).max();
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(MAX_ITEMS));
        let number = least.max(first.unwrap_or(0)).max(1).min(most);
        let is_unique = all.schemas.iter().any(|schema| schema.get("uniqueItems") == Some(&Value::Bool(true)));
        let contained: Vec<_> = all.schemas.iter().filter_map(|schema| schema.get("contains")).collect();
        let (salt, mut items) = (self.salt, Vec::new());
        for place in 0..number.min(MAX_ITEMS) {
            let of_schema = |schema: &&'d Value| list(schema, "prefixItems").nth(place).or_else(|| schema.get("items"));
            let mut schemas: Vec<_> = all.schemas.iter().filter_map(of_schema).collect();
            schemas.extend(contained.iter().filter(|_| place == 0));
            self.salt = salt + if is_unique { place } else { 0 };
            let item = self.value(&schemas);
            self.salt = salt;
            match item {
                Some(item) => items.push(item),
                None if place >= least => break,
                None => return None,
            }
        }
        Some(Value::Array(items))
    }

    /// With all that there may be, or else with what there has to be.
    fn object(&mut self, all: &All<'d>) -> Option<Value> {
        [true, false].into_iter().find_map(|whole| {
            let object = Value::Object(self.properties(all, whole)?);
            self.is_allowed(all, &object).then_some(object)
        })
    }

    fn properties(&mut self, all: &All<'d>, whole: bool) -> Option<Map<String, Value>> {
        let named = all.schemas.iter().filter_map(|schema| schema.get("properties")?.as_object());
        let named: BTreeSet<&str> = named.flatten().map(|(name, _)| name.as_str()).collect();
        let required: BTreeSet<&str> =
            all.schemas.iter().flat_map(|schema| list(schema, "required")).filter_map(Value::as_str).collect();
        self.check.charge((named.len() + required.len()) / LOOKED);
        let least = all.count("minProperties").max().unwrap_or(0);
        let most = all.count("maxProperties").min().unwrap_or(usize::MAX);
        let mut object = Map::new();
        // What has to be there comes first, where there may be only so many.
        for name in required.iter().chain(named.difference(&required)) {
            let schemas = self.of_property(all, name);
            let is_needed = required.contains(name);
            if schemas.iter().any(|schema| self.check.is_hidden(schema)) {
                continue;
            }
            self.properties += 1;
            let is_enough = !whole || self.depth > MAX_OPTIONAL_DEPTH || self.properties > MAX_PROPERTIES;
            if !is_needed && (object.len() >= most || (is_enough && object.len() >= least)) {
                continue;
            }
            match self.property(all, name, &schemas) {
                Some(value) => drop(object.insert((*name).to_owned(), value)),
                None if is_needed => return None,
                None => {}
            }
        }
        self.others(all, &mut object, whole);
        Some(object)
    }

    fn property(&mut self, all: &All<'d>, name: &str, schemas: &[&'d Value]) -> Option<Value> {
        let fixed = all.fixed.get(name).map(|name| Value::from(name.as_str()));
        let is_allowed = |value: &Value| schemas.iter().all(|schema| self.check.allows(schema, value));
        fixed.filter(is_allowed).or_else(|| self.value(schemas))
    }

    /// Properties of any name: one where there would be none, and as many as there have to be.
    fn others(&mut self, all: &All<'d>, object: &mut Map<String, Value>, whole: bool) {
        let least = all.count("minProperties").max().unwrap_or(0).min(MAX_ITEMS);
        let is_told = all.schemas.iter().any(|one| one.get("additionalProperties").is_some_and(Value::is_object));
        let least = if object.is_empty() && is_told && whole { least.max(1) } else { least };
        for number in 1.. {
            let name = if number == 1 { "name".to_owned() } else { format!("name{number}") };
            if object.len() >= least || number > MAX_ITEMS {
                return;
            }
            let schemas = self.of_property(all, &name);
            let Some(value) = self.value(&schemas) else { return };
            object.entry(name).or_insert(value);
        }
    }

    /// What the schemas say of a property, each for itself.
    fn of_property(&self, all: &All<'d>, name: &str) -> Vec<&'d Value> {
        all.schemas.iter().flat_map(|schema| self.check.of_property(schema, name)).collect()
    }
}

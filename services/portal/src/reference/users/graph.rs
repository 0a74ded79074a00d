//! What refers to what in a document, so that it can be followed against its direction.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::reference::resolve::{pointer_name, reference, whole_schema};

/// Where a document before 3.0 has what it shares.
const SWAGGER: [&str; 3] = ["definitions", "parameters", "responses"];

/// What is shared, and what may be referred to of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Any value of a schema: also one of its heirs, where a discriminator tells them apart.
    Schema(String),
    /// What a schema says itself, which is all that its heirs take from it.
    Base(String),
    /// Of another kind, by its name.
    Other(String, String),
}

impl Part {
    /// What a reference means, or the whole of which it means a part.
    fn of(reference: &str) -> Option<Self> {
        let below = reference.strip_prefix("#/components/").or_else(|| reference.strip_prefix("#/"))?;
        let (kind, rest) = below.split_once('/')?;
        let name = pointer_name(rest.split_once('/').map_or(rest, |(name, _)| name));
        Some(if is_schemas(kind) { Self::Schema(name) } else { Self::Other(kind.to_owned(), name) })
    }
}

fn is_schemas(kind: &str) -> bool {
    matches!(kind, "schemas" | "definitions")
}

/// Parts and users of a document by number, and of each what refers to it.
#[derive(Debug, Default)]
pub(super) struct Graph {
    numbers: BTreeMap<Part, usize>,
    referring: Vec<Vec<usize>>,
    is_schema: Vec<bool>,
}

impl Graph {
    /// That of what the document shares.
    pub(super) fn of(root: &Value) -> Self {
        let mut graph = Self::default();
        let mut families = Families::default();
        let components = root["components"].as_object().into_iter().flatten();
        let of_swagger = SWAGGER.map(|kind| (kind, &root[kind]));
        for (kind, all) in components.map(|(kind, all)| (kind.as_str(), all)).chain(of_swagger) {
            for (name, value) in all.as_object().into_iter().flatten() {
                if is_schemas(kind) {
                    graph.schema(name, value, &mut families);
                } else {
                    let by = graph.number(Part::Other(kind.to_owned(), name.clone()));
                    graph.refer(by, references(value));
                }
            }
        }
        families.join(&mut graph);
        graph
    }

    /// Adds a value that nothing refers to.
    pub(super) fn enter(&mut self, value: &Value) -> usize {
        let user = self.add(false);
        self.refer(user, references(value));
        user
    }

    /// What refers to a schema, by number: `by_schemas` also what does so by other schemas.
    pub(super) fn leading_to(&self, schema: &str, by_schemas: bool) -> Vec<bool> {
        let own = [Part::Base(schema.to_owned()), Part::Schema(schema.to_owned())];
        let own = own.map(|part| self.numbers.get(&part).copied());
        let mut leading = vec![false; self.referring.len()];
        let mut rest: Vec<usize> = own.into_iter().flatten().collect();
        while let Some(part) = rest.pop() {
            // Schemas may refer to each other in a circle.
            let is_known = std::mem::replace(&mut leading[part], true);
            if !is_known && (by_schemas || !self.is_schema[part] || own.contains(&Some(part))) {
                rest.extend(&self.referring[part]);
            }
        }
        leading
    }

    fn add(&mut self, is_schema: bool) -> usize {
        self.referring.push(Vec::new());
        self.is_schema.push(is_schema);
        self.referring.len() - 1
    }

    fn number(&mut self, part: Part) -> usize {
        if let Some(number) = self.numbers.get(&part) {
            return *number;
        }
        let number = self.add(!matches!(part, Part::Other(..)));
        self.numbers.insert(part, number);
        number
    }

    fn refer(&mut self, by: usize, to: impl IntoIterator<Item = Part>) {
        for part in to {
            let part = self.number(part);
            self.referring[part].push(by);
        }
    }

    fn schema(&mut self, name: &str, schema: &Value, families: &mut Families) {
        let [whole, base] = [Part::Schema(name.to_owned()), Part::Base(name.to_owned())].map(|part| self.number(part));
        self.referring[base].push(whole);
        self.refer(base, reference(schema).and_then(Part::of));
        let is_told_apart = schema.get("discriminator").is_some();
        if is_told_apart {
            families.told_apart.push(whole);
            self.refer(whole, mapped(schema));
        }
        for (key, value) in schema.as_object().into_iter().flatten() {
            match key.as_str() {
                "discriminator" => {}
                "oneOf" | "anyOf" if is_told_apart => self.refer(whole, references(value)),
                "allOf" => self.all_of([whole, base], value, families),
                _ => self.refer(base, references(value)),
            }
        }
    }

    /// What a schema is put together from: of another schema it takes what that says, and none of the heirs.
    fn all_of(&mut self, [whole, base]: [usize; 2], all: &Value, families: &mut Families) {
        for part in all.as_array().into_iter().flatten() {
            match reference(part).and_then(whole_schema) {
                Some(parent) => {
                    self.refer(base, [Part::Base(parent.clone())]);
                    let parent = self.number(Part::Schema(parent));
                    families.heirs.entry(parent).or_default().push(whole);
                    let beside = part.as_object().into_iter().flat_map(|fields| fields.values());
                    beside.for_each(|value| self.refer(base, references(value)));
                }
                None => self.refer(base, references(part)),
            }
        }
    }
}

/// Which schemas add to which, and those with a discriminator.
#[derive(Default)]
struct Families {
    heirs: BTreeMap<usize, Vec<usize>>,
    told_apart: Vec<usize>,
}

impl Families {
    /// A value of a schema with a discriminator may be one of its heirs, whether it names them or not, and of theirs.
    fn join(mut self, graph: &mut Graph) {
        while let Some(parent) = self.told_apart.pop() {
            for heir in self.heirs.remove(&parent).unwrap_or_default() {
                graph.referring[heir].push(parent);
                self.told_apart.push(heir);
            }
        }
    }
}

/// What a value refers to, at any depth.
fn references(value: &Value) -> Vec<Part> {
    let (mut found, mut rest) = (Vec::new(), vec![value]);
    while let Some(value) = rest.pop() {
        found.extend(reference(value).and_then(Part::of));
        found.extend(mapped(value));
        match value {
            Value::Object(fields) => rest.extend(fields.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    found
}

/// The schemas that a discriminator tells apart, each by a reference or by its name.
fn mapped(schema: &Value) -> impl Iterator<Item = Part> {
    let mapping = schema.get("discriminator").and_then(|said| said.get("mapping")).and_then(Value::as_object);
    let targets = mapping.into_iter().flat_map(|mapping| mapping.values()).filter_map(Value::as_str);
    targets.map(|target| Part::of(target).unwrap_or_else(|| Part::Schema(target.to_owned())))
}

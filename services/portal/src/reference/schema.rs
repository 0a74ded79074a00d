//! Schemas for reading: a type in words, what else is known, and the parts of it.

mod facts;
mod kind;

use std::cell::Cell;
use std::collections::BTreeSet;

use askama::Template;
use serde_json::Value;

use super::resolve::{reference, resolve, schema_name};
use crate::document::text;
use crate::markdown::{self, Html};
use crate::texts::Texts;

/// How deep shared schemas are unfolded in place; further down there is a link to the schema's own page.
const MAX_UNFOLDED: usize = 3;
/// How many fields are unfolded, all together, before shared schemas are links: where everything refers to everything, a
/// page would have no end.
const MAX_FIELDS: usize = 100;
/// How deep anything is unfolded.
const MAX_DEPTH: usize = 12;

/// A schema.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "schema.html")]
pub(crate) struct SchemaView {
    /// The type, in words: `array of Line`.
    pub(crate) kind: String,
    /// Where the page of the shared schema is that it is.
    pub(crate) link: Option<String>,
    pub(crate) description: Html,
    /// What else is known of the value: `at most 99`.
    pub(crate) facts: Vec<String>,
    /// What the value may be.
    pub(crate) values: Vec<String>,
    pub(crate) properties: Vec<PropertyView>,
    /// The text that says how the variants belong together: `one_of`.
    pub(crate) variants_are: &'static str,
    pub(crate) variants: Vec<SchemaView>,
    /// It is told elsewhere: the link leads there.
    pub(crate) is_elsewhere: bool,
    texts: Texts,
}

/// A property of an object.
#[derive(Clone, Debug)]
pub(crate) struct PropertyView {
    /// Empty where it stands for any other.
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) deprecated: bool,
    /// The text that says whether it is only read, or only written.
    pub(crate) access: Option<&'static str>,
    pub(crate) schema: SchemaView,
}

impl PropertyView {
    /// Whether it stands for any other name.
    fn is_any(&self) -> bool {
        self.name.is_empty()
    }
}

impl SchemaView {
    /// Whether there is something to unfold.
    pub(crate) fn has_parts(&self) -> bool {
        !self.properties.is_empty() || !self.variants.is_empty()
    }

    /// What there is to unfold: `3 fields`, `2 variants`.
    pub(crate) fn parts(&self) -> String {
        let fields = |number| self.texts.count("count_field", number);
        let variants = |number| self.texts.count("count_variant", number);
        match (self.properties.len(), self.variants.len()) {
            (0, number) => variants(number),
            (number, 0) => fields(number),
            (of_fields, of_variants) => format!("{}, {}", fields(of_fields), variants(of_variants)),
        }
    }
}

/// Looks at schemas of a document.
pub(super) struct Schemas<'d> {
    root: &'d Value,
    /// Where pages of shared schemas are, without the name.
    link: &'d str,
    pub(super) texts: &'d Texts,
    /// Fields that were unfolded so far.
    fields: Cell<usize>,
    /// The level of the highest headings in descriptions.
    headings: u8,
}

/// Where in a schema we are.
#[derive(Clone, Default)]
struct Place<'d> {
    depth: usize,
    /// The shared schemas that this is in.
    within: BTreeSet<&'d str>,
}

impl<'d> Schemas<'d> {
    pub(super) fn new(root: &'d Value, link: &'d str, texts: &'d Texts) -> Self {
        Self { root, link, texts, fields: Cell::new(0), headings: 3 }
    }

    /// Directly below the heading of a page.
    pub(super) fn on_its_own_page(self) -> Self {
        Self { headings: 2, ..self }
    }

    /// A schema with its parts.
    pub(super) fn view(&self, schema: &'d Value) -> SchemaView {
        self.fields.set(0);
        self.at(schema, &Place::default())
    }

    fn at(&self, schema: &'d Value, place: &Place<'d>) -> SchemaView {
        let mut place = Place { depth: place.depth + 1, ..place.clone() };
        let shared = reference(schema);
        let name = shared.and_then(schema_name);
        let target = resolve(self.root, schema);
        let mut view = SchemaView {
            kind: kind::words(self.texts, self.root, schema),
            link: name.as_ref().map(|name| format!("{}{}", self.link, crate::web::escape_path(name))),
            // What stands beside a reference says more than what is referred to.
            description: text(schema, "description")
                .or(text(target, "description"))
                .map(|text| markdown::html(text, self.headings))
                .unwrap_or_default(),
            facts: facts::facts(self.texts, target),
            values: facts::values(self.texts, target),
            texts: self.texts.clone(),
            ..SchemaView::default()
        };
        let again = shared.is_some_and(|shared| !place.within.insert(shared));
        let is_enough = place.within.len() > MAX_UNFOLDED || (place.depth > 1 && self.fields.get() > MAX_FIELDS);
        if again || place.depth > MAX_DEPTH || (shared.is_some() && is_enough) {
            view.is_elsewhere = view.link.is_some() && target.is_object();
            return view;
        }
        self.add_parts(&mut view, target, &place);
        view
    }

    fn add_parts(&self, view: &mut SchemaView, schema: &'d Value, place: &Place<'d>) {
        for part in list(schema, "allOf") {
            let mut inner = place.clone();
            // A part is the schema itself, not something in it.
            let again = reference(part).is_some_and(|shared| !inner.within.insert(shared));
            if !again && place.depth < MAX_DEPTH {
                inner.depth += 1;
                self.add_parts(view, resolve(self.root, part), &inner);
            }
        }
        self.add_properties(view, schema, place);
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            let items = self.at(items, place);
            // What is in the list is told here.
            view.is_elsewhere |= items.is_elsewhere;
            view.link = view.link.take().or(items.link);
            if view.description.is_empty() {
                view.description = items.description;
            }
            view.values.extend(items.values);
            view.properties.extend(items.properties);
            view.variants.extend(items.variants);
            view.variants_are = items.variants_are;
        }
        for (key, words) in [("oneOf", "one_of"), ("anyOf", "any_of")] {
            let variants: Vec<_> = list(schema, key).filter(|variant| !kind::is_null(variant)).collect();
            if !variants.is_empty() {
                view.variants_are = words;
                view.variants.extend(variants.into_iter().map(|variant| self.at(variant, place)));
            }
        }
    }

    fn add_properties(&self, view: &mut SchemaView, schema: &'d Value, place: &Place<'d>) {
        let required: BTreeSet<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        self.fields.update(|fields| fields + properties.map_or(0, serde_json::Map::len));
        let properties = properties.into_iter().flatten();
        let mut added: Vec<PropertyView> = properties
            .map(|(name, property)| {
                let target = resolve(self.root, property);
                let flag = |key: &str| target.get(key).and_then(Value::as_bool).unwrap_or(false);
                PropertyView {
                    name: name.clone(),
                    required: required.contains(name.as_str()),
                    deprecated: flag("deprecated"),
                    access: if flag("readOnly") {
                        Some("read_only")
                    } else {
                        flag("writeOnly").then_some("write_only")
                    },
                    schema: self.at(property, place),
                }
            })
            .collect();
        // What has to be there comes first.
        added.sort_by_key(|property| !property.required);
        view.properties.extend(added);
        if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
            let schema = self.at(others, place);
            let name = String::new();
            view.properties.push(PropertyView { name, required: false, deprecated: false, access: None, schema });
        }
    }
}

/// The items of a list.
fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn root() -> Value {
        json!({ "components": { "schemas": {
            "Node": { "type": "object", "description": "A *node*.", "required": ["value"], "properties": {
                "next": { "$ref": "#/components/schemas/Node" },
                "value": { "type": "integer", "maximum": 99, "readOnly": true },
            } },
            "Pet": { "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "type": "null" }], "discriminator": { "propertyName": "kind" } },
            "Cat": { "allOf": [{ "$ref": "#/components/schemas/Animal" }, { "properties": { "lives": { "type": "integer" } } }] },
            "Animal": { "type": "object", "properties": { "kind": { "enum": ["cat", "dog"] } } },
            "Loop": { "allOf": [{ "$ref": "#/components/schemas/Loop" }] },
            "Many": { "type": "array", "items": { "$ref": "#/components/schemas/Node" } },
        } } })
    }

    fn view(name: &str) -> SchemaView {
        let root = root();
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        Schemas::new(&root, "/s/", &Texts::default()).view(&schema)
    }

    #[test]
    fn what_has_to_be_there_comes_first_and_recursion_is_a_link() {
        let node = view("Node");
        let names: Vec<_> = node.properties.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(names, ["value", "next"]);
        let (value, next) = (&node.properties[0], &node.properties[1].schema);
        assert_eq!((value.access, value.schema.facts.as_slice()), (Some("read_only"), &["at most 99".to_owned()][..]));
        assert!(next.is_elsewhere && !next.has_parts());
        assert_eq!((next.kind.as_str(), next.link.as_deref()), ("Node", Some("/s/Node")));
    }

    #[test]
    fn parts_are_joined_and_variants_told_apart() {
        let pet = view("Pet");
        assert_eq!((pet.variants_are, pet.variants.len()), ("one_of", 1));
        let names: Vec<_> = pet.variants[0].properties.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(names, ["kind", "lives"]);
        assert_eq!(pet.variants[0].properties[0].schema.values, ["\"cat\"", "\"dog\""]);
        let many = view("Many");
        assert_eq!(many.properties.len(), 2, "those of what is in the list");
        assert!(!view("Loop").has_parts());
    }

    #[test]
    fn where_everything_refers_to_everything_a_page_has_an_end() {
        let name = |n: usize| format!("S{}", n % 50);
        let fields = |n: usize| {
            (0..20)
                .map(move |m| (format!("f{m}"), json!({ "$ref": format!("#/components/schemas/{}", name(n * 7 + m)) })))
        };
        let schema = |n: usize| json!({ "properties": fields(n).collect::<serde_json::Map<_, _>>() });
        let schemas: serde_json::Map<_, _> = (0..50).map(|n| (name(n), schema(n))).collect();
        let root = json!({ "components": { "schemas": schemas } });
        let html =
            Schemas::new(&root, "/s/", &Texts::default()).view(&root["components"]["schemas"]["S0"]).render().unwrap();
        assert!(html.contains("f19") && html.len() < 300_000, "{}", html.len());
    }

    #[test]
    fn a_page_of_it_holds_no_markup_of_strangers() {
        let root = json!({});
        let schema = json!({ "type": "object", "properties": { "<script>": { "type": "string", "default": "<b>" } } });
        let html = Schemas::new(&root, "/s/", &Texts::default()).view(&schema).render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    }
}

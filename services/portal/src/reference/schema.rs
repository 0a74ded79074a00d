//! Schemas for reading: a type in words, what else is known, and the parts of it.

mod facts;
mod kind;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use askama::Template;
use serde_json::Value;

use super::budget::{Budget, short};
use super::resolve::{reference, resolve, whole_schema};
use crate::document::text;
use crate::markdown::Html;
use crate::texts::Texts;

/// How deep shared schemas are unfolded in place; further down there is a link to the schema's own page.
const MAX_UNFOLDED: usize = 3;
/// How many fields are unfolded, all together, before shared schemas are links: where everything refers to everything, a
/// page would have no end.
const MAX_FIELDS: usize = 100;
/// How deep anything is unfolded.
const MAX_DEPTH: usize = 12;
/// The longest name of a field that links lead to.
const MAX_ANCHOR: usize = 100;
/// The longest name of a schema that a URL holds.
const MAX_NAME: usize = 2_000;

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
    /// How many parts there was no room for.
    pub(crate) more: usize,
    /// It is told elsewhere: the link leads there.
    pub(crate) is_elsewhere: bool,
    texts: Texts,
}

/// A property of an object.
#[derive(Clone, Debug)]
pub(crate) struct PropertyView {
    /// Empty where it stands for any other.
    pub(crate) name: String,
    /// What links to the field lead to: the first of its name on a page.
    pub(crate) anchor: Option<String>,
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
    pub(super) budget: &'d Budget,
    /// Anchors that there are already.
    anchors: RefCell<BTreeSet<String>>,
    /// The level of the highest headings in descriptions.
    headings: u8,
}

/// The parts that a schema is put together from, by where they are.
type Joined = BTreeSet<*const Value>;

/// Where in a schema we are.
#[derive(Clone, Default)]
struct Place<'d> {
    depth: usize,
    /// The shared schemas that this is in.
    within: BTreeSet<&'d str>,
}

impl<'d> Schemas<'d> {
    pub(super) fn new(root: &'d Value, link: &'d str, texts: &'d Texts, budget: &'d Budget) -> Self {
        Self { root, link, texts, fields: Cell::new(0), budget, anchors: RefCell::default(), headings: 3 }
    }

    /// Directly below the heading of a page.
    pub(super) fn on_its_own_page(self) -> Self {
        Self { headings: 2, ..self }
    }

    /// The anchor of a field, or of a parameter; nothing where another of that name has it.
    pub(super) fn anchor(&self, name: &str) -> Option<String> {
        let anchor = field_anchor(name)?;
        self.anchors.borrow_mut().insert(anchor.clone()).then_some(anchor)
    }

    /// A schema with its parts.
    pub(super) fn view(&self, schema: &'d Value) -> SchemaView {
        self.fields.set(0);
        self.at(schema, &Place::default())
    }

    fn at(&self, schema: &'d Value, place: &Place<'d>) -> SchemaView {
        let mut place = Place { depth: place.depth + 1, ..place.clone() };
        let shared = reference(schema);
        let name = shared.and_then(whole_schema).filter(|name| name.len() <= MAX_NAME);
        let target = resolve(self.root, schema);
        let mut view = SchemaView {
            kind: short(&kind::words(self.texts, self.root, schema)),
            link: name.as_ref().map(|name| format!("{}{}", self.link, crate::web::escape_path(name))),
            // What stands beside a reference says more than what is referred to.
            description: text(schema, "description")
                .or(text(target, "description"))
                .map(|text| self.budget.prose(text, self.headings))
                .unwrap_or_default(),
            facts: facts::facts(self.texts, target),
            values: facts::values(self.texts, target),
            texts: self.texts.clone(),
            ..SchemaView::default()
        };
        self.budget.part(view.facts.iter().chain(&view.values).chain(&view.link).chain([&view.kind]));
        let again = shared.is_some_and(|shared| !place.within.insert(shared));
        let is_enough = place.within.len() > MAX_UNFOLDED || (place.depth > 1 && self.fields.get() > MAX_FIELDS);
        let is_linked = view.link.is_some() && target.is_object();
        if again || place.depth > MAX_DEPTH || self.budget.is_spent() || (shared.is_some() && is_enough) {
            view.is_elsewhere = is_linked;
            return view;
        }
        self.add_parts(&mut view, target, &place, &mut Joined::new());
        view.is_elsewhere |= is_linked && view.more > 0;
        view
    }

    fn add_parts(&self, view: &mut SchemaView, schema: &'d Value, place: &Place<'d>, joined: &mut Joined) {
        self.budget.look();
        if !joined.insert(std::ptr::from_ref(schema)) {
            return;
        }
        let (_, more) = self.budget.each(list(schema, "allOf"), |part| {
            let mut inner = place.clone();
            // A part is the schema itself, not something in it.
            let again = reference(part).is_some_and(|shared| !inner.within.insert(shared));
            if !again && place.depth < MAX_DEPTH {
                inner.depth += 1;
                self.add_parts(view, resolve(self.root, part), &inner, joined);
            }
        });
        view.more += more;
        self.add_properties(view, schema, place);
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            self.add_items(view, items, place);
        }
        for (key, words) in [("oneOf", "one_of"), ("anyOf", "any_of")] {
            let variants: Vec<_> = list(schema, key).filter(|variant| !kind::is_null(variant)).collect();
            if !variants.is_empty() {
                view.variants_are = words;
                let (told, more) = self.budget.each(variants, |variant| self.at(variant, place));
                view.variants.extend(told);
                view.more += more;
            }
        }
    }

    /// What is in a list is told with it.
    fn add_items(&self, view: &mut SchemaView, items: &'d Value, place: &Place<'d>) {
        let items = self.at(items, place);
        view.is_elsewhere |= items.is_elsewhere;
        view.link = view.link.take().or(items.link);
        if view.description.is_empty() {
            view.description = items.description;
        }
        view.values.extend(items.values);
        view.properties.extend(items.properties);
        view.variants.extend(items.variants);
        view.variants_are = items.variants_are;
        view.more += items.more;
    }

    fn add_properties(&self, view: &mut SchemaView, schema: &'d Value, place: &Place<'d>) {
        let required: BTreeSet<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let mut properties: Vec<_> =
            schema.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
        self.fields.update(|fields| fields + properties.len());
        // What has to be there comes first.
        properties.sort_by_key(|(name, _)| !required.contains(name.as_str()));
        let (told, more) = self.budget.each(properties, |(name, property)| {
            self.budget.part([name]);
            let target = resolve(self.root, property);
            let flag = |key: &str| target.get(key).and_then(Value::as_bool).unwrap_or(false);
            PropertyView {
                name: short(name),
                anchor: self.anchor(name),
                required: required.contains(name.as_str()),
                deprecated: flag("deprecated"),
                access: if flag("readOnly") { Some("read_only") } else { flag("writeOnly").then_some("write_only") },
                schema: self.at(property, place),
            }
        });
        view.properties.extend(told);
        view.more += more;
        if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
            let schema = self.at(others, place);
            let name = String::new();
            let (anchor, access) = (None, None);
            view.properties.push(PropertyView { name, anchor, required: false, deprecated: false, access, schema });
        }
    }
}

/// The anchor of fields of this name, as a URL has it; nothing of those that are too long for one.
pub(crate) fn field_anchor(name: &str) -> Option<String> {
    (name.len() <= MAX_ANCHOR).then(|| format!("field-{}", crate::web::escape_path(name)))
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
        Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&schema)
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
    fn links_lead_to_the_first_field_of_a_name() {
        let root = json!({ "properties": { "a": { "properties": { "a": {}, "b c": {} } }, "b c": {} } });
        let html = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&root).render().unwrap();
        for anchor in ["id=\"field-a\"", "id=\"field-b%20c\""] {
            assert_eq!(html.matches(anchor).count(), 1, "{anchor}: {html}");
        }
        assert_eq!(field_anchor(&"a".repeat(101)), None);
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
        let html = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default())
            .view(&root["components"]["schemas"]["S0"])
            .render()
            .unwrap();
        assert!(html.contains("f19") && html.len() < 300_000, "{}", html.len());
    }

    /// Levels of schemas, each of which is `of` as many references to the next.
    fn levels(levels: usize, of: &str, references: impl Fn(usize) -> Vec<String>) -> Value {
        let refer = |name: &String| json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut schemas = serde_json::Map::new();
        for level in 0..levels {
            let next: Vec<_> = references(level + 1).iter().map(refer).collect();
            for name in references(level) {
                schemas.insert(name, json!({ of: next, "properties": { format!("f{level}"): { "type": "string" } } }));
            }
        }
        json!({ "components": { "schemas": schemas } })
    }

    #[test]
    fn what_is_put_together_from_the_same_part_many_times_has_it_once() {
        let root = levels(12, "allOf", |level| vec![format!("S{level}"); 10]);
        let schema = json!({ "$ref": "#/components/schemas/S0" });
        let view = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&schema);
        assert_eq!(view.properties.len(), 12);
    }

    #[test]
    fn what_fans_out_is_told_as_far_as_a_page_has_room() {
        for of in ["oneOf", "anyOf", "allOf"] {
            let root = levels(4, of, |level| (0..300).map(|number| format!("S{level}n{number}")).collect());
            let schema = json!({ "$ref": "#/components/schemas/S0n0" });
            let view = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&schema);
            assert!(view.more > 0 && view.is_elsewhere, "{of}: the rest is told by the schema's own page");
            let html = view.render().unwrap();
            assert!(html.len() < 250_000, "{of}: {}", html.len());
        }
    }

    #[test]
    fn what_is_long_is_cut_and_said_to_be() {
        let fields: serde_json::Map<_, _> = (0..9_000)
            .map(|n| (format!("f{n}"), json!({ "default": "<".repeat(5_000), "description": "*a* ".repeat(5_000) })))
            .collect();
        let root = json!({});
        let schema = json!({ "properties": fields, "required": ["f8999"] });
        let view = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&schema);
        assert_eq!(view.properties[0].name, "f8999");
        assert_eq!(view.properties.len() + view.more, 9_000);
        let html = view.render().unwrap();
        assert!(html.len() < 250_000 && html.contains(&format!("{} more", view.more)), "{}", html.len());
    }

    #[test]
    fn a_page_of_it_holds_no_markup_of_strangers() {
        let root = json!({});
        let schema = json!({ "type": "object", "properties": { "<script>": { "type": "string", "default": "<b>" } } });
        let html = Schemas::new(&root, "/s/", &Texts::default(), &Budget::default()).view(&schema).render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    }
}

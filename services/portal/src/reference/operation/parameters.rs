//! Parameters, by where they stand in a request.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::has_body_parameters;
use super::style::Style;
use crate::document::{Version, text};
use crate::markdown::Html;
use crate::reference::budget::{Budget, is_within, short};
use crate::reference::example;
use crate::reference::resolve::resolve;
use crate::reference::schema::{SchemaView, Schemas};

/// The places of parameters, and the text that says what they are called.
const PLACES: [(&str, &str); 5] = [
    ("path", "parameters_path"),
    ("query", "parameters_query"),
    ("querystring", "parameters_querystring"),
    ("header", "parameters_header"),
    ("cookie", "parameters_cookie"),
];

/// The most parameters of an operation, and again of its path.
const MAX_PARAMETERS: usize = 1_000;
/// The longest path that has values in the places of parameters, and all of these.
const MAX_PATH: usize = 4_000;
/// The longest value of one that is written into a request, or told.
const MAX_VALUE: usize = 1_000;

/// Parameters of one place.
#[derive(Clone, Debug)]
pub(crate) struct ParameterGroup {
    pub(crate) title: &'static str,
    pub(crate) parameters: Vec<ParameterView>,
    /// How many there was no room for.
    pub(crate) more: usize,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct ParameterView {
    pub(crate) name: String,
    /// What links to it lead to: the first field of its name on a page.
    pub(crate) anchor: Option<String>,
    pub(crate) required: bool,
    pub(crate) deprecated: bool,
    pub(crate) description: Html,
    pub(crate) schema: SchemaView,
    pub(crate) example: Option<String>,
}

/// All parameters of an operation: those of its path too, unless it has one of the same name in the same place.
pub(crate) fn all<'d>(root: &'d Value, item: &'d Value, operation: &'d Value) -> Vec<&'d Value> {
    let list = |object: &'d Value| {
        let list = object.get("parameters").and_then(Value::as_array).into_iter().flatten();
        list.map(|parameter| resolve(root, parameter)).take(MAX_PARAMETERS).collect::<Vec<_>>()
    };
    let own = list(operation);
    let named = |parameter: &'d Value| (text(parameter, "name"), text(parameter, "in"));
    let known: BTreeSet<_> = own.iter().copied().map(named).collect();
    let mut all: Vec<_> = list(item).into_iter().filter(|one| !known.contains(&named(one))).collect();
    all.extend(own);
    all
}

/// Parameters for reading. A body is not among them.
pub(super) fn groups<'d>(
    root: &'d Value,
    version: Version,
    schemas: &Schemas<'d>,
    all: &[&'d Value],
) -> Vec<ParameterGroup> {
    let group = |(place, title): (&str, &'static str)| {
        let is_of_place =
            |parameter: &&Value| text(parameter, "in") == Some(place) && text(parameter, "name").is_some();
        let mut of_place: Vec<_> = all.iter().copied().filter(is_of_place).collect();
        of_place.sort_by_key(|parameter| parameter.get("required") != Some(&Value::Bool(true)));
        let (views, more) = schemas.budget.each(of_place, |parameter| view(root, version, schemas, parameter));
        ParameterGroup { title, parameters: views.into_iter().flatten().collect(), more }
    };
    PLACES.into_iter().map(group).filter(|group| group.more > 0 || !group.parameters.is_empty()).collect()
}

fn view<'d>(root: &'d Value, version: Version, schemas: &Schemas<'d>, parameter: &'d Value) -> Option<ParameterView> {
    let flag = |key: &str| parameter.get(key) == Some(&Value::Bool(true));
    let description = text(parameter, "description").map(|text| schemas.budget.prose(text, 3)).unwrap_or_default();
    let anchor = schemas.anchor(text(parameter, "name")?);
    let mut schema = schema(version, parameter).map(|schema| schemas.view(schema)).unwrap_or_default();
    if description == schema.description {
        schema.description = Html::default();
    }
    let name = short(text(parameter, "name")?);
    schemas.budget.part([&name]);
    let example = example::given(root, parameter).filter(|example| is_within(example, MAX_VALUE));
    Some(ParameterView {
        name,
        anchor,
        required: flag("required"),
        deprecated: flag("deprecated"),
        description,
        schema,
        example: example.and_then(|example| schemas.budget.example(as_text(example), 1)),
    })
}

/// Its schema, or that of its content; in 2.0 the parameter itself says the type.
pub(super) fn schema(version: Version, parameter: &Value) -> Option<&Value> {
    if has_body_parameters(version) {
        return Some(parameter);
    }
    let of_content = || parameter.get("content")?.as_object()?.values().next()?.get("schema");
    parameter.get("schema").or_else(of_content)
}

/// A value that its document tells: an example, what holds by default, or the first of those that it may be.
pub(super) fn told(root: &Value, parameter: &Value, budget: &Budget) -> Option<Value> {
    let content = parameter.get("content").and_then(Value::as_object).and_then(|content| content.values().next());
    let given = example::given(root, parameter).or_else(|| example::given(root, content?));
    let schema = described(parameter);
    let of_schema = || if says(root, schema, &TELLING) { made(root, schema, budget) } else { None };
    given.filter(|value| is_within(value, MAX_VALUE)).cloned().or_else(of_schema)
}

/// What can be made of a schema, unless it is long.
fn made(root: &Value, schema: &Value, budget: &Budget) -> Option<Value> {
    example::of_schema(root, schema, true, budget).filter(|value| is_within(value, MAX_VALUE))
}

/// A value for a sample.
pub(super) fn sample(root: &Value, parameter: &Value, budget: &Budget) -> Value {
    let named = || Value::from(text(parameter, "name").unwrap_or_default());
    told(root, parameter, budget).unwrap_or_else(|| {
        let schema = described(parameter);
        // The name says more than `text`.
        let is_text = matches!(kind(root, resolve(root, schema)), "" | "string");
        match is_text && !says(root, schema, &["format", "pattern", "minLength", "maxLength", "properties", "items"]) {
            true => named(),
            false => made(root, schema, budget).unwrap_or_else(named),
        }
    })
}

/// What says of a parameter what it may be, itself in 2.0.
fn described(parameter: &Value) -> &Value {
    schema(Version::V3_1, parameter).unwrap_or(parameter)
}

/// Fields of a schema that tell a value.
const TELLING: [&str; 5] = ["example", "examples", "default", "enum", "const"];

fn says(root: &Value, schema: &Value, fields: &[&str]) -> bool {
    let schema = resolve(root, schema);
    fields.iter().any(|field| schema.get(field).is_some())
}

/// The parameters of a path of which the document says nothing, as it might have, with this description.
pub(super) fn undeclared(all: &[&Value], path: &str, description: &str) -> Vec<Value> {
    let is_told = |name: &&str| all.iter().any(|one| one["in"] == "path" && one["name"] == **name);
    let mut names: Vec<&str> = Vec::new();
    for name in placeholders(path).filter(|name| !is_told(name) && !name.trim().is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string" } });
    names.into_iter().map(parameter).collect()
}

/// The names in a path in whose places there are values, in their order.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0))
}

/// A path with a value in the place of each parameter, as a request has it.
pub(in crate::reference) fn sample_path(
    root: &Value,
    version: Version,
    all: &[&Value],
    path: &str,
    budget: &Budget,
) -> String {
    let mut path = path.to_owned();
    for parameter in all.iter().filter(|parameter| text(parameter, "in") == Some("path")) {
        let Some(style) = Style::of(version, parameter) else { continue };
        let place = format!("{{{}}}", text(parameter, "name").unwrap_or_default());
        let times = path.matches(&place).count();
        if times > 0 && path.len() <= MAX_PATH {
            let written = style.written(&sample(root, parameter, budget));
            if written.len().saturating_mul(times) <= MAX_PATH {
                path = path.replace(&place, &written);
            }
        }
    }
    // Of parameters of which nobody tells there is the name; what no URL can hold (RFC 3986) is escaped.
    let mut written = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '{' | '}' => {}
            '!' | '$'..=';' | '=' | '@'..='Z' | '_' | 'a'..='z' | '~' => written.push(letter),
            _ => written.push_str(&crate::web::escape_path(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    written
}

/// The type of a value that is not nothing, as far as it is said.
pub(super) fn kind<'s>(root: &'s Value, schema: &'s Value) -> &'s str {
    let said = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.and_then(Value::as_str),
    };
    let variants = || ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let of_variant = || {
        variants()
            .map(|one| resolve(root, one))
            .find_map(|one| one.get("type")?.as_str().filter(|kind| *kind != "null"))
    };
    let implied = || if schema.get("properties").is_some() { Some("object") } else { None };
    said.or_else(implied).or_else(of_variant).unwrap_or_default()
}

/// Text as it is, a list with commas, anything else as JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_a_value_in_every_place() {
        let declared = [
            json!({ "name": "user", "in": "path", "example": "a/b c?" }),
            json!({ "name": "ids", "in": "path", "style": "matrix", "schema": { "example": [1, 2] } }),
        ];
        let all: Vec<&Value> = declared.iter().collect();
        let path = "/carts/{user}/{ids}/{b}/{b}/{}/50%25/ä";
        let undeclared = undeclared(&all, path, "unsaid");
        assert_eq!(undeclared.iter().map(|one| one["name"].clone()).collect::<Vec<_>>(), ["b"]);
        let whole = [&all[..], &undeclared.iter().collect::<Vec<_>>()].concat();
        let expected = "/carts/a%2Fb%20c%3F/;ids=1,2/b/b//50%25/%C3%A4";
        assert_eq!(sample_path(&Value::Null, Version::V3_0, &whole, path, &Budget::default()), expected);
        assert_eq!(
            sample_path(&Value::Null, Version::V3_0, &all, path, &Budget::default()),
            expected,
            "the name stands for itself"
        );
    }

    #[test]
    fn samples_are_what_the_document_allows() {
        for (schema, expected) in [
            (json!({ "type": "string" }), json!("n")),
            (json!({}), json!("n")),
            (json!({ "type": "string", "pattern": "^[0-9]{3}$" }), json!("111")),
            (json!({ "type": "array", "items": { "type": "integer" } }), json!([1])),
            (json!({ "type": "boolean", "default": false }), json!(false)),
            (json!({ "type": "integer", "minimum": 5 }), json!(5)),
            (json!({ "type": ["integer", "null"], "minimum": 5 }), json!(5)),
            (json!({ "type": ["string", "null"] }), json!("n")),
        ] {
            let parameter = json!({ "name": "n", "in": "query", "schema": schema });
            assert_eq!(sample(&Value::Null, &parameter, &Budget::default()), expected, "{schema}");
        }
        let of_content =
            json!({ "name": "n", "in": "query", "content": { "application/json": { "example": { "a": 1 } } } });
        assert_eq!(sample(&Value::Null, &of_content, &Budget::default()), json!({ "a": 1 }));
    }
}

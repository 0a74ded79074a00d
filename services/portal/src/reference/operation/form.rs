//! A request as somebody fills it in.

use serde_json::Value;

use super::content::BodyView;
use super::parameters;
use super::style::Style;
use super::upload::{Part, is_text};
use super::urlencoded::query_fields;
use crate::document::{Document, text};
use crate::reference::budget::{Budget, is_within, short};
use crate::reference::resolve::resolve;
use crate::reference::samples::proof::{Proof, Shown};

/// The header that an `APIKey` Filter reads where nobody says which.
const KEY_HEADER: &str = "X-API-Key";

/// The longest list of values that one is chosen from.
const MAX_VALUES: usize = 5_000;

/// What there is to fill in.
#[derive(Clone, Debug)]
pub(crate) struct FormView {
    pub(crate) fields: Vec<FieldView>,
    /// Bodies that are text, by media type.
    pub(crate) bodies: Vec<TextBody>,
    /// A body that is no text, where there is none that is one.
    pub(crate) upload: Option<Upload>,
    /// The media type of a body of which nobody says what it is put together from.
    pub(crate) unwritable: Option<String>,
    /// In which header the document wants API keys.
    pub(crate) key_header: String,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldView {
    pub(crate) name: String,
    /// `path`, `query` or `header`: pages cannot write cookies of other requests.
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    /// What it is filled in with: where it is required, what the document tells.
    pub(crate) value: String,
    /// What it may be; empty for anything.
    pub(crate) values: Vec<String>,
    /// How it is written in a request, as OpenAPI calls that.
    pub(crate) style: &'static str,
    /// Each item of a list or object by itself.
    pub(crate) explode: bool,
    /// Characters with a meaning in URLs stay as they are.
    pub(crate) keeps_reserved: bool,
    pub(crate) is_list: bool,
    pub(crate) is_object: bool,
}

/// A body in one media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextBody {
    pub(crate) media: String,
    pub(crate) example: String,
}

/// A body that is put together from files and texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) media: String,
    pub(crate) parts: Vec<Part>,
}

impl FormView {
    /// With the header in which the gateway takes a key, where it says so: it knows better than the document.
    pub(super) fn showing(mut self, proof: &Proof) -> Self {
        if let Some(header) = proof.headers().iter().find_map(Shown::key_header) {
            header.clone_into(&mut self.key_header);
        }
        self
    }
}

/// The form of an operation with these parameters and this body.
pub(super) fn form(document: &Document, all: &[&Value], body: Option<&BodyView>) -> FormView {
    let contents = body.map(|body| &body.contents[..]).unwrap_or_default();
    let (written, others): (Vec<_>, Vec<_>) = contents.iter().partition(|content| is_text(&content.media));
    let bodies = written
        .iter()
        .map(|content| TextBody { media: content.media.clone(), example: content.example.clone().unwrap_or_default() })
        .collect();
    let other = others.first().filter(|_| written.is_empty());
    let upload = other.map(|content| Upload { media: content.media.clone(), parts: content.parts.clone() });
    let (upload, unknown) = upload.into_iter().partition::<Vec<_>, _>(|upload| !upload.parts.is_empty());
    let budget = Budget::of_form();
    let (fields, _) = budget.each(all, |parameter| field(document, parameter, &budget));
    FormView {
        fields: fields.into_iter().flatten().collect(),
        upload: upload.into_iter().next(),
        unwritable: unknown.into_iter().next().map(|upload| upload.media),
        bodies,
        key_header: key_header(&document.value).unwrap_or(KEY_HEADER).to_owned(),
    }
}

fn field(document: &Document, parameter: &Value, budget: &Budget) -> Option<FieldView> {
    // The whole of a query is filled in as an object.
    let said = if query_fields(parameter).is_some() { Some("query") } else { text(parameter, "in") };
    let place = ["path", "query", "header"].into_iter().find(|place| said == Some(place))?;
    let required = place == "path" || parameter.get("required") == Some(&Value::Bool(true));
    let root = &*document.value;
    let schema = parameters::schema(document.version, parameter).map(|schema| resolve(root, schema));
    let values = schema.map(|schema| values(root, schema)).unwrap_or_default();
    let style = Style::of(document.version, parameter)?;
    let kind = schema.map(|schema| parameters::kind(root, schema)).unwrap_or_default();
    let told = parameters::told(root, parameter, budget);
    // Where no type is said, what is told is of one.
    let is_so = |name: &str, is: fn(&Value) -> bool| kind == name || (kind.is_empty() && told.as_ref().is_some_and(is));
    let (is_list, is_object) = (is_so("array", Value::is_array), is_so("object", Value::is_object));
    let name = short(text(parameter, "name")?);
    let value = if required { filled(told) } else { String::new() };
    let values = if is_list { Vec::new() } else { values };
    budget.part(values.iter().chain([&name, &value]));
    Some(FieldView {
        name,
        place,
        required,
        value,
        values,
        style: style.kind.as_str(),
        explode: style.explode,
        keeps_reserved: style.keeps_reserved,
        is_list,
        is_object,
    })
}

/// What is written into a field: lists with commas, unless there are some in them.
fn filled(value: Option<Value>) -> String {
    match value {
        Some(Value::Array(items)) if items.iter().any(|item| parameters::as_text(item).contains(',')) => {
            Value::Array(items).to_string()
        }
        value => value.as_ref().map(parameters::as_text).unwrap_or_default(),
    }
}

/// What a schema allows, where that is a list.
fn values(root: &Value, schema: &Value) -> Vec<String> {
    let listed = schema.get("enum").filter(|listed| is_within(listed, MAX_VALUES));
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    let listed: Vec<_> =
        listed.filter(|value| !value.is_null()).map(|value| parameters::as_text(resolve(root, value))).collect();
    match parameters::kind(root, schema) {
        "boolean" if listed.is_empty() => vec!["true".to_owned(), "false".to_owned()],
        _ => listed,
    }
}

/// The header of the first scheme of a document that is a key in one.
fn key_header(root: &Value) -> Option<&str> {
    let schemes =
        root.pointer("/components/securitySchemes").or_else(|| root.get("securityDefinitions"))?.as_object()?;
    let mut schemes = schemes.values().map(|scheme| resolve(root, scheme));
    let key = schemes.find(|scheme| scheme["type"] == "apiKey" && scheme["in"] == "header")?;
    text(key, "name")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form_of(parameters: &Value, more: &Value) -> FormView {
        let mut document = json!({ "openapi": "3.1.0", "info": { "title": "T", "version": "1" }, "paths": {} });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let document = Document::read(document.to_string().into()).unwrap();
        let all: Vec<&Value> = parameters.as_array().unwrap().iter().collect();
        form(&document, &all, None)
    }

    #[test]
    fn what_is_required_and_told_is_filled_in_and_lists_are_lists() {
        let parameters = json!([
            { "name": "user", "in": "path", "schema": { "type": "string" } },
            { "name": "sort", "in": "query", "schema": { "enum": ["up", "down"] } },
            { "name": "tag", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
            { "name": "id", "in": "query", "explode": false, "schema": { "type": "array" } },
            { "name": "deep", "in": "header", "required": true, "schema": { "type": "boolean" } },
            { "name": "theme", "in": "cookie" },
            { "name": "sold", "in": "query", "schema": { "type": ["boolean", "null"] } },
            { "name": "page", "in": "query", "required": true, "schema": { "type": "integer", "default": 3 } },
            { "name": "day", "in": "path", "example": "monday", "schema": { "type": "string" } },
            { "name": "ids", "in": "query", "required": true, "style": "pipeDelimited", "example": ["a,b", "c"],
                "schema": { "anyOf": [{ "type": "null" }, { "type": "array" }] } },
            { "name": "untyped", "in": "query", "example": ["a"] },
            { "name": "filter", "in": "query", "required": true, "style": "deepObject", "allowReserved": true,
                "schema": { "type": ["object", "null"], "example": { "a": 1 } } },
        ]);
        let fields = form_of(&parameters, &json!({})).fields;
        let told: Vec<_> =
            fields.iter().map(|one| (&*one.name, &*one.value, one.style, one.explode, one.is_list)).collect();
        let expected = [
            ("user", "", "simple", false, false),
            ("sort", "", "form", true, false),
            ("tag", "", "form", true, true),
            ("id", "", "form", false, true),
            ("deep", "", "simple", false, false),
            ("sold", "", "form", true, false),
            ("page", "3", "form", true, false),
            ("day", "monday", "simple", false, false),
            ("ids", "[\"a,b\",\"c\"]", "pipeDelimited", false, true),
            ("untyped", "", "form", true, true),
            ("filter", "{\"a\":1}", "deepObject", false, false),
        ];
        assert_eq!(told, expected);
        assert!(fields[10].is_object && fields[10].keeps_reserved && !fields[8].keeps_reserved);
        assert_eq!(fields[5].values, fields[4].values, "nothing is what is not filled in");
        assert_eq!(
            (&fields[1].values, &fields[4].values),
            (&vec!["up".into(), "down".into()], &vec!["true".into(), "false".into()])
        );
    }

    #[test]
    fn the_whole_of_a_query_is_filled_in_where_it_has_fields() {
        let whole = |media: &str| {
            let content = json!({ media: { "schema": { "type": "object" }, "example": { "a": 1 } } });
            form_of(&json!([{ "name": "q", "in": "querystring", "required": true, "content": content }]), &json!({}))
        };
        let fields = whole("application/x-www-form-urlencoded").fields;
        let [field] = &fields[..] else { panic!("{fields:?}") };
        assert_eq!((field.place, field.style, &*field.value), ("query", "form", "{\"a\":1}"));
        assert!(field.explode && field.is_object && field.required);
        assert_eq!(whole("application/json").fields, [], "it is one text, of which nothing is a field");
    }

    #[test]
    fn a_key_goes_where_the_document_wants_it() {
        let scheme = |place: &str| json!({ "components": { "securitySchemes": { "key": { "type": "apiKey", "in": place, "name": "X-Shop" } } } });
        assert_eq!(form_of(&json!([]), &scheme("header")).key_header, "X-Shop");
        assert_eq!(form_of(&json!([]), &scheme("cookie")).key_header, "X-API-Key");
    }
}

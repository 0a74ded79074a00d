//! Bodies: of requests and of answers, by media type.

use serde_json::Value;

use super::has_body_parameters;
use super::upload::{self, Part};
use super::urlencoded::form;
use crate::document::{Version, is_urlencoded, media_types, text};
use crate::markdown::Html;
use crate::reference::budget::{is_within, short};
use crate::reference::example;
use crate::reference::resolve::resolve;
use crate::reference::schema::{SchemaView, Schemas};

/// The longest example that is told.
const MAX_EXAMPLE: usize = 30_000;
/// How often a page has the example of a request: in every language, and where it can be sent.
pub(super) const OF_REQUEST: usize = 7;
/// How often it has that of an answer.
const OF_ANSWER: usize = 2;

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) struct BodyView {
    pub(crate) required: bool,
    pub(crate) description: Html,
    pub(crate) contents: Vec<ContentView>,
    /// In how many other media types there was no room for it.
    pub(crate) more: usize,
}

/// A body in one media type.
#[derive(Clone, Debug)]
pub(crate) struct ContentView {
    pub(crate) media: String,
    pub(crate) schema: SchemaView,
    pub(crate) example: Option<String>,
    /// Of a request's body that is no text.
    pub(crate) parts: Vec<Part>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct ResponseView {
    pub(crate) status: String,
    /// Whether it is one of those that are hoped for.
    pub(crate) is_good: bool,
    pub(crate) description: Html,
    pub(crate) headers: Vec<HeaderView>,
    pub(crate) contents: Vec<ContentView>,
    /// How many headers and contents there was no room for.
    pub(crate) more: usize,
}

/// A header of an answer.
#[derive(Clone, Debug)]
pub(crate) struct HeaderView {
    pub(crate) name: String,
    pub(crate) description: Html,
    pub(crate) schema: SchemaView,
}

/// What a document says of a body in one media type, beside its schema.
#[derive(Clone, Copy, Default)]
struct Given<'d> {
    example: Option<&'d Value>,
    /// How fields of a form are written.
    encoding: Option<&'d Value>,
}

/// Looks at bodies of a document.
pub(super) struct Contents<'s, 'd> {
    pub(super) root: &'d Value,
    pub(super) version: Version,
    pub(super) schemas: &'s Schemas<'d>,
}

impl<'d> Contents<'_, 'd> {
    /// What a request has to bring.
    pub(super) fn body(&self, operation: &'d Value, parameters: &[&'d Value]) -> Option<BodyView> {
        if has_body_parameters(self.version) {
            return self.body_parameters(operation, parameters);
        }
        let body = resolve(self.root, operation.get("requestBody")?);
        let description = self.description(body);
        let (contents, more) = self.contents(body, true);
        Some(BodyView { required: body.get("required") == Some(&Value::Bool(true)), description, contents, more })
    }

    /// In 2.0 a body is a parameter, or each field of a form is one.
    fn body_parameters(&self, operation: &'d Value, parameters: &[&'d Value]) -> Option<BodyView> {
        let Some(body) = parameters.iter().find(|parameter| text(parameter, "in") == Some("body")) else {
            return self.fields(operation, parameters);
        };
        let required = body.get("required") == Some(&Value::Bool(true));
        let description = self.description(body);
        let (contents, more) = self.schemas.budget.each(self.media(operation, "consumes"), |media| {
            self.content(&media, body.get("schema"), Given::default(), true)
        });
        Some(BodyView { required, description, contents, more })
    }

    /// What comes back, by status, and how much of it there was no room for.
    pub(super) fn responses(&self, operation: &'d Value) -> (Vec<ResponseView>, usize) {
        let responses = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        let responses = responses.filter(|(status, _)| !status.starts_with("x-"));
        let view = |(status, response): (&'d String, &'d Value)| {
            self.response(operation, status, resolve(self.root, response))
        };
        self.schemas.budget.each(responses, view)
    }

    fn response(&self, operation: &'d Value, status: &str, response: &'d Value) -> ResponseView {
        let budget = self.schemas.budget;
        budget.part([]);
        let description = self.description(response);
        let (contents, more) = match has_body_parameters(self.version) {
            false => self.contents(response, false),
            true => match response.get("schema") {
                Some(schema) => budget.each(self.media(operation, "produces"), |media| {
                    let example = response.get("examples").and_then(|examples| examples.get(&media));
                    self.content(&media, Some(schema), Given { example, encoding: None }, false)
                }),
                None => (Vec::new(), 0),
            },
        };
        let headers = response.get("headers").and_then(Value::as_object).into_iter().flatten();
        let header = |(name, header): (&'d String, &'d Value)| {
            let header = resolve(self.root, header);
            let schema = header.get("schema").unwrap_or(header);
            let mut schema = self.schemas.view(schema);
            schema.description = Html::default();
            HeaderView { name: short(name), description: self.description(header), schema }
        };
        let (headers, more_headers) = budget.each(headers, header);
        ResponseView {
            status: short(status),
            is_good: status.starts_with(['1', '2', '3']),
            description,
            headers,
            contents,
            more: more + more_headers,
        }
    }

    /// The media types of an operation in 2.0. What programs speak comes first.
    fn media(&self, operation: &Value, key: &str) -> Vec<String> {
        let mut all = media_types(self.root, operation, key);
        all.sort_by_key(|media| !media.contains("json"));
        all
    }

    fn description(&self, object: &Value) -> Html {
        // 3.2 lets answers have a summary alone.
        let said = text(object, "description").or(text(object, "summary"));
        said.map(|text| self.schemas.budget.prose(text, 3)).unwrap_or_default()
    }

    fn contents(&self, object: &'d Value, writing: bool) -> (Vec<ContentView>, usize) {
        let mut contents: Vec<_> = object.get("content").and_then(Value::as_object).into_iter().flatten().collect();
        // What programs speak comes first.
        contents.sort_by_key(|(media, _)| !media.contains("json"));
        self.schemas.budget.each(contents, |(media, content)| {
            let content = resolve(self.root, content);
            // A stream has a schema for each of its items (3.2).
            let schema = content.get("schema").or_else(|| content.get("itemSchema"));
            let given = Given { example: example::given(self.root, content), encoding: content.get("encoding") };
            self.content(media, schema, given, writing)
        })
    }

    fn content(&self, media: &str, schema: Option<&'d Value>, given: Given<'_>, writing: bool) -> ContentView {
        let budget = self.schemas.budget;
        budget.part([]);
        // Who takes anything, as Kubernetes says of itself, takes what has been written by hand.
        let media = if writing && media == "*/*" { "application/json" } else { media };
        let is_json = media.contains("json") || media == "*/*";
        let made = || {
            schema
                .filter(|_| is_json || is_urlencoded(media))
                .and_then(|schema| example::of_schema(self.root, schema, writing, budget))
        };
        let written = |example: &Value| written(media, example, given.encoding);
        let example = given.example.filter(|example| is_within(example, MAX_EXAMPLE)).map(written);
        let example = example.or_else(|| made().map(|example| written(&example)));
        let places = if writing { OF_REQUEST } else { OF_ANSWER };
        ContentView {
            media: short(media),
            schema: schema.map(|schema| self.schemas.view(schema)).unwrap_or_default(),
            example: example.and_then(|example| budget.example(example, places)),
            parts: if writing { upload::parts(self.root, media, schema) } else { Vec::new() },
        }
    }
}

/// Text as it is, a form as its fields, anything else as JSON.
fn written(media: &str, example: &Value, encoding: Option<&Value>) -> String {
    match example {
        Value::String(text) => text.clone(),
        Value::Object(_) if is_urlencoded(media) => form(example, encoding).unwrap_or_default(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

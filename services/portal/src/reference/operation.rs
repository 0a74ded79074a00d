//! One operation for reading: what it takes, what it gives, and how to ask for it.

mod content;
mod fields;
mod form;
mod parameters;
mod style;
mod upload;
mod urlencoded;

use serde_json::Value;

use self::content::{BodyView, Contents, ResponseView};
use self::form::{FormView, form};
use self::parameters::ParameterGroup;
pub(super) use self::parameters::sample_path;
pub(crate) use self::parameters::{all as all_parameters, placeholders};
use self::style::Style;
pub(super) use self::upload::Part;
use super::budget::{Budget, escaped, short};
use super::incoming::{self, Incoming};
use super::resolve::resolve;
use super::samples::proof::Proof;
use super::samples::{LANGUAGES, Request, Sample, samples};
use super::schema::Schemas;
use super::{Operation, Reference};
use crate::document::{Version, operations, text};
use crate::markdown::Html;
use crate::texts::Texts;

/// How long a request is in a sample, without its path and body: no server takes a longer one.
const MAX_REQUEST: usize = 8_000;
/// The most servers, or ways to be let in, that are named.
const MAX_NAMED: usize = 50;

/// What a request brings, and what is answered.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) description: Html,
    pub(crate) external: Option<(String, String)>,
    pub(crate) parameters: Vec<ParameterGroup>,
    pub(crate) body: Option<BodyView>,
    pub(crate) responses: Vec<ResponseView>,
    /// How many there was no room for.
    pub(crate) more: usize,
}

impl Described {
    /// Of an operation with these parameters.
    pub(super) fn of<'d>(
        root: &'d Value,
        version: Version,
        schemas: &Schemas<'d>,
        written: &'d Value,
        all: &[&'d Value],
    ) -> Self {
        let contents = Contents { root, version, schemas };
        let description = text(written, "description").map(|text| schemas.budget.prose(text, 2));
        let parameters = parameters::groups(root, version, schemas, all);
        let body = contents.body(written, all);
        let (responses, more) = contents.responses(written);
        let description = description.unwrap_or_default();
        Self { description, external: external(written), parameters, body, responses, more }
    }
}

/// An operation with everything on its page.
#[derive(Clone, Debug)]
pub(crate) struct OperationView {
    pub(crate) described: Described,
    /// Where the document has it, if that is elsewhere than the others.
    pub(crate) servers: Vec<String>,
    /// What the document says a request has to show, as names of security schemes.
    pub(crate) security: Vec<String>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) form: FormView,
    pub(crate) callbacks: Vec<Incoming>,
    /// How many there was no room for.
    pub(crate) more_callbacks: usize,
}

impl OperationView {
    /// The view of one of a reference's operations. Samples are sent to `origin`. `schema_link` is where pages of schemas are; it
    /// is of no use to send headers that are `removed`, and `proof` is what a program has to.
    pub(crate) fn of(
        reference: &Reference,
        operation: &Operation,
        origin: Option<&String>,
        schema_link: &str,
        removed: impl Fn(&str) -> bool,
        proof: &Proof,
        texts: &Texts,
    ) -> Option<Self> {
        let document = &*reference.document;
        let (_, _, item, written) = operations(&document.value)
            .find(|(path, method, ..)| *path == operation.inner && *method == operation.method)?;
        let root = &*document.value;
        let written = resolve(root, written);
        let declared = parameters::all(root, item, written);
        let undeclared = parameters::undeclared(&declared, &operation.path, texts.text("parameter_undeclared"));
        let all: Vec<&Value> = declared.into_iter().chain(&undeclared).collect();
        let budget = Budget::default();
        let is_header = |parameter: &Value| text(parameter, "in") == Some("header");
        let is_sent = |parameter: &Value| !(is_header(parameter) && text(parameter, "name").is_some_and(&removed));
        let sent: Vec<_> = all.iter().copied().filter(|parameter| is_sent(parameter)).collect();
        // A page has it in any case, so it is charged before all else.
        let mut request = Request { origin: origin.cloned(), ..request(reference, operation, &sent, &budget) };
        let schemas = Schemas::new(root, schema_link, texts, &budget);
        let described = Described::of(root, document.version, &schemas, written, &all);
        bring(&mut request, described.body.as_ref());
        let samples = samples(&request.showing(proof));
        let (callbacks, more_callbacks) = incoming::callbacks(document, written, &schemas);
        Some(Self {
            servers: written.get("servers").or_else(|| item.get("servers")).map(servers).unwrap_or_default(),
            security: security(root, written, texts),
            samples,
            form: form(document, &sent, described.body.as_ref()).showing(proof),
            callbacks,
            more_callbacks,
            described,
        })
    }
}

/// The URLs of servers, as a document has them.
pub(super) fn servers(all: &Value) -> Vec<String> {
    let all = all.as_array().into_iter().flatten().take(MAX_NAMED);
    all.filter_map(|server| text(server, "url")).map(short).collect()
}

/// What stands elsewhere: its name and a URL of the web.
fn external(operation: &Value) -> Option<(String, String)> {
    let external = operation.get("externalDocs")?;
    let url = text(external, "url")
        .filter(|url| url.len() <= MAX_REQUEST)
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))?;
    Some((short(text(external, "description").unwrap_or(url)), url.to_owned()))
}

/// What is sent in a sample, but for where to and the body: what has to be.
fn request(reference: &Reference, operation: &Operation, all: &[&Value], budget: &Budget) -> Request {
    let mut request =
        Request { method: operation.method.clone(), path: operation.sample.clone(), ..Request::default() };
    let mut cookies = Vec::new();
    let mut room = MAX_REQUEST;
    for parameter in all.iter().filter(|parameter| parameter.get("required") == Some(&Value::Bool(true))) {
        let Some(style) = Style::of(reference.document.version, parameter) else { continue };
        let value = parameters::sample(&reference.document.value, parameter, budget);
        let written = style.written(&value);
        let Some(left) = room.checked_sub(escaped(&written)) else { break };
        room = left;
        match style.place {
            "query" => request.query.push(written),
            "querystring" => request.query.extend(urlencoded::query(parameter, &value)),
            "header" => request.headers.extend(text(parameter, "name").map(|name| (name.to_owned(), written))),
            "cookie" => cookies.push(written),
            _ => {}
        }
    }
    if !cookies.is_empty() {
        request.headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let headers = request.headers.iter().flat_map(|(name, value)| [name, value]);
    budget.samples(request.query.iter().chain([&request.path]).chain(headers), LANGUAGES);
    request
}

/// Puts the body into a sample.
fn bring(request: &mut Request, body: Option<&BodyView>) {
    if let Some(content) = body.and_then(|body| body.contents.first()) {
        request.body.clone_from(&content.example);
        request.parts.clone_from(&content.parts);
        // What parts are told apart by is for who sends them to say.
        if !content.media.starts_with("multipart/") {
            request.headers.push(("content-type".to_owned(), content.media.clone()));
        }
    }
}

/// The schemes of which one has to be followed; those of the document where the operation says nothing.
fn security(root: &Value, operation: &Value, texts: &Texts) -> Vec<String> {
    let said = operation.get("security").or_else(|| root.get("security")).and_then(Value::as_array);
    said.into_iter()
        .flatten()
        .take(MAX_NAMED)
        .filter_map(Value::as_object)
        .map(|all| {
            let names = all.iter().take(MAX_NAMED).map(|(name, scopes)| {
                let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).take(MAX_NAMED);
                let (name, scopes) = (short(name), scopes.map(short).collect::<Vec<_>>());
                if scopes.is_empty() { name } else { format!("{name} ({})", scopes.join(", ")) }
            });
            names.collect::<Vec<_>>().join(&format!(" {} ", texts.text("and")))
        })
        .map(|names| if names.is_empty() { texts.text("kind_nothing").to_owned() } else { names })
        .collect()
}

/// Whether a version has bodies among its parameters.
fn has_body_parameters(version: Version) -> bool {
    version == Version::V2
}

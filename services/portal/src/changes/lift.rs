//! Documents of every version in one shape, that of 3.x: so a service that moves from one version to the next has changed
//! nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::document::{Document, Version, form_media_types, media_types, operations, text};
use crate::reference::{all_parameters, reference, resolve};

/// Fields of a parameter of 2.0 that are no part of what its value may be.
const NO_SCHEMA: [&str; 8] =
    ["name", "in", "required", "description", "collectionFormat", "allowEmptyValue", "deprecated", "schema"];

/// The most values that are copied to where they are used, because in 3.x they stand there. A small document may use a large
/// one many times.
const MAX_COPIED: usize = 1_000_000;
/// The most of shared responses: more of them are referred to.
const MAX_RESPONSES: usize = 100_000;

/// How much may be copied still.
struct Room {
    left: usize,
    responses: usize,
    /// The sizes of those that were asked for, by where they are.
    sizes: BTreeMap<*const Value, usize>,
    /// Nothing had to be left out.
    is_enough: bool,
}

impl Room {
    fn new() -> Self {
        Self { left: MAX_COPIED, responses: MAX_RESPONSES, sizes: BTreeMap::new(), is_enough: true }
    }

    fn size(&mut self, value: &Value, copies: usize) -> usize {
        let size = *self.sizes.entry(std::ptr::from_ref(value)).or_insert_with(|| size(value));
        size.saturating_mul(copies)
    }

    /// A value, if there is room for so many copies of it.
    fn whole<'v>(&mut self, value: &'v Value, copies: usize) -> Option<&'v Value> {
        let size = self.size(value, copies);
        self.take(size).then_some(value)
    }

    /// Whether there is room for so many values more, which may be made here: by where they are, their size is not to be known again.
    fn take(&mut self, size: usize) -> bool {
        let left = self.left.checked_sub(size);
        self.is_enough &= left.is_some();
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// What a shared response holds, likewise.
    fn shared<'v>(&mut self, value: &'v Value, copies: usize) -> Option<&'v Value> {
        self.responses = self.responses.checked_sub(self.size(value, copies))?;
        Some(value)
    }
}

/// How many values there are in one. Documents do not nest deeply.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(size).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A document as 3.x would have it, and whether that is all of it.
pub(super) fn lift(document: &Document) -> (Cow<'_, Value>, bool) {
    match document.version {
        Version::V2 => {
            let mut room = Room::new();
            let lifted = lifted(&document.value, &mut room);
            (Cow::Owned(lifted), room.is_enough)
        }
        Version::V3_0 | Version::V3_1 | Version::V3_2 => (Cow::Borrowed(&document.value), true),
    }
}

/// A document of 2.0 as 3.0 has it, for whoever reads it and not only compares; `None` where that would be too large.
pub(crate) fn from_swagger(old: &Value) -> Option<Value> {
    let mut room = Room::new();
    let mut new = lifted(old, &mut room);
    let root = new.as_object_mut()?;
    root.remove("responses");
    for key in ["tags", "externalDocs"] {
        root.extend(old.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    let schemes = old["schemes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(host) = text(old, "host") {
        let base = text(old, "basePath").unwrap_or_default().trim_end_matches('/');
        let servers = schemes.map(|scheme| json!({ "url": format!("{scheme}://{host}{base}") }));
        root.insert("servers".to_owned(), servers.collect());
    }
    let schemes = new.pointer_mut("/components/securitySchemes").and_then(Value::as_object_mut);
    schemes.into_iter().flat_map(Map::values_mut).for_each(with_flows);
    (room.is_enough && !refers_to_responses(&new)).then_some(new)
}

/// The one flow of 2.0 among those of 3.0, where it is called otherwise.
fn with_flows(scheme: &mut Value) {
    let flow = match text(scheme, "flow") {
        Some("accessCode") => "authorizationCode",
        Some("application") => "clientCredentials",
        Some(flow @ ("implicit" | "password")) => flow,
        _ => return,
    };
    let told = ["authorizationUrl", "tokenUrl", "scopes"].into_iter();
    let told: Map<_, _> = told.filter_map(|key| Some((key.to_owned(), scheme.get(key)?.clone()))).collect();
    let mut new = json!({ "type": "oauth2", "flows": { flow: told } });
    if let Some(description) = scheme.get("description") {
        new["description"] = description.clone();
    }
    *scheme = new;
}

/// Whether something is told only where 3.0 has no place for it.
fn refers_to_responses(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            let is_one = reference(value).is_some_and(|target| target.starts_with("#/responses/"));
            is_one || object.values().any(refers_to_responses)
        }
        Value::Array(items) => items.iter().any(refers_to_responses),
        _ => false,
    }
}

fn lifted(old: &Value, room: &mut Room) -> Value {
    let mut paths = Map::new();
    for (path, method, item, operation) in operations(old) {
        let item = resolve(old, item);
        let operation = self::operation(old, item, resolve(old, operation), room);
        let entry = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        entry[method.to_lowercase()] = operation;
    }
    let mut new = json!({
        "openapi": "3.0.0", "info": old["info"], "paths": paths, "responses": old.get("responses"),
        "components": {
            "schemas": old.get("definitions").cloned().unwrap_or_else(|| json!({})),
            "securitySchemes": security_schemes(old),
        },
    });
    if let Some(security) = old.get("security") {
        new["security"] = security.clone();
    }
    repoint(&mut new);
    new
}

/// References to shared schemas. What else may be referred to is followed already.
fn repoint(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/definitions/")
            {
                *reference = format!("#/components/schemas/{name}");
            }
            object.values_mut().for_each(repoint);
        }
        Value::Array(items) => items.iter_mut().for_each(repoint),
        _ => {}
    }
}

fn security_schemes(old: &Value) -> Value {
    let mut schemes = old.get("securityDefinitions").cloned().unwrap_or_else(|| json!({}));
    for scheme in schemes.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if scheme["type"] == "basic" {
            *scheme = json!({ "type": "http", "scheme": "basic" });
        }
    }
    schemes
}

fn operation(root: &Value, item: &Value, old: &Value, room: &mut Room) -> Value {
    let all = all_parameters(root, item, old).into_iter().filter_map(|one| room.whole(one, 1));
    let all: Vec<&Value> = all.collect();
    let is_body = |parameter: &&&Value| matches!(text(parameter, "in"), Some("body" | "formData"));
    let (body, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|parameter| is_body(parameter));
    let mut new = json!({
        "parameters": others.into_iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(root, old, room),
    });
    for key in ["operationId", "deprecated", "security", "summary", "description", "tags", "externalDocs"] {
        if let Some(value) = old.get(key) {
            new[key] = value.clone();
        }
    }
    if !body.is_empty() {
        new["requestBody"] = request_body(root, old, &body, room);
    }
    new
}

fn parameter(old: &Value) -> Value {
    let mut new = json!({ "name": old["name"], "in": old["in"], "schema": schema(old) });
    for key in ["required", "deprecated", "description"] {
        if let Some(value) = old.get(key) {
            new[key] = value.clone();
        }
    }
    if let Some((style, explode)) = style(old) {
        (new["style"], new["explode"]) = (json!(style), json!(explode));
    }
    new
}

/// How a list is written; nothing of what is none.
fn style(old: &Value) -> Option<(&'static str, bool)> {
    if old["type"] != "array" {
        return None;
    }
    Some(match (text(old, "collectionFormat"), text(old, "in")) {
        (Some("multi"), _) => ("form", true),
        (Some("ssv"), _) => ("spaceDelimited", false),
        (Some("pipes"), _) => ("pipeDelimited", false),
        (Some("tsv"), _) => ("tabDelimited", false),
        (_, Some("query" | "formData")) => ("form", false),
        _ => ("simple", false),
    })
}

/// What the value of a parameter or header may be.
fn schema(old: &Value) -> Value {
    let fields = old.as_object().into_iter().flatten().filter(|(key, _)| !NO_SCHEMA.contains(&key.as_str()));
    let mut schema: Map<String, Value> = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
    if schema.get("type").is_some_and(|kind| kind == "file") {
        schema.extend([("type".to_owned(), json!("string")), ("format".to_owned(), json!("binary"))]);
    }
    Value::Object(schema)
}

fn request_body(root: &Value, operation: &Value, parameters: &[&Value], room: &mut Room) -> Value {
    let is_required = |parameter: &Value| parameter.get("required") == Some(&Value::Bool(true));
    if let Some(body) = parameters.iter().find(|parameter| parameter["in"] == "body") {
        let media = media_types(root, operation, "consumes");
        let schema = body.get("schema").and_then(|schema| room.whole(schema, media.len()));
        return json!({ "required": is_required(body), "content": contents(&media, schema) });
    }
    let properties: Map<String, Value> =
        parameters.iter().filter_map(|field| Some((text(field, "name")?.to_owned(), schema(field)))).collect();
    let required: Vec<_> = parameters.iter().filter(|field| is_required(field)).map(|field| &field["name"]).collect();
    let mut content = json!({ "schema": { "type": "object", "properties": properties, "required": required } });
    let encoding = encoding(parameters);
    if !encoding.is_empty() {
        content["encoding"] = Value::Object(encoding);
    }
    let media = form_media_types(root, operation, parameters);
    let content = if room.take(size(&content).saturating_mul(media.len())) { content } else { json!({}) };
    json!({ "required": !required.is_empty(), "content": each(&media, &content) })
}

/// How lists of a form are written, where that is otherwise than usual.
fn encoding(fields: &[&Value]) -> Map<String, Value> {
    let of_field = |field: &&Value| {
        let (style, explode) = style(field).filter(|(_, explode)| !explode)?;
        Some((text(field, "name")?.to_owned(), json!({ "style": style, "explode": explode })))
    };
    fields.iter().filter_map(of_field).collect()
}

fn responses(root: &Value, operation: &Value, room: &mut Room) -> Value {
    let media = media_types(root, operation, "produces");
    let response = |(status, response): (&String, &Value)| {
        let shared = reference(response);
        let response = resolve(root, response);
        let headers = response.get("headers").and_then(|headers| room.whole(headers, 1)).and_then(Value::as_object);
        let headers = headers.into_iter().flatten();
        let headers: Map<String, Value> =
            headers.map(|(name, header)| (name.clone(), json!({ "schema": schema(header) }))).collect();
        let content = match (response.get("schema"), shared) {
            (None, _) => json!({}),
            (Some(schema), None) => contents(&media, room.whole(schema, media.len())),
            (Some(schema), Some(shared)) => {
                let referred = || json!({ "$ref": format!("{shared}/schema") });
                let schema = room.shared(schema, media.len()).cloned().unwrap_or_else(referred);
                contents(&media, Some(&schema))
            }
        };
        let description = text(response, "description").unwrap_or_default();
        (status.clone(), json!({ "description": description, "headers": headers, "content": content }))
    };
    let all = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    Value::Object(all.map(response).collect())
}

fn contents(media: &[String], schema: Option<&Value>) -> Value {
    each(media, &schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema })))
}

fn each(media: &[String], content: &Value) -> Value {
    Value::Object(media.iter().map(|media| (media.clone(), content.clone())).collect())
}

//! A way through a document that knows what each part of it is: a keyword, a name that somebody gave, or data.

use serde_json::{Map, Value};

use super::names::Names;
use crate::routed::SECURITY_AT;

/// What a part of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// An object of OpenAPI.
    Object,
    /// A schema.
    Schema,
    /// A map from names that the document's author gave.
    Named(&'static Part),
    /// Whatever an API sends; and what only its author understands.
    Data,
}

const OBJECTS: Part = Part::Named(&Part::Object);
const SCHEMAS: Part = Part::Named(&Part::Schema);

/// Maps of OpenAPI whose keys are names. Some of these are lists elsewhere, which makes no difference.
const MAPS: [&str; 14] = [
    "callbacks",
    "content",
    "encoding",
    "examples",
    "headers",
    "links",
    "mediaTypes",
    "parameters",
    "pathItems",
    "paths",
    "requestBodies",
    "responses",
    "securitySchemes",
    "webhooks",
];

impl Part {
    /// What is under a key.
    pub(super) fn under(self, key: &str, value: &Value) -> Self {
        match (self, key) {
            (Self::Named(inner), _) => *inner,
            (Self::Data, _) => Self::Data,
            (_, key) if key.starts_with("x-") => Self::Data,
            (Self::Schema, "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas") => {
                SCHEMAS
            }
            (Self::Schema, "example" | "examples" | "default" | "enum" | "const" | "xml" | "required" | "mapping") => {
                Self::Data
            }
            (Self::Schema, _) => Self::Schema,
            (Self::Object, "schema" | "itemSchema") => Self::Schema,
            (Self::Object, "schemas") => SCHEMAS,
            (Self::Object, "example" | "value" | "dataValue" | "default" | "enum" | "scopes" | "security") => {
                Self::Data
            }
            // A callback is a map itself, of expressions.
            (Self::Object, "callbacks") if value.is_object() => Self::Named(&OBJECTS),
            (Self::Object, key) if MAPS.contains(&key) && value.is_object() => OBJECTS,
            (Self::Object, _) => Self::Object,
        }
    }
}

/// Goes through all of it that is no data, the inner parts first.
pub(crate) fn walk(value: &mut Value, part: Part, visit: &mut impl FnMut(Part, &mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let inner = part.under(key, value);
                if inner != Part::Data {
                    walk(value, inner, visit);
                }
            }
            match part {
                // What is referred to has no names of its own.
                Part::Named(_) if object.get("$ref").is_some_and(Value::is_string) => visit(Part::Object, object),
                Part::Named(_) => {}
                part => visit(part, object),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, part, visit)),
        _ => {}
    }
}

/// Has everything follow the names that its API's shared parts have in the one document.
pub(super) fn rename(document: &mut Value, names: &Names) {
    walk(document, Part::Object, &mut |part, object| {
        follow_reference(object, names);
        match part {
            Part::Schema => follow_mapping(object, names),
            _ => follow_names(object, names),
        }
    });
}

fn follow_reference(object: &mut Map<String, Value>, names: &Names) {
    for key in ["$ref", "operationRef"] {
        if let Some(Value::String(target)) = object.get_mut(key) {
            *target = names.reference(target);
        }
    }
}

fn follow_mapping(schema: &mut Map<String, Value>, names: &Names) {
    let mapping = schema.get_mut("discriminator").and_then(|discriminator| discriminator.get_mut("mapping"));
    for target in mapping.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        if let Value::String(target) = target {
            *target = names.schema(target);
        }
    }
}

fn follow_names(object: &mut Map<String, Value>, names: &Names) {
    if let Some(Value::String(id)) = object.get_mut("operationId") {
        *id = names.prefixed(id);
    }
    let at = object.get_mut(SECURITY_AT).and_then(Value::as_object_mut);
    at.into_iter().flat_map(Map::values_mut).for_each(|security| names.follow_security(security));
    if let Some(security) = object.get_mut("security") {
        names.follow_security(security);
    }
    if let Some(Value::Array(tags)) = object.get_mut("tags") {
        tags.iter_mut().for_each(|tag| names.follow_tag(tag));
    }
}

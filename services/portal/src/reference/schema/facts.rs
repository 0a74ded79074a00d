//! What a schema says of a value besides its type.

use serde_json::Value;

use super::list;
use crate::document::text;

/// The most values that are listed.
const MAX_VALUES: usize = 50;

/// In a few words each.
pub(super) fn facts(schema: &Value) -> Vec<String> {
    let mut facts = Vec::new();
    let mut add = |fact: Option<String>| facts.extend(fact);
    let value = |key: &str| schema.get(key).filter(|value| !value.is_null());
    add(lower(schema));
    add(upper(schema));
    add(value("multipleOf").map(|step| format!("multiple of {step}")));
    add(range(value("minLength"), value("maxLength"), "characters"));
    add(range(value("minItems"), value("maxItems"), "items"));
    add(range(value("minProperties"), value("maxProperties"), "properties"));
    add(value("uniqueItems").filter(|unique| **unique == Value::Bool(true)).map(|_| "each once".to_owned()));
    add(text(schema, "pattern").map(|pattern| format!("matches {pattern}")));
    add(value("default").map(|default| format!("default {default}")));
    add(text(schema, "contentMediaType").map(|media| format!("holds {media}")));
    let discriminator = schema.get("discriminator").and_then(|said| text(said, "propertyName"));
    add(discriminator.map(|property| format!("told apart by {property}")));
    facts
}

/// What the value may be, where it is one of a few.
pub(super) fn values(schema: &Value) -> Vec<String> {
    let constant = schema.get("const");
    let mut values: Vec<_> = list(schema, "enum").chain(constant).take(MAX_VALUES).map(Value::to_string).collect();
    let rest = list(schema, "enum").count().saturating_sub(MAX_VALUES);
    if rest > 0 {
        values.push(format!("… and {rest} more"));
    }
    values
}

/// A bound may be exclusive by itself (3.1) or by a flag beside it (2.0, 3.0).
fn lower(schema: &Value) -> Option<String> {
    match (schema.get("exclusiveMinimum"), schema.get("minimum")) {
        (Some(Value::Bool(true)), Some(bound)) | (Some(bound @ Value::Number(_)), _) => {
            Some(format!("more than {bound}"))
        }
        (_, Some(bound)) => Some(format!("at least {bound}")),
        _ => None,
    }
}

fn upper(schema: &Value) -> Option<String> {
    match (schema.get("exclusiveMaximum"), schema.get("maximum")) {
        (Some(Value::Bool(true)), Some(bound)) | (Some(bound @ Value::Number(_)), _) => {
            Some(format!("less than {bound}"))
        }
        (_, Some(bound)) => Some(format!("at most {bound}")),
        _ => None,
    }
}

fn range(least: Option<&Value>, most: Option<&Value>, unit: &str) -> Option<String> {
    match (least, most) {
        (Some(least), Some(most)) if least == most => Some(format!("{least} {unit}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most} {unit}")),
        (Some(least), None) => Some(format!("at least {least} {unit}")),
        (None, Some(most)) => Some(format!("at most {most} {unit}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_of_every_version_are_told() {
        for (schema, expected) in [
            (json!({ "minimum": 1, "maximum": 99 }), vec!["at least 1", "at most 99"]),
            (json!({ "minimum": 1, "exclusiveMinimum": true }), vec!["more than 1"]),
            (json!({ "exclusiveMaximum": 5 }), vec!["less than 5"]),
            (json!({ "minLength": 2, "maxLength": 2, "pattern": "^a" }), vec!["2 characters", "matches ^a"]),
            (
                json!({ "maxItems": 3, "uniqueItems": true, "default": [] }),
                vec!["at most 3 items", "each once", "default []"],
            ),
        ] {
            assert_eq!(facts(&schema), expected, "{schema}");
        }
        assert_eq!(values(&json!({ "enum": ["a", 1, null] })), ["\"a\"", "1", "null"]);
        assert_eq!(values(&json!({ "enum": vec![1; 60] })).last().unwrap(), "… and 10 more");
    }
}

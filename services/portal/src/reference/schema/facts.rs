//! What a schema says of a value besides its type.

use serde_json::Value;

use super::list;
use crate::document::text;
use crate::reference::budget::short;
use crate::texts::Texts;

/// The most values that are listed.
const MAX_VALUES: usize = 50;

/// In a few words each.
pub(super) fn facts(texts: &Texts, schema: &Value) -> Vec<String> {
    let value = |key: &str| schema.get(key).filter(|value| !value.is_null());
    let range = |unit, least, most| range(texts, texts.text(unit), value(least), value(most));
    let is_once = value("uniqueItems") == Some(&Value::Bool(true));
    let discriminator = schema.get("discriminator").and_then(|said| text(said, "propertyName"));
    let facts = [
        lower(texts, schema),
        upper(texts, schema),
        value("multipleOf").map(|step| texts.with("fact_step", "step", step)),
        range("unit_characters", "minLength", "maxLength"),
        range("unit_items", "minItems", "maxItems"),
        range("unit_properties", "minProperties", "maxProperties"),
        is_once.then(|| texts.text("fact_unique").to_owned()),
        text(schema, "pattern").map(|pattern| texts.with("fact_pattern", "pattern", &pattern)),
        value("default").map(|default| texts.with("fact_default", "value", default)),
        text(schema, "contentMediaType").map(|media| texts.with("fact_media", "media", &media)),
        discriminator.map(|property| texts.with("fact_discriminator", "property", &property)),
    ];
    facts.into_iter().flatten().map(|fact| short(&fact)).collect()
}

/// What the value may be, where it is one of a few.
pub(super) fn values(texts: &Texts, schema: &Value) -> Vec<String> {
    let constant = schema.get("const");
    let mut values: Vec<_> =
        list(schema, "enum").chain(constant).take(MAX_VALUES).map(|value| short(&value.to_string())).collect();
    let rest = list(schema, "enum").count().saturating_sub(MAX_VALUES);
    if rest > 0 {
        values.push(texts.with("fact_more_values", "number", &rest));
    }
    values
}

/// A bound may be exclusive by itself (3.1) or by a flag beside it (2.0, 3.0).
fn lower(texts: &Texts, schema: &Value) -> Option<String> {
    let (name, bound) = match (schema.get("exclusiveMinimum"), schema.get("minimum")) {
        (Some(Value::Bool(true)), Some(bound)) | (Some(bound @ Value::Number(_)), _) => ("fact_more", bound),
        (_, bound) => ("fact_least", bound?),
    };
    Some(texts.with(name, "bound", bound))
}

fn upper(texts: &Texts, schema: &Value) -> Option<String> {
    let (name, bound) = match (schema.get("exclusiveMaximum"), schema.get("maximum")) {
        (Some(Value::Bool(true)), Some(bound)) | (Some(bound @ Value::Number(_)), _) => ("fact_less", bound),
        (_, bound) => ("fact_most", bound?),
    };
    Some(texts.with(name, "bound", bound))
}

fn range(texts: &Texts, unit: &str, least: Option<&Value>, most: Option<&Value>) -> Option<String> {
    let bound = match (least, most) {
        (Some(least), Some(most)) if least == most => least.to_string(),
        (Some(least), Some(most)) => {
            return Some(texts.fill("fact_range", &[("least", least), ("most", most), ("unit", &unit)]));
        }
        (Some(least), None) => texts.with("fact_least", "bound", least),
        (None, most) => texts.with("fact_most", "bound", most?),
    };
    Some(texts.fill("fact_of_unit", &[("bound", &bound), ("unit", &unit)]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_of_every_version_are_told() {
        let texts = Texts::default();
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
            assert_eq!(facts(&texts, &schema), expected, "{schema}");
        }
        assert_eq!(values(&texts, &json!({ "enum": ["a", 1, null] })), ["\"a\"", "1", "null"]);
        assert_eq!(values(&texts, &json!({ "enum": vec![1; 60] })).last().unwrap(), "… and 10 more");
    }
}

//! Cases of schemas.

use super::Case;

/// One schema: the severities are those in requests and in answers.
pub(in super::super) const SCHEMAS: &[Case] = &[
    (r#"{"type": "string"}"#, r#"{"type": "integer"}"#, "type-changed BB", "type-changed BB"),
    (r#"{"type": "integer"}"#, r#"{"type": "number"}"#, "type-widened CB", "type-narrowed BC"),
    (r#"{"type": "string"}"#, r#"{"type": ["string", "boolean"]}"#, "type-widened CB", "type-narrowed BC"),
    (
        r#"{"type": "integer", "format": "int32"}"#,
        r#"{"type": "integer", "format": "int64"}"#,
        "type-widened CB",
        "type-narrowed BC",
    ),
    (r#"{"type": "string"}"#, r#"{"type": ["string", "null"]}"#, "became-nullable CB", "became-not-nullable BC"),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
        "became-nullable CB",
        "became-not-nullable BC",
    ),
    (r#"{"type": "string", "nullable": true}"#, r#"{"type": ["null", "string"]}"#, "", ""),
    (r#"{"type": "string"}"#, r#"{"type": "string", "format": "date"}"#, "format-added WC", "format-removed CW"),
    (
        r#"{"type": "string", "format": "binary"}"#,
        r#"{"type": "string", "contentMediaType": "application/octet-stream"}"#,
        "",
        "",
    ),
    (r#"{"type": "string", "format": "byte"}"#, r#"{"type": "string", "contentEncoding": "base64"}"#, "", ""),
    (
        r#"{"type": "string", "format": "date"}"#,
        r#"{"type": "string", "format": "date-time"}"#,
        "format-changed BB",
        "format-changed BB",
    ),
    (r#"{"type": "string"}"#, r#"{"type": "string", "enum": ["a"]}"#, "enum-added BC", "enum-removed CW"),
    (r#"{"enum": ["a"]}"#, r#"{"enum": ["b", "a"]}"#, "enum-value-added CW", "enum-value-removed BC"),
    (r#"{"const": "a"}"#, r#"{"type": "string", "enum": ["a"]}"#, "", ""),
    // Bounds.
    (r#"{"type": "integer"}"#, r#"{"type": "integer", "maximum": 9}"#, "bound-tightened BC", "bound-loosened CW"),
    (
        r#"{"type": "integer", "minimum": 1}"#,
        r#"{"type": "integer", "minimum": 2}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "maximum": 9}"#,
        r#"{"type": "integer", "exclusiveMaximum": 9}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "minimum": 1, "exclusiveMinimum": true}"#,
        r#"{"type": "integer", "exclusiveMinimum": 1}"#,
        "",
        "",
    ),
    (r#"{"type": "string", "minLength": 0}"#, r#"{"type": "string"}"#, "", ""),
    (
        r#"{"type": "array", "items": {}}"#,
        r#"{"type": "array", "items": {}, "uniqueItems": true}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "multipleOf": 5}"#,
        r#"{"type": "integer", "multipleOf": 10}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (r#"{"type": "string"}"#, r#"{"type": "string", "pattern": "a"}"#, "pattern-added BC", "pattern-removed CW"),
    (
        r#"{"type": "string", "pattern": "a"}"#,
        r#"{"type": "string", "pattern": "b"}"#,
        "pattern-changed WW",
        "pattern-changed WW",
    ),
    (r#"{"type": "integer"}"#, r#"{"type": "integer", "default": 3}"#, "default-changed WC", "default-changed WC"),
    // One of several.
    (
        r#"{"oneOf": [{"type": "string"}, {"type": "boolean"}]}"#,
        r#"{"oneOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "string"}]}"#,
        "variant-added CW",
        "variant-removed BC",
    ),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#,
        "variant-added CW",
        "variant-removed BC",
    ),
    (
        r#"{"type": "boolean"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#,
        "type-changed BB",
        "type-changed BB",
    ),
    (
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x"}}"#,
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "y"}}"#,
        "discriminator-changed BB",
        "discriminator-changed BB",
    ),
    (
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x", "mapping": {"a": "A", "b": "B"}}}"#,
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x", "mapping": {"a": "A"}}}"#,
        "discriminator-value-removed BC",
        "discriminator-value-added CW",
    ),
    // Parts narrow each other.
    (
        r#"{"allOf": [{"type": ["string", "integer"], "enum": ["a", 1]}, {"type": "string", "enum": ["a", "b"], "minLength": 1}, {"minLength": 3}]}"#,
        r#"{"type": "string", "enum": ["a"], "minLength": 3}"#,
        "",
        "",
    ),
    (r#"{"allOf": [{"type": "number"}, {"type": "integer"}]}"#, r#"{"type": "integer"}"#, "", ""),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"const": null}]}"#,
        "became-nullable CB",
        "became-not-nullable BC",
    ),
    // Objects.
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "required": ["a"]}"#,
        "required-property-added BC",
        "required-property-removed WB",
    ),
    (r#"{"type": "object"}"#, r#"{"properties": {"a": {}}}"#, "property-added CC", "property-removed WW"),
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "properties": {"a": {}}, "required": ["a"]}"#,
        "required-property-added BC",
        "required-property-removed WB",
    ),
    (
        r#"{"properties": {"a": {}}}"#,
        r#"{"properties": {"a": {}}, "required": ["a"]}"#,
        "property-became-required BC",
        "property-became-optional CB",
    ),
    (r#"{"properties": {"a": {}}}"#, r#"{"properties": {"a": {"deprecated": true}}}"#, "property-deprecated CC", ""),
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "additionalProperties": false}"#,
        "other-properties-forbidden BC",
        "other-properties-allowed CC",
    ),
    (
        r#"{"type": "object", "additionalProperties": {"type": "integer"}}"#,
        r#"{"type": "object", "additionalProperties": {"type": "number"}}"#,
        "type-widened CB",
        "type-narrowed BC",
    ),
    (
        r#"{"allOf": [{"properties": {"a": {}}}, {"required": ["a"]}]}"#,
        r#"{"type": "object", "properties": {"a": {}}, "required": ["a"]}"#,
        "",
        "",
    ),
];

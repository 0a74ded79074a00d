//! Each keyword, by a value that it allows and one that it does not.

use serde_json::json;

use super::*;

/// A schema, what it allows, what it does not.
#[test]
fn every_keyword_allows_some_values_and_not_others() {
    let root = json!({ "components": { "schemas": {
        "Cat": { "required": ["kind", "lives"], "properties": { "kind": { "type": "string" } } },
        "Dog": { "required": ["kind"], "properties": { "kind": { "type": "string" } } },
        "Loop": { "allOf": [{ "$ref": "#/components/schemas/Loop" }, { "type": "string" }] },
    } } });
    let cats = json!([{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }]);
    for (schema, good, bad) in [
        (json!(true), json!(1), None),
        (json!({}), json!(null), None),
        (json!({ "type": "string" }), json!("a"), Some(json!(1))),
        (json!({ "type": ["string", "null"] }), json!(null), Some(json!(1))),
        (json!({ "type": "string", "nullable": true }), json!(null), Some(json!(false))),
        (json!({ "type": "integer" }), json!(2.0), Some(json!(2.5))),
        (json!({ "type": "file" }), json!("a"), None),
        (json!({ "enum": [1, "a"] }), json!(1.0), Some(json!("b"))),
        (json!({ "const": "a" }), json!("a"), Some(json!("b"))),
        (json!({ "minimum": 1 }), json!(1), Some(json!(0))),
        (json!({ "minimum": 1, "exclusiveMinimum": true }), json!(2), Some(json!(1))),
        (json!({ "exclusiveMaximum": 1 }), json!(0.5), Some(json!(1))),
        (json!({ "maximum": 1 }), json!(1), Some(json!(2))),
        (json!({ "multipleOf": 0.1 }), json!(0.3), Some(json!(0.25))),
        (json!({ "minLength": 2, "maxLength": 3 }), json!("äöü"), Some(json!("a"))),
        (json!({ "pattern": "^a+$" }), json!("aa"), Some(json!("ab"))),
        (json!({ "format": "date" }), json!("2026-01-31"), Some(json!("yesterday"))),
        (json!({ "items": { "type": "string" } }), json!(["a"]), Some(json!([1]))),
        (json!({ "items": false, "prefixItems": [{}] }), json!([1]), Some(json!([1, 2]))),
        (json!({ "minItems": 1, "maxItems": 2 }), json!([1]), Some(json!([]))),
        (json!({ "uniqueItems": true }), json!([1, 2]), Some(json!([1, 1]))),
        (json!({ "contains": { "const": 2 } }), json!([1, 2]), Some(json!([1]))),
        (json!({ "required": ["a"] }), json!({ "a": 1 }), Some(json!({}))),
        (json!({ "properties": { "a": { "type": "string" } } }), json!({ "b": 1 }), Some(json!({ "a": 1 }))),
        (json!({ "additionalProperties": false }), json!({}), Some(json!({ "a": 1 }))),
        (json!({ "additionalProperties": { "type": "string" } }), json!({ "a": "a" }), Some(json!({ "a": 1 }))),
        (json!({ "patternProperties": { "^x": false } }), json!({ "a": 1 }), Some(json!({ "x": 1 }))),
        (json!({ "propertyNames": { "maxLength": 1 } }), json!({ "a": 1 }), Some(json!({ "ab": 1 }))),
        (json!({ "minProperties": 1, "maxProperties": 1 }), json!({ "a": 1 }), Some(json!({}))),
        (json!({ "dependentRequired": { "a": ["b"] } }), json!({ "b": 1 }), Some(json!({ "a": 1 }))),
        (json!({ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!(2), Some(json!(3))),
        (json!({ "anyOf": [{ "const": 1 }, { "const": 2 }] }), json!(2), Some(json!(3))),
        (json!({ "oneOf": [{ "minimum": 1 }, { "minimum": 2 }] }), json!(1), Some(json!(2))),
        (json!({ "not": { "type": "string" } }), json!(1), Some(json!("a"))),
        (json!({ "if": { "minimum": 5 }, "then": { "maximum": 9 }, "else": { "const": 1 } }), json!(7), Some(json!(2))),
        (
            json!({ "oneOf": cats, "discriminator": { "propertyName": "kind" } }),
            json!({ "kind": "Dog", "lives": 1 }),
            Some(json!({ "kind": "Cat" })),
        ),
        (json!({ "$ref": "#/components/schemas/Loop" }), json!("a"), Some(json!(1))),
    ] {
        let allows = |value: &Value| Check::new(&root, false, true).allows(&schema, value);
        assert!(allows(&good), "{schema} {good}");
        assert!(bad.as_ref().is_none_or(|bad| !allows(bad)), "{schema} {bad:?}");
    }
}

#[test]
fn what_only_the_service_writes_is_in_answers_alone() {
    let schema = json!({ "required": ["id", "secret"],
        "properties": { "id": { "readOnly": true }, "secret": { "writeOnly": true } } });
    let allows = |value: &Value, writing| Check::new(&Value::Null, writing, true).allows(&schema, value);
    assert!(allows(&json!({ "secret": 1 }), true) && allows(&json!({ "id": 1 }), false));
    assert!(!allows(&json!({ "id": 1, "secret": 1 }), true) && !allows(&json!({ "id": 1, "secret": 1 }), false));
    assert!(!allows(&json!({}), true) && !allows(&json!({}), false));
}

#[test]
fn what_cannot_be_read_lets_through_only_where_nothing_better_is_to_be_had() {
    let schema = json!({ "pattern": "(?!a)b" });
    assert!(!Check::new(&Value::Null, false, true).allows(&schema, &json!("b")));
    assert!(Check::new(&Value::Null, false, false).allows(&schema, &json!("b")));
}

#[test]
fn all_values_of_an_example_share_what_may_be_looked_at() {
    let variants: Vec<_> = std::iter::repeat_n(json!({ "type": "integer" }), 9_999).chain([json!({})]).collect();
    let schema = json!({ "anyOf": variants });
    let check = Check::new(&schema, false, true);
    let allowed = (0..1000).take_while(|_| check.allows(&schema, &json!("a"))).count();
    assert_eq!(allowed, MAX_STEPS_OF_ALL / 10_001, "each is within what one value may take");
    assert!(!check.allows(&json!({}), &json!(1)), "nothing is left for the next");
    let root = json!({});
    assert!(Check::new(&root, false, true).allows(&schema, &json!("a")), "another example has its own");
}

//! Examples are what their schemas allow.

use proptest::prelude::*;
use serde_json::json;

use super::check::Check;
use super::*;

/// What is made of a schema, which has to allow it.
fn made(root: &Value, schema: &Value, writing: bool) -> Value {
    let made =
        of_schema(root, schema, writing, &Budget::default()).unwrap_or_else(|| panic!("nothing was made of {schema}"));
    assert!(Check::new(root, writing, true).allows(schema, &made), "{schema} does not allow {made}");
    made
}

#[test]
fn examples_are_what_the_schema_allows() {
    let root = json!({ "components": { "schemas": {
        "Base": { "properties": { "id": { "type": "string", "format": "uuid", "readOnly": true } } },
    } } });
    for (schema, expected) in [
        (json!({ "type": "array", "items": { "type": "string", "format": "date" } }), json!(["2026-01-31"])),
        (json!({ "enum": ["b", "a"] }), json!("b")),
        (json!({ "type": ["null", "boolean"] }), json!(true)),
        (json!({ "oneOf": [{ "type": "null" }, { "const": 5 }] }), json!(5)),
        (json!({ "type": "object", "additionalProperties": { "type": "integer" } }), json!({ "name": 1 })),
        (json!({ "type": "integer", "minimum": 3, "exclusiveMinimum": true }), json!(4)),
        (json!({ "type": "integer", "multipleOf": 7, "minimum": 15 }), json!(21)),
        (json!({ "type": "number", "maximum": -1 }), json!(-1)),
        (json!({ "type": "string", "pattern": "^[A-Z]{2}\\d+$", "minLength": 4 }), json!("AA11")),
        (json!({ "type": "string", "maxLength": 2 }), json!("te")),
        (json!({ "type": "string", "example": 5 }), json!("text")),
        (json!({ "type": "integer", "default": null }), json!(1)),
        (json!({ "type": "string", "enum": ["long", "ab"], "maxLength": 2 }), json!("ab")),
        (
            json!({ "type": "array", "items": { "enum": ["a", "b"] }, "minItems": 2, "uniqueItems": true }),
            json!(["a", "b"]),
        ),
        (json!({ "prefixItems": [{ "type": "integer" }, { "const": "x" }], "items": false }), json!([1, "x"])),
        (json!({ "required": ["a"] }), json!({ "a": "text" })),
        (json!({ "allOf": [{ "type": "number", "minimum": 2 }, { "type": "integer" }] }), json!(2)),
        (
            json!({ "type": "object", "maxProperties": 1, "required": ["b"],
            "properties": { "a": { "const": 1 }, "b": { "const": 2 } } }),
            json!({ "b": 2 }),
        ),
        (json!({ "type": "string", "not": { "const": "text" } }), json!("0")),
    ] {
        assert_eq!(made(&root, &schema, false), expected, "{schema}");
    }
    let joined =
        json!({ "allOf": [{ "$ref": "#/components/schemas/Base" }, { "properties": { "a": { "default": 2 } } }] });
    assert_eq!(made(&root, &joined, true), json!({ "a": 2 }), "the service writes its id");
    assert!(made(&root, &joined, false)["id"].is_string());
}

#[test]
fn what_refers_to_itself_ends_where_the_schema_lets_it() {
    let root = json!({ "components": { "schemas": {
        "Node": { "type": "object", "required": ["n"], "properties": {
            "n": { "type": "integer", "minimum": 3 },
            "next": { "$ref": "#/components/schemas/Node" },
            "children": { "type": "array", "items": { "$ref": "#/components/schemas/Node" } } } },
        "List": { "type": "object", "required": ["next"], "properties": { "next": { "oneOf": [{ "$ref": "#/components/schemas/List" }, { "type": "null" }] } } },
        "Old": { "type": "object", "required": ["next"], "properties": { "next": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Old" }] } } },
        "Endless": { "type": "object", "required": ["next"], "properties": { "next": { "$ref": "#/components/schemas/Endless" } } },
        "Expression": { "oneOf": [{ "$ref": "#/components/schemas/And" }, { "$ref": "#/components/schemas/Is" }] },
        "And": { "type": "object", "required": ["and"], "properties": { "and": { "type": "array", "minItems": 1, "items": { "$ref": "#/components/schemas/Expression" } } } },
        "Is": { "type": "object", "required": ["is"], "properties": { "is": { "type": "string" } } },
        "Itself": { "allOf": [{ "$ref": "#/components/schemas/Itself" }, { "type": "boolean" }] },
    } } });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    assert_eq!(made(&root, &of("Node"), false), json!({ "n": 3, "children": [] }));
    assert_eq!(made(&root, &of("List"), false), json!({ "next": null }));
    assert_eq!(made(&root, &of("Old"), false), json!({ "next": null }));
    assert_eq!(made(&root, &of("Expression"), false), json!({ "is": "text" }));
    assert_eq!(made(&root, &of("Itself"), false), json!(true));
    assert_eq!(of_schema(&root, &of("Endless"), false, &Budget::default()), None, "nothing fulfils it");
    assert_eq!(
        made(&root, &json!({ "properties": { "a": of("Endless"), "b": { "const": 1 } } }), false),
        json!({ "b": 1 })
    );
}

#[test]
fn variants_say_which_they_are() {
    let pets = |mapping: Value| {
        json!({ "components": { "schemas": {
            "Pet": { "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind", "mapping": mapping } },
            "Cat": { "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string" } } },
            "Dog": { "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string" } } },
            "Shape": { "type": "object", "required": ["is"], "properties": { "is": { "type": "string" } },
                "discriminator": { "propertyName": "is" } },
            "Circle": { "allOf": [{ "$ref": "#/components/schemas/Shape" }, { "properties": { "radius": { "type": "number" } } }] },
        } } })
    };
    let pet = json!({ "$ref": "#/components/schemas/Pet" });
    assert_eq!(made(&pets(json!({})), &pet, false), json!({ "kind": "Cat" }));
    let mapping = json!({ "meow": "#/components/schemas/Cat", "woof": "Dog" });
    assert_eq!(made(&pets(mapping), &pet, false), json!({ "kind": "meow" }));
    let circle = json!({ "$ref": "#/components/schemas/Circle" });
    assert_eq!(made(&pets(json!({})), &circle, false), json!({ "is": "Circle", "radius": 1.5 }));
}

#[test]
fn what_fits_several_variants_is_taken_as_it_is_meant() {
    let schema = json!({ "oneOf": [{ "type": "object" }, { "type": "object" }] });
    assert_eq!(of_schema(&Value::Null, &schema, false, &Budget::default()), Some(json!({})));
    let unreadable = json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "string", "pattern": "^(?!x)" } } });
    assert_eq!(of_schema(&Value::Null, &unreadable, false, &Budget::default()), Some(json!({ "a": "text" })));
    for impossible in [
        json!(false),
        json!({ "type": "integer", "enum": ["a"] }),
        json!({ "minimum": 2, "maximum": 1, "type": "number" }),
    ] {
        assert_eq!(of_schema(&Value::Null, &impossible, false, &Budget::default()), None, "{impossible}");
    }
}

#[test]
fn where_everything_refers_to_everything_an_example_has_an_end() {
    let name = |n: usize| format!("S{}", n % 50);
    let fields = |n: usize| {
        (0..20).map(move |m| (format!("f{m}"), json!({ "$ref": format!("#/components/schemas/{}", name(n * 7 + m)) })))
    };
    let schema = |n: usize| json!({ "type": "object", "properties": fields(n).collect::<serde_json::Map<_, _>>() });
    let schemas: serde_json::Map<_, _> = (0..50).map(|n| (name(n), schema(n))).collect();
    let root = json!({ "components": { "schemas": schemas } });
    let begun = std::time::Instant::now();
    let made = of_schema(&root, &root["components"]["schemas"]["S0"], false, &Budget::default()).unwrap();
    assert!(made.to_string().len() < 20_000 && begun.elapsed().as_secs() < 20, "{}", made.to_string().len());
}

#[test]
fn given_examples_come_first() {
    let root = json!({ "components": { "examples": { "e": { "value": 7 } } } });
    assert_eq!(given(&root, &json!({ "examples": { "x": { "$ref": "#/components/examples/e" } } })), Some(&json!(7)));
    assert_eq!(given(&root, &json!({ "example": 1 })), Some(&json!(1)));
    assert_eq!(given(&root, &json!({})), None);
}

/// A schema, and a value that it allows.
type Pair = (Value, Value);

/// Keywords of which each may be there.
fn some_of(all: &Value) -> impl Strategy<Value = Value> + use<> {
    let all: Vec<_> = all.as_object().unwrap().clone().into_iter().collect();
    let count = all.len();
    proptest::sample::subsequence(all, 0..=count).prop_map(|some| Value::Object(some.into_iter().collect()))
}

fn with(mut schema: Value, more: &Value) -> Value {
    schema.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    schema
}

fn integer() -> impl Strategy<Value = Pair> {
    (-50..50_i64, 1..7_i64, 0..20_i64, 0..20_i64).prop_flat_map(|(times, step, below, above)| {
        let value = times * step;
        let keywords = json!({ "multipleOf": step, "minimum": value - below, "exclusiveMaximum": value + above + 1,
            "enum": [value, value + 1, "a"], "format": "int32" });
        some_of(&keywords).prop_map(move |some| (with(json!({ "type": "integer" }), &some), json!(value)))
    })
}

fn word() -> impl Strategy<Value = Pair> {
    let formats = prop::sample::select(vec![
        ("uuid", "3f2b8c1e-6d4a-4b7e-9a55-0c1d2e3f4a5b"),
        ("date", "2020-02-29"),
        ("ipv4", "10.0.0.1"),
        ("email", "a@b.example"),
        ("byte", "YQ=="),
    ]);
    let of_format = formats.prop_map(|(format, value)| (json!({ "type": "string", "format": format }), json!(value)));
    let patterns = prop::sample::select(vec!["^[a-z]{2,5}$", "^(a|bc)+$", "\\d", "^[A-Z]\\w*$", "^x?y{3}"]);
    let of_pattern = patterns.prop_flat_map(|pattern| {
        let texts = super::pattern::texts(pattern, 0);
        prop::sample::select(texts).prop_map(move |text| (json!({ "type": "string", "pattern": pattern }), json!(text)))
    });
    let of_length = ("[a-z]{0,30}", 0..5_usize, 0..5_usize).prop_flat_map(|(text, below, above)| {
        let length = text.len();
        some_of(&json!({ "minLength": length.saturating_sub(below), "maxLength": length + above }))
            .prop_map(move |some| (with(json!({ "type": "string" }), &some), json!(text)))
    });
    prop_oneof![of_format, of_pattern, of_length]
}

/// Several properties, of which some have to be there.
fn object(inner: impl Strategy<Value = Pair> + 'static) -> impl Strategy<Value = Pair> {
    let property = (inner, any::<bool>(), any::<bool>());
    (proptest::collection::btree_map("[a-d]", property, 0..4), any::<bool>(), any::<bool>()).prop_map(
        |(all, is_closed, is_split)| {
            let mut value = serde_json::Map::new();
            let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
            for (name, ((schema, inner), is_required, is_there)) in all {
                properties.insert(name.clone(), schema);
                if is_required {
                    required.push(json!(name));
                }
                if is_required || is_there {
                    value.insert(name, inner);
                }
            }
            // Recursion, which nothing asks for.
            if is_split && is_closed {
                properties.insert("self".to_owned(), json!({ "$ref": "#/schema" }));
            }
            let least = value.len();
            let named = json!({ "type": "object", "properties": properties });
            let rest = json!({ "required": required, "minProperties": least });
            let schema = match (is_split, is_closed) {
                (true, _) => json!({ "allOf": [named, rest] }),
                (false, true) => with(with(named, &rest), &json!({ "additionalProperties": false })),
                (false, false) => with(named, &rest),
            };
            (schema, Value::Object(value))
        },
    )
}

fn array(inner: impl Strategy<Value = Pair> + 'static) -> impl Strategy<Value = Pair> {
    (inner, 0..3_usize).prop_flat_map(|((schema, item), count)| {
        some_of(&json!({ "minItems": count, "maxItems": count + 1 })).prop_map(move |some| {
            (with(json!({ "type": "array", "items": schema }), &some), Value::Array(vec![item.clone(); count]))
        })
    })
}

/// One of several types, or nothing.
fn union(inner: impl Strategy<Value = Pair> + 'static) -> impl Strategy<Value = Pair> {
    (inner, any::<bool>(), prop::sample::select(vec!["oneOf", "anyOf"])).prop_map(|((schema, value), is_none, key)| {
        let value = if is_none { Value::Null } else { value };
        let is_union = schema.get("oneOf").is_some() || schema.get("anyOf").is_some();
        let key = if is_union { "anyOf" } else { key };
        (json!({ key: [{ "type": "null" }, schema] }), value)
    })
}

fn pair() -> impl Strategy<Value = Pair> {
    let leaf = prop_oneof![integer(), word(), Just((json!({ "type": "boolean" }), json!(true)))].boxed();
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![object(inner.clone()), array(inner.clone()), union(inner)].boxed()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Of every schema that allows something an example is made, which it allows.
    #[test]
    fn of_what_can_be_fulfilled_there_is_an_example((schema, value) in pair()) {
        let root = json!({ "schema": schema });
        let schema = &root["schema"];
        prop_assert!(Check::new(&root, false, true).allows(schema, &value), "{} {}", schema, value);
        made(&root, schema, false);
    }
}

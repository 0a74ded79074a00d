//! Every rule, in both directions where it has two; and what no rule may find.

mod cases;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::cases::{DOCUMENTS, OPERATIONS, SCHEMAS};
use super::rule::{Rule, Side};
use super::*;

/// The page that says what the rules are.
const MANUAL: &str = include_str!("../../../../docs/api-changes.md");

fn document(value: &Value) -> Document {
    Document::read(serde_json::to_vec(value).unwrap().into()).unwrap()
}

fn changes(old: &Value, new: &Value) -> Vec<Change> {
    compare(&document(old), &document(new))
}

/// What was found, as cases have it: the rule, and the first letter of its severity.
fn found(old: &Value, new: &Value) -> Vec<String> {
    let letter = |change: &Change| change.severity.as_str()[..1].to_uppercase();
    changes(old, new).iter().map(|change| format!("{} {}", change.rule, letter(change))).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn of_paths(paths: &Value) -> Value {
    json!({ "openapi": "3.1.0", "paths": paths })
}

/// A document with one operation.
fn of_operation(operation: &Value) -> Value {
    of_paths(&json!({ "/a": { "get": operation } }))
}

/// A document with one schema, of requests or of answers.
fn of_schema(schema: &Value, side: Side) -> Value {
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    match side {
        Side::Request => of_operation(&json!({ "requestBody": body })),
        Side::Response => of_operation(&json!({ "responses": { "200": body } })),
    }
}

/// A case in both directions. Nothing but what it names may be found.
fn both_ways(old: &Value, new: &Value, forth: &str, back: &str) {
    // Each is a rule and a letter.
    let expected = |found: &str| -> Vec<String> {
        let words: Vec<_> = found.split_whitespace().collect();
        words.chunks(2).map(|pair| pair.join(" ")).collect()
    };
    assert_eq!(found(old, new), expected(forth), "from {old} to {new}");
    assert_eq!(found(new, old), expected(back), "from {new} to {old}");
}

#[test]
fn documents_are_compared() {
    for (old, new, forth, back) in DOCUMENTS {
        let [mut old, mut new] = [parse(old), parse(new)];
        (old["openapi"], new["openapi"]) = (json!("3.0.0"), json!("3.0.0"));
        both_ways(&old, &new, forth, back);
    }
}

#[test]
fn operations_are_compared() {
    for (old, new, forth, back) in OPERATIONS {
        both_ways(&of_operation(&parse(old)), &of_operation(&parse(new)), forth, back);
    }
}

#[test]
fn schemas_are_compared_and_requests_are_not_as_answers() {
    // The severities in requests and in answers, as two letters.
    let on = |found: &str, place: usize| match found.split_once(' ') {
        Some((rule, letters)) => format!("{rule} {}", &letters[place..=place]),
        None => String::new(),
    };
    for (old, new, forth, back) in SCHEMAS {
        let (old, new) = (parse(old), parse(new));
        for (place, side) in [Side::Request, Side::Response].into_iter().enumerate() {
            both_ways(&of_schema(&old, side), &of_schema(&new, side), &on(forth, place), &on(back, place));
        }
    }
}

#[test]
fn every_rule_has_a_case() {
    let all = DOCUMENTS.iter().chain(OPERATIONS).chain(SCHEMAS).flat_map(|(_, _, forth, back)| [forth, back]);
    let tested: BTreeSet<&str> = all.flat_map(|found| found.split_whitespace().step_by(2)).collect();
    // That one takes a document which is too large for a test.
    let without: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).filter(|id| !tested.contains(id)).collect();
    assert_eq!(without, [Rule::ComparisonIncomplete.id()]);
}

#[test]
fn the_manual_lists_every_rule_as_it_is() {
    for rule in Rule::ALL {
        let line = MANUAL.lines().find(|line| line.starts_with(&format!("| `{}` |", rule.id())));
        let line = line.unwrap_or_else(|| panic!("{} is not in the manual", rule.id()));
        let [request, response] = [Side::Request, Side::Response].map(|side| rule.severity(side).as_str());
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        // What has no direction has one severity.
        assert!(cells[2] == request && (request == response || cells[3] == response), "{line}");
    }
    let listed = MANUAL.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, Rule::ALL.len());
}

#[test]
fn the_same_api_in_another_version_of_openapi_has_not_changed() {
    let old = json!({ "swagger": "2.0", "consumes": ["application/json"],
        "definitions": { "Cart": { "type": "object", "required": ["user"], "properties": { "user": { "type": "string" },
            "next": { "$ref": "#/definitions/Cart" }, "note": { "type": "string", "x-nullable": true } } } },
        "parameters": { "limit": { "name": "limit", "in": "query", "type": "integer", "maximum": 9 } },
        "securityDefinitions": { "login": { "type": "basic" }, "key": { "type": "apiKey", "in": "header", "name": "x-key" } },
        "security": [{ "key": [] }],
        "paths": { "/carts/{id}": { "parameters": [{ "name": "id", "in": "path", "required": true, "type": "string" }],
            "get": { "parameters": [{ "$ref": "#/parameters/limit" },
                    { "name": "tags", "in": "query", "type": "array", "items": { "type": "string" }, "collectionFormat": "csv" }],
                "responses": { "200": { "schema": { "$ref": "#/definitions/Cart" }, "headers": { "ETag": { "type": "string" } } } } },
            "put": { "parameters": [{ "name": "cart", "in": "body", "required": true, "schema": { "$ref": "#/definitions/Cart" } }],
                "responses": { "204": {} } },
            "post": { "consumes": ["multipart/form-data"], "parameters": [{ "name": "file", "in": "formData", "required": true, "type": "file" }],
                "responses": { "default": {} } } } } });
    let cart = |note: Value| {
        json!({ "type": "object", "required": ["user"], "properties": { "user": { "type": "string" },
        "next": { "$ref": "#/components/schemas/Cart" }, "note": note } })
    };
    let body = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Cart" } } });
    let new = |version: &str, note: Value| {
        json!({ "openapi": version,
        "components": { "schemas": { "Cart": cart(note) }, "securitySchemes": {
            "login": { "type": "http", "scheme": "Basic" }, "key": { "type": "apiKey", "in": "header", "name": "X-Key" } } },
        "security": [{ "key": [] }],
        "paths": { "/carts/{user}": { "get": { "parameters": [
                    { "name": "user", "in": "path", "required": true, "schema": { "type": "string" } },
                    { "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 9 } },
                    { "name": "tags", "in": "query", "explode": false, "schema": { "type": "array", "items": { "type": "string" } } }],
                "responses": { "200": { "content": body, "headers": { "etag": { "schema": { "type": "string" } } } } } },
            "put": { "parameters": [{ "name": "user", "in": "path", "required": true, "schema": { "type": "string" } }],
                "requestBody": { "required": true, "content": body }, "responses": { "204": {} } },
            "post": { "parameters": [{ "name": "user", "in": "path", "required": true, "schema": { "type": "string" } }],
                "requestBody": { "required": true, "content": { "multipart/form-data": { "schema": { "type": "object", "required": ["file"],
                    "properties": { "file": { "type": "string", "format": "binary" } } } } } },
                "responses": { "default": {} } } } } })
    };
    let v3_0 = new("3.0.3", json!({ "type": "string", "nullable": true }));
    let v3_1 = new("3.1.0", json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }));
    for found in [found(&old, &v3_0), found(&v3_0, &old)] {
        assert_eq!(found, ["path-parameter-renamed C"; 3]);
    }
    both_ways(&v3_0, &v3_1, "", "");
}

#[test]
fn what_operations_share_is_told_once_and_what_refers_to_itself_has_an_end() {
    let with = |value: &str| {
        let list = json!({ "responses": { "200": { "content": { "application/json": { "schema": { "type": "array",
            "items": { "$ref": "#/components/schemas/Node" } } } } } } });
        json!({ "openapi": "3.1.0", "paths": { "/a": { "get": list }, "/b": { "get": list }, "/c": { "get": {} } },
            "components": { "schemas": {
                "Node": { "properties": { "next": { "anyOf": [{ "$ref": "#/components/schemas/Node" }, { "type": "null" }] },
                    "leaf": { "allOf": [{ "$ref": "#/components/schemas/Leaf" }, { "$ref": "#/components/schemas/Node" }] } } },
                "Leaf": { "properties": { "value": { "type": value } } } } } })
    };
    let changes = changes(&with("string"), &with("integer"));
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (change.rule.as_str(), &change.operations[..]),
        ("type-changed", &["GET /a".to_owned(), "GET /b".to_owned()][..])
    );
    assert_eq!(change.place, "Node in responses › leaf › value");
    assert_eq!(change.text, "The type is `integer` instead of `string`.");
}

#[test]
fn a_change_has_a_name_that_stays() {
    let old = of_operation(&json!({ "parameters": [{ "name": "a", "in": "query" }, { "name": "b", "in": "query" }] }));
    let one = of_operation(&json!({ "parameters": [{ "name": "b", "in": "query" }] }));
    let first = changes(&old, &one);
    let both = changes(&old, &of_operation(&json!({})));
    assert_eq!((first.len(), both.len()), (1, 2));
    assert_eq!(first[0].id, both[0].id);
    assert_ne!(both[0].id, both[1].id);
}

#[test]
fn what_is_no_document_says_which_of_both() {
    let good = b"openapi: 3.1.0".to_vec();
    assert!(diff(good.clone(), good.clone()).unwrap().is_empty());
    assert!(matches!(diff(b"[]".to_vec(), good.clone()), Err(DiffError::Old(_))));
    assert!(matches!(diff(good, Vec::new()), Err(DiffError::New(_))));
}

#[test]
fn parts_that_refer_to_themselves_many_times_are_joined_once() {
    let own = json!({ "$ref": "#/components/schemas/S" });
    let of = |version: &str| {
        let mut document = of_schema(&own, Side::Request);
        document["info"]["version"] = version.into();
        document["components"]["schemas"]["S"] = json!({ "allOf": vec![&own; 10], "type": "object" });
        document
    };
    assert_eq!(found(&of("1"), &of("2")), ["version-changed C"]);
}

#[test]
fn what_one_document_leaves_out_is_anything() {
    let of = |items: Option<&str>| match items {
        Some(kind) => of_schema(&json!({ "type": "array", "items": { "type": kind } }), Side::Request),
        None => of_schema(&json!({ "type": "array" }), Side::Request),
    };
    let narrowed = found(&of(None), &of(Some("string")));
    assert!(narrowed.contains(&"type-narrowed B".to_owned()), "{narrowed:?}");
    assert_eq!(found(&of(None), &of(None)), [""; 0]);
}

#[test]
fn what_stands_in_the_path_was_always_there() {
    let of = |parameters: Value| of_paths(&json!({ "/a/{id}": { "get": { "parameters": parameters } } }));
    let declared = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
    both_ways(&of(json!([])), &of(declared), "", "");
    both_ways(
        &of(json!([{ "name": "id", "in": "path" }])),
        &of(json!([{ "name": "id", "in": "path", "required": true }])),
        "",
        "",
    );
}

#[test]
fn nothing_but_null_is_a_type_of_its_own() {
    let of = |kind: &str| of_schema(&json!({ "type": kind }), Side::Response);
    let changed = found(&of("string"), &of("null"));
    assert!(changed.contains(&"type-changed B".to_owned()), "{changed:?}");
}

#[test]
fn lists_of_values_are_told_in_part() {
    let values: Vec<_> = (0..50_000).collect();
    let old = of_schema(&json!({ "type": "integer" }), Side::Request);
    let new = of_schema(&json!({ "type": "integer", "enum": values }), Side::Request);
    let [change] = &changes(&old, &new)[..] else { panic!() };
    assert!(change.text.len() < 500 && change.text.contains("and 49980 more"), "{}", change.text);
}

#[test]
fn a_large_answer_that_many_operations_share_is_copied_within_bounds() {
    let properties: serde_json::Map<_, _> =
        (0..2_000).map(|number| (format!("p{number}"), json!({ "type": "string" }))).collect();
    let paths: serde_json::Map<_, _> = (0..2_000)
        .map(|number| {
            (format!("/p{number}"), json!({ "get": { "responses": { "200": { "$ref": "#/responses/r" } } } }))
        })
        .collect();
    let old = json!({ "swagger": "2.0", "paths": paths,
        "responses": { "r": { "description": "", "schema": { "type": "object", "properties": properties } } } });
    let mut new = old.clone();
    new["paths"].as_object_mut().unwrap().remove("/p1");
    let begun = std::time::Instant::now();
    assert_eq!(found(&old, &new), ["path-removed B"], "the rest is the same, copied or referred to");
    assert!(begun.elapsed().as_secs() < 60);
}

#[test]
fn many_variants_do_not_take_long() {
    let variants = |from: i64| {
        let all = (from..from + 20_000).map(|number| json!({ "const": number, "type": "integer" }));
        of_schema(&json!({ "oneOf": all.collect::<Vec<_>>() }), Side::Request)
    };
    let begun = std::time::Instant::now();
    assert!(!changes(&variants(0), &variants(10_000)).is_empty());
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn what_many_schemas_are_put_together_from_is_looked_at_within_bounds() {
    let answer = |number: usize, maximum: u32| {
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/large" }], "maximum": maximum });
        let response = json!({ "content": { "application/json": { "schema": schema } } });
        (format!("/{number}"), json!({ "get": { "responses": { "200": response } } }))
    };
    let document = |operations: usize, maximum: u32| {
        let properties: serde_json::Map<_, _> = (0..10_000).map(|number| (format!("p{number}"), json!({}))).collect();
        let paths: serde_json::Map<_, _> = (0..operations).map(|number| answer(number, maximum)).collect();
        let mut document = of_paths(&Value::Object(paths));
        document["components"] = json!({ "schemas": { "large": { "properties": properties } } });
        document
    };
    let rules = |operations: usize| found(&document(operations, 1), &document(operations, 2));
    assert!(!rules(20).iter().any(|rule| rule.starts_with("comparison-incomplete")));
    assert!(rules(1_100).iter().any(|rule| rule.starts_with("comparison-incomplete")));
}

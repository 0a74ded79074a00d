//! What is called alike in several documents stays apart.

mod routes;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::Api;
use crate::api::tests::of_service;
use crate::document::Document;
use crate::gateway::Path;

/// An API of this name below its own prefix; without one, at the root.
fn entry(name: &str, prefix: &str, document: &Value) -> Entry {
    let mut api = of_service();
    name.clone_into(&mut api.id.name);
    (api.served.name, api.served.path) = (name.to_owned(), Path::Prefix(prefix.to_owned()));
    api.mount = crate::mount::Mount::of(&api.served, &[]);
    let (api, document) = (Arc::new(api), Document::read(document.to_string().into()).unwrap());
    let reference = Reference::new(Arc::clone(&api), Arc::new(document));
    Entry::new(api, Some(Arc::new(reference)))
}

/// The same entry of an API that differs in this.
fn changed(entry: Entry, change: impl FnOnce(&mut Api)) -> Entry {
    let mut api = (*entry.api).clone();
    change(&mut api);
    let (api, document) = (Arc::new(api), Arc::clone(&entry.reference.unwrap().document));
    let reference = Reference::new(Arc::clone(&api), document);
    Entry::new(api, Some(Arc::new(reference)))
}

/// Where the controller tells nothing.
fn merged(entries: &[Entry]) -> Value {
    let routed: Vec<_> =
        entries.iter().map(|entry| entry.reference.as_deref().map(crate::routed::Routed::guess)).collect();
    merge("Shop", entries.iter().zip(routed.iter().map(Option::as_ref)))
}

/// As the services say them, whatever routes demand.
fn as_they_are(entries: &[Entry]) -> Value {
    merge("Shop", entries.iter().map(|entry| (entry, None)))
}

fn document(paths: &Value, more: &Value) -> Value {
    let mut document = json!({ "openapi": "3.1.0", "info": { "title": "T", "version": "1" }, "paths": paths });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

/// Every reference that leads nowhere.
fn dangling(root: &Value, value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = crate::reference::reference(value).filter(|target| root.pointer(&target[1..]).is_none());
            own.map(str::to_owned).into_iter().chain(object.values().flat_map(|value| dangling(root, value))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|value| dangling(root, value)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn components_stay_apart_and_references_follow_them() {
    let of = |kind: &str| {
        document(
            &json!({ "/a": { "get": { "responses": { "200": { "$ref": "#/components/responses/R" },
                "default": { "description": "", "content": { "*/*": { "example": { "$ref": "#/components/schemas/S" },
                    "schema": { "$ref": "#/components/schemas/S/properties/x" } } } } } } } }),
            &json!({ "components": { "schemas": {
                    "S": { "type": kind, "properties": { "x": { "$ref": "#/components/schemas/a~1b" }, "default": { "$ref": "#/components/schemas/S" } } },
                    "a/b": {}, "a_b": {} },
                "responses": { "R": { "description": "" } } } }),
        )
    };
    let all = merged(&[entry("one", "/one/", &of("object")), entry("two", "/two/", &of("string"))]);
    let schemas = &all["components"]["schemas"];
    assert_eq!((&schemas["shop.one_S"]["type"], &schemas["shop.two_S"]["type"]), (&json!("object"), &json!("string")));
    assert_eq!(schemas["shop.one_S"]["properties"]["default"]["$ref"], "#/components/schemas/shop.one_S");
    let names: Vec<_> = schemas.as_object().unwrap().keys().filter(|name| name.starts_with("shop.one")).collect();
    assert_eq!(names.len(), 3, "names that can be no component's are told apart as well: {names:?}");
    let responses = &all["paths"]["/two/a"]["get"]["responses"];
    assert_eq!(responses["200"]["$ref"], "#/components/responses/shop.two_R");
    let content = &responses["default"]["content"]["*/*"];
    assert_eq!(content["schema"]["$ref"], "#/components/schemas/shop.two_S/properties/x");
    assert_eq!(content["example"]["$ref"], "#/components/schemas/S", "it is data");
    assert_eq!(dangling(&all, &all), ["#/components/schemas/S", "#/components/schemas/S"]);
    assert!(serde_json::from_value::<Value>(all).unwrap()["info"]["version"].is_string());
}

#[test]
fn operation_ids_tags_and_links_stay_apart() {
    let one = document(
        &json!({ "/a": { "get": { "operationId": "list", "tags": ["items"], "responses": { "200": { "description": "", "links": {
                "l": { "operationId": "list" }, "r": { "operationRef": "#/paths/~1a/get" } } } } },
            "put": { "operationId": "list" } } }),
        &json!({ "tags": [{ "name": "items", "description": "Things" }] }),
    );
    let two = document(&json!({ "/a": { "get": { "operationId": "list" } } }), &json!({}));
    let all = merged(&[entry("one", "/one/", &one), entry("two", "/two/", &two)]);
    let get = &all["paths"]["/one/a"]["get"];
    assert_eq!((&get["operationId"], &get["tags"]), (&json!("shop.one_list"), &json!(["shop.one_items"])));
    assert_eq!(all["paths"]["/one/a"]["put"]["operationId"], "shop.one_list_2", "the document had it twice");
    let links = &get["responses"]["200"]["links"];
    assert_eq!(links["l"]["operationId"], "shop.one_list");
    assert_eq!(links["r"]["operationRef"], "#/paths/~1one~1a/get");
    let other = &all["paths"]["/two/a"]["get"];
    assert_eq!((&other["operationId"], &other["tags"]), (&json!("shop.two_list"), &json!(["shop.two"])));
    let tags: Vec<_> = all["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(tags, ["shop.one", "shop.one_items", "shop.two"]);
}

#[test]
fn security_schemes_stay_apart_and_stand_at_each_operation() {
    let secured = document(
        &json!({ "/a": { "get": {}, "put": { "security": [] }, "post": { "security": [{ "key": [], "tags": ["read"] }] } } }),
        &json!({ "security": [{ "key": [] }], "components": { "securitySchemes": {
            "key": { "type": "apiKey", "in": "header", "name": "k" }, "tags": { "type": "oauth2", "flows": {} } } } }),
    );
    let open = document(&json!({ "/a": { "get": {} } }), &json!({}));
    let all = as_they_are(&[entry("one", "/one/", &secured), entry("two", "/two/", &open)]);
    let item = &all["paths"]["/one/a"];
    assert_eq!(item["get"]["security"], json!([{ "shop.one_key": [] }]));
    assert_eq!(item["put"]["security"], json!([]));
    assert_eq!(item["post"]["security"], json!([{ "shop.one_key": [], "shop.one_tags": ["read"] }]));
    assert!(all["paths"]["/two/a"]["get"].get("security").is_none() && all.get("security").is_none());
    assert_eq!(all["components"]["securitySchemes"]["shop.one_key"]["name"], "k");
}

#[test]
fn of_the_same_path_and_method_the_first_route_counts_and_the_others_are_kept() {
    let of = |summary: &str, method: &str, name: &str| {
        document(
            &json!({ format!("/a/{{{name}}}"): { "parameters": [{ "$ref": "#/components/parameters/P" }], method: { "summary": summary } } }),
            &json!({ "components": { "parameters": { "P": { "name": name, "in": "path", "required": true } } } }),
        )
    };
    let conditional = entry("canary", "/api/", &of("canary", "get", "id"));
    let conditional = changed(conditional, |api| api.served.conditions = vec!["x-version v2".to_owned()]);
    let plain = entry("plain", "/api/", &of("plain", "get", "user"));
    let other = entry("write", "/api/", &of("write", "put", "user"));
    let all = merged(&[other, plain, conditional]);
    let paths = all["paths"].as_object().unwrap();
    assert_eq!(paths.keys().collect::<Vec<_>>(), ["/api/a/{id}"], "parameters make no other path");
    let item = &paths["/api/a/{id}"];
    assert_eq!((&item["get"]["summary"], &item["put"]["summary"]), (&json!("canary"), &json!("write")));
    assert_eq!(item["get"]["x-nuncio-only-if"], json!(["x-version v2"]));
    let lost = &item["x-conflicts"]["get"];
    assert_eq!((&lost[0]["summary"], &lost[0]["x-nuncio-api"]), (&json!("plain"), &json!("shop/plain")));
    assert_eq!(item["put"]["parameters"][0]["name"], "id", "it is called as in the path");
    assert_eq!(item["get"]["parameters"][0]["$ref"], "#/components/parameters/shop.canary_P");
}

#[test]
fn servers_stand_at_operations_where_they_are_others() {
    let of = |path: &str| document(&json!({ path: { "get": {} } }), &json!({ "servers": [{ "url": "/v1" }] }));
    let elsewhere = changed(entry("elsewhere", "/", &of("/other")), |api| {
        api.mount.as_mut().unwrap().origins = vec!["https://other.example".to_owned()];
    });
    let all = merged(&[entry("one", "/one/", &of("/a")), entry("two", "/two/", &of("/a")), elsewhere]);
    assert_eq!(all["servers"], json!([{ "url": "https://shop.example" }, { "url": "http://shop.example:8080" }]));
    assert!(all["paths"]["/one/v1/a"]["get"].get("servers").is_none(), "{all:#}");
    let operation = &all["paths"]["/v1/other"]["get"];
    assert_eq!(operation["servers"], json!([{ "url": "https://other.example" }]));
}

#[test]
fn discriminators_say_which_names_they_mean() {
    let animals = document(
        &json!({}),
        &json!({ "components": { "schemas": {
            "Pet": { "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind", "mapping": { "dog": "Dog" } } },
            "Base": { "discriminator": { "propertyName": "kind" } },
            "Cat": { "allOf": [{ "$ref": "#/components/schemas/Base" }] }, "Dog": {} } } }),
    );
    let schemas = &merged(&[entry("one", "/one/", &animals)])["components"]["schemas"];
    let to = |name: &str| format!("#/components/schemas/shop.one_{name}");
    let mapping = &schemas["shop.one_Pet"]["discriminator"]["mapping"];
    assert_eq!(*mapping, json!({ "dog": to("Dog"), "Cat": to("Cat") }));
    assert_eq!(schemas["shop.one_Base"]["discriminator"]["mapping"], json!({ "Cat": to("Cat") }));
}

#[test]
fn older_versions_are_lifted_and_newer_ones_are_not_brought_down() {
    let old = json!({ "openapi": "3.0.3", "info": {}, "paths": {}, "components": { "schemas": {
        "N": { "type": "string", "nullable": true, "enum": ["a"], "example": "a", "format": "byte" },
        "M": { "type": "number", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false },
        "F": { "type": "string", "format": "binary" },
        "R": { "properties": { "nullable": { "$ref": "#/components/schemas/N", "type": "object", "description": "d" } } } } } });
    let all = merged(&[entry("one", "/one/", &old)]);
    assert_eq!(all["openapi"], "3.1.1");
    let schemas = &all["components"]["schemas"];
    let text =
        json!({ "type": ["string", "null"], "enum": ["a", null], "examples": ["a"], "contentEncoding": "base64" });
    assert_eq!(schemas["shop.one_N"], text);
    assert_eq!(schemas["shop.one_M"], json!({ "type": "number", "exclusiveMinimum": 1, "maximum": 9 }));
    assert_eq!(schemas["shop.one_F"], json!({ "type": "string", "contentMediaType": "application/octet-stream" }));
    let field = &schemas["shop.one_R"]["properties"]["nullable"];
    assert_eq!(*field, json!({ "$ref": "#/components/schemas/shop.one_N", "description": "d" }));
    let new = json!({ "openapi": "3.2.0", "info": {}, "paths": { "/a": { "query": { "summary": "q" },
        "additionalOperations": { "COPY": { "operationId": "copy" } } } } });
    let all = merged(&[entry("one", "/one/", &old), entry("two", "/two/", &new)]);
    assert_eq!(all["openapi"], "3.2.0");
    let item = &all["paths"]["/two/a"];
    assert_eq!(
        (&item["query"]["summary"], &item["additionalOperations"]["COPY"]["operationId"]),
        (&json!("q"), &json!("shop.two_copy"))
    );
}

#[test]
fn swagger_is_made_openapi_3() {
    let old = json!({ "swagger": "2.0", "info": { "title": "T" }, "basePath": "/v1", "consumes": ["application/json"],
        "paths": { "/a/{id}": { "parameters": [{ "name": "id", "in": "path", "type": "string", "required": true }],
            "post": { "operationId": "send", "summary": "Sends", "security": [{ "login": ["w"] }],
                "parameters": [{ "name": "body", "in": "body", "required": true, "schema": { "$ref": "#/definitions/A" } },
                    { "name": "q", "in": "query", "type": "array", "items": { "type": "string" }, "collectionFormat": "multi" }],
                "responses": { "200": { "$ref": "#/responses/Ok" } } } } },
        "responses": { "Ok": { "description": "fine", "schema": { "$ref": "#/definitions/A" } } },
        "definitions": { "A": { "type": "object", "example": { "a": 1 }, "x-nullable": true } },
        "securityDefinitions": { "login": { "type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a.example", "tokenUrl": "https://t.example", "scopes": { "w": "write" } } } });
    let all = as_they_are(&[entry("one", "/one/", &old)]);
    let operation = &all["paths"]["/one/v1/a/{id}"]["post"];
    assert_eq!((&operation["operationId"], &operation["summary"]), (&json!("shop.one_send"), &json!("Sends")));
    let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(body, "#/components/schemas/shop.one_A");
    let response = &operation["responses"]["200"];
    assert_eq!((&response["description"], response["content"].is_object()), (&json!("fine"), true));
    let names: Vec<_> = operation["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["id", "q"]);
    assert_eq!(operation["security"], json!([{ "shop.one_login": ["w"] }]));
    let flow = &all["components"]["securitySchemes"]["shop.one_login"]["flows"]["authorizationCode"];
    assert_eq!(flow["tokenUrl"], "https://t.example");
    let schema = &all["components"]["schemas"]["shop.one_A"];
    assert_eq!(*schema, json!({ "type": ["object", "null"], "examples": [{ "a": 1 }] }));
    assert_eq!(all["servers"][0]["url"], "https://shop.example");
    assert_eq!(dangling(&all, &all), Vec::<String>::new());
}

#[test]
fn forms_of_swagger_are_bodies_that_are_written_as_they_were() {
    let list = |name: &str, format: &str| json!({ "name": name, "in": "formData", "type": "array", "items": { "type": "string" }, "collectionFormat": format });
    let old = json!({ "swagger": "2.0", "info": { "title": "T" }, "paths": { "/a": { "post": { "parameters": [
        { "name": "name", "in": "formData", "required": true, "type": "string" },
        list("tags", "csv"), list("notes", "multi"), list("colours", "pipes")] } } } });
    let all = merged(&[entry("one", "/one/", &old)]);
    let body = &all["paths"]["/one/a"]["post"]["requestBody"];
    let content = &body["content"]["application/x-www-form-urlencoded"];
    assert_eq!((&body["required"], &content["schema"]["required"]), (&json!(true), &json!(["name"])));
    let encoding = json!({ "tags": { "style": "form", "explode": false },
        "colours": { "style": "pipeDelimited", "explode": false } });
    assert_eq!(content["encoding"], encoding, "each note has a field of its own, as is usual");
}

#[test]
fn a_form_of_swagger_that_is_sent_in_too_many_ways_is_not_copied_to_each() {
    let of = |ways: usize| {
        let fields = (0..200).map(|index| json!({ "name": format!("f{index}"), "in": "formData", "type": "string" }));
        let media = (0..ways).map(|index| format!("multipart/a{index}")).collect::<Vec<_>>();
        from_swagger(&json!({ "swagger": "2.0", "info": { "title": "T" }, "paths": { "/a": { "post": {
            "consumes": media, "parameters": fields.collect::<Vec<_>>() } } } }))
    };
    assert!(
        of(10).is_some_and(|all| all["paths"]["/a"]["post"]["requestBody"]["content"].as_object().unwrap().len() == 10)
    );
    assert_eq!(of(3000), None);
}

#[test]
fn what_is_not_in_it_says_why() {
    let regex = changed(entry("regex", "/x", &document(&json!({}), &json!({}))), |api| {
        api.served.path = Path::Regex("/x.*".to_owned());
        api.mount = crate::mount::Mount::of(&api.served, &[]);
    });
    let unknown = Entry::new(Arc::new(of_service()), None);
    let all = merged(&[regex, unknown]);
    let left: Vec<_> = all["x-nuncio-left-out"].as_array().unwrap().iter().collect();
    let reason = |api: &str| left.iter().find(|one| one["api"] == api).unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(reason("shop/regex").contains("the Mapping's prefix is an expression"), "{left:?}");
    assert!(reason("shop/cart").contains("no document"), "{left:?}");
    assert_eq!((&all["paths"], &all["servers"]), (&json!({}), &json!([])));
}

#[test]
fn what_would_be_said_again_at_every_operation_is_counted() {
    let of = |operations: usize| {
        let paths = (0..operations).map(|number| (format!("/{number}"), json!({ "get": {} })));
        let security = vec![json!({ "key": ["x".repeat(1_000)] }); 100];
        document(&Value::Object(paths.collect()), &json!({ "security": security }))
    };
    let left_out =
        |operations: usize| as_they_are(&[entry("cart", "/api/", &of(operations))])["x-nuncio-left-out"].clone();
    assert_eq!(left_out(10), Value::Null);
    assert!(left_out(1_000)[0]["reason"].as_str().unwrap().contains("larger than 64 MiB"));
}

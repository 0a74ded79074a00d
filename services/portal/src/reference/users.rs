//! Which operations use a schema that a document shares.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::resolve::{pointer_name, reference, resolve};
use super::{Operation, Reference};
use crate::document::{Version, operations};

/// The kind and the name of what a document shares.
type Shared = (String, String);

impl Reference {
    /// The operations that refer to a schema, themselves or by what else the document shares, as pages list them.
    pub(crate) fn users(&self, schema: &str) -> Vec<&Operation> {
        let root = &*self.document.value;
        let kind = if self.document.version == Version::V2 { "definitions" } else { "schemas" };
        let leading = leading(root, (kind.to_owned(), schema.to_owned()));
        // Many paths may have the same large item: each value is looked through once.
        let mut known: BTreeMap<*const Value, bool> = BTreeMap::new();
        let mut leads = |value: &Value| {
            let look = || references(value).iter().any(|shared| leading.contains(shared));
            *known.entry(std::ptr::from_ref(value)).or_insert_with(look)
        };
        let using = operations(root)
            .map(|(_, _, item, operation)| leads(resolve(root, operation)) || leads(&item["parameters"]));
        let using: Vec<_> = using.collect();
        let places = self.groups.iter().flat_map(|group| &group.operations);
        let users = places.filter(|place| using.get(**place) == Some(&true));
        users.filter_map(|place| self.operations.get(*place)).collect()
    }
}

/// All that a document shares and that leads to one part of it by references; that part as well.
fn leading(root: &Value, to: Shared) -> BTreeSet<Shared> {
    let of_swagger = ["definitions", "parameters", "responses"].map(|kind| (kind, &root[kind]));
    let components = root["components"].as_object().into_iter().flatten();
    let mut referring: BTreeMap<Shared, Vec<Shared>> = BTreeMap::new();
    for (kind, all) in components.map(|(kind, all)| (kind.as_str(), all)).chain(of_swagger) {
        for (name, value) in all.as_object().into_iter().flatten() {
            for target in references(value) {
                referring.entry(target).or_default().push((kind.to_owned(), name.clone()));
            }
        }
    }
    let (mut leading, mut rest) = (BTreeSet::new(), vec![to]);
    while let Some(shared) = rest.pop() {
        // Schemas may refer to each other in a circle.
        if leading.insert(shared.clone()) {
            rest.extend(referring.get(&shared).into_iter().flatten().cloned());
        }
    }
    leading
}

/// What a value refers to, at any depth.
fn references(value: &Value) -> Vec<Shared> {
    let (mut found, mut rest) = (Vec::new(), vec![value]);
    while let Some(value) = rest.pop() {
        found.extend(reference(value).and_then(shared));
        match value {
            Value::Object(fields) => rest.extend(fields.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    found
}

/// What a reference means, or the whole of which it means a part.
fn shared(reference: &str) -> Option<Shared> {
    let below = reference.strip_prefix("#/components/").or_else(|| reference.strip_prefix("#/"))?;
    let (kind, rest) = below.split_once('/')?;
    let name = rest.split_once('/').map_or(rest, |(name, _)| name);
    Some((kind.to_owned(), pointer_name(name)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::api::tests::of_service;
    use crate::document::Document;

    fn users(document: &Value, schema: &str) -> Vec<String> {
        let document = Document::read(document.to_string().into()).unwrap();
        let reference = Reference::new(Arc::new(of_service()), Arc::new(document));
        reference.users(schema).into_iter().map(|one| format!("{} {}", one.method, one.inner)).collect()
    }

    #[test]
    fn a_schema_is_used_by_what_leads_to_it() {
        let of = |reference: &str| json!({ "$ref": format!("#/components/{reference}") });
        let content = |schema: &str| json!({ "content": { "application/json": { "schema": of(schema) } } });
        let document = json!({ "openapi": "3.1.0",
            "paths": {
                "/catalog": { "get": { "responses": { "200": of("responses/Catalog") } } },
                "/orders": { "post": { "requestBody": content("schemas/Order~1New/$defs/Line") }, "delete": {} },
                "/search": { "parameters": [of("parameters/filter")], "get": {} },
                "/find": of("pathItems/Find"), "/seek": of("pathItems/Find"),
            },
            "components": {
                "pathItems": { "Find": { "post": { "requestBody": content("schemas/Found") }, "put": {} } },
                "responses": { "Catalog": content("schemas/Catalog") },
                "parameters": { "filter": { "name": "filter", "in": "query", "schema": of("schemas/Filter") } },
                "schemas": {
                    "Catalog": { "properties": { "products": { "items": of("schemas/Product") } } },
                    "Product": { "properties": { "like": { "items": of("schemas/Product") }, "in": of("schemas/Catalog") } },
                    "Order/New": { "$defs": { "Line": {} } }, "Filter": {}, "Found": {}, "Unused": of("schemas/Product"),
                },
            },
        });
        for (schema, expected) in [
            ("Product", &["GET /catalog"][..]),
            ("Catalog", &["GET /catalog"]),
            ("Order/New", &["POST /orders"]),
            ("Filter", &["GET /search"]),
            ("Found", &["POST /find", "POST /seek"]),
            ("Unused", &[]),
        ] {
            assert_eq!(users(&document, schema), expected, "{schema}");
        }
    }

    #[test]
    fn so_it_is_in_swagger() {
        let document = json!({ "swagger": "2.0",
            "paths": { "/pets": { "get": { "responses": { "200": { "$ref": "#/responses/Pets" } } }, "post": {} } },
            "responses": { "Pets": { "schema": { "items": { "$ref": "#/definitions/Pet" } } } },
            "definitions": { "Pet": {} },
        });
        assert_eq!(users(&document, "Pet"), ["GET /pets"]);
    }
}

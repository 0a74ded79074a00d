//! The copy of a document that says how clients reach the API: its servers and paths as the gateway has them.

mod base;
mod links;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::base::Base;
use crate::document::{Document, Version};
use crate::mount::Mount;

/// A document, as clients meet the API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rewritten {
    pub(crate) value: Value,
    /// The path for clients of each path of the document; none where no request reaches it.
    pub(crate) paths: BTreeMap<String, Option<String>>,
}

/// Rewrites a document for clients. Paths that no request through the gateway reaches are left out of it.
pub(crate) fn rewrite(document: &Document, mount: &Mount) -> Rewritten {
    let mut value = (*document.value).clone();
    let outward = Outward::of(document, mount.clone());
    let written = document.value.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let written = written.filter(|path| path.starts_with('/'));
    let paths: BTreeMap<_, _> = written.map(|path| (path.clone(), outward.path(path))).collect();
    if outward.begin.is_none() {
        rename(&mut value, &paths);
    }
    set_servers(&mut value, document.version, mount, outward.begin.as_deref().unwrap_or_default());
    links::rewrite(&mut value, document.version, mount);
    let left_out: Vec<&String> = paths.iter().filter(|(_, outer)| outer.is_none()).map(|(path, _)| path).collect();
    if !left_out.is_empty() {
        let left_out = json!(left_out);
        if let Some(document) = value.as_object_mut() {
            document.insert("x-nuncio-unrouted-paths".to_owned(), left_out);
        }
    }
    Rewritten { value, paths }
}

/// From paths of a document to those of clients.
pub(crate) struct Outward {
    mount: Mount,
    /// What is in front of every path of the document.
    base: String,
    /// What is in front of every path for clients, where all of them are below one place.
    begin: Option<String>,
}

impl Outward {
    pub(crate) fn of(document: &Document, mount: Mount) -> Self {
        let Base { host, path: base } = Base::of(document);
        let begin = match mount.is_outer(&base, host.as_deref()) {
            true => Some(base.clone()),
            false => mount.outer_base(&base),
        };
        Self { mount, base, begin }
    }

    /// The path for clients of a path of the document; none where no request reaches it.
    pub(crate) fn path(&self, path: &str) -> Option<String> {
        match &self.begin {
            Some(begin) => Some(format!("{begin}{path}")),
            None => self.mount.outer(&format!("{}{path}", self.base)),
        }
    }
}

/// Gives paths their new names, and what points at them.
fn rename(document: &mut Value, names: &BTreeMap<String, Option<String>>) {
    let Some(Value::Object(paths)) = document.get_mut("paths") else { return };
    let old = std::mem::take(paths);
    for (path, item) in old {
        match names.get(&path) {
            Some(Some(name)) => drop(paths.insert(name.clone(), item)),
            // `x-` fields are no paths.
            _ if !path.starts_with('/') => drop(paths.insert(path, item)),
            _ => {}
        }
    }
    links::repoint(document, names);
}

fn set_servers(document: &mut Value, version: Version, mount: &Mount, begin: &str) {
    let Some(root) = document.as_object_mut() else { return };
    if version == Version::V2 {
        // It can name one host only.
        if let Some((scheme, host)) = mount.origins.first().and_then(|origin| origin.split_once("://")) {
            root.insert("host".to_owned(), json!(host));
            root.insert("schemes".to_owned(), json!([scheme]));
        }
        root.insert("basePath".to_owned(), json!(if begin.is_empty() { "/" } else { begin }));
        remove_from_operations(root, "schemes");
    } else {
        let servers: Vec<Value> =
            mount.origins.iter().map(|origin| json!({ "url": format!("{origin}{begin}") })).collect();
        root.insert("servers".to_owned(), Value::Array(servers));
        remove_from_operations(root, "servers");
    }
}

/// Takes a field from path items and operations, where it would override that of the document.
fn remove_from_operations(root: &mut Map<String, Value>, field: &str) {
    let items = root.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    for item in items.filter_map(Value::as_object_mut) {
        item.remove(field);
        let more = item.get("additionalOperations").is_some();
        for operation in item.values_mut().filter_map(Value::as_object_mut) {
            operation.remove(field);
            if more {
                operation
                    .values_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(|operation| drop(operation.remove(field)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::tests::mount;

    fn document(value: &Value) -> Document {
        Document::read(serde_json::to_vec(value).unwrap().into()).unwrap()
    }

    #[test]
    fn servers_are_where_the_gateway_has_the_service() {
        for (written, prefix, rewritten, expected) in [
            (json!([]), "/api/", "/", "/api"),
            (json!([{ "url": "/v1" }]), "/api/", "/", "/api/v1"),
            (json!([{ "url": "https://cart.internal:9000/v1/" }]), "/api/", "/v1/", "/api"),
            (
                json!([{ "url": "https://{env}.internal/{v}", "variables": { "env": { "default": "a" }, "v": { "default": "v2" } } }]),
                "/api/",
                "/",
                "/api/v2",
            ),
            // It knows of the gateway already.
            (json!([{ "url": "https://shop.example/api" }]), "/api/", "/v1/", "/api"),
            (json!([{ "url": "not a url" }]), "/api/", "/", "/api"),
        ] {
            let document =
                document(&json!({ "openapi": "3.1.0", "servers": written, "paths": { "/a": { "get": {} } } }));
            let rewritten = rewrite(&document, &mount(prefix, Some(rewritten)));
            let expected = [format!("https://shop.example{expected}"), format!("http://shop.example:8080{expected}")];
            assert_eq!(
                rewritten.value["servers"],
                json!([{ "url": expected[0] }, { "url": expected[1] }]),
                "{written}"
            );
            assert!(rewritten.value["paths"]["/a"].is_object());
        }
    }

    #[test]
    fn paths_are_those_of_clients_where_not_all_of_them_are_reached() {
        let written = json!({ "openapi": "3.0.0", "paths": {
            "/carts/{user}": { "servers": [{ "url": "https://evil.example" }], "get": { "servers": [] } },
            "/healthz": { "get": {} },
            "x-own": 1,
        }, "components": { "links": { "l": { "operationRef": "#/paths/~1carts~1{user}/get" } } } });
        let rewritten = rewrite(&document(&written), &mount("/api/carts/", Some("/carts/")));
        assert_eq!(rewritten.value["servers"][0]["url"], "https://shop.example");
        assert_eq!(rewritten.value["paths"], json!({ "/api/carts/{user}": { "get": {} }, "x-own": 1 }));
        assert_eq!(rewritten.value["x-nuncio-unrouted-paths"], json!(["/healthz"]));
        let link = &rewritten.value["components"]["links"]["l"]["operationRef"];
        assert_eq!(link, "#/paths/~1api~1carts~1{user}/get");
        assert_eq!(rewritten.paths["/carts/{user}"].as_deref(), Some("/api/carts/{user}"));
        assert_eq!(rewritten.paths["/healthz"], None);
    }

    #[test]
    fn swagger_has_host_and_base_path() {
        let written = json!({ "swagger": "2.0", "host": "internal:9000", "basePath": "/v1", "schemes": ["http"],
            "paths": { "/a": { "get": { "schemes": ["ws"] } } } });
        let rewritten = rewrite(&document(&written), &mount("/api/", Some("/"))).value;
        assert_eq!((&rewritten["host"], &rewritten["basePath"]), (&json!("shop.example"), &json!("/api/v1")));
        assert_eq!(rewritten["schemes"], json!(["https"]));
        assert_eq!(rewritten["paths"]["/a"]["get"], json!({}));
    }

    #[test]
    fn what_is_not_known_stays() {
        let written = json!({ "openapi": "3.2.0", "x-own": { "a": [1, null] }, "paths": {}, "webhooks": { "w": {} } });
        let rewritten = rewrite(&document(&written), &mount("/", Some("/"))).value;
        assert_eq!((&rewritten["x-own"], &rewritten["webhooks"]), (&written["x-own"], &written["webhooks"]));
    }
}

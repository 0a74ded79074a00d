//! The copy of a document that says how clients reach the API: its servers and paths as the gateway has them.

mod base;
mod dangling;
mod inline;
mod links;
mod moves;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::base::Base;
pub(crate) use self::dangling::drop_dangling_links;
use self::moves::Moves;
use crate::document::{Document, Version};
use crate::mount::Mount;

/// A document, as clients meet the API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rewritten {
    pub(crate) value: Value,
    /// The path for clients of each path of the document, by the API's own way; none where no request reaches it.
    pub(crate) paths: BTreeMap<String, Option<String>>,
    /// Under which path each operation stands in it, in the order of the document; none of those that are left out.
    pub(crate) places: Vec<Option<String>>,
}

/// Rewrites a document for clients. `clients` has the path by which each operation is reached, in the order of the document;
/// operations without one are left out.
pub(crate) fn rewrite(document: &Document, mount: &Mount, clients: &[Option<&str>]) -> Rewritten {
    let outward = Outward::of(document, mount.clone());
    let is_below = |begin: &&str| clients.iter().flatten().all(|path| below(path, begin).is_some());
    let begin = outward.begin.as_deref().filter(is_below).unwrap_or_default();
    let place = |path: &str| below(path, begin).map(str::to_owned);
    let written = document.value.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let written = written.filter(|path| path.starts_with('/'));
    let paths: BTreeMap<_, _> = written.map(|path| (path.clone(), outward.path(path))).collect();
    let places: Vec<_> = clients.iter().map(|client| client.and_then(place)).collect();
    let whole = paths.iter().map(|(path, outer)| (path.clone(), outer.as_deref().and_then(place))).collect();
    let moves = Moves::of(&document.value, whole, &places);
    let mut value = (*document.value).clone();
    inline::path_items(&mut value);
    moves.apply(&mut value);
    links::repoint(&mut value, &moves);
    set_servers(&mut value, document.version, mount, begin);
    links::rewrite(&mut value, document.version, mount);
    Rewritten { value, paths, places }
}

/// What follows the beginning of a path, itself a path.
fn below<'p>(path: &'p str, begin: &str) -> Option<&'p str> {
    path.strip_prefix(begin).filter(|rest| rest.starts_with('/'))
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

fn set_servers(document: &mut Value, version: Version, mount: &Mount, begin: &str) {
    let Some(root) = document.as_object_mut() else { return };
    if version == Version::V2 {
        // It can name one host only.
        if let Some((scheme, host)) = mount.origins.first().and_then(|origin| origin.split_once("://")) {
            root.insert("host".to_owned(), json!(host));
            root.insert("schemes".to_owned(), json!([scheme]));
        }
        root.insert("basePath".to_owned(), json!(if begin.is_empty() { "/" } else { begin }));
    } else {
        let servers: Vec<Value> =
            mount.origins.iter().map(|origin| json!({ "url": format!("{origin}{begin}") })).collect();
        root.insert("servers".to_owned(), Value::Array(servers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::operations;
    use crate::mount::tests::mount;

    fn document(value: &Value) -> Document {
        Document::read(serde_json::to_vec(value).unwrap().into()).unwrap()
    }

    /// Where no other way leads to the service.
    fn rewrite(document: &Document, mount: &Mount) -> Rewritten {
        let outward = Outward::of(document, mount.clone());
        let clients: Vec<_> = operations(&document.value).map(|(path, ..)| outward.path(path)).collect();
        super::rewrite(document, mount, &clients.iter().map(Option::as_deref).collect::<Vec<_>>())
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
        let link = &rewritten.value["components"]["links"]["l"]["operationRef"];
        assert_eq!(link, "#/paths/~1api~1carts~1{user}/get");
        assert_eq!(rewritten.paths["/carts/{user}"].as_deref(), Some("/api/carts/{user}"));
        assert_eq!(rewritten.paths["/healthz"], None);
        assert_eq!(rewritten.places, [Some("/api/carts/{user}".to_owned()), None]);
    }

    #[test]
    fn an_operation_stands_where_its_own_way_begins() {
        let written = json!({ "openapi": "3.1.0", "servers": [{ "url": "/v1" }], "paths": { "/carts/{user}": {
            "summary": "A cart", "parameters": [{ "name": "user", "in": "path" }], "get": {}, "post": {} } },
            "components": { "links": { "get": { "operationRef": "#/paths/~1carts~1{user}/get" },
                "post": { "operationRef": "#/paths/~1carts~1{user}/post" } } } });
        let document = document(&written);
        let mount = mount("/api/", Some("/"));
        let together = super::rewrite(&document, &mount, &[Some("/api/v1/carts/{user}"), Some("/api/v1/carts/{user}")]);
        assert_eq!(together.value["servers"][0]["url"], "https://shop.example/api/v1");
        assert_eq!(together.value["paths"], written["paths"]);
        let apart = super::rewrite(&document, &mount, &[Some("/api/v1/carts/{user}"), Some("/write/{user}")]).value;
        assert_eq!(apart["servers"][0]["url"], "https://shop.example");
        let (read, write) = (&apart["paths"]["/api/v1/carts/{user}"], &apart["paths"]["/write/{user}"]);
        assert!(read["get"].is_object() && read.get("post").is_none(), "{apart:#}");
        assert!(write["post"].is_object() && write.get("get").is_none(), "{apart:#}");
        assert_eq!((&write["summary"], &write["parameters"]), (&read["summary"], &read["parameters"]));
        let links = &apart["components"]["links"];
        assert_eq!(links["get"]["operationRef"], "#/paths/~1api~1v1~1carts~1{user}/get");
        assert_eq!(links["post"]["operationRef"], "#/paths/~1write~1{user}/post");
    }

    #[test]
    fn what_is_no_path_of_the_gateway_stays_as_it_is() {
        let hook = json!({ "servers": [{ "url": "https://receiver.example" }], "post": { "servers": [] } });
        let written = json!({ "openapi": "3.1.0",
            "paths": { "/carts": { "$ref": "#/components/pathItems/carts" },
                "/orders": { "post": { "callbacks": { "paid": { "{$request.body#/url}": hook } } } } },
            "webhooks": { "sold": { "$ref": "#/components/pathItems/sold" } },
            "components": { "pathItems": {
                "carts": { "servers": [{ "url": "https://evil.example" }], "get": { "servers": [{ "url": "/x" }] } },
                "sold": hook } } });
        let rewritten = rewrite(&document(&written), &mount("/api/", Some("/"))).value;
        assert_eq!(rewritten["paths"]["/carts"], json!({ "get": {} }), "servers are the gateway's");
        assert_eq!(rewritten["paths"]["/orders"], written["paths"]["/orders"]);
        assert_eq!(rewritten["webhooks"], written["webhooks"]);
        assert_eq!(rewritten["components"]["pathItems"], json!({ "sold": hook }));
        assert_eq!(rewritten["servers"][0]["url"], "https://shop.example/api");
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

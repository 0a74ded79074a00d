//! What a document leaves to where it is.

use reqwest::Url;
use serde_json::{Value, json};

use super::{Version, methods};

/// Writes out the addresses that a document means by the URL at which it is (RFC 3986, and OpenAPI of what is not said): whoever
/// reads it elsewhere would take them for others.
pub(super) fn write_out(document: &mut Value, version: Version, place: &Url) {
    let Some(host) = place.host_str().map(|host| place.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
    else {
        return;
    };
    if version == Version::V2 {
        if document.get("host").is_none()
            && let Some(root) = document.as_object_mut()
        {
            root.insert("host".to_owned(), json!(host));
            root.entry("schemes").or_insert_with(|| json!([place.scheme()]));
        }
        return;
    }
    if document["servers"].as_array().is_none_or(Vec::is_empty)
        && let Some(root) = document.as_object_mut()
    {
        root.insert("servers".to_owned(), json!([{ "url": format!("{}://{host}/", place.scheme()) }]));
    }
    servers(document, place);
    for item in
        document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(|paths| paths.values_mut())
    {
        servers(item, place);
        let names: Vec<_> = methods(item).map(|(method, _)| method.to_ascii_lowercase()).collect();
        for name in names {
            if let Some(operation) = item.get_mut(&name) {
                servers(operation, place);
            }
        }
    }
}

/// Those of the document, of a path or of an operation.
fn servers(of: &mut Value, place: &Url) {
    let all = of.get_mut("servers").and_then(Value::as_array_mut).into_iter().flatten();
    for url in all.filter_map(|server| server.get_mut("url")) {
        // A variable in front may hold a scheme and a host.
        let relative = url.as_str().map(str::trim).filter(|text| !text.starts_with('{') && !text.contains("://"));
        if let Some(whole) = relative.and_then(|text| place.join(text).ok()) {
            *url = json!(String::from(whole).replace("%7B", "{").replace("%7D", "}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn read(document: &Value, place: &str) -> Value {
        (*Document::read(document.to_string().into()).unwrap().at(place).value).clone()
    }

    #[test]
    fn relative_servers_are_those_of_the_place_where_the_document_is() {
        let place = "https://docs.example:8443/apis/cart/openapi.json?v=1";
        let servers = json!([{ "url": "v1" }, { "url": "/v2/{zone}" }, { "url": "../x" }, { "url": "//other.example/y" },
            { "url": "https://api.example/z" }, { "url": "{scheme}://api.example" }]);
        let operation = json!({ "servers": [{ "url": "o" }] });
        let document = json!({ "openapi": "3.1.0", "servers": servers, "paths": { "/a": { "servers": [{ "url": "/p" }], "get": operation } } });
        let read_there = read(&document, place);
        let urls: Vec<_> =
            read_there["servers"].as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap()).collect();
        assert_eq!(
            urls,
            [
                "https://docs.example:8443/apis/cart/v1",
                "https://docs.example:8443/v2/{zone}",
                "https://docs.example:8443/apis/x",
                "https://other.example/y",
                "https://api.example/z",
                "{scheme}://api.example",
            ]
        );
        let item = &read_there["paths"]["/a"];
        assert_eq!(item["servers"][0]["url"], "https://docs.example:8443/p");
        assert_eq!(item["get"]["servers"][0]["url"], "https://docs.example:8443/apis/cart/o");
        assert_eq!(read(&document, "/openapi.json"), document, "a service's own is rewritten for clients anyway");
    }

    #[test]
    fn what_a_document_does_not_say_is_its_place() {
        let place = "http://docs.example/apis/openapi.json";
        let read = |document| read(&document, place);
        assert_eq!(read(json!({ "openapi": "3.0.3" }))["servers"][0]["url"], "http://docs.example/");
        let swagger = read(json!({ "swagger": "2.0", "basePath": "/v1" }));
        assert_eq!((&swagger["host"], &swagger["schemes"]), (&json!("docs.example"), &json!(["http"])));
        assert_eq!(read(json!({ "swagger": "2.0", "host": "a.example" })).get("schemes"), None);
    }
}

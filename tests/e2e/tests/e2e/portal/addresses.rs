//! Addresses in documents are those by which requests get to the service; and each API has one of its own.

use nuncio_e2e::yaml::{self, documents, mapping};
use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::release::{service, stock};
use super::{HOST, api, ask, ask_json, gateway, shop};

/// The one operation of a service that tells what it was asked for.
fn echo() -> Value {
    let mut document = stock("1", &["name"]);
    document["paths"] = json!({ "/echo/{id}": { "get": { "operationId": "echo",
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }] } } });
    document
}

#[tokio::test]
async fn a_path_is_what_a_client_has_to_send() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (release, _) = watch::channel(echo());
    let _service = service(site.at(9300), &release).await;
    let rows = [
        ("both", "/both/", Some("/"), Some("/both/echo/{id}")),
        ("neither", "/neither", Some("/echo"), Some("/neither/{id}")),
        // Two slashes would be needed, which are merged.
        ("prefix", "/prefix/", Some("/echo"), None),
        ("rewrite", "/rewrite", Some("/"), Some("/rewriteecho/{id}")),
        ("none", "/echo/", Some(""), Some("/echo/{id}")),
    ];
    let object = |(name, prefix, rewrite, _): &(&str, &str, Option<&str>, Option<&str>)| {
        let mut made = mapping(name, prefix, site.at(9300));
        made["spec"]["hostname"] = json!(HOST);
        made["spec"]["rewrite"] = json!(rewrite);
        made["spec"]["docs"] = json!({ "url": format!("http://{}/openapi.json", site.at(9300)) });
        made
    };
    site.write("echo.yaml", documents(&rows.iter().map(object).collect::<Vec<_>>()));
    let gateway = gateway(&site).await;
    for (name, _, _, expected) in rows {
        api(&site, name, "current").await;
        let document = ask_json(&site, &format!("/openapi/services/default/{name}/openapi.json")).await;
        let Some(expected) = expected else {
            assert_eq!(
                (&document["paths"], &document["x-nuncio-unrouted-paths"]),
                (&json!({}), &json!(["/echo/{id}"]))
            );
            continue;
        };
        let paths = document["paths"].as_object().unwrap();
        let path = paths.keys().next().unwrap_or_else(|| panic!("{name}: {document:#}"));
        let server = document["servers"][1]["url"].as_str().unwrap();
        let begin = server.strip_prefix(&format!("http://{HOST}:8080")).unwrap();
        assert_eq!(format!("{begin}{path}"), expected, "{name}");
        let asked = expected.replace("{id}", "7");
        let reply = Client::http(site.at(8080)).send(&get(HOST, &asked)).await.unwrap();
        assert_eq!((reply.status, reply.text().trim()), (200, "/echo/7"), "{name}: {asked}");
    }
    gateway.stop().await;
}

/// A Service of number 80, with its only endpoint, that says where its document is.
fn objects(site: &Site, name: &str, port: u16) -> [Value; 2] {
    let mut objects = yaml::service(name, Some(site.at(port)));
    objects[0]["metadata"]["annotations"] = json!({ "nuncio.dev/openapi": "/openapi.json" });
    objects
}

#[tokio::test]
async fn each_path_of_an_ingress_is_an_api_of_its_own() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (first, _) = watch::channel(echo());
    let (second, _) = watch::channel(stock("2", &["name"]));
    let _services = (service(site.at(9300), &first).await, service(site.at(9301), &second).await);
    let class = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": { "name": "nuncio" },
        "spec": { "controller": "nuncio.dev/ingress-controller" } });
    let path = |path: &str, service: &str| {
        json!({ "path": path, "pathType": "Prefix",
        "backend": { "service": { "name": service, "port": { "number": 80 } } } })
    };
    let ingress = |name: &str, paths: Value| {
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": name },
        "spec": { "ingressClassName": "nuncio", "rules": [{ "host": HOST, "http": { "paths": paths } }] } })
    };
    let mut all = vec![class];
    all.extend(objects(&site, "first", 9300));
    all.extend(objects(&site, "second", 9301));
    all.push(ingress("many", json!([path("/echo", "first"), path("/items", "second")])));
    all.push(ingress("single", json!([path("/single", "second")])));
    site.write("ingress.yaml", documents(&all));
    let gateway = gateway(&site).await;
    for (name, own) in [("many@shop.localhost-echo", "/echo/{id}"), ("many@shop.localhost-items", "/items")] {
        api(&site, name, "current").await;
        let document = ask_json(&site, &format!("/openapi/services/default/{name}/openapi.json")).await;
        assert_eq!(document["paths"].as_object().unwrap().keys().collect::<Vec<_>>(), [own], "{document:#}");
    }
    let catalog = ask(&site, "/docs/").await.text();
    assert!(catalog.contains("/docs/doc/default/many%40shop.localhost-echo"), "{catalog}");
    assert_eq!(ask(&site, "/docs/doc/default/many").await.status, 404, "it is not said which");
    eventually("the only API of an Ingress by its name", async || {
        match ask(&site, "/docs/doc/default/single").await.status {
            200 => Ok(()),
            status => Err(status),
        }
    })
    .await;
    gateway.stop().await;
}

//! What documents say that the gateway demands is what it demands.

use nuncio_authz_tests::keep_secret;
use nuncio_e2e::yaml::{documents, host, mapping_on, object, text_secret};
use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::release::{service, stock};
use super::{HOST, api, ask_json, gateway, shop};

/// Where the same is demanded of nobody.
const OPEN: &str = "inner.localhost";

/// A Filter that wants a key in a header, and its keys.
pub(super) fn key(name: &str, header: &str, value: &str) -> [Value; 2] {
    keep_secret(value);
    let spec =
        json!({ "APIKey": { "httpHeader": header, "keys": [{ "secretName": name }], "identityHeader": "X-Owner" } });
    [object("Filter", name, spec), text_secret(name, "ann", value)]
}

/// Names of the schemes of each requirement.
fn together(security: &Value) -> Vec<Vec<&str>> {
    let all = security.as_array().unwrap_or_else(|| panic!("{security}"));
    all.iter().map(|one| one.as_object().unwrap().keys().map(String::as_str).collect()).collect()
}

#[tokio::test]
async fn what_is_told_is_enough_and_no_more_than_is_demanded_at_each_address() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (release, _) = watch::channel(stock("1", &["name"]));
    let _service = service(site.at(9300), &release).await;
    let mut stock = mapping_on("*", "stock", "/stock/", site.at(9300));
    stock["spec"]["docs"] = json!({ "path": "/openapi.json" });
    let mut inner = host("inner", OPEN);
    inner["metadata"]["labels"] = json!({ "network": "public" });
    let mut all = vec![inner, stock];
    all.extend(key("first", "X-First", "demanded-key-1"));
    all.extend(key("second", "X-Second", "demanded-key-2"));
    // Whoever has shown the first key is known by a header that no client can send.
    let filters = json!([{ "name": "first" }, { "name": "second", "ifRequestHeader": { "name": "X-Owner" } }]);
    let rule = json!({ "host": HOST, "path": "/stock/*", "filters": filters });
    all.push(object("FilterPolicy", "stock", json!({ "rules": [rule] })));
    site.write("stock.yaml", documents(&all));
    let gateway = gateway(&site).await;
    api(&site, "stock", "current").await;
    let document = eventually("what is demanded is told", async || {
        let document = ask_json(&site, "/openapi/services/default/stock/openapi.json").await;
        let has_both = document["components"]["securitySchemes"].as_object().is_some_and(|schemes| schemes.len() == 2);
        if has_both { Ok(document) } else { Err(document) }
    })
    .await;
    let schemes = &document["components"]["securitySchemes"];
    let names = together(&document["security"]);
    let [both] = &names[..] else { panic!("{document:#}") };
    let mut headers: Vec<_> = both.iter().map(|name| schemes[*name]["name"].as_str().unwrap()).collect();
    headers.sort_unstable();
    assert_eq!(headers, ["X-First", "X-Second"], "{document:#}");

    let client = Client::http(site.at(8080));
    let asked = || get(HOST, "/stock/items");
    let with_both = asked().with("x-first", "demanded-key-1").with("x-second", "demanded-key-2");
    assert_eq!(client.ask(&with_both).await.status, 200, "what is told is enough");
    for less in [
        asked(),
        asked().with("x-first", "demanded-key-1"),
        asked().with("x-second", "demanded-key-2").with("x-owner", "ann"),
    ] {
        assert_eq!(client.ask(&less).await.status, 401, "{less:?}");
    }

    // At the other host nothing is demanded, and that opens nothing at this one.
    let operation = &document["paths"]["/items"]["get"];
    let at = operation["x-nuncio-security-at"].as_object().unwrap_or_else(|| panic!("{document:#}"));
    let servers: Vec<_> =
        document["servers"].as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap()).collect();
    for (origin, demanded) in at {
        assert!(servers.contains(&format!("{origin}/stock").as_str()), "{origin}: {servers:?}");
        assert_eq!(together(demanded).is_empty(), origin.contains(OPEN), "{origin}: {demanded}");
    }
    assert!(at.keys().any(|origin| origin.contains(OPEN)) && at.keys().any(|origin| origin.contains(HOST)), "{at:?}");
    assert_eq!(client.ask(&get(OPEN, "/stock/items")).await.status, 200);
    let whole = ask_json(&site, "/openapi/openapi.json").await;
    let at = &whole["paths"]["/stock/items"]["get"]["x-nuncio-security-at"];
    let named = at.as_object().unwrap().values().flat_map(together).flatten();
    for name in named {
        assert!(whole["components"]["securitySchemes"].get(name).is_some(), "{name}");
    }
    gateway.stop().await;
}

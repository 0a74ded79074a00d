//! What the gateway does with each operation, as the portal tells it; and all APIs in one document.

use nuncio_e2e::yaml::{documents, mapping};
use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{HOST, accounts, api, ask, ask_json, gateway, service, shop, stock};

/// Where all APIs are one document.
const WHOLE: &str = "/openapi/openapi.json";

/// A page, once it holds all of these.
async fn tells(site: &Site, path: &str, parts: &[&str]) -> String {
    eventually(&format!("{path} tells {parts:?}"), async || {
        // Where an address may be broken is no part of it.
        let page = ask(site, path).await.text().replace("<wbr>", "");
        if parts.iter().all(|part| page.contains(part)) { Ok(page) } else { Err(page) }
    })
    .await
}

#[tokio::test]
async fn an_operation_tells_its_route_and_what_that_holds_requests_to() {
    let site = Site::new();
    let _accounts = accounts(&site).await;
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    for name in ["cart", "catalog", "orders"] {
        api(&site, name, "current").await;
    }
    let show = "/docs/doc/default/cart/operations/show";
    let parts = ["Mapping default/cart", "only with x-cart-version v2", "2 s for the whole answer", "not checked"];
    let page = tells(&site, show, &parts).await;
    let [by_header, usual] =
        ["Mapping default/cart-by-header", "Mapping default/cart-canary"].map(|name| page.find(name));
    assert!(by_header.unwrap() < usual.unwrap(), "as they are tried: {page}");
    assert!(page[..usual.unwrap()].contains("leads elsewhere"), "version 2 is another service: {page}");
    assert!(!page.contains("/console/objects/"), "the console is not shown as this host");

    // By the rule of its path: who has no token needs a login.
    let orders = eventually("the routes of orders are told", async || {
        let orders = ask_json(&site, "/docs/api/v1/apis/default/orders/operations").await;
        let all = orders["operations"].as_array().unwrap();
        let is_told = all.iter().all(|operation| !operation["edge"]["routes"][0].is_null());
        if is_told { Ok(orders) } else { Err(orders) }
    })
    .await;
    let all = orders["operations"].as_array().unwrap();
    assert!(!all.is_empty());
    for operation in all {
        assert_eq!(operation["is_routed"], true, "{operation:#}");
        let access = operation["edge"]["routes"][0]["access"].to_string();
        assert!(access.contains("a login at") && access.contains("a bearer token of"), "{operation:#}");
    }
    let list = tells(&site, "/docs/doc/default/catalog", &["5 an hour for each value of the header x-user"]).await;
    assert!(!list.contains("leads elsewhere"), "{list}");
    tells(&site, &format!("{show}.md"), &["only with x-cart-version v2"]).await;

    // At its own port the portal shows the console, too.
    eventually("the way to the console", async || {
        let own = Client::http(site.at(8088)).send(&get("localhost", show)).await.unwrap().text();
        if own.contains("href=\"/console/objects/Mapping/default/cart\"") { Ok(()) } else { Err(own) }
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn health_of_endpoints_and_routes_that_documents_do_not_know_are_told() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (release, _) = watch::channel(stock("1", &["name"]));
    let first = service(site.at(9300), &release).await;
    let other = service(site.at(9301), &release).await;
    let mut own = mapping("stock", "/stock/", site.at(9300));
    own["spec"]["hostname"] = json!(HOST);
    own["spec"]["docs"] = json!({ "path": "/openapi.json" });
    own["spec"]["retry_policy"] = json!({ "retry_on": "5xx", "num_retries": 3 });
    // A check that was not answered in time is repeated in a minute only.
    own["spec"]["health_checks"] = json!([{ "health_check": { "http": { "path": "/healthz" } }, "interval": "1s",
        "timeout": "10s", "unhealthy_threshold": 1, "healthy_threshold": 1 }]);
    let mut admin = mapping("stock-admin", "/stock-admin/", site.at(9300));
    admin["spec"]["hostname"] = json!(HOST);
    admin["spec"]["rewrite"] = json!("/admin/");
    admin["spec"]["health_checks"] = own["spec"]["health_checks"].clone();
    site.write("stock.yaml", documents(&[own.clone(), admin.clone()]));
    let gateway = gateway(&site).await;
    let page = "/docs/doc/default/stock";
    api(&site, "stock", "current").await;
    tells(&site, &format!("{page}/operations/items"), &["1 endpoint, all healthy", "3 retries on 5xx"]).await;
    let list = tells(&site, page, &["not documented"]).await;
    let row = list.split("<tr>").find(|row| row.contains("default/stock-admin")).unwrap();
    assert!(row.contains("not documented"), "{row}");

    // An Envoy looks again in a minute where there was no request, and at once at what is new.
    drop(first);
    own["spec"]["connect_timeout_ms"] = json!(500);
    site.write("stock.yaml", documents(&[own.clone(), admin.clone()]));
    tells(&site, page, &["0 of 1 endpoint healthy"]).await;

    // Another Mapping takes what the document promises.
    let mut taker = mapping("taker", "/stock/items", site.at(9301));
    taker["spec"]["hostname"] = json!(HOST);
    site.write("stock.yaml", documents(&[own, admin, taker]));
    tells(&site, page, &["leads elsewhere"]).await;
    eventually("the document without it", async || {
        let document = ask_json(&site, "/openapi/services/default/stock/openapi.json").await;
        let is_gone = document["paths"].as_object().is_some_and(|paths| !paths.contains_key("/items"));
        if is_gone && document["x-nuncio-unrouted-paths"] == json!(["/items"]) { Ok(()) } else { Err(document) }
    })
    .await;
    drop(other);
    gateway.stop().await;
}

/// Every reference within a document that leads nowhere.
fn dangling(root: &Value, value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
            let own = target.filter(|target| root.pointer(target).is_none()).map(str::to_owned);
            own.into_iter().chain(object.values().flat_map(|value| dangling(root, value))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|value| dangling(root, value)).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn all_apis_are_one_document_by_which_they_can_be_called() {
    let site = Site::new();
    let _accounts = accounts(&site).await;
    let _shop = shop(&site).await;
    let gateway = gateway(&site).await;
    for name in ["cart", "catalog", "orders", "web"] {
        api(&site, name, "current").await;
    }
    // What the routes demand, whatever documents say: who brings a token is held to it, everybody else needs a login.
    // Where the gateway does not tell it in time, it is guessed.
    let demanded = ["login", "token", "key"].map(|name| json!({ format!("default.orders_gateway-{name}"): [] }));
    let (demanded, nothing) = (json!(demanded), json!([]));
    let all = eventually("what is demanded is told", async || {
        let all = ask_json(&site, WHOLE).await;
        let says = |path: &str, method: &str, what: &Value| all["paths"][path][method]["security"] == *what;
        let is_told = says("/api/carts/{user}", "get", &nothing)
            && ["get", "post"].into_iter().all(|method| says("/api/orders", method, &demanded));
        if is_told { Ok(all) } else { Err(all) }
    })
    .await;
    assert_eq!(dangling(&all, &all), Vec::<String>::new());
    let apis: Vec<_> =
        all["x-nuncio-apis"].as_array().unwrap().iter().map(|one| one["api"].as_str().unwrap()).collect();
    for name in ["default/cart", "default/catalog", "default/orders", "default/web"] {
        assert!(apis.contains(&name), "{apis:?}");
    }
    let operation = &all["paths"]["/api/carts/{user}"]["get"];
    assert_eq!(
        (&operation["operationId"], &operation["x-nuncio-api"]),
        (&json!("default.cart_show"), &json!("default/cart"))
    );
    assert_eq!(all["servers"][1]["url"], format!("http://{HOST}:8080"));
    let schemes = &all["components"]["securitySchemes"];
    let operations = all["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let named = operations.filter_map(|operation| operation["security"].as_array()).flatten();
    for name in named.flat_map(|requirement| requirement.as_object().unwrap().keys()) {
        assert!(schemes.get(name).is_some(), "{name}: {schemes:#}");
    }
    assert_eq!(schemes["default.orders_gateway-login"]["type"], "openIdConnect", "{schemes:#}");
    assert_eq!(schemes["default.orders_gateway-token"]["scheme"], "bearer", "{schemes:#}");
    let demanded = json!([{ "gateway-login": [] }, { "gateway-token": [] }, { "gateway-key": [] }]);
    eventually("what orders demand is told", async || {
        let own = ask_json(&site, "/openapi/services/default/orders/openapi.json").await;
        if own["security"] == demanded { Ok(()) } else { Err(own) }
    })
    .await;
    assert!(all["paths"]["/api/products"]["get"].is_object(), "{all:#}");
    // So it is called.
    let client = Client::http(site.at(8080));
    client.until_status(&get(HOST, "/api/products"), 200).await;
    let catalog = ask(&site, "/docs/").await.text();
    assert!(catalog.contains("href=\"/openapi/openapi.json\""), "{catalog}");
    eventually("what is there already is not sent again", async || {
        let reply = ask(&site, WHOLE).await;
        let again = get(HOST, WHOLE).with("if-none-match", reply.header("etag").unwrap());
        match client.send(&again).await.unwrap().status {
            304 => Ok(()),
            status => Err(status),
        }
    })
    .await;
    gateway.stop().await;
}

//! Services of which a preview has some requests alone.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping_on};
use nuncio_e2e::{Ask, Client, Gateway, eventually, get};
use serde_json::{Value, json};

use super::context::INTERNAL;
use super::{SHOP, Shop, host_of, internal_listener, preview};

/// A service for some requests of the cart's.
fn narrowed(shop: &Shop, to: &Backend, matches: &Value) -> Value {
    let (baseline, backend) = (shop.cart.address().to_string(), to.address().to_string());
    json!({"baseline": baseline, "backend": backend, "match": matches})
}

#[tokio::test]
async fn some_requests_of_a_service_are_replaced_and_the_baseline_gets_the_others() {
    let shop = Shop::new().await;
    let (acme, rest) = (Backend::start("acme").await, Backend::start("rest").await);
    let mut preview = preview("narrow", &shop.cart, &shop.branch);
    let items = narrowed(&shop, &shop.branch, &json!({"prefix": "/cart/items", "method": "POST"}));
    preview["spec"]["services"] = json!([items, narrowed(&shop, &acme, &json!({"headers": {"X-Tenant": "acme"}}))]);
    // By a pattern, and with another path for the service: what clients send counts.
    let mut pattern = mapping_on(SHOP, "pattern", "/(cart|basket)/items/[0-9]+", shop.cart.address());
    (pattern["spec"]["prefix_regex"], pattern["spec"]["rewrite"]) = (json!(true), json!(""));
    let internal = mapping_on("cart.internal", "inner", "/", shop.cart.address());
    shop.site.write("others.yaml", documents(&[pattern, internal, internal_listener(&shop.site)]));
    shop.site.write("narrow.yaml", documents(&[preview.clone()]));
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "narrow").await;
    let client = shop.client();
    let post = |path: &str| get(&host, path).method("POST");
    let answered = async |ask: &Ask| {
        let reply = client.ask(ask).await;
        (reply.by(), reply.header("x-nuncio-served-by").unwrap_or_default().to_owned())
    };
    let to = |by: &str, way: &str| (by.to_owned(), way.to_owned());
    for (ask, by, way) in [
        (post("/cart/items?a=b"), "branch", "preview"),
        (post("/cart/items/7"), "branch", "preview"),
        (post("/basket/items/7"), "cart", "baseline"),
        (get(&host, "/cart/items"), "cart", "baseline"),
        (post("/cart/"), "cart", "baseline"),
        (get(&host, "/cart/").with("x-tenant", "acme"), "acme", "preview"),
        (get(&host, "/cart/").with("x-tenant", "other"), "cart", "baseline"),
        (post("/cart/items").with("x-tenant", "acme"), "branch", "preview"),
        (get(&host, "/").with("x-tenant", "acme"), "web", "baseline"),
    ] {
        assert_eq!(answered(&ask).await, to(by, way), "{ask:?}");
    }
    // Requests among services are looked at in the same way.
    let key = client.ask(&get(&host, "/")).await.echo().unwrap().header("x-nuncio-preview").unwrap().to_owned();
    let inside = Client::http(shop.site.at(INTERNAL));
    for (path, by) in [("/cart/items", "branch"), ("/other", "cart")] {
        let ask = get("cart.internal", path).method("POST").with("x-nuncio-preview", &key);
        assert_eq!(inside.ask(&ask).await.by(), by, "{path}");
    }
    let listed = gateway.admin.list("previews").await;
    assert_eq!(listed[0]["services"][0]["only"], "POST /cart/items*", "{listed:?}");

    // What is left can be for another, last.
    preview["spec"]["services"].as_array_mut().unwrap().push(narrowed(&shop, &rest, &Value::Null));
    shop.site.write("narrow.yaml", documents(&[preview]));
    gateway.line(&["Preview default/narrow changed", "live on 1 Envoy"]).await;
    assert_eq!(answered(&get(&host, "/cart/")).await, to("rest", "preview"));
    assert_eq!(answered(&post("/cart/items")).await, to("branch", "preview"));
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_match_is_told() {
    let shop = Shop::new().await;
    let mut preview = preview("narrow", &shop.cart, &shop.branch);
    let of = |matches: Value| narrowed(&shop, &shop.branch, &matches);
    preview["spec"]["services"] = json!([
        of(json!({"prefix": "cart", "method": "post", "headers": {"a b": "c"}})),
        of(json!({})),
        of(Value::Null),
        of(json!({"method": "PUT"})),
    ]);
    shop.site.write("narrow.yaml", documents(&[preview]));
    let gateway = Gateway::start(&shop.site).await;
    let expected = [
        "spec.services[0].match.headers[\"a b\"]",
        "spec.services[0].match.method",
        "spec.services[0].match.prefix",
        "spec.services[1].match.prefix",
        "spec.services[3].baseline",
    ];
    eventually("all is told", async || {
        let problems = gateway.admin.list("problems").await;
        let own = problems.iter().filter(|problem| problem["object"]["name"] == "narrow");
        let mut fields: Vec<_> = own.map(|problem| problem["field"].as_str().unwrap().to_owned()).collect();
        fields.sort();
        if fields == expected { Ok(()) } else { Err(format!("{problems:#?}")) }
    })
    .await;
    assert_eq!(shop.client().ask(&get(SHOP, "/cart/")).await.by(), "cart");
    gateway.stop().await;
}

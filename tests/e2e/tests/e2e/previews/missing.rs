//! What visitors and programs are told while nobody stands in for a service.

use nuncio_e2e::yaml;

use super::*;

#[tokio::test]
async fn a_page_says_which_service_is_not_there_and_since_when_and_programs_are_told_as_json() {
    let shop = Shop::new().await;
    shop.site.write("cart-9.yaml", documents(&yaml::service("cart-9", None)));
    let mut pending = preview("pending", &shop.cart, &shop.branch);
    pending["spec"]["services"][0]["backend"] = json!("cart-9");
    shop.site.write("pending.yaml", documents(&[pending]));
    let gateway = Gateway::start(&shop.site).await;
    gateway.admin.problem(&["pending", "NoEndpoints"]).await;
    let host = host_of(&shop, &gateway, "pending").await;
    let client = shop.client();
    let selector = host.trim_start_matches("web--").split('.').next().unwrap();

    let accepts = |kind: &str| get(&host, "/cart/x").with("accept", kind);
    let page = client.ask(&accepts("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await;
    assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")));
    let text = page.text();
    for part in
        ["A part of this preview is not there", selector, &shop.cart.address().to_string(), "since ", "try again"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("cart-9") && !text.contains("default/"), "no page names an object: {text}");
    for kind in ["application/json", "*/*"] {
        let told = client.ask(&accepts(kind)).await;
        assert_eq!((told.status, told.header("content-type")), (503, Some("application/problem+json")));
        assert!(told.header("cache-control").is_some_and(|it| it.contains("no-store")), "{told:?}");
        let problem: Value = serde_json::from_str(&told.text()).unwrap();
        let since: jiff::Timestamp = problem["since"].as_str().unwrap().parse().unwrap();
        assert!(since <= jiff::Timestamp::now(), "{problem}");
        assert_eq!((&problem["status"], &problem["preview"]), (&json!(503), &json!(selector)));
        assert_eq!(problem["service"], shop.cart.address().to_string());
    }
    // All else goes on, and so does this as soon as somebody is there.
    assert_eq!(client.ask(&get(&host, "/")).await.by(), "web");
    shop.site.write("cart-9.yaml", documents(&yaml::service("cart-9", Some(shop.branch.address()))));
    eventually("the branch is there", async || {
        let reply = client.ask(&accepts("text/html")).await;
        if reply.by() == "branch" { Ok(()) } else { Err(reply.status) }
    })
    .await;
    shop.site.remove("pending.yaml");
    let ended = eventually("it has ended", async || {
        let reply = client.ask(&accepts("application/json")).await;
        if reply.status == 410 { Ok(reply) } else { Err(reply.status) }
    })
    .await;
    let problem: Value = serde_json::from_str(&ended.text()).unwrap();
    assert_eq!(problem["title"], "This preview has ended");
    assert!(client.ask(&accepts("text/html")).await.text().starts_with("<!doctype html>"));
    gateway.stop().await;
}

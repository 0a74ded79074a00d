//! The console as operators have it: behind the gateway's login, for members of their group.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Site, get};
use serde_json::{Value, json};

use crate::portal::browser::told;
use crate::portal::{HOST, accounts, shop};

/// The console at the shop's host, for who has logged in.
fn behind_the_login(site: &Site) -> [Value; 2] {
    let mut console = mapping_on(HOST, "console", "/console/", site.at(8088));
    console["spec"]["rewrite"] = json!("");
    let rule = json!({ "host": HOST, "path": "/console/*", "filters": [{ "name": "login" }] });
    [console, object("FilterPolicy", "operators", json!({ "rules": [rule] }))]
}

#[tokio::test]
async fn an_operator_logs_in_changes_a_timeout_by_the_keyboard_and_requests_have_it() {
    let (site, echo) = (Site::new(), Backend::start("echo").await);
    let (_shop, _accounts) = (shop(&site).await, accounts(&site).await);
    let mut slow = mapping_on(HOST, "echo", "/echo/", echo.address());
    slow["spec"]["timeout_ms"] = json!(2000);
    site.write("echo.yaml", documents(&[slow]));
    site.write("console.yaml", documents(&behind_the_login(&site)));
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--allow-edits", "--console-group", "staff"]);
    })
    .await;
    // Envoy tells a service how long it will wait for it.
    let patience = async || {
        let reply = Client::http(site.at(8080)).ask(&get(HOST, "/echo/")).await;
        reply.echo().unwrap_or_else(|| panic!("{reply:?}")).header("x-envoy-expected-rq-timeout-ms").map(str::to_owned)
    };
    assert_eq!(patience().await.as_deref(), Some("2000"));

    let seen = told(&site, "operator.mjs").await;
    assert_eq!(seen["stranger"]["status"], 403, "{seen:#}");
    let refused = seen["stranger"]["text"].as_str().unwrap();
    assert!(refused.contains("staff") && refused.contains("bob") && !refused.contains("/echo/"), "{seen:#}");
    assert_eq!(seen["operator"], 200, "{seen:#}");
    assert_eq!(seen["diff"], json!(["-    \"timeout_ms\": 2000", "+    \"timeout_ms\": 900"]), "{seen:#}");
    assert_eq!(patience().await.as_deref(), Some("900"), "what the console calls live is");

    let own = Client::http(site.at(8088)).ask(&get("localhost", "/console/")).await;
    assert_eq!(own.status, 403, "nor is it for whoever reaches the portal's port");
    gateway.stop().await;
}

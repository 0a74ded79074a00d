//! What a portal shows, and how: DevPortals, pages of the operator's, services behind TLS, and requests from other origins.

use std::fs;

use nuncio_e2e::yaml::{documents, mapping, object, plain, tls_secret};
use nuncio_e2e::{Authority, Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{service, stock};

const ANY: &str = "portal.example";

fn documented(name: &str, site: &Site, port: u16) -> Value {
    let mut mapping = mapping(name, &format!("/{name}/"), site.at(port));
    mapping["spec"]["docs"] = json!({ "path": "/openapi.json" });
    mapping
}

async fn gateway<'s>(site: &'s Site, flags: &[&str]) -> Gateway<'s> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]).args(flags);
    })
    .await
}

async fn portal(site: &Site, path: &str) -> (u16, String) {
    let reply = Client::http(site.at(8088)).send(&get(ANY, path)).await.unwrap();
    (reply.status, reply.text())
}

/// A page, once it holds one text and not another.
async fn shows(site: &Site, path: &str, text: &str, not: &str) -> String {
    eventually(&format!("{path} shows {text}"), async || {
        let (_, page) = portal(site, path).await;
        if page.contains(text) && (not.is_empty() || !page.contains(not)) { Ok(page) } else { Err(page) }
    })
    .await
}

#[tokio::test]
async fn a_dev_portal_chooses_what_is_shown_and_its_pages_stand_beside_it() {
    let site = Site::new();
    let (release, _) = watch::channel(stock("1", &["name"]));
    let _services = (service(site.at(9300), &release).await, service(site.at(9301), &release).await);
    let mut public = documented("stock", &site, 9300);
    public["metadata"]["labels"] = json!({ "public": "true" });
    public["metadata"]["annotations"] = json!({ "nuncio.dev/team": "warehouse" });
    public["spec"]["docs"]["display_name"] = json!("The stock");
    let mut private = documented("private", &site, 9301);
    private["spec"]["docs"]["display_name"] = json!("Private things");
    site.write("site.yaml", plain(&site) + &documents(&[public, private]));
    let content = site.root().join("content");
    fs::create_dir_all(content.join("team/pages")).unwrap();
    fs::write(content.join("team/landing.md"), "Hello. [Begin](pages/first.md)").unwrap();
    fs::write(content.join("team/pages/first.md"), "# First call\n\nTake a zebra.").unwrap();
    fs::write(content.join("team/portal.yaml"), "title: The Shop\n").unwrap();
    let gateway = gateway(&site, &["--portal-content", content.to_str().unwrap()]).await;
    shows(&site, "/docs/", "Private things", "").await;
    shows(&site, "/docs/", "warehouse", "").await;

    let spec = json!({ "selector": { "matchLabels": { "public": "true" } }, "content": { "dir": "team", "branch": "main" },
        "search": { "enabled": true, "type": "all-content" }, "naming_scheme": "name.prefix" });
    site.write("devportal.yaml", documents(&[object("DevPortal", "main", spec)]));
    let page = shows(&site, "/docs/", "href=\"/docs/pages/first\"", "Private things").await;
    for part in ["The stock", "stock.stock", "The Shop", "Hello."] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(portal(&site, "/docs/pages/first").await.1.contains("Take a zebra."));
    shows(&site, "/docs/api/search?term=zebra", "/docs/pages/first", "").await;
    let problem = gateway.admin.problem(&["DevPortal", "spec.content.branch"]).await;
    assert_eq!(problem["reason"], "NoEffect");

    fs::write(content.join("team/pages/second.md"), "# Second").unwrap();
    shows(&site, "/docs/", "Second", "").await;
    site.write("devportal.yaml", documents(&[object("DevPortal", "main", json!({ "search": { "enabled": false } }))]));
    shows(&site, "/docs/", "Private things", "role=\"search\"").await;
    site.write("devportal.yaml", documents(&[object("DevPortal", "main", json!({ "docs": [{ "service": "a" }] }))]));
    gateway.admin.problem(&["DevPortal", "spec.docs[0].url"]).await;
    // What was good stays: it still does when the portal has heard of what was written after.
    site.write("later.yaml", documents(&[documented("later", &site, 9301)]));
    shows(&site, "/docs/", "href=\"/docs/doc/default/later\"", "role=\"search\"").await;
    gateway.stop().await;
}

#[tokio::test]
async fn services_that_nobody_documents_are_asked_where_that_is_wanted() {
    let site = Site::new();
    let (release, _) = watch::channel(stock("1", &["name"]));
    let _service = service(site.at(9300), &release).await;
    site.write("site.yaml", plain(&site) + &documents(&[mapping("stock", "/stock/", site.at(9300))]));
    let gateway = gateway(&site, &["--portal-probe"]).await;
    shows(&site, "/docs/", "href=\"/docs/doc/default/stock\"", "Served without a document").await;
    gateway.stop().await;
}

/// What the gateway says to a browser that asks whether a page of `origin` may send a request.
async fn preflight(site: &Site, origin: &str) -> Option<(String, bool)> {
    let request = get(ANY, "/stock/items")
        .method("OPTIONS")
        .with("origin", origin)
        .with("access-control-request-method", "PUT")
        .with("access-control-request-headers", "authorization");
    let reply = Client::http(site.http()).send(&request).await.unwrap();
    let allowed = reply.header("access-control-allow-origin")?;
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    Some((allowed.to_owned(), reply.header("access-control-allow-credentials").is_some()))
}

#[tokio::test]
async fn pages_of_the_portal_may_ask_the_gateway_without_a_cors_block() {
    let site = Site::new();
    let (release, _) = watch::channel(stock("1", &["name"]));
    let _service = service(site.at(9300), &release).await;
    site.write("site.yaml", plain(&site) + &documents(&[documented("stock", &site, 9300)]));
    let own = format!("http://{}", site.at(8088));
    let gateway = gateway(&site, &[]).await;
    assert_eq!(preflight(&site, &own).await, Some((own.clone(), false)));
    assert_eq!(preflight(&site, "https://evil.example").await, None);
    gateway.stop().await;

    let named = "https://developers.example";
    let gateway = self::gateway(&site, &["--portal-origin", named]).await;
    assert_eq!(preflight(&site, named).await, Some((named.to_owned(), true)));
    assert_eq!(preflight(&site, &own).await, None, "it was not named");
    let mut shut = documented("stock", &site, 9300);
    shut["spec"]["cors"] = json!({ "origins": [] });
    site.write("site.yaml", plain(&site) + &documents(&[shut]));
    eventually("the Mapping's own word", async || match preflight(&site, named).await {
        None => Ok(()),
        Some(allowed) => Err(format!("{allowed:?}")),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_dev_portal_and_authorities_are_told_and_keys_are_not() {
    let site = Site::new();
    let authority = Authority::new("internal");
    let identity = authority.issue(&["gateway"]);
    let context = object("TLSContext", "internal", json!({ "secret": "client", "ca_secret": "ca" }));
    let ca = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "ca" },
        "stringData": { "tls.crt": authority.pem() } });
    let mut mapping = documented("stock", &site, 9300);
    mapping["spec"]["tls"] = json!("internal");
    site.write("site.yaml", plain(&site) + &documents(&[tls_secret("client", &identity), ca, context, mapping]));
    let gateway = gateway(&site, &[]).await;
    let api = eventually("the API", async || {
        let apis = gateway.admin.json("/api/v1/apis").await;
        let api = apis["items"].as_array().unwrap().iter().find(|api| api["name"] == "stock").cloned();
        api.ok_or_else(|| apis.to_string())
    })
    .await;
    let tls = &api["upstream"]["tls"];
    let name = tls["authorities"].as_str().unwrap().replace('#', "%23");
    let told = gateway.admin.json(&format!("/api/v1/authorities?name={name}")).await;
    assert_eq!(told["ca"].as_str().unwrap().trim(), authority.pem().trim());
    let certificate = tls["certificate"].as_str().unwrap();
    let path = format!("/api/v1/authorities?name={certificate}");
    assert_eq!(gateway.admin.status(&path).await, Ok(404), "a key is nobody's");
    gateway.stop().await;
}

//! What is secret in manifests, and who tries to see it, to have it sent to himself, or to guess it.

use std::fs;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Gateway, Reply, Site, eventually, get, yaml};
use serde_json::{Value, json};

use super::page;

const SECRET: &str = "Basic dXNlcjpoNHJk";
const KEY: &str = "k3y-of-partners";

/// A Mapping that shows its service a credential, and wants one of its clients.
fn partners(site: &Site, service: &str) -> String {
    let objects = [yaml::listener("http", site.http().port(), "HTTP"), yaml::host("any", "partners.example")];
    let mapping = format!(
        "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: partners
spec:
  hostname: partners.example
  prefix: /partners/
  service: http://{service}
  timeout_ms: 2000
  add_request_headers:
    Authorization:
      value: {SECRET}
    x-team:
      value: shop
  headers:
    x-api-key: {KEY}
  query_parameters:
    access_token: {KEY}-2
"
    );
    yaml::documents(&objects) + &mapping
}

async fn gateway(site: &Site) -> Gateway<'_> {
    Gateway::start_with(site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).arg("--allow-edits");
    })
    .await
}

/// The diagnostics' answer to a change of the Mapping.
async fn change(site: &Site, what: &str, text: &str, digest: Option<&str>) -> Reply {
    let asked =
        json!({ "kind": "Mapping", "namespace": "default", "name": "partners", "text": text, "digest": digest });
    let ask = get("localhost", &format!("/api/v1/{what}")).method("POST").with("content-type", "application/json");
    Client::http(site.admin()).send(&ask.body(asked.to_string())).await.unwrap()
}

async fn manifest(gateway: &Gateway<'_>) -> (String, String) {
    let told = gateway.admin.json("/api/v1/manifest?kind=Mapping&namespace=default&name=partners").await;
    (told["text"].as_str().unwrap().to_owned(), told["digest"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn credentials_of_any_kind_of_object_are_shown_nowhere() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    site.write("all.yaml", partners(&site, &backend.address().to_string()));
    let gateway = gateway(&site).await;
    let asked = get("partners.example", &format!("/partners/?access_token={KEY}-2")).with("x-api-key", KEY);
    let answered = Client::http(site.http()).send(&asked).await.unwrap();
    assert_eq!(answered.by(), "one", "they are in force");

    let explain = "url=http://partners.example/partners/";
    let lists = ["objects", "routes", "apis", "clusters", "topology", "problems", "portal"]
        .map(|list| format!("/api/v1/{list}"));
    let one = "/api/v1/manifest?kind=Mapping&namespace=default&name=partners".to_owned();
    for path in lists.into_iter().chain([one, format!("/api/v1/explain?{explain}")]) {
        let told = Client::http(site.admin()).send(&get("localhost", &path)).await.unwrap();
        let text = told.text();
        assert!(told.status == 200 && !text.contains("dXNlcjpoNHJk") && !text.contains(KEY), "{path}: {text}");
    }
    let object = "/console/objects/Mapping/default/partners";
    let edit = eventually("the editor", async || {
        let reply = page(&site, &format!("{object}/edit")).await;
        if reply.status == 200 { Ok(reply.text()) } else { Err(reply.text()) }
    })
    .await;
    for part in ["value: (not shown)", "x-api-key: (not shown)", "access_token: (not shown)", "value: shop"] {
        assert!(edit.contains(part), "{part}: {edit}");
    }
    for path in [
        "/console/",
        object,
        &format!("{object}/edit?spec.timeout_ms=700"),
        &format!("/console/explain?{explain}"),
        "/docs/",
    ] {
        let text = page(&site, path).await.text();
        assert!(!text.contains("dXNlcjpoNHJk") && !text.contains(KEY), "{path}: {text}");
    }
    let routes = gateway.admin.json("/api/v1/routes").await.to_string();
    assert!(routes.contains("x-api-key (not shown)") && routes.contains("access_token (not shown)"), "{routes}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_credential_goes_nowhere_else_and_is_not_guessed_by_trying() {
    let (site, backend, evil) = (Site::new(), Backend::start("one").await, Backend::start("evil").await);
    let before = partners(&site, &backend.address().to_string());
    site.write("all.yaml", &before);
    let gateway = gateway(&site).await;
    let (text, digest) = manifest(&gateway).await;
    let elsewhere = text.replace(&backend.address().to_string(), &evil.address().to_string());
    for (what, digest) in [("dry-run", None), ("apply", Some(&*digest))] {
        let refused = change(&site, what, &elsewhere, digest).await;
        let why = refused.text();
        assert!(
            refused.status == 400 && why.starts_with("spec.service decides where spec.add_request_headers"),
            "{why}"
        );
    }
    assert_eq!(fs::read_to_string(site.manifests().join("all.yaml")).unwrap(), before);

    let tried = async |guess: &str| {
        let text = text.replacen("(not shown)", guess, 1);
        let reply = change(&site, "dry-run", &text, None).await;
        let told: Value = serde_json::from_str(&reply.text().replace(guess, "GUESS")).unwrap();
        assert_eq!(told["routes_total"], 1, "{told:#}");
        told
    };
    assert_eq!(tried(SECRET).await, tried("Basic dXNlcjpvdGhlcg==").await, "the right one looks like any other");

    // What is none of its business changes, and the credential is sent as before.
    let applied = change(&site, "apply", &text.replace("2000", "900"), Some(&digest)).await;
    assert_eq!(applied.status, 200, "{}", applied.text());
    let now = fs::read_to_string(site.manifests().join("all.yaml")).unwrap();
    assert_eq!(now, before.replace("timeout_ms: 2000", "timeout_ms: 900"));
    gateway.stop().await;
}

#[tokio::test]
async fn of_two_changes_that_are_applied_at_once_one_is_told_that_the_other_was_faster() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    site.write("all.yaml", partners(&site, &backend.address().to_string()));
    let gateway = gateway(&site).await;
    let (text, digest) = manifest(&gateway).await;
    let (one, two) = (text.replace("2000", "700"), text.replace("2000", "800"));
    let (first, second) =
        tokio::join!(change(&site, "apply", &one, Some(&digest)), change(&site, "apply", &two, Some(&digest)));
    let (won, mut lost, other) = if first.status == 200 { (first, second, two) } else { (second, first, one) };
    // Who came while the other was tried is to ask again.
    if lost.status == 429 {
        lost = eventually("a turn", async || {
            let reply = change(&site, "apply", &other, Some(&digest)).await;
            if reply.status == 429 { Err(reply.text()) } else { Ok(reply) }
        })
        .await;
    }
    assert_eq!((won.status, lost.status), (200, 409), "{} {}", won.text(), lost.text());
    assert!(lost.text().contains("all.yaml has changed since"), "{}", lost.text());
    gateway.stop().await;
}

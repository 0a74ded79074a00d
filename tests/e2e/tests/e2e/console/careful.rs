//! Changes that would undo what others did, or take protection away.

use nuncio_e2e::{Client, Site, eventually, get};
use serde_json::json;

use super::edit::{CART, FILTERS, cart, dry_run, manifest, manifest_of, post, post_of, writable};
use crate::portal::{HOST, shop};

#[tokio::test]
async fn of_two_who_change_an_object_neither_undoes_what_the_other_did() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    let before = cart(&site);
    // Somebody opens the editor, and another is faster.
    let (text, digest) = manifest(&gateway).await;
    site.write("cart.yaml", before.replacen("prefix: /api/carts/", "prefix: /carts/", 1));
    let mine = text.replace("timeout_ms: 2000", "timeout_ms: 700");
    let late = post(&site, &[("by", "text"), ("text", &mine), ("digest", &digest)]).await;
    let page = late.text();
    assert!(late.status == 409 && page.contains("What somebody else changed"), "{page}");
    for part in ["+  prefix: /carts/", "+  timeout_ms: 700", "Both changes", "Take theirs"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // An address that was sent around is no way to undo it either.
    let address = format!("{CART}/edit?spec.timeout_ms=700&digest={digest}");
    assert_eq!(super::page(&site, &address).await.status, 409);
    let both = mine.replace("prefix: /api/carts/", "prefix: /carts/");
    assert!(page.contains("prefix: /carts/\n") && page.contains("timeout_ms: 700\n"), "{page}");
    let (_, now) = manifest(&gateway).await;
    let applied = post(&site, &[("by", "apply"), ("text", &both), ("digest", &now)]).await;
    assert_eq!(applied.status, 303, "{}", applied.text());
    let written = cart(&site);
    assert!(written.contains("prefix: /carts/") && written.contains("timeout_ms: 700"), "{written}");
    gateway.stop().await;
}

#[tokio::test]
async fn protection_is_taken_away_only_by_who_says_that_he_wants_that() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("filters.yaml", FILTERS);
    let gateway = writable(&site).await;
    let policy = "/console/objects/FilterPolicy/default/carts";
    let (text, digest) = manifest_of(&gateway, "FilterPolicy", "carts").await;
    let open = text.replace("path: /api/carts/*", "path: /api/carts/some/*");
    let told = dry_run(&site, "FilterPolicy", "carts", json!({}), Some(&open)).await;
    assert_eq!(told["lost"][0]["what"], "login", "{told:#}");
    let apply = async |confirm: &str| {
        let form = [("by", "apply"), ("text", &*open), ("digest", &*digest), ("confirm", confirm)];
        post_of(&site, policy, &form).await
    };
    let refused = apply("").await;
    let page = refused.text();
    assert_eq!(refused.status, 428, "{page}");
    for part in ["would no longer ask for a login or a key", "cart-key.default (APIKey) asked", "name=\"confirm\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let carts = async || Client::http(site.at(8080)).send(&get(HOST, "/api/carts/ann")).await.unwrap().status;
    assert_eq!(carts().await, 401, "nothing has happened");
    let confirmed = apply(told["confirm"].as_str().unwrap()).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text());
    eventually("the carts to be open", async || match carts().await {
        200 => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
    gateway.stop().await;
}

//! Policies by their fields, objects that are made, and objects that are deleted.

use std::fs;
use std::process::Command;

use nuncio_e2e::{Client, Reply, Site, eventually, get};
use serde_json::json;

use super::edit::{FILTERS, manifest_of, post_at, post_of, writable};
use super::{page, told};
use crate::portal::browser::told_at;
use crate::portal::{HOST, shop};

async fn ask(site: &Site, path: &str, header: Option<(&str, &str)>) -> Reply {
    let ask = get(HOST, path);
    let ask = header.into_iter().fold(ask, |ask, (name, value)| ask.with(name, value));
    Client::http(site.at(8080)).send(&ask).await.unwrap()
}

async fn answers(site: &Site, path: &str, wanted: u16) {
    eventually(&format!("{path} is answered {wanted}"), async || {
        let reply = ask(site, path, None).await;
        if reply.status == wanted { Ok(()) } else { Err(format!("{}: {}", reply.status, reply.text())) }
    })
    .await;
}

fn read(site: &Site, file: &str) -> String {
    fs::read_to_string(site.manifests().join(file)).unwrap()
}

#[tokio::test]
async fn somebody_adds_a_limit_by_the_form_and_meets_it() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    assert_eq!(ask(&site, "/api/products", Some(("x-user", "bob"))).await.status, 200);
    let before = read(&site, "limits.yaml");
    let seen = told_at(&site, &format!("http://{}", site.at(8088)), "policies.mjs").await;
    assert_eq!(seen["unfolded"], json!([false, true]), "{seen:#}");
    assert_eq!(seen["fault"], json!("Limit 2 · Pattern"), "{seen:#}");
    assert!(seen["radius"].as_str().unwrap().starts_with("This affects "), "{seen:#}");
    let added = ["+  - pattern: [{user: bob}]", "+    unit: hour", "+    rate: 1"];
    assert_eq!(seen["diff"], json!(added), "{seen:#}");
    let lines: String = added.iter().map(|line| format!("{}\n", &line[1..])).collect();
    assert_eq!(read(&site, "limits.yaml"), before + &lines, "all else is as it was");
    eventually("bob is held to it", async || {
        let reply = ask(&site, "/api/products", Some(("x-user", "bob"))).await;
        if reply.status == 429 { Ok(()) } else { Err(reply.status.to_string()) }
    })
    .await;
    assert_eq!(ask(&site, "/api/products", Some(("x-user", "ann"))).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_rule_of_a_policy_is_changed_by_its_fields() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("filters.yaml", FILTERS);
    let gateway = writable(&site).await;
    let policy = "/console/objects/FilterPolicy/default/carts";
    let (text, digest) = manifest_of(&gateway, "FilterPolicy", "carts").await;
    told(
        &site,
        &format!("{policy}/edit"),
        &[
            "Rule 2, filter 1",
            "spec.rules[1].filters[0].name",
            "Add a rule",
            "<summary>Rule 2, filter 1: more fields (17)</summary>",
        ],
    )
    .await;
    let own = [("text", &*text), ("digest", &*digest)];
    let by = async |more: &[(&str, &str)]| post_of(&site, policy, &[&own[..], more].concat()).await;
    let tried = by(&[("by", "fields"), ("spec.rules[1].filters[0].ifRequestHeader.name", "X-One")]).await;
    let tried = told(&site, tried.header("location").unwrap(), &["+  - {host: shop.localhost"]).await;
    assert!(tried.contains("would no longer ask for a login or a key"), "{tried}");
    let wrong = by(&[("by", "fields"), ("spec.rules[0].precedence", "soon")]).await;
    let wrong = told(&site, wrong.header("location").unwrap(), &["Rule 1 · Precedence", "aria-invalid"]).await;
    assert!(!wrong.contains("value=\"apply\""), "{wrong}");
    let added = by(&[("add", "spec.rules")]).await;
    told(
        &site,
        added.header("location").unwrap(),
        &["Rule 3", "spec.rules[2].path", "Take this rule away", "Rule 3, filter 1"],
    )
    .await;
    let removed = by(&[("remove", "spec.rules[1]")]).await;
    told(&site, removed.header("location").unwrap(), &["would no longer ask for a login or a key"]).await;
    assert_eq!(read(&site, "filters.yaml"), FILTERS);
    gateway.stop().await;
}

#[tokio::test]
async fn of_a_rule_that_names_no_filter_that_is_told_which_happens() {
    let site = Site::new();
    let _shop = shop(&site).await;
    site.write("filters.yaml", FILTERS);
    let gateway = writable(&site).await;
    answers(&site, "/api/carts/ann", 401).await;
    let edit = "/console/objects/FilterPolicy/default/carts/edit?spec.rules%5B1%5D.filters%5B0%5D.name=cart-keyy";
    let tried = told(&site, edit, &["would take effect all the same: This affects", "held to other rules"]).await;
    assert!(tried.contains("there is no Filter cart-keyy") && !tried.contains("what serves would stay"), "{tried}");
    assert!(!tried.contains("value=\"apply\"") && tried.contains("value=\"patch\""), "{tried}");
    site.write("filters.yaml", FILTERS.replace("[{name: cart-key}]", "[{name: cart-keyy}]"));
    answers(&site, "/api/carts/ann", 503).await;
    gateway.stop().await;
}

const GIFTS: &str = "/console/objects/Mapping/default/gifts";

#[tokio::test]
async fn a_mapping_is_made_and_deleted() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    answers(&site, "/api/gifts/", 404).await;
    let chosen = page(&site, "/console/new?kind=Mapping&namespace=default&name=gifts&file=cart.yaml").await;
    assert_eq!(chosen.header("location"), Some(&*format!("{GIFTS}/new?file=cart.yaml")));
    fs::write(site.manifests().join("cut.yaml"), "# No end").unwrap();
    for (wrong, status, title, field) in [
        ("default/Gifts/new", 400, "That is no name for an object", "value=\"Gifts\""),
        ("De_fault/gifts/new", 400, "That is no namespace", "value=\"De_fault\""),
        ("default/gifts/new?file=gifts.txt", 400, "It cannot stand in that file", "value=\"gifts.txt\""),
        ("default/gifts/new?file=cut.yaml", 400, "It cannot stand in that file", "value=\"cut.yaml\""),
        ("default/cart/new", 409, "There is one of that name", "value=\"cart\""),
    ] {
        let again = page(&site, &format!("/console/objects/Mapping/{wrong}")).await;
        let text = again.text();
        assert_eq!(again.status, status, "{wrong}: {text}");
        let of_field = text.split("<input").find(|input| input.contains("aria-invalid=\"true\""));
        assert!(text.contains(title) && of_field.is_some_and(|input| input.contains(field)), "{wrong}: {text}");
        assert!(text.contains("Write it") && !text.contains("The text cannot be used"), "{wrong}: {text}");
    }
    told(&site, &format!("{GIFTS}/new?file=cart.yaml"), &["New Mapping gifts", "prefix: /gifts/", "cart.yaml:"]).await;
    let (before, service) = (read(&site, "cart.yaml"), site.at(9102).to_string());
    let text = format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: gifts\nspec:\n  hostname: {HOST}\n  \
         prefix: /api/gifts/\n  rewrite: /products\n  service: {service}\n"
    );
    let new = format!("{GIFTS}/new");
    let make = async |by: &str, file: &str| post_at(&site, &new, &[("by", by), ("text", &text), ("file", file)]).await;
    for file in ["../gifts.yaml", "gifts.txt", "nowhere/gifts.yaml"] {
        let refused = make("apply", file).await;
        assert!(refused.status == 400 && refused.text().contains("no file for manifests"), "{}", refused.text());
    }
    let patch = make("patch", "cart.yaml").await.text();
    let file = site.root().join("gifts.patch");
    fs::write(&file, &patch).unwrap();
    let applies = Command::new("git").args(["apply", "--check"]).arg(&file).current_dir(site.manifests()).status();
    assert!(applies.unwrap().success(), "{patch}");
    let tried = make("text", "cart.yaml").await;
    told(&site, tried.header("location").unwrap(), &["+  prefix: /api/gifts/", "added", ">Create<"]).await;
    assert_eq!(read(&site, "cart.yaml"), before, "trying changes nothing");

    let made = make("apply", "cart.yaml").await;
    assert_eq!(made.status, 303, "{}", made.text());
    told(&site, made.header("location").unwrap(), &["live in the one Envoy", "/api/gifts/"]).await;
    assert_eq!(read(&site, "cart.yaml"), format!("{before}---\n{text}"));
    answers(&site, "/api/gifts/", 200).await;
    let again = make("apply", "gifts.yaml").await;
    assert!(again.status == 409 && again.text().contains("There is one of that name"), "{}", again.text());

    let delete = format!("{GIFTS}/delete");
    let shown = told(&site, &delete, &["Delete Mapping gifts", "removed", "-  prefix: /api/gifts/"]).await;
    let digest = shown.split("name=\"digest\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let late = post_at(&site, &delete, &[("by", "apply"), ("digest", "another")]).await;
    assert!(late.status == 409 && late.text().contains("Somebody has changed it since"), "{}", late.text());
    let gone = post_at(&site, &delete, &[("by", "apply"), ("digest", digest)]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/console/objects?kind=Mapping")), "{}", gone.text());
    answers(&site, "/api/gifts/", 404).await;
    assert_eq!(read(&site, "cart.yaml"), before);
    gateway.stop().await;
}

#[tokio::test]
async fn a_policy_is_deleted_by_who_says_that_its_protection_may_go() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let (filters, policy) = FILTERS.rsplit_once("---\n").unwrap();
    site.write("filters.yaml", filters);
    site.write("policy.yaml", policy);
    let gateway = writable(&site).await;
    answers(&site, "/api/carts/ann", 401).await;
    let delete = "/console/objects/FilterPolicy/default/carts/delete";
    let (_, digest) = manifest_of(&gateway, "FilterPolicy", "carts").await;
    let refused = post_at(&site, delete, &[("by", "apply"), ("digest", &digest)]).await;
    let page = refused.text();
    assert_eq!(refused.status, 428, "{page}");
    assert!(page.contains("cart-key.default (APIKey) asked") && page.contains("name=\"confirm\""), "{page}");
    answers(&site, "/api/carts/ann", 401).await;
    let confirm = page.split("name=\"confirm\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let gone = post_at(&site, delete, &[("by", "apply"), ("digest", &digest), ("confirm", confirm)]).await;
    assert_eq!(gone.status, 303, "{}", gone.text());
    answers(&site, "/api/carts/ann", 200).await;
    assert!(!site.manifests().join("policy.yaml").exists(), "nothing was left in it");
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_made_or_deleted_unless_the_gateway_was_told_to_allow_it() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = crate::portal::gateway(&site).await;
    let (_, digest) = manifest_of(&gateway, "Mapping", "cart").await;
    let before = fs::read_dir(site.manifests()).unwrap().count();
    for (path, form) in [
        (format!("{GIFTS}/new"), vec![("by", "apply")]),
        (format!("{}/delete", super::edit::CART), vec![("by", "apply"), ("digest", &*digest)]),
    ] {
        let refused = post_at(&site, &path, &form).await;
        assert!(refused.status == 403 && refused.text().contains("--allow-edits"), "{path}: {}", refused.text());
    }
    assert_eq!(fs::read_dir(site.manifests()).unwrap().count(), before);
    gateway.stop().await;
}

#[tokio::test]
async fn a_link_of_others_tries_nothing_before_somebody_says_so() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let gateway = writable(&site).await;
    let edit = format!("{}/edit?spec.timeout_ms=700", super::edit::CART);
    let led = async |path: &str, from: &str| {
        let ask = get("localhost", path).with("sec-fetch-site", from);
        let ask = ask.with("sec-fetch-mode", "navigate").with("sec-fetch-dest", "document");
        Client::http(site.at(8088)).send(&ask).await.unwrap()
    };
    let own = led(&edit, "same-origin").await;
    assert!(own.text().contains("affects 1 route on"), "{}", own.text());
    for path in [edit.clone(), format!("{}/delete", super::edit::CART)] {
        let strange = led(&path, "cross-site").await;
        let text = strange.text();
        assert!(strange.status == 200 && text.contains("A link elsewhere led you here"), "{text}");
        assert!(!text.contains("affects") && !text.contains("value=\"apply\""), "{text}");
    }
    let strange = led(&edit, "cross-site").await.text();
    assert!(strange.contains("name=\"spec.timeout_ms\" value=\"700\""), "what it proposes is there: {strange}");
    gateway.stop().await;
}

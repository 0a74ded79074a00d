//! Pages about previews, each looked at in a browser.

use std::path::Path;

use nuncio_e2e::yaml::service;
use nuncio_test_support::story;
use serde_json::Map;
use tokio::sync::watch;

use super::*;
use crate::portal::release;
use crate::previews::internal_listener;

const CHANGES: &str = "/docs/previews/default/tax/changes";

/// A team with a service that has a document, and with previews: one that a developer's process is to serve, one of which a part
/// is not there, and one that is to end.
async fn furnished() -> Team {
    let team = Team::new().await;
    let policy = team.policy(|policy| {
        policy["spec"]["access"] = json!(["Public", "ShareLink"]);
        policy["spec"]["selectors"] = json!(["Cookie"]);
        policy["spec"]["tunnels"] = json!(true);
    });
    let mut stock = mapping_on(SHOP, "stock", "/stock/", team.site.at(9300));
    stock["spec"]["docs"] = json!({"path": "/openapi.json"});
    let mut desk = team.manifest("desk");
    desk["spec"]["services"] = json!([{"baseline": team.cart.address().to_string(), "tunnel": true}]);
    let mut broken = team.manifest("broken");
    broken["spec"]["services"][0]["backend"] = json!("cart-9");
    let mut all = vec![policy, internal_listener(&team.site), stock, desk, broken];
    all.extend(service("cart-9", None));
    team.site.write("policy.yaml", documents(&all));
    team.site.write("ended.yaml", documents(&[team.manifest("ended")]));
    team
}

/// Makes one for who has a link, as people do.
async fn share(team: &Team, by: &str) {
    let mut tax = team.manifest("tax");
    tax["spec"]["access"]["mode"] = json!("ShareLink");
    let [baseline, backend] = [9300, 9301].map(|port| team.site.at(port).to_string());
    tax["spec"]["services"].as_array_mut().unwrap().push(json!({"baseline": baseline, "backend": backend}));
    let put = get(PORTAL, "/api/v1/previews/default/tax").method("PUT").with("authorization", by);
    let made = team.client().ask(&put.body(tax.to_string())).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

/// Where a preview is seen, as the policy has it: at no port.
async fn url(gateway: &Gateway<'_>, name: &str) -> String {
    gateway.admin.state("Preview", name, "acked").await;
    let shown = gateway.admin.list(&format!("previews?name={name}")).await;
    let url = shown[0]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown:?}"));
    url.trim_end_matches('/').to_owned()
}

/// What the pages of a story say, with which nothing is wrong.
async fn told(name: &str, settings: &Value) -> Map<String, Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(name);
    let seen = story(&script, settings).await;
    assert_eq!((&seen["faults"], &seen["violations"]), (&json!([]), &json!([])), "{seen:#}");
    seen["seen"].as_object().unwrap().clone()
}

#[tokio::test]
async fn every_page_about_previews_is_for_everybody() {
    let team = furnished().await;
    let releases = [("1", ["name", "price"]), ("2", ["name", "weight"])];
    let [old, new] = releases.map(|(version, fields)| watch::Sender::new(release::stock(version, &fields)));
    let _baseline = release::service(team.site.at(9300), &old).await;
    let _branch = release::service(team.site.at(9301), &new).await;
    let gateway = team.gateway().await;
    let (ann, stranger) = (team.person("team-cart"), team.person("others"));
    share(&team, &ann).await;
    let [tax, desk, broken, ended] = ["tax", "desk", "broken", "ended"].map(|name| url(&gateway, name));
    let (tax, desk, broken, ended) = (tax.await, desk.await, broken.await, ended.await);
    team.site.remove("ended.yaml");
    team.at(&ended, "/", "410").await;
    eventually("the difference", async || {
        let page = team.client().ask(&get(PORTAL, CHANGES).with("authorization", &ann)).await.text();
        if page.contains("badge breaking") { Ok(()) } else { Err(page) }
    })
    .await;

    let port = team.site.http().port();
    let shop = format!("http://{SHOP}:{port}");
    let (_, selector) = desk.split_once("--").unwrap();
    let (selector, _) = selector.split_once('.').unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
    std::fs::create_dir_all(&pictures).unwrap();
    let settings = json!({
        "origin": format!("http://{PORTAL}:{port}"),
        "hosts": { PORTAL: team.site.ip(), SHOP: team.site.ip(), "*.preview.example": team.site.ip() },
        "token": ann,
        "stranger": stranger,
        "edge": {
            "nothing": format!("http://web--nothing-aaaaaaaaaaaaaaaa.preview.example:{port}/"),
            "ended": format!("{ended}:{port}/"),
            "missing": format!("{broken}:{port}/cart/"),
            "refused": format!("{tax}:{port}/"),
            "forged": format!("{tax}:{port}/?nuncio-share=a.b"),
            "question": format!("{shop}/.nuncio/preview?select={selector}&to=/cart/"),
            "leaving": format!("{shop}/.nuncio/preview?leave&to=/cart/"),
        },
        "chosen": format!("{shop}/cart/"),
        "pictures": pictures,
    });
    let mut seen = told("previews-pages.mjs", &settings).await;
    seen.extend(told("previews-edge.mjs", &settings).await);
    // They are the pages that they are meant to be.
    for (page, part) in [
        ("one", "tax"),
        ("changes", "1 breaking, 2 compatible"),
        ("asking", "Make a link to tax?"),
        ("shared", "It is shown this once."),
        ("withdrawn", "All links to it are withdrawn."),
        ("doctor", "Where the context goes"),
        ("followed", "carried"),
        ("tunnel", "nuncio preview serve default/desk"),
        ("stranger", "You cannot make previews."),
        ("console", "The console is not shown as portal.localhost"),
        ("nothing", "There is no such preview"),
        ("ended", "This preview has ended"),
        ("missing", "A part of this preview is not there"),
        ("refused", "Forbidden"),
        ("forged", "Forbidden"),
        ("question", "See a preview?"),
        ("leaving", "Leave the preview?"),
        ("chosen", "leave it"),
    ] {
        let said = seen[page].as_str().unwrap();
        assert!(said.contains(part), "{page}: {part}: {said}");
    }
    gateway.stop().await;
}

//! What a preview's page tells besides: how its APIs differ from the baseline's, what has happened to it, and whose it is.

use nuncio_e2e::Process;
use serde_json::from_str;
use tokio::sync::watch;

use super::*;
use crate::portal::release::{service, stock};

/// A team with a stock that has a document, and a preview of another of its releases.
async fn with_stock() -> Team {
    let team = Team::new().await;
    write_stock(&team, &Value::Null);
    team
}

/// Has the preview say so of the document of its release.
fn write_stock(team: &Team, docs: &Value) {
    let mut mapping = mapping_on(SHOP, "stock", "/stock/", team.site.at(9300));
    mapping["spec"]["docs"] = json!({"path": "/openapi.json"});
    let [baseline, backend] = [9300, 9301].map(|port| team.site.at(port).to_string());
    let mut preview = team.manifest("tax");
    preview["spec"]["services"] = json!([{"baseline": baseline, "backend": backend, "docs": docs}]);
    team.site.write("stock.yaml", documents(&[mapping, preview]));
}

#[tokio::test]
async fn whom_a_branch_would_break_is_told_before_it_is_merged() {
    let team = with_stock().await;
    let (old, new) = (stock("1", &["name", "price"]), watch::Sender::new(stock("2", &["name", "weight"])));
    let _baseline = service(team.site.at(9300), &watch::Sender::new(old.clone())).await;
    let branch = service(team.site.at(9301), &new).await;
    let gateway = team.gateway().await;
    let (path, page) = ("/api/v1/previews/default/tax/changes", "/docs/previews/default/tax/changes");
    let told = async |path: &str| {
        let ask = get(PORTAL, path).with("authorization", &team.person("team-cart"));
        team.client().ask(&ask).await.text()
    };
    let differs = eventually("the difference", async || {
        let text = told(path).await;
        let found: Value = from_str(&text).map_err(|_| text.clone())?;
        if found[0]["breaking"] == true { Ok(found[0].clone()) } else { Err(text) }
    })
    .await;
    assert_eq!((&differs["name"], &differs["service"]), (&json!("stock"), &json!(team.site.at(9301).to_string())));
    let rules: Vec<_> = differs["changes"].as_array().unwrap().iter().map(|change| &change["rule"]).collect();
    assert!(rules.contains(&&json!("required-property-removed")), "{differs:#}");
    assert_eq!(differs["changes"][0]["operations"], json!(["GET /stock/items"]), "as clients know it");
    let shown = told(page).await;
    for part in ["Stock", "1 breaking, 2 compatible", "badge breaking", "/docs/doc/default/stock/operations/items"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(told("/docs/previews/default/tax").await.contains(page), "its page leads there");

    new.send_replace(old);
    let shown = told(page).await;
    assert!(shown.contains("The same as the baseline") && !shown.contains("badge breaking"), "{shown}");
    drop(branch);
    let shown = told(page).await;
    assert!(shown.contains("It cannot be compared: its service cannot be reached"), "{shown}");
    for path in [path, page] {
        assert_eq!(Client::http(team.site.at(8088)).ask(&get("localhost", path)).await.status, 401, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_branch_may_have_its_document_at_another_path_or_none_to_compare() {
    let team = with_stock().await;
    let mut moved = stock("2", &["name", "weight"]);
    moved["x-path"] = json!("/v2/openapi.json");
    let _baseline = service(team.site.at(9300), &watch::Sender::new(stock("1", &["name", "price"]))).await;
    let _branch = service(team.site.at(9301), &watch::Sender::new(moved)).await;
    let gateway = team.gateway().await;
    let told = async |path: &str| {
        let ask = get(PORTAL, path).with("authorization", &team.person("team-cart"));
        team.client().ask(&ask).await.text()
    };
    let found = async |what: &str, is_it: fn(&[Value]) -> bool| {
        eventually(what, async || {
            let text = told("/api/v1/previews/default/tax/changes").await;
            let found: Vec<Value> = from_str(&text).map_err(|_| text.clone())?;
            if is_it(&found) { Ok(()) } else { Err(text) }
        })
        .await;
    };
    let page = "/docs/previews/default/tax/changes";
    found("none where the baseline has its own", |found| matches!(found, [one] if one["why"].is_string())).await;

    write_stock(&team, &json!({"path": "/v2/openapi.json"}));
    found("the one at the other path", |found| matches!(found, [one] if one["breaking"] == true)).await;
    assert!(told(page).await.contains("badge breaking"));

    write_stock(&team, &json!({"ignored": true}));
    found("nothing to compare", <[Value]>::is_empty).await;
    let shown = told(page).await;
    assert!(shown.contains("No API that you can see here has another version"), "{shown}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_api_that_is_not_for_the_reader_is_not_told_of_by_a_preview_that_leads_to_it() {
    let team = with_stock().await;
    let mut payroll = mapping_on(SHOP, "payroll", "/payroll/", team.site.at(9301));
    payroll["spec"]["docs"] = json!({"path": "/openapi.json", "visible_to": ["hr"]});
    team.site.write("payroll.yaml", documents(&[payroll]));
    let _baseline = service(team.site.at(9300), &watch::Sender::new(stock("1", &["name"]))).await;
    let _payroll = service(team.site.at(9301), &watch::Sender::new(stock("2", &["salary"]))).await;
    let gateway = team.gateway().await;
    for (groups, is_for_him) in [(json!(["team-cart", "hr"]), true), (json!(["team-cart"]), false)] {
        let token = team.token(&json!({"iss": "https://people.example", "sub": "ann", "groups": groups}));
        let ask = get(PORTAL, "/api/v1/previews/default/tax/changes").with("authorization", &token);
        eventually(&groups.to_string(), async || {
            let text = team.client().ask(&ask).await.text();
            let found: Value = from_str(&text).map_err(|_| text.clone())?;
            let told = found[0]["changes"].as_array().is_some_and(|changes| !changes.is_empty());
            let elsewhere = found[0]["why"] == "its document is elsewhere, so the preview has none of its own";
            if (told, elsewhere) == (is_for_him, !is_for_him) { Ok(()) } else { Err(text) }
        })
        .await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_has_happened_is_told_and_ones_own_are_found() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let ann = team.person("team-cart");
    let bob = team.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["team-cart"]}));
    let asked = async |token: &str, method: &str, path: &str, body: &str| {
        let ask = get(PORTAL, path).method(method).with("authorization", token).body(body.to_owned());
        team.client().ask(&ask).await
    };
    let mut manifest = team.manifest("tax");
    manifest["spec"]["lifetime"] = json!({"ttl": "2h"});
    manifest["spec"]["source"] = json!({"author": "bob"});
    let path = "/api/v1/previews/default/tax";
    let made = asked(&ann, "PUT", path, &manifest.to_string()).await;
    assert_eq!(made.status, 201);
    let made: Value = from_str(&made.text()).unwrap();
    let events = async |wanted: &[&str]| {
        eventually(&format!("{wanted:?}"), async || {
            let text = asked(&ann, "GET", &format!("{path}/events"), "").await.text();
            let events: Vec<Value> = from_str(&text).map_err(|_| text.clone())?;
            let kinds: Vec<_> = events.iter().rev().filter_map(|event| event["kind"].as_str()).collect();
            if kinds == wanted { Ok(()) } else { Err(format!("{kinds:?}")) }
        })
        .await;
    };
    events(&["created", "live"]).await;
    team.at(made["preview"]["urls"][0]["url"].as_str().unwrap(), "/cart/", "branch").await;
    assert_eq!(asked(&bob, "POST", &format!("{path}/extend?ttl=5h"), "").await.status, 200);
    events(&["created", "live", "extended"]).await;
    manifest["spec"]["services"][0]["backend"] = json!("127.0.0.1:1");
    assert_eq!(asked(&bob, "PUT", path, &manifest.to_string()).await.status, 200);
    events(&["created", "live", "extended", "changed", "live"]).await;
    let page = asked(&ann, "GET", "/docs/previews/default/tax", "").await.text();
    for part in ["What has happened", "It was made.", "The gateway shows it.", "It is shown until", "class=\"code\""] {
        assert!(page.contains(part), "{part}: {page}");
    }

    // The command line prints the same, by the gateway's diagnostics and by the portal, and then what comes.
    let (admin, server) = (team.site.admin().to_string(), team.server(&gateway).await);
    let token = ann.strip_prefix("Bearer ").unwrap().to_owned();
    for place in [["--admin", &admin], ["--server", &server]] {
        eventually(&format!("logs by {}", place[0]), async || {
            let mut command = team.site.nuncio(&[&["preview", "logs", "default/tax"][..], &place].concat());
            command.env("NUNCIO_TOKEN", &token);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            let lines = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let told: Vec<_> = lines.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
            // Requests stand where they were counted, which may be before what came after them.
            let (asked, told): (Vec<_>, Vec<_>) = told.into_iter().partition(|kind| *kind == "requests");
            let is_told = told == ["created", "live", "extended", "changed", "live"] && asked.len() == 1;
            if output.status.success() && is_told { Ok(()) } else { Err(lines) }
        })
        .await;
    }
    let mut follow = team.site.nuncio(&["preview", "logs", "default/tax", "--follow", "--admin", &admin]);
    let follow = Process::spawn(&mut follow);
    let printed = async |what: &str| {
        eventually(what, async || {
            let lines = follow.stdout();
            if lines.iter().any(|line| line.contains(what)) { Ok(()) } else { Err(lines.join("\n")) }
        })
        .await;
    };
    printed("changed").await;
    assert_eq!(asked(&ann, "DELETE", path, "").await.status, 204);
    printed("ended").await;
    drop(follow);

    // Whoever made it, whatever is said of that and whoever changes it.
    for (token, mine, all) in [(&ann, "1 preview", "1 preview"), (&bob, "0 previews", "1 preview")] {
        assert!(asked(token, "GET", "/docs/previews?mine=1", "").await.text().contains(mine));
        assert!(asked(token, "GET", "/docs/previews", "").await.text().contains(all));
    }
    gateway.stop().await;
}

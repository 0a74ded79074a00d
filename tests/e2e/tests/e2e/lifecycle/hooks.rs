//! Webhooks.

use super::*;

#[tokio::test]
async fn a_pull_request_has_a_preview_for_as_long_as_it_is_open() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let reply = team.client().ask(&github(|_| ())).await;
    let told = json_of(&reply);
    assert_eq!((reply.status, &told["outcome"]), (200, &json!("created")), "{told}");
    let preview = &told["preview"];
    assert_eq!(preview["name"], "cart-pr-42");
    assert_eq!(preview["source"]["commit"], "9f3c9f3c");
    let url = preview["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    team.at(&url, "/cart/", "branch").await;
    team.at(&url, "/", "web").await;
    assert_eq!(team.client().ask(&get(SHOP, "/cart/")).await.by(), "cart", "the baseline is as it was");

    let file = std::fs::read_to_string(team.site.manifests().join("previews/default.cart-pr-42.json")).unwrap();
    assert!(file.contains("fix/tax"), "{file}");
    let again = json_of(&team.client().ask(&github(|_| ())).await);
    assert_eq!(again["outcome"], "unchanged", "{again}");
    let pushed = github(|event| {
        event["pull_request"]["updated_at"] = json!("2026-11-29T06:30:00Z");
        event["pull_request"]["head"]["sha"] = json!("abcd");
    });
    let pushed = json_of(&team.client().ask(&pushed).await);
    assert_eq!((&pushed["outcome"], &pushed["preview"]["urls"][0]["url"]), (&json!("updated"), &json!(url)));

    let deleted = json_of(&team.client().ask(&github(closed)).await);
    assert_eq!(deleted["outcome"], "deleted", "{deleted}");
    team.at(&url, "/cart/", "410").await;
    let replayed = json_of(&team.client().ask(&github(|_| ())).await);
    assert_eq!(replayed["outcome"], "ignored", "{replayed}");
    assert_eq!(json_of(&team.client().ask(&github(closed)).await)["outcome"], "ignored");
    team.at(&url, "/cart/", "410").await;
    gateway.stop().await;
}

pub(super) fn closed(event: &mut Value) {
    event["action"] = json!("closed");
    event["pull_request"]["state"] = json!("closed");
    event["pull_request"]["updated_at"] = json!("2026-11-29T07:00:00Z");
}

#[tokio::test]
async fn what_is_not_signed_or_from_a_fork_makes_no_preview() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let refused = team.client().ask(&github_signed("a guess", |_| ())).await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    let large = github(|event| event["padding"] = json!("x".repeat(1 << 20)));
    assert_eq!(team.client().ask(&large).await.status, 413);
    let fork = json_of(&team.client().ask(&github(|event| event["pull_request"]["head"]["repo"] = Value::Null)).await);
    assert!(fork["why"].as_str().is_some_and(|why| why.contains("label preview")), "{fork}");

    let merge = json!({"object_kind": "merge_request", "project": {"path_with_namespace": "acme/cart"}, "labels": [],
        "object_attributes": {"iid": 7, "state": "opened", "source_branch": "tax", "source_project_id": 1, "target_project_id": 1,
        "last_commit": {"id": "ab12"}, "updated_at": "2026-11-29 06:00:00 UTC"}});
    let ask = |token: &str| {
        let ask = get(PORTAL, "/webhooks/gitlab").method("POST").with("content-type", "application/json");
        ask.with("x-gitlab-event", "Merge Request Hook").with("x-gitlab-token", token).body(merge.to_string())
    };
    assert_eq!(team.client().ask(&ask("guess")).await.status, 401);
    let written = std::fs::read_dir(team.site.manifests().join("previews")).unwrap().count();
    assert_eq!(written, 0, "nothing was written");
    let made = json_of(&team.client().ask(&ask(KEY)).await);
    assert_eq!(made["preview"]["name"], "cart-pr-7", "{made}");
    gateway.stop().await;
}

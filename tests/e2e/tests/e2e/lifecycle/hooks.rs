//! Webhooks.

use nuncio_e2e::yaml;

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
        event["pull_request"]["updated_at"] = json!(ago(30));
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

    // A gateway that was started anew knows it too; and what has been said of no Preview for long makes none.
    let gateway = team.gateway().await;
    team.at(&url, "/cart/", "410").await;
    let replayed = json_of(&team.client().ask(&github(|_| ())).await);
    assert_eq!(replayed["outcome"], "ignored", "{replayed}");
    let old = github(|event| {
        event["pull_request"]["number"] = json!(41);
        event["pull_request"]["updated_at"] = json!(ago(24 * 60 + 1));
    });
    let old = json_of(&team.client().ask(&old).await);
    assert!(old["why"].as_str().is_some_and(|why| why.contains("for a day")), "{old}");
    let reopened = github(|event| event["pull_request"]["updated_at"] = json!(ago(0)));
    assert_eq!(json_of(&team.client().ask(&reopened).await)["outcome"], "updated");
    team.at(&url, "/cart/", "branch").await;
    gateway.stop().await;
}

/// Such as one that was made before branches became parts of names as they do now.
#[tokio::test]
async fn a_preview_of_another_name_ends_with_its_pull_request() {
    let team = Team::new().await;
    let named = |name: &str| {
        team.policy(|policy| policy["spec"]["repositories"][0]["preview"]["name"] = json!(format!("{name}-{{number}}")))
    };
    team.site.write("policy.yaml", documents(&[named("before")]));
    let gateway = team.gateway().await;
    let told = json_of(&team.client().ask(&github(|_| ())).await);
    let before = told["preview"]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    team.at(&before, "/cart/", "branch").await;
    // What somebody else has made of it is his.
    let mut other = team.manifest("other");
    other["spec"]["source"] = json!({"provider": "GitHub", "repository": "acme/cart", "pullRequest": 42});
    let put = get(PORTAL, "/api/v1/previews/default/other").method("PUT").with("authorization", &team.job("acme/cart"));
    let other = json_of(&team.client().ask(&put.body(other.to_string())).await);
    let other = other["preview"]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{other}")).to_owned();

    team.site.write("policy.yaml", documents(&[named("after")]));
    gateway.line(&["PreviewPolicy default/previews changed"]).await;
    let deleted = json_of(&team.client().ask(&github(closed)).await);
    assert_eq!(deleted["outcome"], "deleted", "{deleted}");
    team.at(&before, "/cart/", "410").await;
    team.at(&other, "/cart/", "branch").await;
    gateway.stop().await;
}

/// The place of those that have ended is for others, but for what a delivery is known by that may come again.
#[tokio::test]
async fn what_a_forge_told_is_known_however_many_previews_have_ended_since() {
    let team = Team::new().await;
    team.site.write("policy.yaml", documents(&[team.policy(|policy| policy["spec"]["maxPreviews"] = json!(1))]));
    let gateway = team.gateway().await;
    let asked = async |ask: &Ask| json_of(&team.client().ask(ask).await)["outcome"].clone();
    assert_eq!([asked(&github(|_| ())).await, asked(&github(closed)).await], ["created", "deleted"]);
    let ann = team.person("team-cart");
    let own = |method: &str, name: &str| {
        get(PORTAL, &format!("/api/v1/previews/default/{name}")).method(method).with("authorization", &ann)
    };
    for name in ["one", "two", "three"] {
        assert_eq!(asked(&own("PUT", name).body(team.manifest(name).to_string())).await, "created");
        assert_eq!(team.client().ask(&own("DELETE", name)).await.status, 204);
    }
    let files = team.site.manifests().join("previews");
    let is_there = |name: &str| files.join(format!("default.{name}.json")).exists();
    assert_eq!(["one", "cart-pr-42"].map(is_there), [false, true]);
    gateway.stop().await;
    let gateway = team.gateway().await;
    assert_eq!(asked(&github(|_| ())).await, "ignored", "it was opened before it was closed");
    gateway.stop().await;
}

#[tokio::test]
async fn a_job_cannot_have_the_webhooks_of_its_repository_unheard() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    team.client().ask(&github(|_| ())).await;
    let mut manifest = team.manifest("cart-pr-42");
    let put = async |manifest: &Value| {
        let path = "/api/v1/previews/default/cart-pr-42";
        let ask = get(PORTAL, path).method("PUT").with("authorization", &team.job("acme/cart"));
        json_of(&team.client().ask(&ask.with("content-type", "application/yaml").body(manifest.to_string())).await)
    };
    let number = json!({"provider": "GitHub", "repository": "acme/cart", "pullRequest": 42});
    manifest["spec"]["source"] = number.clone();
    assert_eq!(put(&manifest).await["outcome"], "updated");
    let before = github(|event| event["pull_request"]["updated_at"] = json!(ago(61)));
    assert_eq!(json_of(&team.client().ask(&before).await)["outcome"], "ignored", "its age is not forgotten");
    manifest["spec"]["source"]["updated"] = json!("2999-01-01T00:00:00Z");
    assert_eq!(put(&manifest).await["outcome"], "unchanged", "nor is another believed");
    assert_eq!(json_of(&team.client().ask(&github(closed)).await)["outcome"], "deleted");
    gateway.stop().await;
}

pub(super) fn closed(event: &mut Value) {
    event["action"] = json!("closed");
    event["pull_request"]["state"] = json!("closed");
    event["pull_request"]["updated_at"] = json!(ago(1));
}

#[tokio::test]
async fn what_is_not_signed_or_from_a_fork_makes_no_preview() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let refused = team.client().ask(&github_signed("a guess", |_| ())).await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    let large = github(|event| event["padding"] = json!("x".repeat(1 << 20)));
    // Who is still sending may be cut off before he reads the answer.
    eventually("it is too large", async || match team.client().send(&large).await {
        Ok(reply) if reply.status == 413 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let fork = json_of(&team.client().ask(&github(|event| event["pull_request"]["head"]["repo"] = Value::Null)).await);
    assert!(fork["why"].as_str().is_some_and(|why| why.contains("label preview")), "{fork}");

    let merge = json!({"object_kind": "merge_request", "project": {"path_with_namespace": "acme/cart"}, "labels": [],
        "object_attributes": {"iid": 7, "state": "opened", "source_branch": "tax", "source_project_id": 1, "target_project_id": 1,
        "last_commit": {"id": "ab12"}, "updated_at": ago(60).replace('T', " ").replace('Z', " UTC")}});
    let ask = |token: &str| {
        let ask = get(PORTAL, "/webhooks/gitlab").method("POST").with("content-type", "application/json");
        ask.with("x-gitlab-event", "Merge Request Hook").with("x-gitlab-token", token).body(merge.to_string())
    };
    assert_eq!(team.client().ask(&ask("guess")).await.status, 401);
    let written = std::fs::read_dir(team.site.manifests().join("previews")).unwrap();
    // The keys of previews may be on their way there.
    let written = written.map(|file| file.unwrap().file_name().into_string().unwrap());
    let written: Vec<_> = written.filter(|name| !name.contains("default.keys.yaml")).collect();
    assert_eq!(written, [""; 0], "nothing was written");
    let made = json_of(&team.client().ask(&ask(KEY)).await);
    assert_eq!(made["preview"]["name"], "cart-pr-7", "{made}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_one_way_says_stays_where_another_says_nothing_of_it() {
    let team = Team::new().await;
    let policy = team.policy(|policy| policy["spec"]["repositories"][0]["preview"]["lifetime"] = json!({"ttl": "1h"}));
    team.site.write("policy.yaml", documents(&[policy]));
    let gateway = team.gateway().await;
    let (path, ann) = ("/api/v1/previews/default/cart-pr-42", team.person("team-cart"));
    let person = |method: &str, path: &str| get(PORTAL, path).method(method).with("authorization", &ann);
    team.client().ask(&github(|_| ())).await;
    // Saved as the portal's form has it, which knows of no pull request.
    let mut manifest = team.manifest("cart-pr-42");
    manifest["spec"]["lifetime"] = json!({"ttl": "2h"});
    let put = async || json_of(&team.client().ask(&person("PUT", path).body(manifest.to_string())).await);
    let saved = put().await;
    let source = &saved["preview"]["source"];
    assert_eq!((&saved["outcome"], &source["pull_request"]), (&json!("updated"), &json!(42)), "{saved}");
    // Shown for longer, it stays so when it is saved or pushed to again.
    let longer = json_of(&team.client().ask(&person("POST", &format!("{path}/extend?ttl=9h"))).await);
    let end = &longer["preview"]["expires_at"];
    let again = put().await;
    assert_eq!((&again["outcome"], &again["preview"]["expires_at"]), (&json!("unchanged"), end), "{again}");
    let pushed = github(|event| {
        event["pull_request"]["updated_at"] = json!(ago(30));
        event["pull_request"]["head"]["sha"] = json!("abcd");
    });
    let pushed = json_of(&team.client().ask(&pushed).await);
    assert_eq!((&pushed["outcome"], &pushed["preview"]["expires_at"]), (&json!("updated"), end), "{pushed}");
    assert_eq!(json_of(&team.client().ask(&github(closed)).await)["outcome"], "deleted");
    gateway.stop().await;
}

#[tokio::test]
async fn a_forks_label_is_for_the_commit_that_it_was_given_to() {
    let team = Team::new().await;
    let deployed = |commit: &str| yaml::service(&format!("cart-{commit}"), Some(team.branch.address()));
    let policy = team.policy(|policy| {
        policy["spec"]["repositories"][0]["preview"]["services"][0]["backend"] = json!("cart-{commit}");
    });
    let objects: Vec<_> = [policy].into_iter().chain(["aaaa", "bbbb"].into_iter().flat_map(deployed)).collect();
    team.site.write("policy.yaml", documents(&objects));
    let gateway = team.gateway().await;
    let fork = |minutes: i64, sha: &str, action: &str| {
        github(|event| {
            let pull = &mut event["pull_request"];
            pull["head"] = json!({"ref": "fix", "sha": sha, "repo": {"full_name": "eve/cart"}});
            pull["labels"] = json!([{"name": "preview"}]);
            pull["updated_at"] = json!(ago(minutes));
            event["action"] = json!(action);
            event["label"] = json!({"name": "preview"});
        })
    };
    let send = async |ask: Ask| json_of(&team.client().ask(&ask).await);
    let made = send(fork(50, "aaaa", "labeled")).await;
    assert_eq!(made["outcome"], "created", "{made}");
    let url = made["preview"]["urls"][0]["url"].as_str().unwrap().to_owned();
    team.at(&url, "/cart/", "branch").await;
    assert_eq!(send(fork(40, "aaaa", "edited")).await["outcome"], "updated", "it is the same commit");
    let share = get(PORTAL, "/api/v1/previews/default/cart-pr-42/share").method("POST");
    let share = team.client().ask(&share.with("authorization", &team.person("team-cart"))).await;
    assert!(share.status == 403 && share.text().contains("of a fork"), "{}", share.text());
    // Nor is anybody sent one to what includes it.
    let ann = team.person("team-cart");
    let mut both = team.manifest("both");
    both["spec"]["includes"] = json!([{"name": "cart-pr-42"}]);
    let put = get(PORTAL, "/api/v1/previews/default/both").method("PUT").with("authorization", &ann);
    assert_eq!(team.client().ask(&put.body(both.to_string())).await.status, 201);
    let share = get(PORTAL, "/api/v1/previews/default/both/share").method("POST").with("authorization", &ann);
    let share = team.client().ask(&share).await;
    assert!(share.status == 403 && share.text().contains("cart-pr-42, which is of a fork"), "{}", share.text());

    assert_eq!(send(fork(30, "bbbb", "synchronize")).await["outcome"], "deleted");
    team.at(&url, "/cart/", "410").await;
    let edited = send(fork(20, "bbbb", "edited")).await;
    assert!(edited["why"].as_str().is_some_and(|why| why.contains("since its newest commit")), "{edited}");
    assert_eq!(send(fork(10, "bbbb", "labeled")).await["outcome"], "updated");
    team.at(&url, "/cart/", "branch").await;
    gateway.stop().await;
}

//! Previews that come and go by requests, in a cluster.

mod replicas;

use std::time::Duration;

use nuncio_controller::rbac::Feature;
use nuncio_e2e::forge::{Forge, TOKEN};
use nuncio_e2e::{Admin, Client, Gateway, Reply, Site, eventually, get};
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::rights::{role, role_without};
use super::{LEASE, Stage, condition};

/// What the diagnostics answer to a request about the Preview `tax`.
async fn ask(stage: &Stage, action: &str, more: &Value) -> Reply {
    let mut asked = json!({ "namespace": stage.namespace.name(), "name": "tax" });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request =
        get("localhost", &format!("/api/v1/preview-{action}")).method("POST").with("content-type", "application/json");
    Client::http(stage.site.admin()).send(&request.body(asked.to_string())).await.unwrap()
}

#[tokio::test]
async fn previews_come_and_go_with_the_right_to_and_those_of_others_stay() {
    let stage = Stage::set().await;
    let own = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let policy = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public", "ShareLink"], "backends": "Any"});
    let preview = |name: &str| {
        let services = json!([{"baseline": "app", "backend": "127.0.0.1:9"}]);
        let entrypoints = json!([{"name": "web", "host": "shop.example"}]);
        own("Preview", name, json!({"services": services, "entrypoints": entrypoints, "access": {"mode": "Public"}}))
    };
    // What it makes keys of, which it may not make itself.
    let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nuncio-preview-keys"},
        "stringData": {"key": "a test's own sixteen bytes"}});
    stage.apply(&[keys, own("PreviewPolicy", "previews", policy)]).await;
    let gateway = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    let text = json!({ "text": preview("tax").to_string() });
    let refused = eventually("it reads the policy", async || {
        let reply = ask(&stage, "put", &text).await;
        if reply.text().contains("no PreviewPolicy") { Err(reply.text()) } else { Ok(reply) }
    })
    .await;
    assert!(refused.status == 403 && refused.text().contains("does not let the gateway"), "{}", refused.text());

    let mut allowed = role(true);
    let rule = json!({"apiGroups": ["nuncio.dev"], "resources": ["previews"], "verbs": ["create", "patch", "delete"]});
    allowed["rules"].as_array_mut().unwrap().push(rule);
    stage.apply(&[allowed]).await;
    let made = eventually("it is made", async || {
        let reply = ask(&stage, "put", &text).await;
        if reply.status == 200 { Ok(reply.text()) } else { Err(reply.text()) }
    })
    .await;
    assert!(made.contains("\"created\""), "{made}");
    let object = stage.object("preview", "tax").await;
    assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "nuncio-previews");
    assert!(ask(&stage, "put", &text).await.text().contains("\"unchanged\""));
    // What others set in it is theirs, and in nobody's way.
    stage.kubectl(&["label", "preview", "tax", "team=cart"]).await;
    let patch = r#"{"spec": {"lifetime": {"ttl": "5h"}}}"#;
    stage.kubectl(&["patch", "preview", "tax", "--type", "merge", "--patch", patch]).await;
    let again = ask(&stage, "put", &text).await.text();
    assert!(again.contains("\"unchanged\""), "{again}");
    let mut other = preview("tax");
    other["spec"]["slug"] = json!("other");
    let changed = ask(&stage, "put", &json!({ "text": other.to_string() })).await.text();
    assert!(changed.contains("\"updated\"") && changed.contains("--other-"), "{changed}");
    let object = stage.object("preview", "tax").await;
    assert_eq!(
        (&object["metadata"]["labels"]["team"], &object["spec"]["lifetime"]["ttl"]),
        (&json!("cart"), &json!("5h"))
    );
    // An end that it is given takes nobody's fields, and stays where nobody says another.
    let extended = ask(&stage, "extend", &json!({ "ttl": "9h" })).await;
    assert_eq!(extended.status, 200, "{}", extended.text());
    let object = stage.object("preview", "tax").await;
    assert!(object["spec"]["lifetime"]["expiresAt"].is_string(), "{object}");
    assert_eq!(object["spec"]["lifetime"]["ttl"], "5h");
    assert_eq!(owners(&stage, "tax", &["f:spec", "f:lifetime", "f:ttl"]).await, ["kubectl-patch"]);
    assert_eq!(owners(&stage, "tax", &["f:metadata", "f:labels", "f:team"]).await, ["kubectl-label"]);
    assert_eq!(owners(&stage, "tax", &["f:spec", "f:lifetime", "f:expiresAt"]).await, ["nuncio-lifetime"]);
    ask(&stage, "put", &json!({ "text": other.to_string() })).await;
    assert_eq!(stage.object("preview", "tax").await["spec"]["lifetime"], object["spec"]["lifetime"]);
    // What it does not say any more goes, also of what it said when it was made.
    let plain = ask(&stage, "put", &text).await.text();
    assert!(plain.contains("\"updated\"") && !plain.contains("--other-"), "{plain}");
    assert_eq!(stage.object("preview", "tax").await["spec"]["slug"], Value::Null);
    // Links that are withdrawn stay so, whoever says nothing of it.
    let mut shared = preview("tax");
    shared["spec"]["access"]["mode"] = json!("ShareLink");
    let shared = json!({ "text": shared.to_string() });
    ask(&stage, "put", &shared).await;
    let generation = async || stage.object("preview", "tax").await["spec"]["access"]["generation"].as_u64().unwrap();
    let begun = generation().await;
    let withdrawn = ask(&stage, "withdraw", &json!({})).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text());
    assert!(ask(&stage, "put", &shared).await.text().contains("\"unchanged\""));
    assert_eq!(generation().await, begun + 1);
    let gone = ask(&stage, "delete", &json!({})).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    let ended = stage.object("preview", "tax").await;
    assert!(ended["spec"]["lifetime"]["expiresAt"].is_string(), "{ended}");
    assert_eq!(generation().await, begun + 2, "whoever has a link has none any more");
    eventually("its status says what has become of it", async || {
        let object = stage.object("preview", "tax").await;
        let told = condition(&object, "Programmed")["message"].as_str().unwrap_or_default();
        if told.starts_with("It is shown no more: it was deleted") { Ok(()) } else { Err(told.to_owned()) }
    })
    .await;
    assert_eq!(ask(&stage, "delete", &json!({})).await.status, 200, "it is gone already");
    // Begun anew it says nothing of what it said before.
    let anew = ask(&stage, "put", &text).await.text();
    assert!(anew.contains("\"updated\""), "{anew}");
    assert_eq!(stage.object("preview", "tax").await["spec"]["lifetime"], Value::Null);

    stage.kubectl(&["delete", "preview", "tax"]).await;
    stage.apply(&[preview("tax")]).await;
    eventually("what somebody applied is left alone", async || {
        let reply = ask(&stage, "delete", &json!({})).await;
        if reply.status == 409 && reply.text().contains("not made by a request") { Ok(()) } else { Err(reply.text()) }
    })
    .await;
    gateway.stop().await;
}

/// Whose a field of a Preview is, as the API server notes it.
async fn owners(stage: &Stage, name: &str, field: &[&str]) -> Vec<String> {
    let object = stage.managed("preview", name).await;
    let managers = object["metadata"]["managedFields"].as_array().unwrap().iter();
    let has = |fields: &Value| field.iter().try_fold(fields, |fields, name| fields.get(name)).is_some();
    let owners = managers.filter(|it| has(&it["fieldsV1"])).map(|it| it["manager"].as_str().unwrap().to_owned());
    owners.collect()
}

/// What a gateway answers to a delivery of GitLab about the merge request 42.
async fn delivered(site: &Site, state: &str, updated: &str) -> Reply {
    let body = json!({"project": {"path_with_namespace": "acme/cart"}, "labels": [], "object_attributes": {
        "iid": 42, "state": state, "source_branch": "tax", "source_project_id": 1, "target_project_id": 1,
        "last_commit": {"id": "ab12"}, "updated_at": updated}});
    let delivery =
        json!({"provider": "gitlab", "event": "Merge Request Hook", "signature": "hook", "body": body.to_string()});
    let ask = get("localhost", "/api/v1/preview-hook").method("POST").with("content-type", "application/json");
    Client::http(site.admin()).send(&ask.body(delivery.to_string())).await.unwrap()
}

#[tokio::test]
async fn webhooks_are_believed_by_a_secret_of_the_cluster_and_of_two_replicas_one_writes_comments() {
    let (stage, two) = (Stage::set().await, Site::new());
    let forge = Forge::start(&stage.site, "gitlab", 2).await;
    let namespace = stage.namespace.name();
    let preview = json!({"name": "cart-{number}", "services": [{"baseline": "app", "backend": "127.0.0.1:9"}],
        "entrypoints": [{"name": "web", "host": "shop.example"}], "access": {"mode": "Public"}});
    let repository = json!({"provider": "GitLab", "name": "acme/cart", "namespace": namespace, "secretName": "cart-forge",
        "api": format!("http://{}/api", forge.address), "preview": preview});
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"}, "spec": {
        "domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any",
        "repositories": [repository]}});
    stage.apply(&[role_without(&[Feature::Webhook, Feature::Edits], true), policy]).await;
    let mut first = Gateway::start_by(&stage.site, stage.up().arg("--allow-previews")).await;
    let second = Gateway::start_by(&two, stage.up_at(&two).arg("--allow-previews")).await;
    eventually("the Secret is missed", async || {
        let policy = stage.object("previewpolicy", "previews").await;
        let told = condition(&policy, "ResolvedRefs")["message"].as_str().unwrap_or_default();
        let is_told = told.contains("there is no Secret") && told.contains("repositories[0].secretName");
        if is_told { Ok(()) } else { Err(policy["status"].to_string()) }
    })
    .await;
    let now = || k8s_openapi::jiff::Timestamp::now().to_string();
    assert_eq!(delivered(&stage.site, "opened", &now()).await.status, 401);

    let data = json!({"webhook": "hook", "token": TOKEN});
    stage
        .apply(&[json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cart-forge"}, "stringData": data})])
        .await;
    let made = eventually("the delivery is believed", async || {
        let reply = delivered(&stage.site, "opened", &now()).await;
        if reply.status == 200 { Ok(reply.text()) } else { Err(reply.text()) }
    })
    .await;
    assert!(made.contains("\"created\""), "{made}");
    let host = "web--cart-42-";
    forge.says(host).await;
    tokio::time::sleep(Duration::from_secs(LEASE)).await;
    assert_eq!(forge.state.lock().unwrap().changes, [1, 0], "both would have written by now");

    // Who asks for it keeps it there for other replicas too.
    let patch = r#"{"spec": {"lifetime": {"idle": "1h"}}}"#;
    stage.kubectl(&["patch", "preview", "cart-42", "--type", "merge", "--patch", patch]).await;
    forge.says("It ends where nobody asks for it.").await;
    let told: Value = serde_json::from_str(&made).unwrap();
    let url = told["preview"]["urls"][0]["url"].as_str().unwrap();
    let host = url.trim_start_matches("https://").trim_end_matches('/');
    eventually("that it was asked for is noted", async || {
        Client::http(stage.site.http()).send(&get(host, "/app/")).await.unwrap();
        let notes = stage.object("preview", "cart-42").await["metadata"]["annotations"].clone();
        if notes["nuncio.dev/asked"].is_string() { Ok(()) } else { Err(notes) }
    })
    .await;

    // The other takes over, and changes what the first has written.
    first.kill().await;
    let closed = delivered(&two, "closed", &now()).await;
    assert!(closed.text().contains("\"deleted\""), "{}", closed.text());
    forge.says("It is gone").await;
    assert_eq!(forge.state.lock().unwrap().changes, [1, 2]);
    let ended = stage.object("preview", "cart-42").await;
    assert!(ended["spec"]["lifetime"]["expiresAt"].is_string(), "{ended}");
    assert_eq!(owners(&stage, "cart-42", &["f:spec", "f:lifetime", "f:idle"]).await, ["kubectl-patch"]);
    second.stop().await;
}

#[tokio::test]
async fn how_a_preview_is_used_is_told_seldom_and_by_who_leads() {
    let (stage, two) = (Stage::set().await, Site::new());
    let own = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let policy = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"});
    let preview = json!({"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
        "entrypoints": [{"name": "web", "host": "shop.example"}]});
    stage.apply(&[role(true), own("PreviewPolicy", "previews", policy), own("Preview", "tax", preview)]).await;
    let mut first = Gateway::start_by(&stage.site, &mut stage.up()).await;
    let url = eventually("it says where it is", async || {
        let object = stage.object("preview", "tax").await;
        object["status"]["urls"][0]["url"].as_str().map(str::to_owned).ok_or(object)
    })
    .await;
    let host = url.trim_start_matches("https://").trim_end_matches('/');
    let ask = async || Client::http(stage.site.http()).send(&get(host, "/app/")).await.unwrap();
    assert_eq!(stage.object("preview", "tax").await["status"]["traffic"], Value::Null, "nobody has asked");
    ask().await;
    let told = eventually("it says that somebody has asked", async || {
        let object = stage.object("preview", "tax").await;
        if object["status"]["traffic"]["requests"] == 1 { Ok(object) } else { Err(object) }
    })
    .await;
    let traffic = &told["status"]["traffic"];
    assert!(traffic["fallbacks"] == 0 && traffic["since"].as_str() <= traffic["lastUsedAt"].as_str(), "{traffic}");
    ask().await;
    eventually("it is counted", async || {
        let shown = first.admin.list("previews").await.remove(0);
        if shown["requests"] == 2 { Ok(()) } else { Err(shown) }
    })
    .await;
    assert_eq!(
        stage.object("preview", "tax").await["metadata"]["resourceVersion"],
        told["metadata"]["resourceVersion"]
    );

    // Who leads next has counted nothing, and leaves what is said; then it counts itself.
    let second = Gateway::start_by(&two, &mut stage.up_at(&two)).await;
    first.kill().await;
    tokio::time::sleep(Duration::from_secs(LEASE)).await;
    Client::http(two.http()).send(&get(host, "/app/")).await.unwrap();
    let later = eventually("the other says what it has counted", async || {
        let now = stage.object("preview", "tax").await["status"]["traffic"].clone();
        assert!(now["requests"] == 1, "it was there all the time: {now}");
        if now["since"] == traffic["since"] { Err(now) } else { Ok(now) }
    })
    .await;
    assert!(later["lastUsedAt"].as_str() > traffic["lastUsedAt"].as_str(), "{later}");
    second.stop().await;
}

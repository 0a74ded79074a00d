//! Changes that the console makes of objects in a cluster.

use nuncio_controller::rbac::Feature;
use nuncio_e2e::{Client, Gateway, Reply, eventually, get};
use serde_json::{Value, json};

use super::rights::role_without;
use super::{FINE, Stage};

/// What the diagnostics answer to a change of the Mapping `app`, unless it names another.
async fn change(stage: &Stage, action: &str, change: &Value) -> Reply {
    let mut asked = json!({ "kind": "Mapping", "namespace": stage.namespace.name(), "name": "app" });
    asked.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let request =
        get("localhost", &format!("/api/v1/{action}")).method("POST").with("content-type", "application/json");
    Client::http(stage.site.admin()).send(&request.body(asked.to_string())).await.unwrap()
}

async fn manifest(stage: &Stage, gateway: &Gateway<'_>, name: &str) -> (String, Value) {
    let query = format!("kind=Mapping&namespace={}&name={name}", stage.namespace.name());
    let told = gateway.admin.json(&format!("/api/v1/manifest?{query}")).await;
    assert_eq!((&told["is_file"], &told["may_apply"]), (&json!(false), &json!(true)));
    (told["text"].as_str().unwrap().to_owned(), told["digest"].clone())
}

#[tokio::test]
async fn a_change_is_applied_with_the_right_to_and_what_others_set_stays_theirs() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects[1]["spec"]["case_sensitive"] = json!(false);
    stage.apply(&objects).await;
    let gateway = Gateway::start_by(&stage.site, stage.up().arg("--allow-edits")).await;
    stage.shows("mapping", "app", &FINE).await;

    let (text, digest) = manifest(&stage, &gateway, "app").await;
    assert!(text.contains("  prefix: /app/\n") && !text.contains("uid") && !text.contains("status"), "{text}");
    let set = json!({ "set": { "spec.timeout_ms": "700" }, "digest": digest });
    let tried = change(&stage, "dry-run", &set).await.text();
    assert!(tried.contains("+  timeout_ms: 700") && tried.contains("\"routes_total\":1"), "{tried}");
    let refused = change(&stage, "apply", &set).await;
    assert!(
        refused.status == 403 && refused.text().contains("does not let the gateway change it"),
        "{}",
        refused.text()
    );

    stage.apply(&[role_without(&[Feature::Webhook], true)]).await;
    eventually("the change is applied", async || {
        let applied = change(&stage, "apply", &set).await;
        if applied.status == 200 { Ok(()) } else { Err(applied.text()) }
    })
    .await;
    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!((&app["spec"]["timeout_ms"], &app["spec"]["case_sensitive"]), (&json!(700), &json!(false)));
    let managed = stage.kubectl(&["get", "mapping", "app", "-o", "json", "--show-managed-fields"]).await;
    assert!(managed.contains("\"manager\": \"nuncio-console\""), "{managed}");
    let again = change(&stage, "apply", &set).await;
    assert!(again.status == 200 && again.text().contains("\"patch\":\"\""), "it is so already: {}", again.text());
    let other = json!({ "set": { "spec.timeout_ms": "800" }, "digest": digest });
    let late = change(&stage, "apply", &other).await;
    assert!(late.status == 409 && late.text().contains("has changed since"), "{}", late.text());

    let (text, digest) = manifest(&stage, &gateway, "app").await;
    let shorter = text.replace("  case_sensitive: false\n", "");
    assert_ne!(shorter, text);
    let kept = change(&stage, "apply", &json!({ "text": shorter, "digest": digest })).await;
    assert!(kept.status == 409 && kept.text().contains("set by others"), "{}", kept.text());
    let again =
        change(&stage, "apply", &json!({ "text": text.replace("  timeout_ms: 700\n", ""), "digest": digest })).await;
    assert_eq!(again.status, 200, "what it set itself it takes away: {}", again.text());
    assert_eq!(stage.object("mapping", "app").await["spec"]["timeout_ms"], Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn an_object_is_created_and_deleted_with_the_right_to() {
    let stage = Stage::new().await;
    stage.apply(&stage.objects()).await;
    let gateway = Gateway::start_by(&stage.site, stage.up().arg("--allow-edits")).await;
    stage.shows("mapping", "app", &FINE).await;
    let service = stage.backend.address();
    let create = json!({ "act": "create", "name": "more", "set": { "spec.prefix": "/more/",
        "spec.service": service.to_string(), "spec.timeout_ms": "700" } });
    let tried = change(&stage, "dry-run", &create).await.text();
    assert!(tried.contains("+  prefix: /more/") && tried.contains("\"is_valid\":true"), "{tried}");
    let refused = change(&stage, "apply", &create).await;
    assert!(refused.status == 403 && refused.text().contains("does not let the gateway"), "{}", refused.text());

    stage.apply(&[role_without(&[Feature::Webhook], true)]).await;
    eventually("it is created", async || {
        let applied = change(&stage, "apply", &create).await;
        if applied.status == 200 { Ok(()) } else { Err(applied.text()) }
    })
    .await;
    let more = stage.shows("mapping", "more", &FINE).await;
    assert_eq!((&more["spec"]["prefix"], &more["spec"]["timeout_ms"]), (&json!("/more/"), &json!(700)));
    let (text, digest) = manifest(&stage, &gateway, "more").await;
    let shorter = text.replace("  timeout_ms: 700\n", "");
    assert_ne!(shorter, text);
    let less = change(&stage, "apply", &json!({ "name": "more", "text": shorter, "digest": digest })).await;
    assert_eq!(less.status, 200, "what it created it takes away: {}", less.text());
    let more = stage.shows("mapping", "more", &FINE).await;
    assert_eq!((&more["spec"]["prefix"], &more["spec"]["timeout_ms"]), (&json!("/more/"), &Value::Null));
    let again = change(&stage, "apply", &create).await;
    assert!(again.status == 409 && again.text().contains("already"), "{}", again.text());
    // One that the gateway does not read is known to the API server all the same.
    let mut foreign = stage.mapping("foreign", "/foreign/");
    foreign["spec"]["ambassador_id"] = json!("another");
    stage.apply(&[foreign]).await;
    let taken = change(&stage, "apply", &json!({ "act": "create", "name": "foreign" })).await;
    assert!(taken.status == 409 && taken.text().contains("already"), "{}", taken.text());

    let (_, digest) = manifest(&stage, &gateway, "app").await;
    let delete = |digest: &Value| json!({ "act": "delete", "digest": digest });
    let late = change(&stage, "apply", &delete(&json!("another"))).await;
    assert!(late.status == 409 && late.text().contains("has changed since"), "{}", late.text());
    let tried = change(&stage, "dry-run", &json!({ "act": "delete" })).await.text();
    assert!(tried.contains("-  prefix: /app/") && tried.contains("\"removed\""), "{tried}");
    let gone = change(&stage, "apply", &delete(&digest)).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    let left = stage.kubectl(&["get", "mappings", "-o", "name"]).await;
    assert!(left.contains("/more") && !left.contains("/app"), "{left}");
    gateway.stop().await;
}

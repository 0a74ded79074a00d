//! Previews that come and go by requests, in a cluster.

use nuncio_e2e::{Client, Gateway, Reply, eventually, get};
use serde_json::{Value, json};

use super::Stage;
use super::rights::role;

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
    let policy = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"});
    let preview = |name: &str| {
        let services = json!([{"baseline": "app", "backend": "127.0.0.1:9"}]);
        let entrypoints = json!([{"name": "web", "host": "shop.example"}]);
        own("Preview", name, json!({"services": services, "entrypoints": entrypoints, "access": {"mode": "Public"}}))
    };
    stage.apply(&[own("PreviewPolicy", "previews", policy)]).await;
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
    let gone = ask(&stage, "delete", &json!({})).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert!(!stage.kubectl(&["get", "previews"]).await.contains("tax"));

    stage.apply(&[preview("tax")]).await;
    eventually("what somebody applied is left alone", async || {
        let reply = ask(&stage, "delete", &json!({})).await;
        if reply.status == 409 && reply.text().contains("not made by a request") { Ok(()) } else { Err(reply.text()) }
    })
    .await;
    gateway.stop().await;
}

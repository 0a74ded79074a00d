//! What a mesh is told of previews, as an API server takes it that has the Gateway API.

use std::path::Path;

use nuncio_e2e::{Gateway, eventually};
use serde_json::{Value, json};

use super::Stage;

/// Installs what the set-up brought of the Gateway API.
async fn install_gateway_api(stage: &Stage) {
    for kind in ["httproutes", "referencegrants"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../.tools/gateway-api/{kind}.yaml"));
        let text = std::fs::read_to_string(path).expect("scripts/setup.sh kubernetes");
        drop(stage.cluster.apply(&text, &[]).await.success());
        let name = format!("crd/{kind}.gateway.networking.k8s.io");
        drop(stage.cluster.kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]).await.success());
        eventually(kind, async || {
            let output = stage.cluster.kubectl(&["get", &format!("{kind}.gateway.networking.k8s.io"), "-A"]).await;
            if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
        })
        .await;
    }
}

/// What the command prints, and what it says is left out.
async fn mesh(stage: &Stage, name: &str) -> (Value, String) {
    let preview = format!("{}/{name}", stage.namespace.name());
    let admin = stage.site.admin().to_string();
    let mut command = stage.site.nuncio(&["preview", "mesh", &preview, "--admin", &admin]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn routes_for_a_mesh_are_what_an_api_server_takes() {
    let stage = Stage::set().await;
    install_gateway_api(&stage).await;
    let other = stage.cluster.namespace().await;
    let own = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let service = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [
        {"name": "http", "port": 80}, {"name": "more", "port": 8081}, {"name": "dns", "port": 53, "protocol": "UDP"}]}})
    };
    let policy = |mesh: bool| {
        let spec = json!({"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"],
            "backends": "Any", "tunnels": true, "mesh": mesh});
        own("PreviewPolicy", "previews", spec)
    };
    let foreign = format!("cart.{}:80", other.name());
    let preview = own(
        "Preview",
        "pr-42",
        json!({
            "services": [
                {"baseline": "app", "match": {"prefix": "/items", "method": "POST", "headers": {"x-tenant": "acme"}}, "backend": "app-42:8080"},
                {"baseline": "app", "backend": "app-43"},
                {"baseline": foreign, "backend": "app-42:8080"},
                {"baseline": "web", "tunnel": true},
                {"baseline": "gone", "backend": "127.0.0.1:9"},
            ],
            "entrypoints": [{"name": "web", "host": "shop.example"}], "access": {"mode": "Public"},
            "lifetime": {"expiresAt": "2099-12-24T18:00:00Z"},
        }),
    );
    stage.apply(&[service("app"), service("app-42"), service("app-43"), policy(false), preview]).await;
    let gateway = Gateway::start_by(&stage.site, &mut stage.up()).await;
    eventually("it says that nothing is told", async || match mesh(&stage, "pr-42").await {
        (Value::Null, told) if told.contains("does not say `mesh: true`") => Ok(()),
        (told, why) => Err(format!("{told} {why}")),
    })
    .await;
    stage.apply(&[policy(true)]).await;
    let (told, left_out) = eventually("the routes", async || match mesh(&stage, "pr-42").await {
        (Value::Null, told) => Err(told),
        told => Ok(told),
    })
    .await;
    assert!(left_out.contains("web: the process of a tunnel") && left_out.contains("gone: "), "{left_out}");
    assert!(!told.to_string().contains("npk"), "no key: {told:#}");
    let applied = stage.cluster.apply(&told.to_string(), &["--validate=strict"]).await.success();
    assert_eq!(applied.lines().filter(|line| line.ends_with("serverside-applied")).count(), 4, "{applied}");

    let name = format!("{}.pr-42", stage.namespace.name());
    let route = stage.object("httproute", &format!("preview.{name}.app.80")).await;
    assert_eq!(route["metadata"]["labels"]["nuncio.dev/preview"], name);
    assert_eq!(route["metadata"]["annotations"]["nuncio.dev/expires-at"], "2099-12-24T18:00:00Z");
    let spec = &route["spec"];
    assert_eq!(spec["parentRefs"], json!([{"group": "", "kind": "Service", "name": "app", "port": 80}]));
    let rules = spec["rules"].as_array().unwrap();
    let led = |rule: &Value| (rule["backendRefs"][0]["name"].clone(), rule["backendRefs"][0]["port"].clone());
    let expected = [(json!("app-42"), json!(8080)), (json!("app-43"), json!(80)), (json!("app"), json!(80))];
    assert_eq!(rules.iter().map(led).collect::<Vec<_>>(), expected, "{spec:#}");
    let condition = &rules[0]["matches"][0];
    assert_eq!((&condition["method"], &condition["path"]["value"]), (&json!("POST"), &json!("/items")));
    assert_eq!(condition["headers"][1], json!({"type": "Exact", "name": "x-tenant", "value": "acme"}));
    assert_eq!(rules[1]["matches"][0]["headers"][0]["name"], "baggage");
    // The rest is the baseline's, whatever it is.
    assert_eq!(rules[2]["matches"][0]["headers"], Value::Null, "{spec:#}");
    let more = stage.object("httproute", &format!("preview.{name}.app.8081")).await;
    assert_eq!(led(&more["spec"]["rules"][2]), (json!("app"), json!(8081)));
    let grants = stage.kubectl(&["get", "referencegrants", "-o", "json"]).await;
    let grants: Value = serde_json::from_str(&grants).unwrap();
    assert_eq!(grants["items"][0]["spec"]["from"][0]["namespace"], other.name(), "{grants:#}");

    // What is over goes by the label.
    for namespace in [stage.namespace.name(), other.name()] {
        let selected = format!("nuncio.dev/preview={name}");
        let gone = ["delete", "httproutes,referencegrants", "-l", &selected, "--namespace", namespace];
        drop(stage.cluster.kubectl(&gone).await.success());
    }
    assert!(!stage.kubectl(&["get", "httproutes", "-o", "name"]).await.contains("pr-42"));
    gateway.stop().await;
}

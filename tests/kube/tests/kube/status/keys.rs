//! Keys that developers give themselves, kept in the cluster.

use http::header;
use nuncio_e2e::{Ask, Client, Gateway, Reply, eventually, get, yaml};
use serde_json::{Value, json};

use super::Stage;

const HOST: &str = "shop.example";

/// What the portal has to be allowed, and the Secret for which: as the guide says.
fn role(namespace: &str) -> [Value; 3] {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "portal-keys"},
        "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["portal-keys"], "verbs": ["get", "update"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "portal-keys"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "portal-keys"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    });
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "portal-keys"}});
    [role, binding, secret]
}

/// A request of ann's, who is known by a password.
fn as_ann(method: &'static str, path: &str) -> Ask {
    get(HOST, path).method(method).with("authorization", "Basic YW5uOnB3").with("sec-fetch-site", "same-origin")
}

async fn ask(stage: &Stage, request: Ask) -> Reply {
    Client::http(stage.site.http()).send(&request).await.unwrap()
}

/// What she does with her keys.
async fn ann(stage: &Stage, method: &'static str, path: &str, form: &str) -> Reply {
    let form = as_ann(method, path).with("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
    ask(stage, form).await
}

/// Waits until a request with a key has this status.
async fn answered(stage: &Stage, key: &str, status: u16) {
    eventually(&format!("a request with the key is answered {status}"), async || {
        let reply = Client::http(stage.site.http()).send(&get(HOST, "/app/").with("x-api-key", key)).await.unwrap();
        if reply.status == status { Ok(()) } else { Err(reply.status) }
    })
    .await;
}

#[tokio::test]
async fn a_key_is_kept_as_a_digest_in_a_secret_and_good_until_it_is_revoked() {
    let stage = Stage::new().await;
    let namespace = stage.namespace.name().to_owned();
    let mut objects = stage.objects();
    let portal = json!({"hostname": "*", "prefix": "/docs/", "rewrite": "", "service": format!("http://{}", stage.site.at(8088))});
    let rule = |path: &str, filter: &str| json!({"host": "*", "path": path, "filters": [{"name": filter}]});
    objects.extend(role(&namespace));
    objects.extend([
        yaml::host("any", "*"),
        yaml::object("Mapping", "portal", portal),
        // ann:pw
        yaml::text_secret("users", "htpasswd", "ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n"),
        yaml::object("Filter", "password", json!({"Basic": {"secretName": "users"}})),
        yaml::object("Filter", "key", json!({"APIKey": {"keys": [{"secretName": "portal-keys"}]}})),
        yaml::object("FilterPolicy", "all", json!({"rules": [rule("/docs/*", "password"), rule("/app/*", "key")]})),
    ]);
    stage.apply(&objects).await;
    let mut up = stage.up();
    up.arg(format!("--portal={}", stage.site.at(8088)))
        .args(["--portal-keys-secret", &format!("{namespace}/portal-keys")]);
    let gateway = Gateway::start_by(&stage.site, &mut up).await;
    answered(&stage, "nobody's", 401).await;

    let made = eventually("a key", async || {
        let reply = ann(&stage, "POST", "/docs/keys", "name=laptop").await;
        if reply.status == 303 { Ok(reply) } else { Err(format!("{}: {}", reply.status, reply.text())) }
    })
    .await;
    let cookie = made.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap();
    let page = ask(&stage, as_ann("GET", "/docs/keys").with("cookie", cookie)).await;
    assert_eq!(page.header(header::CACHE_CONTROL.as_str()), Some("no-store"));
    let text = page.text();
    let key = text.split("<code id=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    answered(&stage, key, 200).await;
    let secret = stage.object("secret", "portal-keys").await;
    let id = secret["data"].as_object().unwrap().keys().next().unwrap().clone();
    assert!(id.starts_with("ann-") && !secret.to_string().contains(key), "{secret}");

    let listed = ann(&stage, "GET", "/docs/keys", "").await.text();
    assert!(listed.contains("laptop") && listed.contains("1 request"), "{listed}");
    assert_eq!(ann(&stage, "POST", &format!("/docs/keys/{id}/revoke"), "").await.status, 303);
    answered(&stage, key, 401).await;
    assert_eq!(stage.object("secret", "portal-keys").await["data"], Value::Null);
    gateway.stop().await;
}

//! Where Ingresses say that they are reached.

use std::time::Duration;

use nuncio_e2e::{Gateway, eventually};
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::Stage;

/// The Service of the gateway, and the addresses that a cloud gave it.
async fn balance(stage: &Stage, name: &str, labels: &Value, addresses: &Value) {
    let ports = json!([{"name": "http", "port": 80}]);
    let spec = json!({"type": "LoadBalancer", "selector": {"app": "nuncio"}, "ports": ports});
    let metadata = json!({"name": name, "labels": labels});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
    stage.apply(&[service]).await;
    let patch = json!({"status": {"loadBalancer": {"ingress": addresses}}}).to_string();
    stage.kubectl(&["patch", "service", name, "--subresource=status", "--type=merge", "-p", &patch]).await;
}

fn ingress(name: &str, class: &str, backend: &str) -> Value {
    let backend = json!({"service": {"name": backend, "port": {"number": 80}}});
    let paths = json!([{"path": format!("/{name}/"), "pathType": "Prefix", "backend": backend}]);
    let metadata = json!({"name": name, "annotations": {"kubernetes.io/ingress.class": class}});
    let spec = json!({"rules": [{"http": {"paths": paths}}]});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec})
}

/// Waits until an Ingress says that it is reached there.
async fn reached(stage: &Stage, name: &str, addresses: &Value) -> Value {
    eventually(&format!("Ingress {name} is reached at {addresses}"), async || {
        let object = stage.object("ingress", name).await;
        let found = &object["status"]["loadBalancer"]["ingress"];
        if found == addresses { Ok(object) } else { Err(object["status"].to_string()) }
    })
    .await
}

#[tokio::test]
async fn an_ingress_says_where_it_is_reached() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.extend([ingress("ours", "ambassador", "shop"), ingress("theirs", "nginx", "shop")]);
    let mut broken = ingress("broken", "ambassador", "shop");
    broken["spec"]["rules"][0]["http"]["paths"][0]["backend"] =
        json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "static"}});
    objects.push(broken);
    stage.apply(&objects).await;
    let first = json!([{"ip": "192.0.2.7"}]);
    balance(&stage, "gateway", &json!({}), &first).await;
    let mut command = stage.up();
    command.args(["--ingress-service", "gateway"]);
    let gateway = Gateway::start_by(&stage.site, &mut command).await;
    reached(&stage, "ours", &first).await;
    reached(&stage, "broken", &first).await;
    eventually("an event", async || {
        let described = stage.kubectl(&["describe", "ingress", "broken"]).await;
        if described.contains("spec.rules[0].http.paths[0].backend") { Ok(()) } else { Err(described) }
    })
    .await;

    let second = json!([{"hostname": "lb.example"}, {"ip": "2001:db8::7"}]);
    balance(&stage, "gateway", &json!({}), &second).await;
    let ours = reached(&stage, "ours", &second).await;
    // An address that is lost is kept: names hang on it. And at rest nothing is written.
    balance(&stage, "gateway", &json!({}), &json!([])).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let later = reached(&stage, "ours", &second).await;
    assert_eq!(later["metadata"]["resourceVersion"], ours["metadata"]["resourceVersion"]);
    let theirs = stage.object("ingress", "theirs").await;
    assert_eq!(theirs["status"]["loadBalancer"], json!({}));
    gateway.stop().await;

    // Without being told, it is the Service that the original would take.
    let labels = json!({"app.kubernetes.io/component": "ambassador-service"});
    balance(&stage, "ambassador", &labels, &first).await;
    let gateway = stage.gateway().await;
    reached(&stage, "ours", &first).await;
    gateway.stop().await;
}

/// More at once than events are written in a burst.
#[tokio::test]
async fn of_many_that_are_broken_each_says_so_in_the_end() {
    const MANY: usize = 70;
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.extend((0..MANY).map(|n| {
        let mut broken = ingress(&format!("broken-{n}"), "ambassador", "shop");
        broken["spec"]["rules"][0]["http"]["paths"][0]["backend"] =
            json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "static"}});
        broken
    }));
    stage.apply(&objects).await;
    let gateway = stage.gateway().await;
    within(Duration::from_secs(60), "an event for each", async || {
        let events = stage.kubectl(&["get", "events"]).await;
        let told = (0..MANY).filter(|n| events.contains(&format!("ingress/broken-{n} "))).count();
        if told == MANY { Ok(()) } else { Err(told) }
    })
    .await;
    gateway.stop().await;
}

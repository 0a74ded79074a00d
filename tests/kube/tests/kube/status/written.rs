//! How often, and by whom: nothing needless, and nothing by those who are told not to.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use nuncio_e2e::{Gateway, eventually, yaml};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{FINE, Stage, condition, leader, rights};

/// The versions of all objects of a namespace.
async fn versions(stage: &Stage) -> Vec<(String, String)> {
    let kinds = "mappings.getambassador.io,hosts.getambassador.io,listeners.getambassador.io";
    let list: Value = serde_json::from_str(&stage.kubectl(&["get", kinds, "-o", "json"]).await).unwrap();
    let version = |object: &Value| {
        let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
        (text("name"), text("resourceVersion"))
    };
    list["items"].as_array().unwrap().iter().map(version).collect()
}

#[tokio::test]
async fn nothing_is_written_at_rest_nor_by_a_restart_nor_over_what_others_say() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.push(yaml::object("Mapping", "broken", json!({"hostname": "*", "prefix": "/x/", "service": "http://a b"})));
    stage.apply(&objects).await;
    let first = stage.gateway().await;
    stage.shows("mapping", "app", &FINE).await;
    stage.shows("mapping", "broken", &[("Accepted", "False", "InvalidValue")]).await;
    stage.shows("listener", "http", &FINE).await;
    // What another says of the object stays, and leads to nothing.
    let theirs = r#"{"status":{"conditions":[{"type":"Theirs","status":"True","reason":"Theirs","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    let apply = json!({"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "app"}, "status": serde_json::from_str::<Value>(theirs).unwrap()["status"]});
    let args = ["--namespace", stage.namespace.name(), "--subresource=status", "--field-manager=theirs"];
    let _ = stage.cluster.apply(&apply.to_string(), &args).await.success();
    let before = versions(&stage).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(versions(&stage).await, before);
    first.stop().await;

    // It leads at once, since the first has let go. One that leads for so long before its Envoy is there says nothing of that.
    let second = Gateway::start_by(&stage.site, &mut stage.up_leading_for(&stage.site, 60)).await;
    eventually("it leads", async || match leader::holder(&stage).await {
        nobody if nobody.is_empty() => Err("nobody does"),
        _ => Ok(()),
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(versions(&stage).await, before, "a new leader finds everything said");
    let app = stage.object("mapping", "app").await;
    assert_eq!(condition(&app, "Theirs")["status"], "True");
    second.stop().await;
}

#[tokio::test]
async fn what_another_writes_over_is_written_ever_less_often() {
    let stage = Stage::set().await;
    let gateway = stage.gateway().await;
    stage.shows("mapping", "app", &FINE).await;
    let theirs = r#"{"status":{"state":"Inactive"}}"#;
    let (begun, mut lost) = (Instant::now(), 0);
    // Each is a write of ours.
    while begun.elapsed() < Duration::from_secs(8) {
        let app = stage.object("mapping", "app").await;
        if app["status"]["state"] == "Running" {
            lost += 1;
            stage.kubectl(&["patch", "mapping", "app", "--subresource=status", "--type=merge", "-p", theirs]).await;
        }
    }
    assert!((2..=5).contains(&lost), "{lost}");
    gateway.stop().await;
}

/// Writes that are under way are overtaken by changes, and their echoes come back between those of the changes.
#[tokio::test]
async fn what_changes_faster_than_it_is_written_ends_with_what_holds() {
    let stage = Stage::set().await;
    let names: Vec<_> = (0..4).map(|n| format!("fickle-{n}")).collect();
    let mappings: Vec<_> = names.iter().map(|name| stage.mapping(name, &format!("/{name}/"))).collect();
    stage.apply(&mappings).await;
    let gateway = stage.gateway().await;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("getambassador.io", "v3alpha1", "Mapping"));
    let api: Api<DynamicObject> = Api::namespaced_with(stage.cluster.admin(), stage.namespace.name(), &resource);
    let good = stage.backend.address().to_string();
    let change = async |name: &str, service: &str| {
        let patch = Patch::Merge(json!({"spec": {"service": service}}));
        api.patch(name, &PatchParams::default(), &patch).await.unwrap();
    };
    for round in 0..6 {
        // Each is changed again while what was said of it before is on its way, some milliseconds later than its neighbour.
        let changes = names.iter().zip(1..).map(async |(name, pause)| {
            change(name, "http://a b").await;
            sleep(Duration::from_millis(8 * round + pause)).await;
            change(name, &good).await;
        });
        join_all(changes).await;
        for name in &names {
            stage.shows("mapping", name, &FINE).await;
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_told_so_writes_nothing() {
    let stage = Stage::set().await;
    let mut command = stage.up();
    command.arg("--no-status");
    let silent = Gateway::start_by(&stage.site, &mut command).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.object("mapping", "app").await["status"], Value::Null);
    silent.stop().await;

    let mut command = stage.up();
    command.env("AMBASSADOR_UPDATE_MAPPING_STATUS", "false");
    let gateway = Gateway::start_by(&stage.site, &mut command).await;
    stage.shows("listener", "http", &FINE).await;
    assert_eq!(stage.object("mapping", "app").await["status"], Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_another_instances_from_now_on_is_spoken_of_no_longer() {
    let stage = Stage::set().await;
    let gateway = stage.gateway().await;
    stage.shows("mapping", "app", &FINE).await;
    let failed = async || {
        let metrics = gateway.admin.text("/metrics").await;
        let count = metrics.lines().find_map(|line| line.strip_prefix("nuncio_statuses_failed_total "));
        count.map_or(0.0, |count| count.parse::<f64>().unwrap())
    };
    let before = failed().await;
    rights::take_away(&stage).await;
    let given_away = r#"{"spec":{"ambassador_id":["another"]}}"#;
    stage.kubectl(&["patch", "mapping", "app", "--type=merge", "-p", given_away]).await;
    eventually("it is tried", async || if failed().await > before { Ok(()) } else { Err("not yet") }).await;
    assert_eq!(stage.object("mapping", "app").await["status"]["state"], "Running");
    stage.apply(&[rights::role(true)]).await;
    eventually("nothing is said", async || {
        let status = stage.object("mapping", "app").await["status"].clone();
        if status == json!({"observedGeneration": 2}) { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    stage
        .kubectl(&["patch", "mapping", "app", "--type=merge", "-p", r#"{"spec":{"ambassador_id":["default"]}}"#])
        .await;
    stage.shows("mapping", "app", &FINE).await;
    gateway.stop().await;
}

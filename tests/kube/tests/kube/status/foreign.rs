//! Statuses where the definitions are another product's.

use std::time::Duration;

use nuncio_api::crd::{Conversion, definitions};
use nuncio_e2e::{Gateway, Site, eventually, yaml};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::condition;
use crate::source::place;

/// More than are written at once.
const MAPPINGS: usize = 40;

/// Definitions of the original's shape: a status of a Mapping may hold nothing but its state and why, and a `TLSContext` has none.
fn originals() -> Vec<Value> {
    let text = json!({"type": "string"});
    let status = json!({"type": "object", "properties": {"state": text, "reason": text}});
    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let mut mapping = place::definition("Mapping", "mappings");
    mapping["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "properties": {"spec": spec, "status": status}});
    let mut context = place::definition("TLSContext", "tlscontexts");
    context["spec"]["versions"][0]["subresources"] = json!({});
    vec![mapping, context]
}

#[tokio::test]
async fn what_a_definition_has_room_for_is_written_and_no_more_is_tried_all_the_time() {
    let (cluster, site) = (Cluster::start().await, Site::new());
    place::define(&cluster, &place::KINDS).await;
    let _ = cluster.apply(&place::documents(&originals()), &["--force-conflicts"]).await.success();
    let namespace = cluster.namespace().await;
    let kubectl = async |args: &[&str]| cluster.kubectl(&[args, &["-n", namespace.name()]].concat()).await.success();
    let status = async |name: &str| {
        let object: Value = serde_json::from_str(&kubectl(&["get", "mapping", name, "-o", "json"]).await).unwrap();
        object["status"].clone()
    };

    let mapping = |name: &str, service: &str| {
        yaml::object("Mapping", name, json!({"hostname": "*", "prefix": format!("/{name}/"), "service": service}))
    };
    let mut objects = vec![yaml::listener("http", site.http().port(), "HTTP"), yaml::host("any", "*")];
    objects.extend((0..MAPPINGS).map(|n| mapping(&format!("app-{n}"), "127.0.0.1:1")));
    objects.push(mapping("broken", "http://a b"));
    objects.push(yaml::object("TLSContext", "broken", json!({"hosts": ["a.example"], "min_tls_version": "v9"})));
    place::apply(&cluster, &namespace, &objects).await;
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig(), namespace.name());
    let gateway = Gateway::start_by(&site, &mut command).await;

    eventually("the fields that there are", async || {
        let [last, broken] = [status(&format!("app-{}", MAPPINGS - 1)).await, status("broken").await];
        let fine = last == json!({"state": "Running", "reason": ""});
        let said =
            broken["state"] == "Inactive" && broken["reason"].as_str().is_some_and(|why| why.contains("spec.service"));
        if fine && said { Ok(()) } else { Err(format!("{last} {broken}")) }
    })
    .await;
    eventually("events", async || {
        let events = kubectl(&["get", "events"]).await;
        if events.contains("tlscontext/broken") && events.contains("mapping/broken") { Ok(()) } else { Err(events) }
    })
    .await;
    for kind in ["Mapping", "TLSContext"] {
        let line = format!("the status of a {kind} cannot be written");
        assert_eq!(gateway.stderr().iter().filter(|text| text.contains(&line)).count(), 1, "{line}");
    }
    // Of each kind those that were under way together, not one for each object.
    let metrics = gateway.admin.text("/metrics").await;
    let failed = metrics.lines().find_map(|line| line.strip_prefix("nuncio_statuses_failed_total ")).unwrap();
    assert!(failed.parse::<f64>().unwrap() <= 20.0, "{failed}");

    let ours =
        definitions(&Conversion::None).into_iter().find(|definition| definition.name() == "mappings.getambassador.io");
    let _ = cluster.apply(&ours.unwrap().manifest.to_string(), &["--force-conflicts"]).await.success();
    within(Duration::from_secs(60), "conditions, once they have a place", async || {
        let status = status("app-0").await;
        let programmed = condition(&json!({"status": status}), "Programmed")["status"].clone();
        if programmed == "True" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    gateway.stop().await;
}

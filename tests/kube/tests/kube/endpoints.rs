//! Pods that come and go.

use std::collections::BTreeSet;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Gateway, Load, Site, eventually, get, yaml};
use nuncio_kube_tests::{Cluster, Namespace};
use nuncio_test_support::outward_address;
use serde_json::{Value, json};

use crate::source::place::{self, answers, apply};

/// A Service with one port.
fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"ports": [{"name": "http", "port": 80}]},
    })
}

/// A slice of a Service, as its controller writes them.
fn slice(service: &str, name: &str, port: u16, endpoints: &Value) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints, "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    })
}

/// A Mapping to a Service by its endpoints.
fn mapping(service: &str) -> Value {
    let spec = json!({
        "hostname": "*", "prefix": format!("/{service}/"), "service": service, "resolver": "kubernetes-endpoint",
    });
    yaml::object("Mapping", service, spec)
}

#[tokio::test]
async fn a_rollout_of_pods_loses_no_request() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let pods = [Backend::start_at("one", outward_address()).await, Backend::start_at("two", outward_address()).await];
    let conditions =
        |ready: bool, terminating: bool| json!({"ready": ready, "serving": true, "terminating": terminating});
    // A pod that has gone is in no slice.
    let pod = |n: usize, conditions: Option<Value>| {
        let address = pods[n].address();
        let endpoint = conditions.map(|conditions| json!({"addresses": [address.ip()], "conditions": conditions}));
        slice("web", &format!("web-{n}"), address.port(), &endpoint.into_iter().collect())
    };
    let mut first = vec![yaml::listener("http", site.http().port(), "HTTP"), service("web"), mapping("web")];
    first.extend([pod(0, Some(conditions(true, false))), pod(1, None)]);
    apply(cluster, &namespace, &first).await;
    let gateway = place::gateway(cluster, namespace.name(), &site).await;
    answers(&site, "/web/", "one").await;

    let load =
        Load::kept(&Client::http(site.http()), vec![get("any.example", "/web/"); 2], |reply| reply.status == 200);
    for round in 0..6 {
        let (old, new) = (round % 2, (round + 1) % 2);
        apply(cluster, &namespace, &[pod(new, Some(conditions(true, false)))]).await;
        apply(cluster, &namespace, &[pod(old, Some(conditions(false, true)))]).await;
        answers(&site, "/web/", ["one", "two"][new]).await;
        apply(cluster, &namespace, &[pod(old, None)]).await;
        load.more(20).await;
    }
    load.stop().await.assert_nothing_lost(200);
    // The last pod is leaving and there is no other: it serves as long as it does.
    apply(cluster, &namespace, &[pod(0, Some(conditions(false, true)))]).await;
    answers(&site, "/web/", "one").await;
    apply(cluster, &namespace, &[pod(0, None)]).await;
    answers(&site, "/web/", "503").await;
    gateway.admin.problem(&["web", "no ready endpoint"]).await;
    gateway.stop().await;
}

/// A number that Envoy or the controller counts.
async fn counted(gateway: &nuncio_e2e::Gateway<'_>, name: &str) -> f64 {
    let metrics = gateway.admin.text("/metrics").await;
    let lines = metrics
        .lines()
        .filter(|line| line.split(['{', ' ']).next().is_some_and(|is| is.trim_end_matches("_total") == name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[tokio::test]
async fn churn_of_a_thousand_pods_changes_only_where_they_are() {
    const SLICES: usize = 10;
    const CHANGES: usize = 30;
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let slice = |n: usize, out: Option<usize>| {
        let pod = |k: usize| json!({"addresses": [format!("10.246.{n}.{k}")], "conditions": {"ready": out != Some(k)}});
        slice("many", &format!("many-{n}"), 8080, &(0..100).map(pod).collect())
    };
    let mut objects = place::site_objects(&site, backend.address());
    objects.extend([service("many"), mapping("many")]);
    objects.extend((0..SLICES).map(|n| slice(n, None)));
    apply(cluster, &namespace, &objects).await;
    let gateway = place::gateway(cluster, namespace.name(), &site).await;
    let endpoints = async || {
        let clusters = gateway.admin.list("clusters").await;
        let many = clusters.into_iter().find(|cluster| cluster["service"] == "many:80");
        let all = many.map_or(Value::Null, |many| many["endpoints"].clone());
        let addresses = all.as_array().into_iter().flatten();
        addresses.map(|endpoint| endpoint["address"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(endpoints().await.len(), 1000);

    let names = [
        "envoy_cluster_manager_cds_update_success",
        "envoy_listener_manager_lds_update_success",
        "nuncio_changes_resources_set",
    ];
    let mut before = Vec::new();
    for name in names {
        before.push(counted(&gateway, name).await);
    }
    assert!(before.iter().all(|count| *count > 0.0), "the names are known: {before:?}");
    let load = Load::kept(&Client::http(site.http()), vec![get("any.example", "/app/")], |reply| reply.status == 200);
    let revision = gateway.admin.revision().await;
    for change in 0..CHANGES {
        apply(cluster, &namespace, &[slice(change % SLICES, Some(change))]).await;
    }
    // In each slice one pod is out, and that of the last change has been so for no longer than that.
    let (ready, last) = (1000 - SLICES, format!("10.246.{}.{}:8080", (CHANGES - 1) % SLICES, CHANGES - 1));
    eventually("the last change is there", async || {
        let found = endpoints().await;
        if found.len() == ready && !found.contains(&last) { Ok(()) } else { Err(found.len()) }
    })
    .await;
    let newest = eventually("Envoy has it", async || {
        let envoy = gateway.admin.list("envoys").await.swap_remove(0);
        let newest = envoy["newest_revision"].as_u64().unwrap();
        if envoy["synced_revision"] == newest { Ok(newest) } else { Err(envoy.to_string()) }
    })
    .await;
    load.stop().await.assert_nothing_lost(50);
    // Changes that come while the controller has no turn are taken together.
    let revisions = newest - revision;
    assert!((1..=CHANGES as u64).contains(&revisions), "{revisions}");
    for (name, before) in names.iter().zip(before) {
        let expected = if *name == names[2] { revisions as f64 } else { 0.0 };
        assert_eq!(counted(&gateway, name).await - before, expected, "{name}");
    }
    gateway.stop().await;
}

/// Puts a pod on a node as its kubelet would leave it: running at the backend's address, whose port has a name.
async fn run(cluster: &Cluster, namespace: &Namespace<'_>, name: &str, node: &str, backend: &Backend) {
    let port = json!({"name": "http", "containerPort": backend.address().port()});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "near"}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "none", "ports": [port]}]},
    });
    apply(cluster, namespace, &[pod]).await;
    ready(cluster, namespace, name, Some(backend)).await;
}

/// Says that a pod is ready at the backend's address, or is not any more.
async fn ready(cluster: &Cluster, namespace: &Namespace<'_>, name: &str, backend: Option<&Backend>) {
    let condition = json!({"type": "Ready", "status": if backend.is_some() { "True" } else { "False" }});
    let mut status = json!({"phase": "Running", "conditions": [condition]});
    if let Some(backend) = backend {
        let ip = backend.address().ip();
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{"ip": ip}]);
    }
    let patch = json!({"status": status}).to_string();
    let args = ["patch", "pod", name, "--subresource=status", "--type=merge", "-p", &patch];
    drop(cluster.kubectl(&[&args[..], &["--namespace", namespace.name()]].concat()).await.success());
}

/// Waits until these answer, and no others.
async fn answered_by(site: &Site, wanted: &[&str]) {
    let client = Client::http(site.http());
    eventually(&format!("answered by {wanted:?}"), async || {
        let mut by = BTreeSet::new();
        for _ in 0..12 {
            let reply = client.send(&get("any.example", "/near/")).await.map_err(|failure| failure.to_string())?;
            by.insert(reply.by());
        }
        if by.iter().eq(wanted) { Ok(()) } else { Err(format!("{by:?}")) }
    })
    .await;
}

/// The hints are those that Kubernetes' own controller writes.
#[tokio::test]
async fn requests_stay_on_the_node_or_in_the_zone_as_the_service_says() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let start = |name: &'static str| Backend::start_at(name, outward_address());
    let (one, two, three) = (start("one").await, start("two").await, start("three").await);
    let node = |n: &str| format!("{}-{n}", namespace.name());
    let nodes = [("n1", "a"), ("n2", "a"), ("n3", "b")].map(|(n, zone)| {
        let labels = json!({"topology.kubernetes.io/zone": zone});
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node(n), "labels": labels}})
    });
    drop(cluster.apply(&place::documents(&nodes), &[]).await.success());
    let near = |distribution: &str| {
        let ports = json!([{"name": "http", "port": 80, "targetPort": "http"}]);
        let spec = json!({"selector": {"app": "near"}, "ports": ports, "trafficDistribution": distribution});
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "near"}, "spec": spec})
    };
    let edge = [yaml::listener("http", site.http().port(), "HTTP"), near("PreferSameNode"), mapping("near")];
    apply(cluster, &namespace, &edge).await;
    for (name, n, backend) in [("one", "n1", &one), ("two", "n2", &two), ("three", "n3", &three)] {
        run(cluster, &namespace, name, &node(n), backend).await;
    }
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig(), namespace.name());
    let gateway = Gateway::start_by(&site, command.args(["--zone", "a", "--node", &node("n1")])).await;
    answered_by(&site, &["one"]).await;
    ready(cluster, &namespace, "one", None).await;
    answered_by(&site, &["two"]).await;
    ready(cluster, &namespace, "two", None).await;
    answered_by(&site, &["three"]).await;
    ready(cluster, &namespace, "one", Some(&one)).await;
    ready(cluster, &namespace, "two", Some(&two)).await;
    apply(cluster, &namespace, &[near("PreferSameZone")]).await;
    answered_by(&site, &["one", "two"]).await;
    gateway.stop().await;
}

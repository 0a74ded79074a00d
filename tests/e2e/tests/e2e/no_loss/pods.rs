//! Pods that come and go.

use serde_json::Value;

use super::*;

/// A Service in the directory, and its pods at these ports of 127.0.0.1.
fn pods(ports: &[u16]) -> String {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "pods"},
        "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    });
    let slice = |port: &u16| {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": format!("pods-{port}"), "labels": {"kubernetes.io/service-name": "pods"}},
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": true}}],
            "ports": [{"name": "http", "port": port}],
        })
    };
    let all: Vec<Value> = std::iter::once(service).chain(ports.iter().map(slice)).collect();
    documents(&all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_pods_come_and_go() {
    let site = Site::new();
    let mut backends = Vec::new();
    for n in 0..4 {
        backends.push(Backend::start(&format!("pod{n}")).await);
    }
    let ports: Vec<u16> = backends.iter().map(|backend| backend.address().port()).collect();
    site.write("listener.yaml", documents(&[listener("http", site.http().port(), "HTTP"), host("any", "*")]));
    let spec = json!({"hostname": "*", "prefix": "/x/", "service": "pods", "resolver": "endpoint"});
    let resolver = yaml::object("KubernetesEndpointResolver", "endpoint", json!({}));
    site.write("x.yaml", documents(&[resolver, yaml::object("Mapping", "x", spec)]));
    site.write("pods.yaml", pods(&ports[..1]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, asks("/x/", 2), good);
    for round in 0..40 {
        let from = round % 3;
        let before = backends[from + 1].requests();
        site.write("pods.yaml", pods(&ports[from..from + 2]));
        eventually("the new pod gets requests", async || {
            if backends[from + 1].requests() > before { Ok(()) } else { Err("none") }
        })
        .await;
    }
    site.write("pods.yaml", pods(&ports[3..]));
    eventually("one pod is left", async || {
        let clusters = gateway.admin.list("clusters").await;
        let endpoints = clusters[0]["endpoints"].as_array().map_or(0, Vec::len);
        if endpoints == 1 { Ok(()) } else { Err(endpoints) }
    })
    .await;
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

//! What many objects cost. Measured when asked for: `cargo test -p nuncio-kube-tests -- --ignored --nocapture scale`.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client as KubeClient};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::place::{self, answers, apply_in, mapping, site_objects};

/// Creates objects, many at a time.
async fn create(client: &KubeClient, resource: &ApiResource, objects: impl Iterator<Item = Value>) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", resource);
    let create = |object: Value| {
        let api = api.clone();
        async move {
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            drop(api.create(&PostParams::default(), &object).await.unwrap());
        }
    };
    stream::iter(objects).map(create).buffer_unordered(64).collect::<Vec<()>>().await;
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Resident memory of a process, in MB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Processor time of a process so far, in seconds.
fn processor(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

async fn ready<'a>(cluster: &Cluster, site: &'a Site) -> (Gateway<'a>, Duration) {
    let begun = Instant::now();
    let mut command = place::up(site, &cluster.admin_kubeconfig());
    let gateway = Gateway::launch(site, &mut command);
    within(Duration::from_secs(120), "ready", async || gateway.admin.ready().await).await;
    (gateway, begun.elapsed())
}

#[tokio::test]
#[ignore = "measures"]
async fn five_thousand_other_secrets_cost_little() {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    apply_in(&cluster, "default", &site_objects(&site, backend.address())).await;
    let (gateway, took) = ready(&cluster, &site).await;
    println!("without Secrets: ready after {took:?}, {} MB", resident(gateway.id()));
    gateway.stop().await;
    let secret = |n: usize| {
        let data = json!({"value": "x".repeat(4096)});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("other-{n}")}, "stringData": data})
    };
    create(&cluster.admin(), &resource("", "v1", "Secret"), (0..5000).map(secret)).await;
    let (gateway, took) = ready(&cluster, &site).await;
    println!("with 5 000 Secrets of 4 KiB: ready after {took:?}, {} MB", resident(gateway.id()));
    gateway.stop().await;
}

#[tokio::test]
#[ignore = "measures"]
async fn ten_thousand_mappings_and_two_thousand_services() {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, [one, two]) = (Site::new(), [Backend::start("one").await, Backend::start("two").await]);
    apply_in(&cluster, "default", &site_objects(&site, one.address())).await;
    let client = cluster.admin();
    let service = |n: usize| {
        let spec = json!({"ports": [{"port": 80}]});
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("service-{n}")}, "spec": spec})
    };
    create(&client, &resource("", "v1", "Service"), (0..2000).map(service)).await;
    let route = |n: usize| {
        let spec = json!({"hostname": format!("host-{}.example", n / 10), "prefix": format!("/{n}/"), "service": format!("service-{}", n % 2000)});
        nuncio_e2e::yaml::object("Mapping", &format!("mapping-{n}"), spec)
    };
    create(&client, &resource("getambassador.io", "v3alpha1", "Mapping"), (0..10_000).map(route)).await;
    let (gateway, took) = ready(&cluster, &site).await;
    println!("ready after {took:?}, {} MB, {:.2} s of a processor", resident(gateway.id()), processor(gateway.id()));
    answers(&site, "/app/", "one").await;

    let mut times = Vec::new();
    let before = processor(gateway.id());
    for n in 0..20 {
        let (backend, name) = if n % 2 == 0 { (&two, "two") } else { (&one, "one") };
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), "default", &resource("getambassador.io", "v3alpha1", "Mapping"));
        let patch = kube::api::Patch::Merge(mapping("app", "/app/", backend.address()));
        let begun = Instant::now();
        drop(api.patch("app", &kube::api::PatchParams::default(), &patch).await.unwrap());
        answers(&site, "/app/", name).await;
        times.push(begun.elapsed());
    }
    times.sort();
    println!("a change by the API server until a request sees it: median {:?}, longest {:?}", times[10], times[19]);
    println!("processor per change: {:.1} ms", (processor(gateway.id()) - before) * 1000.0 / 20.0);
    let metrics = gateway.admin.text("/metrics").await;
    for line in metrics.lines().filter(|line| line.contains("live") && !line.starts_with('#')) {
        println!("{line}");
    }
    for line in gateway.stdout().iter().filter(|line| line.contains("→ live")).take(25) {
        println!("{line}");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("after that: {} MB", resident(gateway.id()));
    gateway.stop().await;
}

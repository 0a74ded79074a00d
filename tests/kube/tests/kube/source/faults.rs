//! An API server that goes away and comes back, and watches that do not last.

use std::time::Duration;

use futures_util::future::join_all;
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Gateway, Load, Site, eventually, get};
use nuncio_kube_tests::Cluster;
use serde_json::{Value, json};

use super::place::{self, answers, apply_in, gateway, mapping, patient_site_objects};
use crate::wire::Wire;

/// Port beside the API server's from which connections are passed on to it.
const BESIDE: u16 = 6444;

/// Objects that are wrong. The bench has ten thousand.
const BAD: usize = 2000;

/// A cluster with a Listener and the Mapping `/app/`.
async fn furnished(arguments: &[&str], site: &Site, backend: &Backend) -> Cluster {
    let cluster = Cluster::start_with(arguments).await;
    place::define(&cluster, &place::KINDS).await;
    apply_in(&cluster, "default", &patient_site_objects(site, backend.address())).await;
    cluster
}

/// Requests for `/app/` without a pause.
pub(super) fn load(site: &Site) -> Load {
    Load::kept(&Client::http(site.http()), vec![get("any.example", "/app/"); 2], |reply| reply.status == 200)
}

#[tokio::test]
async fn an_api_server_that_dies_costs_no_request_and_what_was_missed_is_caught_up() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let mut cluster = furnished(&[], &site, &backend).await;
    let gateway = gateway(&cluster, "default", &site).await;
    let load = load(&site);
    load.more(100).await;
    let revision = gateway.admin.revision().await;
    cluster.stop_api_server().await;
    // Longer than watches and the Lease last. The bench has a minute.
    tokio::time::sleep(Duration::from_secs(20)).await;
    load.more(100).await;
    cluster.start_api_server().await;
    apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    answers(&site, "/late/", "one").await;
    assert_eq!(gateway.admin.revision().await, revision + 1, "what was there before is no change");

    cluster.restart_etcd().await;
    let later = place::documents(&[mapping("later", "/later/", backend.address())]);
    // What of the API server lost its connection may need a moment longer.
    eventually("it is written again", async || {
        let output = cluster.apply(&later, &["--namespace", "default"]).await;
        if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
    })
    .await;
    answers(&site, "/later/", "one").await;
    load.stop().await.assert_nothing_lost(300);
    let log = gateway.stderr();
    let lost = log.iter().filter(|line| line.contains("does not answer")).count();
    assert!((1..=2).contains(&lost), "once for each loss: {log:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn watches_that_are_cut_again_and_again_cost_no_request_and_miss_no_change() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let cluster = furnished(&[], &site, &backend).await;
    let wire = Wire::at((cluster.api_server().ip(), BESIDE).into(), &[cluster.api_server()]).await;
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig_by(wire.address().port()), "default");
    let gateway = Gateway::start_by(&site, &mut command).await;
    let load = load(&site);
    let revision = gateway.admin.revision().await;
    for round in 0..10 {
        let path = format!("/m{round}/");
        apply_in(&cluster, "default", &[mapping(&format!("m{round}"), &path, backend.address())]).await;
        wire.cut();
        answers(&site, &path, "one").await;
        wire.cut();
    }
    assert_eq!(gateway.admin.revision().await, revision + 10, "nothing but the ten is a change");
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

/// Forgets all versions of objects but the newest.
async fn compact(cluster: &Cluster) {
    let list = cluster.kubectl(&["get", "--raw", "/api/v1/namespaces?limit=1"]).await.success();
    let list: Value = serde_json::from_str(&list).unwrap();
    let body = json!({"revision": list["metadata"]["resourceVersion"], "physical": true});
    let ask = get("etcd", "/v3/kv/compaction").method("POST").body(body.to_string());
    let reply = Client::http(cluster.etcd()).ask(&ask).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_listing_that_must_be_made_anew_changes_nothing_that_is_equal() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let mut cluster = furnished(&[], &site, &backend).await;
    apply_in(&cluster, "default", &[mapping("gone", "/gone/", backend.address())]).await;
    let wire = Wire::at((cluster.api_server().ip(), BESIDE).into(), &[cluster.api_server()]).await;
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig_by(wire.address().port()), "default");
    let gateway = Gateway::start_by(&site, &mut command).await;
    answers(&site, "/gone/", "one").await;
    let load = load(&site);
    let revision = gateway.admin.revision().await;
    let watched = "/apis/getambassador.io/v3alpha1/namespaces/default/mappings";
    let list = cluster.kubectl(&["get", "--raw", watched]).await.success();
    let list: Value = serde_json::from_str(&list).unwrap();

    wire.lead_to(&[]);
    wire.cut();
    apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    drop(cluster.kubectl(&["delete", "mapping", "gone"]).await.success());
    compact(&cluster).await;
    // With its memory of recent changes.
    cluster.stop_api_server().await;
    cluster.start_api_server().await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let resume = format!("{watched}?watch=true&timeoutSeconds=1&resourceVersion={version}");
    let refused = cluster.kubectl(&["get", "--raw", &resume]).await;
    assert!(format!("{refused:?}").contains("too old resource version"), "a watch cannot go on: {refused:?}");

    wire.lead_to(&[cluster.api_server()]);
    answers(&site, "/late/", "one").await;
    answers(&site, "/gone/", "404").await;
    let now = gateway.admin.revision().await;
    assert!((revision + 1..=revision + 2).contains(&now), "one came and one went: {revision} to {now}");
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

#[tokio::test]
async fn a_server_without_streaming_lists_is_read_page_by_page() {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let cluster = furnished(&["--feature-gates=WatchList=false"], &site, &backend).await;
    let gateway = gateway(&cluster, "default", &site).await;
    answers(&site, "/app/", "one").await;
    apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    answers(&site, "/late/", "one").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_of_a_megabyte_and_thousands_of_bad_ones_harm_no_other() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &patient_site_objects(&site, backend.address())).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    let load = load(&site);

    let mut huge = mapping("huge", "/huge/", backend.address());
    // Envoy takes no longer value.
    let headers = (0..70).map(|n| (format!("x-{n}"), json!({"value": "x".repeat(16_000)})));
    huge["spec"]["add_request_headers"] = Value::Object(headers.collect());
    assert!(huge.to_string().len() > 1 << 20);
    place::apply(cluster, &namespace, &[huge]).await;
    eventually("the huge one is told of", async || {
        gateway.admin.object("Mapping", "huge").await.map(|_| ()).ok_or("not yet")
    })
    .await;

    let bad = |n: usize| {
        let mut bad = mapping(&format!("bad-{n}"), &format!("/bad/{n}/"), backend.address());
        match n % 4 {
            0 => bad["spec"]["prefix"] = json!(n),
            1 => bad["spec"]["service"] = json!("http://a b"),
            2 => bad["spec"]["prefix_regex"] = json!("yes"),
            _ => bad["spec"] = json!({"hostname": 5}),
        }
        bad
    };
    let good = (0..20).map(|n| mapping(&format!("good-{n}"), &format!("/good/{n}/"), backend.address()));
    let all: Vec<_> = (0..BAD).map(bad).chain(good).collect();
    // One `kubectl` asks fifty times a second.
    join_all(all.chunks(BAD / 4).map(|some| place::apply(cluster, &namespace, some))).await;
    for n in 0..20 {
        answers(&site, &format!("/good/{n}/"), "one").await;
    }
    for n in [0, 1, 3, BAD - 1] {
        eventually("a bad one is told of", async || {
            let bad = gateway.admin.object("Mapping", &format!("bad-{n}")).await.unwrap_or_default();
            if bad["problems"].as_array().is_some_and(|problems| !problems.is_empty()) { Ok(()) } else { Err(bad) }
        })
        .await;
    }
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

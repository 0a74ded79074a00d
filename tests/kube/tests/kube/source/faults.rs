//! An API server that goes away and comes back.

use std::time::Duration;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Load, Site, get};
use nuncio_kube_tests::Cluster;

use super::place::{self, answers, apply_in, gateway, mapping, site_objects};

#[tokio::test]
async fn an_api_server_that_dies_costs_no_request_and_what_was_missed_is_caught_up() {
    let mut cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    apply_in(&cluster, "default", &site_objects(&site, backend.address())).await;
    let gateway = gateway(&cluster, "default", &site).await;
    let load =
        Load::kept(&Client::http(site.http()), vec![get("any.example", "/app/"); 2], |reply| reply.status == 200);
    load.more(100).await;
    let revision = gateway.admin.revision().await;
    cluster.stop_api_server().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    load.more(100).await;
    cluster.start_api_server().await;
    apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    answers(&site, "/late/", "one").await;
    assert_eq!(gateway.admin.revision().await, revision + 1, "what was there before is no change");

    cluster.restart_etcd().await;
    apply_in(&cluster, "default", &[mapping("later", "/later/", backend.address())]).await;
    answers(&site, "/later/", "one").await;
    load.stop().await.assert_nothing_lost(300);
    let log = gateway.stderr();
    let lost = log.iter().filter(|line| line.contains("does not answer")).count();
    assert!((1..=2).contains(&lost), "once for each loss: {log:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_server_without_streaming_lists_is_read_page_by_page() {
    let cluster = Cluster::start_with(&["--feature-gates=WatchList=false"]).await;
    place::define(&cluster, &place::KINDS).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    apply_in(&cluster, "default", &site_objects(&site, backend.address())).await;
    let gateway = gateway(&cluster, "default", &site).await;
    answers(&site, "/app/", "one").await;
    apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    answers(&site, "/late/", "one").await;
    gateway.stop().await;
}

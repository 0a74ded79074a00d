//! What users type.

use nuncio_kube_tests::Cluster;
use nuncio_test_support::eventually;

#[tokio::test]
async fn kubectl_and_the_server_are_of_one_release() {
    let cluster = Cluster::shared().await;
    let version = cluster.kubectl(&["version"]).await.success();
    let versions: Vec<_> = version.lines().filter_map(|line| line.split_once("Version: v")).collect();
    let [("Client ", client), .., ("Server ", server)] = versions[..] else { panic!("{version}") };
    assert_eq!(client, server);
}

#[tokio::test]
async fn controllers_make_pods_of_deployments() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace().await;
    let of = ["--namespace", namespace.name()];
    let _ = cluster.kubectl(&[&["create", "deployment", "web", "--image=none"], &of[..]].concat()).await.success();
    eventually("a pod", async || {
        let pods = cluster.kubectl(&[&["get", "pods", "--output=name"], &of[..]].concat()).await.success();
        if pods.starts_with("pod/web-") { Ok(()) } else { Err(pods) }
    })
    .await;
}

#[tokio::test]
async fn helm_asks_the_server_what_a_chart_would_make() {
    let cluster = Cluster::shared().await;
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("sample");
    let chart = chart.to_str().unwrap();
    let _ = cluster.helm(&["create", chart]).await.success();
    let install = ["install", "sample", chart, "--dry-run=server", "--namespace", "default"];
    let manifests = cluster.helm(&install).await.success();
    assert!(manifests.contains("kind: Deployment"), "{manifests}");
}

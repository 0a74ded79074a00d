//! Parts that end, and come back with what was written.

use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::watcher::{self, Event, watcher};
use nuncio_kube_tests::Cluster;

async fn create(cluster: &Cluster, name: &str) {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let map = ConfigMap { metadata, ..ConfigMap::default() };
    let maps = Api::default_namespaced(cluster.admin());
    maps.create(&PostParams::default(), &map).await.unwrap();
}

async fn exists(cluster: &Cluster, name: &str) -> bool {
    let maps = Api::<ConfigMap>::default_namespaced(cluster.admin());
    maps.get_opt(name).await.unwrap().is_some()
}

#[tokio::test]
async fn objects_survive_the_end_of_each_part() {
    let mut cluster = Cluster::start().await;
    create(&cluster, "a").await;

    let maps = Api::<ConfigMap>::default_namespaced(cluster.admin());
    let config = watcher::Config::default().streaming_lists().fields("metadata.name=b");
    let mut events = pin!(watcher(maps.clone(), config));
    while !matches!(events.next().await.unwrap().unwrap(), Event::InitDone) {}

    cluster.stop_api_server().await;
    assert!(maps.get("a").await.is_err(), "nobody answers");
    assert!(events.next().await.unwrap().is_err(), "the watch has ended");
    cluster.start_api_server().await;
    assert!(exists(&cluster, "a").await);

    create(&cluster, "b").await;
    let seen = |event: &Result<Event<ConfigMap>, _>| matches!(event, Ok(Event::Apply(_) | Event::InitApply(_)));
    while !seen(&events.next().await.unwrap()) {}

    cluster.restart_etcd().await;
    assert!(exists(&cluster, "a").await);
    create(&cluster, "c").await;
    assert!(exists(&cluster, "c").await);
}

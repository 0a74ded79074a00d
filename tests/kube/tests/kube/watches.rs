//! Watches that begin with what is there.

use std::pin::pin;

use futures_util::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Error};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::eventually;
use serde_json::json;

fn config_map(name: &str) -> ConfigMap {
    let data = [("version".to_owned(), "1".to_owned())].into();
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}

#[tokio::test]
async fn a_streaming_list_gives_what_is_there_and_then_what_changes() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace().await;
    let maps: Api<ConfigMap> = namespace.api();
    maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    // A list begins with what the server's cache has, which may be a moment behind what was written.
    eventually("the cache has it", async || {
        let cached = maps.list(&ListParams::default().match_any()).await.unwrap().items;
        cached.iter().any(|map| map.metadata.name.as_deref() == Some("a")).then_some(()).ok_or(cached.len())
    })
    .await;

    let mut events =
        pin!(watcher(maps.clone(), watcher::Config::default().streaming_lists().fields("metadata.name=a")));
    let mut next = async || events.next().await.unwrap().unwrap();
    assert!(matches!(next().await, Event::InitApply(map) if map.metadata.name.as_deref() == Some("a")));
    assert!(matches!(next().await, Event::InitDone));

    let patch = Patch::Merge(json!({"data": {"version": "2"}}));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert!(matches!(next().await, Event::Apply(map) if map.data.as_ref().unwrap()["version"] == "2"));
}

/// What the server answers to one that asks it to begin a watch with the objects that there are.
async fn streaming_list(maps: &Api<ConfigMap>) -> Result<Vec<WatchEvent<ConfigMap>>, Error> {
    let params = WatchParams::default().initial_events().timeout(1);
    maps.watch(&params, "0").await?.try_collect().await
}

#[tokio::test]
async fn the_end_of_a_streaming_list_is_marked_by_the_server() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace().await;
    let events = streaming_list(&namespace.api()).await.unwrap();
    let marked = |event: &WatchEvent<ConfigMap>| match event {
        WatchEvent::Bookmark(bookmark) => bookmark.metadata.annotations.contains_key("k8s.io/initial-events-end"),
        _ => false,
    };
    assert!(events.iter().any(marked), "{events:?}");
}

#[tokio::test]
async fn a_server_can_be_started_without_streaming_lists() {
    let cluster = Cluster::start_with(&["--feature-gates=WatchList=false"]).await;
    let refused = streaming_list(&Api::default_namespaced(cluster.admin())).await.unwrap_err().to_string();
    assert!(refused.contains("sendInitialEvents is forbidden"), "{refused}");
}

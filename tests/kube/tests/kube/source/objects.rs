//! Objects that come, change and go.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site, yaml};
use serde_json::json;

use super::place::{self, answers, apply, documents, gateway, mapping, site_objects};

#[tokio::test]
async fn objects_come_change_and_go() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    apply(cluster, &namespace, &site_objects(&site, one.address())).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    answers(&site, "/app/", "one").await;

    apply(cluster, &namespace, &[mapping("app", "/app/", two.address())]).await;
    answers(&site, "/app/", "two").await;
    apply(cluster, &namespace, &[mapping("more", "/more/", one.address())]).await;
    answers(&site, "/more/", "one").await;
    drop(cluster.kubectl(&["delete", "mapping", "app", "--namespace", namespace.name()]).await.success());
    answers(&site, "/app/", "404").await;
    answers(&site, "/more/", "one").await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_object_that_is_wrong_harms_no_other_and_is_named_by_its_problem() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = site_objects(&site, backend.address());
    objects.push(yaml::object("Mapping", "wrong", json!({"hostname": "*", "prefix": 7, "service": "http://x"})));
    apply(cluster, &namespace, &objects).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    answers(&site, "/app/", "one").await;
    let problem = gateway.admin.problem(&["wrong", "spec.prefix"]).await;
    assert_eq!(problem["object"]["name"], "wrong");
    assert_eq!(problem["location"], json!(null), "an object of a cluster is in no file");
    gateway.stop().await;
}

#[tokio::test]
async fn a_kind_without_effect_is_told_of_each_object_and_until_it_is_gone() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let kinds = ["LogService", "TracingService", "ConsulResolver"];
    let mut objects = site_objects(&site, Backend::start("one").await.address());
    objects.extend(kinds.map(|kind| yaml::object(kind, "idle", json!({}))));
    apply(cluster, &namespace, &objects).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    for kind in kinds {
        let problem = gateway.admin.problem(&[&format!("{kind}/{}/idle", namespace.name()), "not yet supported"]).await;
        assert_eq!(problem["reason"], "NotYetSupported");
    }
    drop(cluster.kubectl(&["delete", "logservice", "idle", "--namespace", namespace.name()]).await.success());
    gateway.admin.no_problem(&["LogService"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_object_of_its_own_counts_before_one_in_an_annotation() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (own, annotated) = (Backend::start("own").await, Backend::start("annotated").await);
    let mut objects = site_objects(&site, own.address());
    let config =
        documents(&[mapping("app", "/app/", annotated.address()), mapping("note", "/note/", annotated.address())]);
    objects.push(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "carrier", "annotations": {"getambassador.io/config": config}},
        "spec": {"ports": [{"port": 80}]},
    }));
    apply(cluster, &namespace, &objects).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    answers(&site, "/note/", "annotated").await;
    answers(&site, "/app/", "own").await;
    drop(cluster.kubectl(&["delete", "mapping", "app", "--namespace", namespace.name()]).await.success());
    answers(&site, "/app/", "annotated").await;
    apply(cluster, &namespace, &[mapping("app", "/app/", own.address())]).await;
    answers(&site, "/app/", "own").await;
    gateway.stop().await;
}

#[tokio::test]
async fn objects_of_other_instances_labels_and_fields_are_passed_over() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = site_objects(&site, backend.address());
    for object in &mut objects {
        object["spec"]["ambassador_id"] = json!(["edge"]);
        object["metadata"]["labels"] = json!({"edge": "yes"});
    }
    let mut others = mapping("other", "/other/", backend.address());
    others["metadata"]["labels"] = json!({"edge": "yes"});
    let mut unlabelled = mapping("unlabelled", "/unlabelled/", backend.address());
    unlabelled["spec"]["ambassador_id"] = json!(["edge"]);
    let mut hidden = objects[1].clone();
    hidden["metadata"]["name"] = json!("hidden");
    hidden["spec"]["prefix"] = json!("/hidden/");
    objects.extend([others, unlabelled, hidden]);
    apply(cluster, &namespace, &objects).await;
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig(), namespace.name());
    command.env("AMBASSADOR_ID", "edge").env("AMBASSADOR_LABEL_SELECTOR", "edge=yes");
    command.env("AMBASSADOR_FIELD_SELECTOR", "metadata.name!=hidden");
    let gateway = Gateway::start_by(&site, &mut command).await;
    answers(&site, "/app/", "one").await;
    answers(&site, "/other/", "404").await;
    answers(&site, "/unlabelled/", "404").await;
    answers(&site, "/hidden/", "404").await;
    gateway.stop().await;
}

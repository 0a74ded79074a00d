//! Certificates in Secrets, of which only those are fetched that something names.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Authority, Client, Gateway, Identity, Load, Site, Tls, eventually, get, yaml};
use nuncio_kube_tests::Cluster;
use serde_json::{Value, json};

use super::place::{self, apply, gateway, mapping};

const NAME: &str = "shop.example";

fn objects(site: &Site, backend: &Backend) -> Vec<Value> {
    let host = json!({"hostname": NAME, "tlsSecret": {"name": "shop"}});
    vec![
        yaml::listener("https", site.https().port(), "HTTPS"),
        yaml::object("Host", "shop", host),
        mapping("app", "/app/", backend.address()),
    ]
}

fn secret(identity: &Identity) -> Value {
    yaml::tls_secret("shop", identity)
}

/// Waits until the certificate of this authority is shown.
async fn shows(site: &Site, authority: &Authority) {
    let client = Client::https(site.https(), Tls::to(NAME, authority));
    eventually("the certificate is shown", async || {
        let reply = client.send(&get(NAME, "/app/")).await.map_err(|failure| failure.to_string())?;
        if reply.status == 200 { Ok(()) } else { Err(reply.by()) }
    })
    .await;
}

async fn delete(cluster: &Cluster, namespace: &str, what: &[&str]) {
    drop(cluster.kubectl(&[&["delete", "--namespace", namespace], what].concat()).await.success());
}

#[tokio::test]
async fn a_certificate_is_there_from_the_first_request_on_and_is_renewed() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, [old, new]) = (Backend::start("one").await, [Authority::new("old"), Authority::new("new")]);
    let mut first = objects(&site, &backend);
    first.push(secret(&old.issue(&[NAME])));
    apply(cluster, &namespace, &first).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    let reply = Client::https(site.https(), Tls::to(NAME, &old)).ask(&get(NAME, "/app/")).await;
    assert_eq!(reply.by(), "one", "ready means with certificates");
    apply(cluster, &namespace, &[secret(&new.issue(&[NAME]))]).await;
    shows(&site, &new).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_selection_by_labels_is_none_of_the_secrets_that_objects_name() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, [old, new]) = (Backend::start("one").await, [Authority::new("old"), Authority::new("new")]);
    let mut first = objects(&site, &backend);
    for object in &mut first {
        object["metadata"]["labels"] = json!({"edge": "yes"});
    }
    first.push(secret(&old.issue(&[NAME])));
    apply(cluster, &namespace, &first).await;
    let mut command = place::up_in(&site, &cluster.admin_kubeconfig(), namespace.name());
    command.env("AMBASSADOR_LABEL_SELECTOR", "edge=yes");
    let gateway = Gateway::start_by(&site, &mut command).await;
    shows(&site, &old).await;
    apply(cluster, &namespace, &[secret(&new.issue(&[NAME]))]).await;
    shows(&site, &new).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_deleted_serves_on_and_that_is_told() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, [old, new]) = (Backend::start("one").await, [Authority::new("old"), Authority::new("new")]);
    let mut first = objects(&site, &backend);
    first.push(secret(&old.issue(&[NAME])));
    apply(cluster, &namespace, &first).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    // New connections all the time: each is shown the certificate.
    let client = Client::https(site.https(), Tls::to(NAME, &old));
    let load = Load::fresh(&client, vec![get(NAME, "/app/")], |reply| reply.status == 200);
    load.more(20).await;
    delete(cluster, namespace.name(), &["secret", "shop"]).await;
    let problem = gateway.admin.problem(&["the Secret was deleted"]).await;
    assert_eq!((&problem["object"]["kind"], &problem["object"]["name"]), (&json!("Secret"), &json!("shop")));
    shows(&site, &old).await;
    load.more(20).await;
    load.stop().await.assert_nothing_lost(40);

    apply(cluster, &namespace, &[secret(&new.issue(&[NAME]))]).await;
    shows(&site, &new).await;
    gateway.admin.no_problem(&["the Secret was deleted"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_secret_is_fetched_once_it_is_named_and_forgotten_after() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, authority) = (Backend::start("one").await, Authority::new("one"));
    let all = objects(&site, &backend);
    apply(cluster, &namespace, &[all[0].clone(), all[2].clone(), secret(&authority.issue(&[NAME]))]).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    assert_eq!(gateway.admin.object("Secret", "shop").await, None, "nobody wants it");
    apply(cluster, &namespace, &all).await;
    shows(&site, &authority).await;
    assert!(gateway.admin.object("Secret", "shop").await.is_some());
    delete(cluster, namespace.name(), &["host.getambassador.io", "shop"]).await;
    eventually("the Secret is forgotten", async || match gateway.admin.object("Secret", "shop").await {
        None => Ok(()),
        Some(secret) => Err(secret.to_string()),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_host_that_waits_for_its_secret_is_served_when_it_comes() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, authority) = (Backend::start("one").await, Authority::new("one"));
    apply(cluster, &namespace, &objects(&site, &backend)).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    gateway.admin.problem(&["there is no Secret"]).await;
    apply(cluster, &namespace, &[secret(&authority.issue(&[NAME]))]).await;
    shows(&site, &authority).await;
    gateway.stop().await;
}

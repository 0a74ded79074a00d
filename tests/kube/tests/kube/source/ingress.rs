//! Ingresses as they come from an API server: which of them are ours, their certificates, and ports by name.

use std::net::SocketAddr;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, eventually, get, yaml};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::outward_address;
use serde_json::{Value, json};

use super::place::{self, answers, apply_in};

const NAME: &str = "shop.example";

fn class(name: &str, controller: &str, is_default: bool) -> Value {
    let annotations = json!({"ingressclass.kubernetes.io/is-default-class": is_default.to_string()});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": name, "annotations": annotations}, "spec": {"controller": controller},
    })
}

/// The path `/NAME` of every host, by the port of the Service that is called `http`.
fn ingress(name: &str, class: Option<&str>) -> Value {
    let backend = json!({"service": {"name": "web", "port": {"name": "http"}}});
    let paths = json!([{"path": format!("/{name}"), "pathType": "Prefix", "backend": backend}]);
    let mut spec = json!({"rules": [{"http": {"paths": paths}}]});
    if let Some(class) = class {
        spec["ingressClassName"] = json!(class);
    }
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec})
}

/// A Service whose pods have another number for the port than the Service has.
fn service(backend: SocketAddr) -> [Value; 2] {
    let ports = json!([{"name": "other", "port": 81, "targetPort": 1}, {"name": "http", "port": 80}]);
    let slice_ports = json!([{"name": "other", "port": 1}, {"name": "http", "port": backend.port()}]);
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}}),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": [backend.ip()]}], "ports": slice_ports,
        }),
    ]
}

/// Applies what is in no namespace too.
async fn apply(cluster: &Cluster, objects: &[Value]) {
    apply_in(cluster, "default", objects).await;
}

#[tokio::test]
async fn an_ingress_is_served_by_its_class_which_may_be_the_default_one() {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, backend) = (Site::new(), Backend::start_at("one", outward_address()).await);
    let mut objects = vec![yaml::listener("http", site.http().port(), "HTTP")];
    objects.extend(service(backend.address()));
    objects
        .extend([class("ours", "nuncio.dev/ingress-controller", false), class("theirs", "example.com/other", false)]);
    objects.extend([ingress("older", None), ingress("ours", Some("ours")), ingress("theirs", Some("theirs"))]);
    apply(&cluster, &objects).await;
    let gateway = Gateway::start_by(&site, &mut place::up(&site, &cluster.admin_kubeconfig())).await;
    answers(&site, "/ours", "one").await;
    for path in ["/theirs", "/older"] {
        answers(&site, path, "404").await;
    }

    // The API server writes the class into those that are made from now on, and into no older one.
    apply(&cluster, &[class("ours", "nuncio.dev/ingress-controller", true)]).await;
    apply(&cluster, &[ingress("newer", None)]).await;
    answers(&site, "/newer", "one").await;
    answers(&site, "/older", "404").await;
    let newer =
        cluster.kubectl(&["get", "ingress", "newer", "-o", "jsonpath={.spec.ingressClassName}"]).await.success();
    assert_eq!(newer, "ours");
    // A class that is taken over brings its Ingresses.
    apply(&cluster, &[class("given", "getambassador.io/ingress-controller", false), ingress("given", Some("given"))])
        .await;
    answers(&site, "/given", "one").await;
    drop(cluster.kubectl(&["delete", "ingressclass", "ours"]).await.success());
    for path in ["/ours", "/newer"] {
        answers(&site, path, "404").await;
    }
    answers(&site, "/given", "one").await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_ingress_has_its_certificate_from_its_secret() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let (backend, authority) = (Backend::start_at("one", outward_address()).await, Authority::new("shop"));
    let mut ingress = ingress("app", None);
    ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "ambassador"});
    ingress["spec"]["rules"][0]["host"] = json!(NAME);
    ingress["spec"]["tls"] = json!([{"hosts": [NAME], "secretName": "shop"}]);
    let mut objects = vec![yaml::listener("https", site.https().port(), "HTTPS"), ingress];
    objects.extend(service(backend.address()));
    place::apply(cluster, &namespace, &objects).await;
    let gateway = place::gateway(cluster, namespace.name(), &site).await;
    gateway.admin.problem(&["Secret", "shop"]).await;

    place::apply(cluster, &namespace, &[yaml::tls_secret("shop", &authority.issue(&[NAME]))]).await;
    let client = Client::https(site.https(), Tls::to(NAME, &authority));
    eventually("it is served with the certificate", async || {
        let reply = client.send(&get(NAME, "/app")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "one" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    gateway.stop().await;
}

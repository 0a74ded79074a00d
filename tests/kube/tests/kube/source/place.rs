//! What these tests need: `CustomResourceDefinitions` that let everything through, a namespace, and a gateway that reads it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use nuncio_e2e::{Client, Gateway, Site, envoy, eventually, get};
use nuncio_kube_tests::{Cluster, Namespace};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The kinds that the source watches.
pub(crate) const KINDS: [(&str, &str); 17] = [
    ("Mapping", "mappings"),
    ("TCPMapping", "tcpmappings"),
    ("Host", "hosts"),
    ("Listener", "listeners"),
    ("Module", "modules"),
    ("TLSContext", "tlscontexts"),
    ("KubernetesServiceResolver", "kubernetesserviceresolvers"),
    ("KubernetesEndpointResolver", "kubernetesendpointresolvers"),
    ("ConsulResolver", "consulresolvers"),
    ("AuthService", "authservices"),
    ("RateLimit", "ratelimits"),
    ("Filter", "filters"),
    ("FilterPolicy", "filterpolicies"),
    ("RateLimitService", "ratelimitservices"),
    ("LogService", "logservices"),
    ("TracingService", "tracingservices"),
    ("DevPortal", "devportals"),
];

/// A definition that says nothing about what its objects hold.
pub(crate) fn definition(kind: &str, plural: &str) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({
        "name": "v3alpha1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.getambassador.io")},
        "spec": {
            "group": "getambassador.io", "scope": "Namespaced", "versions": [version],
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
        },
    })
}

/// Installs definitions, and waits until the server serves them.
pub(crate) async fn define(cluster: &Cluster, kinds: &[(&str, &str)]) {
    let definitions: Vec<_> = kinds.iter().map(|(kind, plural)| definition(kind, plural)).collect();
    drop(cluster.apply(&documents(&definitions), &[]).await.success());
    for (_, plural) in kinds {
        let name = format!("crd/{plural}.getambassador.io");
        drop(cluster.kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]).await.success());
        eventually(plural, async || {
            let output = cluster.kubectl(&["get", &format!("{plural}.getambassador.io"), "-A"]).await;
            if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
        })
        .await;
    }
}

/// The cluster that tests share, with every definition.
pub(crate) async fn cluster() -> &'static Cluster {
    static DEFINED: OnceCell<()> = OnceCell::const_new();
    let cluster = Cluster::shared().await;
    DEFINED.get_or_init(|| define(cluster, &KINDS)).await;
    cluster
}

/// Several documents.
pub(crate) fn documents(documents: &[Value]) -> String {
    nuncio_e2e::yaml::documents(documents)
}

/// A Listener, and a Mapping of every host name to a backend.
pub(crate) fn site_objects(site: &Site, backend: SocketAddr) -> Vec<Value> {
    vec![nuncio_e2e::yaml::listener("http", site.http().port(), "HTTP"), mapping("app", "/app/", backend)]
}

/// The same, where no request of a load is given up while the machine has much else to do.
pub(crate) fn patient_site_objects(site: &Site, backend: SocketAddr) -> Vec<Value> {
    let mut app = mapping("app", "/app/", backend);
    app["spec"]["timeout_ms"] = json!(60_000);
    vec![nuncio_e2e::yaml::listener("http", site.http().port(), "HTTP"), app]
}

/// A Mapping of every host name.
pub(crate) fn mapping(name: &str, prefix: &str, backend: SocketAddr) -> Value {
    let spec = json!({"hostname": "*", "prefix": prefix, "service": format!("http://{backend}")});
    nuncio_e2e::yaml::object("Mapping", name, spec)
}

/// `nuncio up --kubernetes` as whoever the kubeconfig says.
pub(crate) fn up(site: &Site, kubeconfig: &Path) -> Command {
    let mut command = site.up_without_manifests(site.ip(), &envoy());
    command.args(["--kubernetes", "--kubeconfig"]).arg(kubeconfig);
    for name in ["AMBASSADOR_SINGLE_NAMESPACE", "AMBASSADOR_LABEL_SELECTOR", "AMBASSADOR_FIELD_SELECTOR"] {
        command.env_remove(name);
    }
    command
}

/// The same for one namespace.
pub(crate) fn up_in(site: &Site, kubeconfig: &Path, namespace: &str) -> Command {
    let mut command = up(site, kubeconfig);
    command.args(["--single-namespace", "--namespace", namespace]);
    command
}

/// Puts objects into a namespace.
pub(crate) async fn apply(cluster: &Cluster, namespace: &Namespace<'_>, objects: &[Value]) {
    apply_in(cluster, namespace.name(), objects).await;
}

/// The same, by the name of the namespace.
pub(crate) async fn apply_in(cluster: &Cluster, namespace: &str, objects: &[Value]) {
    drop(cluster.apply(&documents(objects), &["--namespace", namespace]).await.success());
}

/// A gateway that reads one namespace as the administrator.
pub(crate) async fn gateway<'a>(cluster: &Cluster, namespace: &str, site: &'a Site) -> Gateway<'a> {
    Gateway::start_by(site, &mut up_in(site, &cluster.admin_kubeconfig(), namespace)).await
}

/// Waits until a path is answered by a backend, or with a status.
pub(crate) async fn answers(site: &Site, path: &str, by: &str) {
    Client::http(site.http()).until_by(&get("any.example", path), by).await;
}

//! What the gateway may read, and what it says when it may not.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site, eventually};
use nuncio_kube_tests::{Account, Cluster};
use serde_json::{Value, json};

use super::faults::load;
use super::place::{self, answers, apply, apply_in, mapping, patient_site_objects, site_objects};

/// Everything that a gateway of one namespace reads.
fn role(groups: &[(&str, &[&str])]) -> Value {
    let rule = |(group, resources): &(&str, &[&str])| json!({"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]});
    let rules: Vec<_> = groups.iter().map(rule).collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "gateway"}, "rules": rules})
}

const OWN: (&str, &[&str]) = ("getambassador.io", &["*"]);
const SLICES: (&str, &[&str]) = ("discovery.k8s.io", &["endpointslices"]);
const INGRESSES: (&str, &[&str]) = ("networking.k8s.io", &["ingresses"]);

fn binding(namespace: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "gateway"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    })
}

#[tokio::test]
async fn a_role_in_one_namespace_is_enough_and_a_verb_that_is_missing_is_named() {
    let (cluster, site) = (place::cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = site_objects(&site, backend.address());
    // Without Secrets.
    objects.extend([role(&[OWN, ("", &["services"]), SLICES, INGRESSES]), binding(namespace.name())]);
    apply(cluster, &namespace, &objects).await;
    let kubeconfig =
        cluster.kubeconfig_for(Account::ServiceAccount { namespace: namespace.name(), name: "default" }).await;
    let mut gateway = Gateway::launch(&site, &mut place::up_in(&site, &kubeconfig, namespace.name()));
    eventually("it says what it may not", async || match gateway.admin.ready().await {
        Err(text) if text.contains("secrets") && text.contains("forbidden") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    let whole = role(&[OWN, ("", &["services", "secrets"]), SLICES, INGRESSES]);
    apply(cluster, &namespace, std::slice::from_ref(&whole)).await;
    gateway.ready().await;
    answers(&site, "/app/", "one").await;
    gateway.stop().await;
}

#[tokio::test]
async fn other_namespaces_are_read_as_well_unless_told_otherwise() {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, other) = (Site::new(), cluster.namespace().await);
    let backend = Backend::start("one").await;
    apply_in(&cluster, "default", &site_objects(&site, backend.address())).await;
    apply(&cluster, &other, &[mapping("other", "/other/", backend.address())]).await;
    let gateway = Gateway::start_by(&site, &mut place::up(&site, &cluster.admin_kubeconfig())).await;
    answers(&site, "/app/", "one").await;
    answers(&site, "/other/", "one").await;
    gateway.stop().await;
    let gateway = place::gateway(&cluster, "default", &site).await;
    answers(&site, "/app/", "one").await;
    answers(&site, "/other/", "404").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_kind_that_is_not_installed_holds_nothing_up_and_is_picked_up_later() {
    let cluster = Cluster::start().await;
    let (early, late): (Vec<_>, Vec<_>) = place::KINDS.into_iter().partition(|(kind, _)| *kind != "Mapping");
    place::define(&cluster, &early).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let objects = site_objects(&site, backend.address());
    apply_in(&cluster, "default", &objects[..1]).await;
    let gateway = place::gateway(&cluster, "default", &site).await;
    gateway.admin.problem(&["mappings.getambassador.io", "CustomResourceDefinition"]).await;
    place::define(&cluster, &late).await;
    apply_in(&cluster, "default", &objects).await;
    answers(&site, "/app/", "one").await;
    gateway.admin.no_problem(&["CustomResourceDefinition"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_may_no_longer_be_read_serves_on_and_is_read_again_once_it_may() {
    let mut cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let whole = role(&[OWN, ("", &["services", "secrets"]), SLICES, INGRESSES]);
    let mut objects = patient_site_objects(&site, backend.address());
    objects.extend([whole.clone(), binding("default")]);
    apply_in(&cluster, "default", &objects).await;
    let kubeconfig = cluster.kubeconfig_for(Account::ServiceAccount { namespace: "default", name: "default" }).await;
    let gateway = Gateway::start_by(&site, &mut place::up_in(&site, &kubeconfig, "default")).await;
    answers(&site, "/app/", "one").await;

    let load = load(&site);
    apply_in(&cluster, "default", &[role(&[("", &["services", "secrets"]), SLICES, INGRESSES])]).await;
    // A watch that is open stays open: it is begun anew.
    cluster.stop_api_server().await;
    cluster.start_api_server().await;
    gateway.admin.problem(&["mappings.getambassador.io", "forbidden", "Role in the namespace default"]).await;
    answers(&site, "/app/", "one").await;
    gateway.admin.ready().await.unwrap();

    apply_in(&cluster, "default", &[whole, mapping("late", "/late/", backend.address())]).await;
    answers(&site, "/late/", "one").await;
    gateway.admin.no_problem(&["forbidden"]).await;
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

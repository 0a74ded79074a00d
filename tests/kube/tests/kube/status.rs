//! What `kubectl` shows of objects: conditions, columns and events, written by one replica.

mod filters;
mod ingress;
mod told;

use std::process::Command;
use std::time::{Duration, Instant};

use nuncio_api::crd::{Conversion, definitions};
use nuncio_controller::rbac::{Feature, RULES, Rule, Scope};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site, eventually, yaml};
use nuncio_kube_tests::{Account, Cluster, Namespace};
use nuncio_test_support::within;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::source::place;

/// Seconds after which another replica takes over, in these tests.
const LEASE: u64 = 3;

/// A cluster with the definitions that users install.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(async || {
            let cluster = Cluster::start().await;
            let manifests: Vec<_> =
                definitions(&Conversion::None).into_iter().map(|definition| definition.manifest).collect();
            let _ = cluster.apply(&place::documents(&manifests), &[]).await.success();
            let _ = cluster
                .kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])
                .await
                .success();
            cluster
        })
        .await
}

fn up(cluster: &Cluster, namespace: &str, site: &Site) -> Command {
    let mut command = place::up_in(site, &cluster.admin_kubeconfig(), namespace);
    command.args(["--lease-duration", &LEASE.to_string()]);
    command
}

async fn gateway<'a>(cluster: &Cluster, namespace: &str, site: &'a Site) -> Gateway<'a> {
    Gateway::start_by(site, &mut up(cluster, namespace, site)).await
}

/// An object as the API server has it.
async fn object(cluster: &Cluster, namespace: &str, kind: &str, name: &str) -> Value {
    let text = cluster.kubectl(&["get", kind, name, "--namespace", namespace, "-o", "json"]).await.success();
    serde_json::from_str(&text).unwrap()
}

fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// Waits until an object has these conditions, of the generation that it has.
async fn shows(cluster: &Cluster, namespace: &str, kind: &str, name: &str, wanted: &[(&str, &str, &str)]) -> Value {
    eventually(&format!("{kind} {name} is {wanted:?}"), async || {
        let object = object(cluster, namespace, kind, name).await;
        let fits = |(kind, status, reason): &(&str, &str, &str)| {
            let condition = condition(&object, kind);
            condition["status"] == *status
                && condition["reason"] == *reason
                && condition["observedGeneration"] == object["metadata"]["generation"]
        };
        if wanted.iter().all(fits) { Ok(object) } else { Err(format!("{:#}", object["status"])) }
    })
    .await
}

const FINE: [(&str, &str, &str); 3] =
    [("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs"), ("Programmed", "True", "Programmed")];

/// A Mapping with a header that Nuncio takes and Envoy does not: the expression does not parse.
fn refused(name: &str, backend: &Backend) -> Value {
    let mut mapping = place::mapping(name, "/bad/", backend.address());
    mapping["spec"]["add_request_headers"] = json!({"x-cel": {"value": "%CEL(request.path +)%"}});
    mapping
}

#[tokio::test]
async fn a_good_object_is_programmed_and_a_broken_one_says_why() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = place::site_objects(&site, backend.address());
    objects.push(yaml::host("any", "*"));
    objects.push(yaml::object("Mapping", "broken", json!({"hostname": "*", "prefix": "/x/", "service": "http://a b"})));
    let mut lost = place::mapping("lost", "/lost/", backend.address());
    lost["spec"]["resolver"] = json!("nowhere");
    objects.push(lost);
    place::apply(cluster, &namespace, &objects).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;

    let app = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    assert_eq!(app["status"]["state"], "Running");
    assert_eq!(app["status"]["observedGeneration"], app["metadata"]["generation"]);
    assert_eq!(condition(&app, "Stalled"), &Value::Null);
    let host = shows(cluster, namespace.name(), "host", "any", &FINE).await;
    assert_eq!(host["status"]["state"], "Ready");
    shows(cluster, namespace.name(), "listener", "http", &FINE).await;

    let wanted =
        [("Accepted", "False", "InvalidValue"), ("Programmed", "False", "Invalid"), ("Stalled", "True", "Invalid")];
    let broken = shows(cluster, namespace.name(), "mapping", "broken", &wanted).await;
    let message = condition(&broken, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("spec.service") && message.contains("apply the Mapping again"), "{message}");
    assert_eq!(broken["status"]["state"], "Inactive");
    let wanted = [("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "ResolverNotFound")];
    shows(cluster, namespace.name(), "mapping", "lost", &wanted).await;

    let table = cluster.kubectl(&["get", "mapping", "--namespace", namespace.name()]).await.success();
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(table.lines().next().unwrap().contains("STATE"), "{table}");
    assert!(row("app").contains("Running") && row("broken").contains("Inactive"), "{table}");
    let described =
        cluster.kubectl(&["describe", "mapping", "broken", "--namespace", namespace.name()]).await.success();
    assert!(described.contains("Warning") && described.contains("InvalidValue"), "{described}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_fix_flips_the_conditions_and_their_times_and_a_change_that_does_not_keeps_them() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    let first = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    let since = |object: &Value, kind: &str| condition(object, kind)["lastTransitionTime"].as_str().unwrap().to_owned();
    // Times are whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;

    place::apply(cluster, &namespace, &[place::mapping("app", "/other/", backend.address())]).await;
    let second = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    assert_eq!(second["metadata"]["generation"], 2);
    assert_eq!(since(&second, "Programmed"), since(&first, "Programmed"));

    let mut broken = place::mapping("app", "/other/", backend.address());
    broken["spec"]["service"] = json!("http://a b");
    place::apply(cluster, &namespace, &[broken]).await;
    let wanted = [("Accepted", "False", "InvalidValue"), ("Programmed", "False", "Invalid")];
    let third = shows(cluster, namespace.name(), "mapping", "app", &wanted).await;
    assert!(since(&third, "Accepted") > since(&first, "Accepted"));
    assert_eq!(since(&third, "ResolvedRefs"), since(&first, "ResolvedRefs"));
    let message = condition(&third, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("what was valid before stays in force"), "{message}");

    tokio::time::sleep(Duration::from_millis(1100)).await;
    place::apply(cluster, &namespace, &[place::mapping("app", "/other/", backend.address())]).await;
    let fourth = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    assert!(since(&fourth, "Accepted") > since(&third, "Accepted"));
    assert_eq!(fourth["status"]["reason"], "");
    assert_eq!(condition(&fourth, "Stalled"), &Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn what_envoy_says_lands_on_the_culprit_and_not_on_its_neighbours() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    let neighbour = place::mapping("neighbour", "/neighbour/", backend.address());
    place::apply(cluster, &namespace, &[refused("culprit", &backend), neighbour]).await;
    let wanted = [("Accepted", "True", "Accepted"), ("Programmed", "False", "RefusedByProxy")];
    let culprit = shows(cluster, namespace.name(), "mapping", "culprit", &wanted).await;
    let message = condition(&culprit, "Programmed")["message"].as_str().unwrap();
    assert!(message.contains("Not able to parse expression"), "{message}");
    for name in ["app", "neighbour"] {
        let object = shows(cluster, namespace.name(), "mapping", name, &FINE).await;
        assert!(!object["status"].to_string().contains("refused"), "{object}");
    }
    place::apply(cluster, &namespace, &[place::mapping("culprit", "/fixed/", backend.address())]).await;
    shows(cluster, namespace.name(), "mapping", "culprit", &FINE).await;
    gateway.stop().await;
}

/// The versions of all objects of a namespace.
async fn versions(cluster: &Cluster, namespace: &str) -> Vec<(String, String)> {
    let kinds = "mappings.getambassador.io,hosts.getambassador.io,listeners.getambassador.io";
    let text = cluster.kubectl(&["get", kinds, "--namespace", namespace, "-o", "json"]).await.success();
    let list: Value = serde_json::from_str(&text).unwrap();
    let version = |object: &Value| {
        let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
        (text("name"), text("resourceVersion"))
    };
    list["items"].as_array().unwrap().iter().map(version).collect()
}

#[tokio::test]
async fn nothing_is_written_at_rest_nor_by_a_restart_nor_over_what_others_say() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = place::site_objects(&site, backend.address());
    objects.push(yaml::object("Mapping", "broken", json!({"hostname": "*", "prefix": "/x/", "service": "http://a b"})));
    place::apply(cluster, &namespace, &objects).await;
    let first = gateway(cluster, namespace.name(), &site).await;
    shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    shows(cluster, namespace.name(), "mapping", "broken", &[("Accepted", "False", "InvalidValue")]).await;
    shows(cluster, namespace.name(), "listener", "http", &FINE).await;
    // What another says of the object stays, and leads to nothing.
    let theirs = r#"{"status":{"conditions":[{"type":"Theirs","status":"True","reason":"Theirs","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    let apply = json!({"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "app"}, "status": serde_json::from_str::<Value>(theirs).unwrap()["status"]});
    let args = ["--namespace", namespace.name(), "--subresource=status", "--field-manager=theirs"];
    let _ = cluster.apply(&apply.to_string(), &args).await.success();
    let before = versions(cluster, namespace.name()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(versions(cluster, namespace.name()).await, before);
    first.stop().await;

    let second = gateway(cluster, namespace.name(), &site).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(versions(cluster, namespace.name()).await, before, "a new leader finds everything said");
    let app = object(cluster, namespace.name(), "mapping", "app").await;
    assert_eq!(condition(&app, "Theirs")["status"], "True");
    second.stop().await;
}

#[tokio::test]
async fn what_another_writes_over_is_written_ever_less_often() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    let over = ["patch", "mapping", "app", "--namespace", namespace.name(), "--subresource=status", "--type=merge"];
    let (begun, mut lost) = (Instant::now(), 0);
    // Each is a write of ours.
    while begun.elapsed() < Duration::from_secs(8) {
        let app = object(cluster, namespace.name(), "mapping", "app").await;
        if app["status"]["state"] == "Running" {
            lost += 1;
            let _ =
                cluster.kubectl(&[&over[..], &["-p", r#"{"status":{"state":"Inactive"}}"#]].concat()).await.success();
        }
    }
    assert!((2..=5).contains(&lost), "{lost}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_told_so_writes_nothing() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    let mut command = up(cluster, namespace.name(), &site);
    command.arg("--no-status");
    let silent = Gateway::start_by(&site, &mut command).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(object(cluster, namespace.name(), "mapping", "app").await["status"], Value::Null);
    silent.stop().await;

    let mut command = up(cluster, namespace.name(), &site);
    command.env("AMBASSADOR_UPDATE_MAPPING_STATUS", "false");
    let gateway = Gateway::start_by(&site, &mut command).await;
    shows(cluster, namespace.name(), "listener", "http", &FINE).await;
    assert_eq!(object(cluster, namespace.name(), "mapping", "app").await["status"], Value::Null);
    gateway.stop().await;
}

/// Who holds the Lease.
async fn holder(cluster: &Cluster, namespace: &Namespace<'_>) -> String {
    object(cluster, namespace.name(), "lease", "nuncio-default").await["spec"]["holderIdentity"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn of_two_replicas_one_writes_and_the_other_takes_over() {
    let (cluster, one, two) = (cluster().await, Site::new(), Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    // Each has its own address, so both can serve the Listener's port only if it is the same: it is that of the first.
    place::apply(cluster, &namespace, &place::site_objects(&one, backend.address())).await;
    let mut first = gateway(cluster, namespace.name(), &one).await;
    shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    let leader = holder(cluster, &namespace).await;
    let second = gateway(cluster, namespace.name(), &two).await;
    tokio::time::sleep(Duration::from_secs(LEASE + 1)).await;
    assert_eq!(holder(cluster, &namespace).await, leader, "it renews");

    first.kill().await;
    let killed = Instant::now();
    place::apply(cluster, &namespace, &[place::mapping("app", "/other/", backend.address())]).await;
    let app = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    assert_eq!(app["metadata"]["generation"], 2);
    assert_ne!(holder(cluster, &namespace).await, leader);
    assert!(killed.elapsed() < Duration::from_secs(2 * LEASE + 2), "{:?}", killed.elapsed());

    // One that stops lets go.
    second.stop().await;
    assert_eq!(holder(cluster, &namespace).await, "");
    let third = gateway(cluster, namespace.name(), &two).await;
    within(Duration::from_secs(2), "the Lease is taken at once", async || match holder(cluster, &namespace).await {
        free if free.is_empty() => Err("nobody holds it"),
        _ => Ok(()),
    })
    .await;
    third.stop().await;
}

/// A Role with every permission that is listed, but for those on the statuses of Mappings where `mappings` is not set.
fn role(mappings: bool) -> Value {
    let needed = |rule: &&Rule| rule.scope != Scope::Cluster && rule.feature != Feature::Webhook;
    let rules = RULES.iter().filter(needed).map(|rule| {
        let kept = |resource: &&&str| mappings || **resource != "mappings/status";
        let resources: Vec<_> = rule.resources.iter().filter(kept).collect();
        json!({"apiGroups": [rule.group], "resources": resources, "verbs": rule.verbs})
    });
    let rules: Vec<_> = rules.collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "gateway"}, "rules": rules})
}

#[tokio::test]
async fn what_is_listed_is_all_that_it_may_do_and_what_is_missing_is_said_once() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "gateway"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace.name()}],
    });
    let mut objects = place::site_objects(&site, backend.address());
    objects.push(yaml::object("Host", "broken", json!({"hostname": "broken.example", "tlsSecret": {"name": "none"}})));
    objects.extend([yaml::host("any", "*"), role(false), binding]);
    place::apply(cluster, &namespace, &objects).await;
    let account = Account::ServiceAccount { namespace: namespace.name(), name: "default" };
    let kubeconfig = cluster.kubeconfig_for(account).await;
    let gateway = Gateway::start_by(&site, &mut place::up_in(&site, &kubeconfig, namespace.name())).await;
    shows(cluster, namespace.name(), "listener", "http", &FINE).await;
    let wanted = [("ResolvedRefs", "False", "InvalidTLSSecret"), ("Reconciling", "True", "Invalid")];
    shows(cluster, namespace.name(), "host", "broken", &wanted).await;
    eventually("an event", async || {
        let events = cluster.kubectl(&["get", "events", "--namespace", namespace.name()]).await.success();
        if events.contains("InvalidTLSSecret") && events.contains("host/broken") { Ok(()) } else { Err(events) }
    })
    .await;
    let complaints = || gateway.stderr().iter().filter(|line| line.contains("mappings/status")).count();
    eventually("it says what it may not", async || if complaints() == 1 { Ok(()) } else { Err(complaints()) }).await;

    place::apply(cluster, &namespace, &[role(true)]).await;
    within(Duration::from_secs(30), "it is tried again", async || {
        let app = object(cluster, namespace.name(), "mapping", "app").await;
        if app["status"]["state"] == "Running" { Ok(()) } else { Err(app["status"].to_string()) }
    })
    .await;
    assert_eq!(complaints(), 1);
    gateway.stop().await;
}

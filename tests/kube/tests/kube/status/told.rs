//! What is told, when, and in which words.

use std::time::Duration;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Controller, Envoy, Load, Site, eventually, get, yaml};
use nuncio_kube_tests::{Account, Cluster};
use nuncio_test_support::within;
use serde_json::{Value, json};

use super::{FINE, cluster, condition, gateway, object, role, shows};
use crate::source::place;

#[tokio::test]
async fn an_object_is_programmed_once_an_envoy_has_it_and_not_before() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    let mut command = site.nuncio(&["controller", "--kubernetes", "--single-namespace", "--lease-duration", "3"]);
    command.args(["--namespace", namespace.name(), "--kubeconfig"]).arg(cluster.admin_kubeconfig());
    let controller = Controller::start_by(&site, &mut command).await;
    let waiting =
        [("Accepted", "True", "Accepted"), ("Programmed", "False", "NoEnvoy"), ("Reconciling", "True", "NoEnvoy")];
    let app = shows(cluster, namespace.name(), "mapping", "app", &waiting).await;
    assert_eq!(app["status"]["state"], "Inactive");

    let envoy = Envoy::start(&site, "one");
    let app = shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    assert_eq!((&app["status"]["state"], condition(&app, "Reconciling")), (&json!("Running"), &Value::Null));
    place::answers(&site, "/app/", "one").await;
    drop(envoy);
    controller.kill().await;
}

#[tokio::test]
async fn a_status_is_applied_by_a_manager_of_its_own_and_shown_in_columns() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = place::site_objects(&site, backend.address());
    objects.push(yaml::host("any", "*"));
    place::apply(cluster, &namespace, &objects).await;
    let gateway = gateway(cluster, namespace.name(), &site).await;
    for (kind, name) in [("mapping", "app"), ("host", "any"), ("listener", "http")] {
        shows(cluster, namespace.name(), kind, name, &FINE).await;
        let args = ["get", kind, name, "--namespace", namespace.name()];
        let text = cluster.kubectl(&[&args[..], &["-o", "json", "--show-managed-fields"]].concat()).await.success();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let managers = whole["metadata"]["managedFields"].as_array().unwrap();
        let ours = managers.iter().find(|manager| manager["manager"] == "nuncio").unwrap();
        assert_eq!((&ours["operation"], &ours["subresource"]), (&json!("Apply"), &json!("status")));
        let fields: Vec<_> = ours["fieldsV1"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["f:status"], "nothing else of it is ours");

        let table = cluster.kubectl(&args).await.success();
        let [head, row] = &table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
        let at = |column: &str| head.find(column).unwrap_or_else(|| panic!("{table}"));
        for column in ["ACCEPTED", "PROGRAMMED"] {
            assert!(row[at(column)..].starts_with("True"), "{table}");
        }
    }
    gateway.stop().await;
}

/// A Role of the gateway, bound to its account.
async fn grant(cluster: &Cluster, namespace: &nuncio_kube_tests::Namespace<'_>, statuses: bool) {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "gateway"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gateway"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace.name()}],
    });
    place::apply(cluster, namespace, &[role(statuses), binding]).await;
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_said_once_and_costs_no_request() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    place::apply(cluster, &namespace, &place::site_objects(&site, backend.address())).await;
    grant(cluster, &namespace, true).await;
    let account = Account::ServiceAccount { namespace: namespace.name(), name: "default" };
    let kubeconfig = cluster.kubeconfig_for(account).await;
    let gateway = nuncio_e2e::Gateway::start_by(&site, &mut place::up_in(&site, &kubeconfig, namespace.name())).await;
    shows(cluster, namespace.name(), "mapping", "app", &FINE).await;
    let load =
        Load::kept(&Client::http(site.http()), vec![get("any.example", "/app/"); 2], |reply| reply.status == 200);
    load.more(50).await;

    grant(cluster, &namespace, false).await;
    let complaints = || gateway.stderr().iter().filter(|line| line.contains("mappings/status")).count();
    let mut broken = place::mapping("broken", "/x/", backend.address());
    broken["spec"]["service"] = json!("http://a b");
    place::apply(cluster, &namespace, &[broken]).await;
    eventually("it says what it may no longer do", async || match complaints() {
        1 => Ok(()),
        other => Err(other),
    })
    .await;
    load.more(50).await;
    grant(cluster, &namespace, true).await;
    within(Duration::from_secs(30), "it is tried again", async || {
        let status = object(cluster, namespace.name(), "mapping", "broken").await["status"].clone();
        if status["state"] == "Inactive" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!(complaints(), 1);
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

#[tokio::test]
async fn describe_says_what_is_wrong_and_what_to_change() {
    let (cluster, site) = (cluster().await, Site::new());
    let namespace = cluster.namespace().await;
    let backend = Backend::start("one").await;
    let mut objects = place::site_objects(&site, backend.address());
    let mapping = |name: &str, change: Value| {
        let mut mapping = place::mapping(name, &format!("/{name}/"), backend.address());
        mapping["spec"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        mapping
    };
    objects.extend([
        yaml::host("any", "any.example"),
        yaml::object("Host", "dark", json!({"hostname": "dark.example", "tlsSecret": {"name": "none"}})),
        mapping("service", json!({"service": "http://a b"})),
        mapping("regex", json!({"prefix": "/(", "prefix_regex": true})),
        mapping("resolver", json!({"resolver": "nowhere"})),
        mapping("homeless", json!({"hostname": "other.example"})),
    ]);
    // As users do who have no schema in the way.
    let text = place::documents(&objects);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let file = file.path().to_str().unwrap();
    let _ =
        cluster.kubectl(&["apply", "--validate=ignore", "--namespace", namespace.name(), "-f", file]).await.success();
    let gateway = gateway(cluster, namespace.name(), &site).await;
    let table = [
        ("mapping", "service", vec!["spec.service: ", "Correct this and apply the Mapping again", "Warning"]),
        ("mapping", "regex", vec!["spec.prefix: ", "Correct this and apply the Mapping again"]),
        ("mapping", "resolver", vec!["spec.resolver: ", "Create what is missing or correct the name"]),
        ("mapping", "homeless", vec!["other.example", "Create what it lacks, or correct its hostname"]),
        ("host", "dark", vec!["none", "Create what is missing or correct the name"]),
    ];
    for (kind, name, words) in table {
        eventually(&format!("{kind} {name} says what to change"), async || {
            let text = cluster.kubectl(&["describe", kind, name, "--namespace", namespace.name()]).await.success();
            // Long texts are broken into lines.
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let missing: Vec<_> = words.iter().filter(|word| !flat.contains(word.trim())).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("no {missing:?}: {text}")) }
        })
        .await;
    }
    gateway.stop().await;
}

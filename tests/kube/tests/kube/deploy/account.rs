//! The chart's own `ServiceAccount` and roles: what the program says that it does, and enough to do it.

mod scope;

use std::collections::BTreeSet;
use std::process::Command;

use nuncio_controller::rbac::{DEFINITIONS, Feature, Names, RULES, Scope};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, yaml};
use nuncio_kube_tests::{Account, Cluster};
use serde_json::{Value, json};

use super::{cluster, deploy, doctor, helm, objects, text};
use crate::source::place;

/// Where the container answers the API server.
pub(super) const WEBHOOK_PORT: u16 = 9443;

/// A right: group, resource, verb, and the objects if it is not for all.
type Right = (String, String, String, Vec<String>);

/// Installs the chart into a namespace of its own.
pub(super) async fn install(cluster: &Cluster, namespace: &str, values: &str) {
    let values = text(&deploy("helm/nuncio").join(values));
    let args = ["--namespace", namespace, "--create-namespace", "--values", &values];
    drop(helm(cluster, "install", &args).await.success());
}

pub(super) async fn get(cluster: &Cluster, namespace: &str, kind: &str, name: &str) -> Value {
    let text = cluster.kubectl(&["get", kind, name, "--namespace", namespace, "-o", "json"]).await.success();
    serde_json::from_str(&text).unwrap()
}

/// The rights of a role.
async fn rights(cluster: &Cluster, namespace: &str, kind: &str, name: &str) -> BTreeSet<Right> {
    let role = get(cluster, namespace, kind, name).await;
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = rule.get("resourceNames").map(texts).unwrap_or_default();
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let verbs = texts(&rule["verbs"]).into_iter();
                rights.extend(verbs.map(|verb| (group.clone(), resource.clone(), verb, names.clone())));
            }
        }
    }
    rights
}

/// The rights that the program says it needs, in these scopes, for these features.
fn needed(scopes: &[Scope], features: &[Feature]) -> BTreeSet<Right> {
    let rules = RULES.iter().filter(|rule| scopes.contains(&rule.scope) && features.contains(&rule.feature));
    rules
        .flat_map(|rule| {
            let names: Vec<_> = match rule.names {
                Names::Any => Vec::new(),
                Names::WebhookSecret => vec!["nuncio-webhook".to_owned()],
                Names::WebhookConfiguration => vec!["nuncio-edge".to_owned()],
                Names::KeysSecret => vec!["portal-keys".to_owned()],
                Names::Tombstones => vec!["nuncio-preview-tombstones".to_owned()],
                Names::Definitions => DEFINITIONS.map(ToOwned::to_owned).to_vec(),
            };
            let pairs = rule.resources.iter().flat_map(|resource| rule.verbs.iter().map(move |verb| (resource, verb)));
            pairs.map(move |(resource, verb)| {
                (rule.group.to_owned(), (*resource).to_owned(), (*verb).to_owned(), names.clone())
            })
        })
        .collect()
}

/// `nuncio` as the chart starts it: the arguments and variables of the Deployment, as its account. Only addresses and the
/// directory of sockets are the site's.
pub(super) async fn as_installed(cluster: &Cluster, namespace: &str, site: &Site) -> Command {
    let deployment = get(cluster, namespace, "deployment", "nuncio").await;
    let pod = &deployment["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().unwrap();
    let kubeconfig = cluster.kubeconfig_for(Account::ServiceAccount { namespace, name: account }).await;
    let container = &pod["containers"][0];
    assert_eq!(container["args"], json!(["up", "--kubernetes"]));
    let mut command = place::up(site, &kubeconfig);
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let value = variable["value"].as_str().map(ToOwned::to_owned);
        let of_pod = variable.pointer("/valueFrom/fieldRef/fieldPath") == Some(&json!("metadata.namespace"));
        if let Some(value) = value.or_else(|| of_pod.then(|| namespace.to_owned())) {
            command.env(name, value.replace("/run/nuncio", site.run().to_str().unwrap()));
        }
    }
    if container["env"].as_array().unwrap().iter().any(|variable| variable["name"] == "NUNCIO_WEBHOOK") {
        command.env("NUNCIO_WEBHOOK", site.at(WEBHOOK_PORT).to_string());
    }
    command
}

/// A gateway with the account of the chart serves, writes the status of what is good and of what is not, and an event.
async fn works(cluster: &Cluster, namespace: &str, ambassador_id: &str) {
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let mut manifests = place::site_objects(&site, backend.address());
    manifests.push(yaml::object(
        "Mapping",
        "broken",
        json!({"prefix": "/x/", "hostname": "*", "service": "http://a b"}),
    ));
    for manifest in &mut manifests {
        manifest["spec"]["ambassador_id"] = json!([ambassador_id]);
    }
    place::apply_in(cluster, namespace, &manifests).await;
    let gateway = Gateway::start_by(&site, &mut as_installed(cluster, namespace, &site).await).await;
    place::answers(&site, "/app/", "one").await;
    for (name, wanted) in [("app", "Running"), ("broken", "Inactive")] {
        eventually(&format!("the state of {name}"), async || {
            let status = get(cluster, namespace, "mapping", name).await["status"].clone();
            if status["state"] == wanted { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    }
    eventually("an event", async || {
        let events = cluster.kubectl(&["get", "events", "--namespace", namespace, "-o", "json"]).await.success();
        let found = objects(&events).iter().any(|event| event["involvedObject"]["name"] == "broken");
        if found { Ok(()) } else { Err(events) }
    })
    .await;
    let said = gateway.stderr().join("\n");
    assert!(!said.contains("forbidden"), "{said}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_of_the_whole_cluster_has_the_rights_that_it_needs_and_no_others() {
    let cluster = cluster().await;
    install(cluster, "edge", "ci/default-values.yaml").await;
    let cluster_wide = rights(cluster, "edge", "clusterrole", "nuncio-edge").await;
    let all = [Feature::Gateway, Feature::Status, Feature::Election, Feature::Webhook];
    assert_eq!(cluster_wide, needed(&[Scope::Watched, Scope::Cluster], &all));
    assert_eq!(rights(cluster, "edge", "role", "nuncio").await, needed(&[Scope::Own], &all));
    works(cluster, "edge", "default").await;
}

#[tokio::test]
async fn a_gateway_may_change_objects_only_where_its_console_may() {
    let cluster = cluster().await;
    let args = ["--namespace", "edited", "--create-namespace", "--set", "admin.allowEdits=true,webhook.enabled=false"];
    drop(helm(cluster, "install", &args).await.success());
    let features = [Feature::Gateway, Feature::Status, Feature::Edits];
    let cluster_wide = rights(cluster, "edited", "clusterrole", "nuncio-edited").await;
    assert_eq!(cluster_wide, needed(&[Scope::Watched, Scope::Cluster], &features));
    let deployment = get(cluster, "edited", "deployment", "nuncio").await;
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let said = json!({ "name": "NUNCIO_ALLOW_EDITS", "value": "true" });
    assert!(env.as_array().unwrap().contains(&said), "{env:#}");

    let previews = ["--namespace", "edited", "--set", "admin.allowPreviews=true,webhook.enabled=false"];
    drop(helm(cluster, "upgrade", &previews).await.success());
    let cluster_wide = rights(cluster, "edited", "clusterrole", "nuncio-edited").await;
    let features = [Feature::Gateway, Feature::Status, Feature::Previews];
    assert_eq!(cluster_wide, needed(&[Scope::Watched, Scope::Cluster], &features));
    let own = [Feature::Election, Feature::Previews];
    assert_eq!(rights(cluster, "edited", "role", "nuncio").await, needed(&[Scope::Own], &own));
}

#[tokio::test]
async fn a_portal_finds_the_gateway_and_may_keep_keys_and_nothing_else() {
    let cluster = cluster().await;
    install(cluster, "developers", "ci/portal-values.yaml").await;
    assert_eq!(rights(cluster, "developers", "role", "nuncio-portal").await, needed(&[Scope::Own], &[Feature::Keys]));
    let site = Site::new();
    let variables = async |name: &str| -> Vec<(String, String)> {
        let deployment = get(cluster, "developers", "deployment", name).await;
        let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        env.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
    };
    let gateway = variables("nuncio").await;
    let has = |name: &str, value: &str| gateway.contains(&(name.to_owned(), value.to_owned()));
    assert!(has("NUNCIO_PORTAL_ORIGINS", "https://developers.example.com"), "{gateway:?}");
    assert!(has("NUNCIO_AUTHZ_ASSERTION_KEY", "/etc/nuncio/assertion/key"), "{gateway:?}");
    assert!(has("NUNCIO_ADMIN_TOKEN_FILE", "/etc/nuncio/admin/token"), "{gateway:?}");
    // Its name stands for the addresses of all gateways, which have the token.
    assert!(has("NUNCIO_PEERS", "nuncio-peers.developers:8877"), "{gateway:?}");
    let peers = get(cluster, "developers", "service", "nuncio-peers").await["spec"].clone();
    assert_eq!((&peers["clusterIP"], &peers["publishNotReadyAddresses"]), (&json!("None"), &json!(true)));
    assert_eq!(peers["ports"][0]["port"], 8877);
    let token = get(cluster, "developers", "secret", "nuncio-admin-token").await["data"]["token"].clone();
    assert!(token.as_str().is_some_and(|token| token.len() > 40), "the chart has made one");

    // The program takes every variable of the chart, and keeps keys by the rights of its account. Only addresses and
    // directories are the site's.
    let account = Account::ServiceAccount { namespace: "developers", name: "nuncio-portal" };
    let kubeconfig = cluster.kubeconfig_for(account).await;
    let mut portal = Command::new(nuncio_e2e::nuncio());
    portal.arg("portal").arg("--kubeconfig").arg(kubeconfig);
    for (name, value) in variables("nuncio-portal").await {
        let value = match name.as_str() {
            "NUNCIO_PORTAL_LISTEN" => site.at(8088).to_string(),
            "NUNCIO_PORTAL_ADMIN" => {
                assert_eq!(value, "nuncio-admin:8877");
                site.admin().to_string()
            }
            "NUNCIO_ADMIN_TOKEN_FILE" => {
                assert_eq!(value, "/etc/nuncio/admin/token");
                let file = site.run().join("admin-token");
                std::fs::write(&file, token.as_str().unwrap()).unwrap();
                file.display().to_string()
            }
            "NUNCIO_PORTAL_CONTENT" | "NUNCIO_PORTAL_HISTORY" => site.run().display().to_string(),
            "NUNCIO_PORTAL_PUBLISHED_PORTS" => {
                assert_eq!(value, "8080:80,8443:443");
                value
            }
            _ => value,
        };
        portal.env(name, value);
    }
    let portal = Process::spawn(&mut portal);
    eventually("the portal", async || {
        let page = Client::http(site.at(8088)).send(&nuncio_e2e::get("localhost", "/docs/keys")).await;
        match page {
            Ok(page) if page.text().contains("The Shop for developers") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    drop(portal);

    // What the portal writes is its own: an upgrade changes nothing of it, and it outlives the release.
    let secret = async || get(cluster, "developers", "secret", "portal-keys").await;
    let known = json!({ "metadata": { "annotations": { "nuncio.dev/keys": "{\"a\": {}}" } }, "data": { "a": "YQ==" } });
    let patch = ["patch", "secret", "portal-keys", "--namespace", "developers", "--patch", &known.to_string()];
    drop(cluster.kubectl(&patch).await.success());
    let values = text(&deploy("helm/nuncio").join("ci/portal-values.yaml"));
    let args = ["--namespace", "developers", "--values", &values, "--set", "minReadySeconds=7"];
    drop(helm(cluster, "upgrade", &args).await.success());
    let kept = secret().await;
    assert_eq!(
        (&kept["data"], &kept["metadata"]["annotations"]["nuncio.dev/keys"]),
        (&known["data"], &json!("{\"a\": {}}"))
    );
    let token_by_now = get(cluster, "developers", "secret", "nuncio-admin-token").await["data"]["token"].clone();
    assert_eq!(token_by_now, token, "an upgrade locks nobody out");
    let off = ["--namespace", "developers", "--values", &values, "--set", "portal.keysSecret="];
    drop(helm(cluster, "upgrade", &off).await.success());
    assert_eq!(secret().await["data"], known["data"]);
    let roles = cluster.kubectl(&["get", "roles", "--namespace", "developers", "-o", "json"]).await.success();
    let portals = |role: &Value| role["metadata"]["name"] == "nuncio-portal";
    assert!(!objects(&roles).iter().any(portals), "without keys there is no right to any Secret");
}

#[tokio::test]
async fn a_secret_of_keys_that_is_there_already_is_taken_as_it_is() {
    let cluster = cluster().await;
    drop(cluster.kubectl(&["create", "namespace", "keyed"]).await.success());
    let made = ["create", "secret", "generic", "portal-keys", "--namespace", "keyed", "--from-literal=a=b"];
    drop(cluster.kubectl(&made).await.success());
    install(cluster, "keyed", "ci/portal-values.yaml").await;
    assert_eq!(get(cluster, "keyed", "secret", "portal-keys").await["data"], json!({ "a": "Yg==" }));
}

#[tokio::test]
async fn an_upgrade_leaves_the_ca_bundle_that_the_gateway_wrote() {
    let (cluster, site) = (cluster().await, Site::new());
    install(cluster, "upgraded", "ci/default-values.yaml").await;
    let bundle = async || {
        let configuration = get(cluster, "upgraded", "validatingwebhookconfiguration", "nuncio-upgraded").await;
        configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()
    };
    let gateway = Gateway::start_by(&site, &mut as_installed(cluster, "upgraded", &site).await).await;
    let written = eventually("the caBundle", async || {
        let bundle = bundle().await;
        if bundle.is_string() { Ok(bundle) } else { Err(bundle) }
    })
    .await;
    gateway.stop().await;
    let values = text(&deploy("helm/nuncio").join("ci/default-values.yaml"));
    let args = ["--namespace", "upgraded", "--values", &values, "--set", "minReadySeconds=7"];
    drop(helm(cluster, "upgrade", &args).await.success());
    assert_eq!(get(cluster, "upgraded", "deployment", "nuncio").await["spec"]["minReadySeconds"], 7);
    assert_eq!(bundle().await, written);
}

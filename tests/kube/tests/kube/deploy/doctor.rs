//! `nuncio doctor` against a real API server: all is well, then one thing after the other is not.

use std::process::Command;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Authority, Gateway, Site, eventually, yaml};
use nuncio_kube_tests::{Account, Cluster};
use serde_json::{Value, json};

use super::account::as_installed;
use super::webhook::{CONFIGURATION, NAMESPACE, SECRET, installed, lead_to, trusted, validates};
use crate::source::place;

/// The one check that is left out where all is well.
const READS_WHAT: &str = "reads what is looked at: [\"it reads the cluster at http";

/// What a run of it told.
pub(super) struct Told {
    code: Option<i32>,
    pub(super) checks: Vec<Value>,
    text: String,
}

impl Told {
    /// The check whose words hold these.
    fn check(&self, words: &str) -> &Value {
        let found = self.checks.iter().find(|check| check["check"].as_str().unwrap().contains(words));
        found.unwrap_or_else(|| panic!("no check {words:?}: {}", self.text))
    }

    fn outcome(&self, words: &str) -> &str {
        self.check(words)["outcome"].as_str().unwrap()
    }

    /// It failed, names the cause and has something to say about what to do.
    fn failed(&self, words: &str, cause: &str) {
        self.says(words, cause).unwrap_or_else(|otherwise| panic!("{otherwise}"));
    }

    /// The same, or what it says instead.
    fn says(&self, words: &str, cause: &str) -> Result<(), String> {
        let check = self.check(words);
        let names_it = check["outcome"] == "failed" && check["found"].to_string().contains(cause);
        let helps = check["hint"].as_str().is_some_and(|hint| !hint.is_empty());
        if names_it && helps && self.code == Some(1) { Ok(()) } else { Err(format!("{:?}: {check:#}", self.code)) }
    }

    fn all(&self, outcome: &str) -> Vec<String> {
        let of = self.checks.iter().filter(|check| check["outcome"] == outcome);
        of.map(|check| format!("{}: {}", check["check"].as_str().unwrap(), check["found"])).collect()
    }
}

/// Asks as the administrator, about the chart's account.
fn command(cluster: &Cluster, site: &Site) -> Command {
    let mut command = site.nuncio(&["doctor", "--kubernetes", "--namespace", NAMESPACE, "--service-account", "nuncio"]);
    command.arg("--kubeconfig").arg(cluster.admin_kubeconfig());
    command
}

pub(super) async fn told(mut command: Command) -> Told {
    command.args(["-o", "json"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["ok"], output.status.code() == Some(0));
    Told { code: output.status.code(), checks: report["checks"].as_array().unwrap().clone(), text }
}

async fn doctor(cluster: &Cluster, site: &Site) -> Told {
    told(command(cluster, site)).await
}

async fn kubectl(cluster: &Cluster, args: &[&str]) {
    drop(cluster.kubectl(args).await.success());
}

#[tokio::test]
async fn it_says_that_all_is_well_and_what_is_not() {
    let (cluster, site) = (installed().await, Site::new());
    // Pods are never scheduled here.
    kubectl(&cluster, &["scale", "deployment", "nuncio", "--replicas=0", "--namespace", NAMESPACE]).await;
    lead_to(&cluster, &site).await;
    let (backend, authority) = (Backend::start("one").await, Authority::new("test"));
    let mut objects = place::site_objects(&site, backend.address());
    objects.push(yaml::listener("https", site.https().port(), "HTTPS"));
    objects.push(yaml::tls_secret("shop-tls", &authority.issue(&["shop.example"])));
    objects.push(yaml::object("Host", "shop", json!({"hostname": "shop.example", "tlsSecret": {"name": "shop-tls"}})));
    objects.push(yaml::object(
        "Host",
        "any",
        json!({"hostname": "*", "requestPolicy": {"insecure": {"action": "Route"}}}),
    ));
    place::apply_in(&cluster, NAMESPACE, &objects).await;
    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    trusted(&cluster).await;
    validates(&cluster).await;

    let well = eventually("all is well", async || {
        let mut command = command(&cluster, &site);
        command.args(["--admin", &site.admin().to_string()]);
        let told = told(command).await;
        let [failed, warning, skipped] = ["failed", "warning", "skipped"].map(|outcome| told.all(outcome));
        // There are no pods, which is warned of.
        let is_one = matches!(&skipped[..], [which] if which.contains(READS_WHAT));
        let is_well = failed.is_empty() && warning.len() == 1 && is_one;
        if is_well { Ok(told) } else { Err(format!("{failed:#?}, {warning:#?}, {skipped:#?}")) }
    })
    .await;
    assert_eq!(well.code, Some(0));
    for words in
        ["may write the status", "converts objects", "refuses what is wrong", "holds the Lease", "Envoy is connected"]
    {
        assert_eq!(well.outcome(words), "ok", "{words}");
    }
    assert!(well.check("certificates hold")["found"].to_string().contains("1 in use"));

    // In a pod it asks as the gateway itself, which may not try everything.
    let mut own = as_installed(&cluster, NAMESPACE, &site).await;
    let environment: Vec<_> =
        own.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    let kubeconfig = cluster.kubeconfig_for(Account::ServiceAccount { namespace: NAMESPACE, name: "nuncio" }).await;
    own = site.nuncio(&["doctor", "--kubernetes"]);
    for (name, value) in environment {
        if let Some(value) = value {
            own.env(name, value);
        }
    }
    own.arg("--kubeconfig").arg(&kubeconfig);
    let own = told(own).await;
    assert_eq!(own.all("failed"), Vec::<String>::new());
    assert!(own.check("whose permissions")["found"].to_string().contains("system:serviceaccount:edge:nuncio"));
    assert_eq!(own.outcome("converts objects"), "skipped");

    // A permission.
    let rules = json!([{"op": "remove", "path": "/rules/0"}]).to_string();
    kubectl(&cluster, &["patch", "clusterrole", "nuncio-edge", "--type=json", "-p", &rules]).await;
    // The API server hears of roles by a watch.
    eventually("a permission is missed", async || {
        let cause = "list mappings (getambassador.io) in the whole cluster";
        doctor(&cluster, &site).await.says("may read the configuration", cause)
    })
    .await;

    // A Mapping that Envoy does not take, and one that is wrong.
    gateway.stop().await;
    let mut broken = place::mapping("broken", "/x/", backend.address());
    broken["spec"]["service"] = json!("http://a b");
    kubectl(&cluster, &["delete", "validatingwebhookconfiguration", CONFIGURATION]).await;
    let broken = broken.to_string();
    // The webhook is asked until the API server has heard of that.
    eventually("what is wrong is taken", async || {
        let output = cluster.apply(&broken, &["--namespace", NAMESPACE]).await;
        if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
    })
    .await;
    let told = doctor(&cluster, &site).await;
    told.failed("objects are valid", "Mapping edge/broken: spec.service");
    assert!(
        told.check("statuses say")["found"].to_string().contains("have no status"),
        "{}",
        told.check("statuses say")
    );
    told.failed("converts objects", "conversion webhook");
    told.failed("holds the Lease", "nobody holds it");

    // Certificates: that of the webhook, and one that a Host names.
    kubectl(&cluster, &["delete", "secret", SECRET, "--namespace", NAMESPACE]).await;
    let expired = yaml::tls_secret("shop-tls", &authority.issue_expired(&["shop.example"]));
    place::apply_in(&cluster, NAMESPACE, &[expired]).await;
    let told = doctor(&cluster, &site).await;
    told.failed("its certificate (Secret edge/nuncio-webhook)", "there is none");
    told.failed("the certificate in the Secret edge/shop-tls holds", "it ended");

    // Definitions.
    kubectl(&cluster, &["delete", "crd", "hosts.getambassador.io", "devportals.getambassador.io"]).await;
    let columns = json!([{"op": "remove", "path": "/spec/versions/2/additionalPrinterColumns"}]).to_string();
    kubectl(&cluster, &["patch", "crd", "mappings.getambassador.io", "--type=json", "-p", &columns]).await;
    let told = doctor(&cluster, &site).await;
    told.failed("are defined", "hosts.getambassador.io");
    assert_eq!(told.outcome("are those of this version"), "warning");
    assert!(told.check("are those of this version")["found"].to_string().contains("mappings."));
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_all_that_is_told() {
    let (mut cluster, site) = (Cluster::start().await, Site::new());
    cluster.stop_api_server().await;
    let told = doctor(&cluster, &site).await;
    told.failed("answers", "refused");
    assert!(told.checks.len() <= 2, "{}", told.text);
    let mut command = site.nuncio(&["doctor", "--kubernetes", "--kubeconfig", "/nowhere"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("/nowhere") && text.contains("→"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal: {text}");
}

//! The same manifests make the same configuration, wherever they are read from.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};
use nuncio_e2e::Site;
use nuncio_kube_tests::Cluster;
use serde_json::Value;
use tokio::process::Command;

use super::place;

/// Of the corpus every so many cases: all of them would take minutes.
const EVERY: usize = 6;

/// How many cases at least have to be fit for it.
const LEAST: usize = 30;

/// The manifests of a case: those that need no certificates and no second namespace.
fn manifests(case: &Path) -> Option<String> {
    let text = fs::read_to_string(case).unwrap();
    let (_, block) = text.split_once("\nmanifests: |\n")?;
    let lines = block.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
    let mut manifests = lines.map(|line| line.get(2..).unwrap_or_default()).collect::<Vec<_>>().join("\n");
    // Which port is the same to both.
    for name in
        ["HTTP", "HTTP2", "HTTP3", "HTTPS", "TCP", "TCP2", "B1", "B2", "B3", "B4", "B1TLS", "B2TLS", "DEAD", "T1", "T2"]
    {
        let port = 18000 + name.bytes().map(u32::from).sum::<u32>();
        manifests = manifests.replace(&format!("${{{name}}}"), &port.to_string());
    }
    let elsewhere = manifests.replace("namespace: {from", "").contains("namespace: ");
    let fit = !manifests.contains("${") && !elsewhere && !manifests.contains("kind: Secret");
    fit.then_some(manifests)
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/cases");
    let areas = fs::read_dir(root).unwrap().flat_map(|area| fs::read_dir(area.unwrap().path()).unwrap());
    let mut cases: Vec<_> = areas.map(|case| case.unwrap().path()).collect();
    cases.sort();
    cases.into_iter().step_by(EVERY).collect()
}

/// What `nuncio envoy-config` says.
async fn configuration(site: &Site, args: &[&str]) -> Value {
    let mut command = Command::from(site.nuncio(&["envoy-config"]));
    let output = command.args(args).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether a case could be compared: the API server does not take all that a file can say.
async fn compare(cluster: &Cluster, case: &Path) -> bool {
    let Some(manifests) = manifests(case) else { return false };
    let (site, namespace) = (Site::new(), cluster.namespace().await);
    if cluster.apply(&manifests, &["--namespace", namespace.name()]).await.code != Some(0) {
        return false;
    }
    site.write("all.yaml", &manifests);
    let of_directory =
        configuration(&site, &[site.manifests().to_str().unwrap(), "--namespace", namespace.name()]).await;
    let kubeconfig = cluster.admin_kubeconfig();
    let kubernetes = ["--kubernetes", "--kubeconfig", kubeconfig.to_str().unwrap(), "--single-namespace"];
    let of_cluster = configuration(&site, &[&kubernetes[..], &["--namespace", namespace.name()]].concat()).await;
    assert_eq!(of_directory.to_string(), of_cluster.to_string(), "{}", case.display());
    true
}

#[tokio::test]
async fn a_directory_and_a_cluster_make_the_same_configuration() {
    let cluster = place::cluster().await;
    let all = cases();
    let compared = stream::iter(&all).map(|case| compare(cluster, case)).buffer_unordered(4);
    let compared = compared.filter(|compared| std::future::ready(*compared)).count().await;
    assert!(compared >= LEAST, "{compared} of {}", all.len());
}

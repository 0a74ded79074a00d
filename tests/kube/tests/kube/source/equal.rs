//! The same manifests make the same configuration, wherever they are read from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::ready;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt as _, stream};
use nuncio_e2e::Site;
use nuncio_kube_tests::Cluster;
use nuncio_test_support::{Authority, Identity};
use serde_json::{Value, json};
use tokio::process::Command;

use super::place;
use crate::crds;

/// Of the corpus every so many cases: all of them would take minutes.
const EVERY: usize = 6;

/// How many cases at least have to be fit for it, and how many of them have Secrets.
const LEAST: (usize, usize) = (36, 6);

/// How many by the definitions that users install.
const LEAST_INSTALLED: usize = 20;

/// How many with several namespaces.
const LEAST_SCATTERED: usize = 7;

/// A case of the corpus.
struct Case {
    path: PathBuf,
    manifests: String,
}

impl Case {
    /// The case, with certificates and ports in their places. `None` for one that needs more than these.
    fn read(path: PathBuf) -> Option<Self> {
        let text = fs::read_to_string(&path).unwrap();
        let (_, block) = text.split_once("\nmanifests: |\n")?;
        let lines = block.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
        let text = lines.map(|line| line.get(2..).unwrap_or_default()).collect::<Vec<_>>().join("\n");
        let mut certificates = Certificates::new();
        let mut pieces = text.split("${");
        let mut manifests = pieces.next()?.to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}')?;
            manifests.push_str(&certificates.stands_for(name)?);
            manifests.push_str(rest);
        }
        // API servers take no address of loopback for an endpoint.
        Some(Self { path, manifests: manifests.replace("127.0.0.1", "192.0.2.1") })
    }

    fn has_secrets(&self) -> bool {
        self.manifests.contains("kind: Secret")
    }

    /// The namespaces that it names.
    fn namespaces(&self) -> BTreeSet<&str> {
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        let named = self.manifests.split("namespace: ").skip(1).filter_map(|rest| rest.split(is_end).next());
        named.filter(|name| !name.is_empty()).collect()
    }
}

/// Names in manifests that stand for ports: which, is the same to both.
const PORTS: [&str; 15] =
    ["HTTP", "HTTP2", "HTTP3", "HTTPS", "TCP", "TCP2", "B1", "B2", "B3", "B4", "B1TLS", "B2TLS", "DEAD", "T1", "T2"];

/// The certificates of a case, by their names.
struct Certificates {
    authority: Authority,
    issued: BTreeMap<String, Identity>,
}

impl Certificates {
    fn new() -> Self {
        Self { authority: Authority::new("corpus"), issued: BTreeMap::new() }
    }

    /// What a name in a manifest stands for.
    fn stands_for(&mut self, name: &str) -> Option<String> {
        if PORTS.contains(&name) {
            return Some((18000 + name.bytes().map(u32::from).sum::<u32>()).to_string());
        }
        if name == "CA" {
            return Some(STANDARD.encode(self.authority.pem()));
        }
        let (part, of) = name.split_once(':')?;
        let identity = self.issued.entry(of.to_owned()).or_insert_with(|| self.authority.issue(&[of]));
        match part {
            "CRT" => Some(STANDARD.encode(&identity.cert)),
            "KEY" => Some(STANDARD.encode(&identity.key)),
            _ => None,
        }
    }
}

/// The cases of the corpus: first those of one namespace, then the others.
fn cases() -> (Vec<Case>, Vec<Case>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/cases");
    let areas = fs::read_dir(root).unwrap().flat_map(|area| fs::read_dir(area.unwrap().path()).unwrap());
    let mut paths: Vec<_> = areas.map(|case| case.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().filter_map(Case::read).partition(|case| case.namespaces().is_empty())
}

/// What `nuncio envoy-config` says.
async fn configuration(site: &Site, args: &[&str]) -> Value {
    let mut command = Command::from(site.nuncio(&["envoy-config"]));
    let output = command.args(args).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Both say the same of it. `args` are of both, `of_cluster` of the cluster.
async fn compare(cluster: &Cluster, case: &Case, args: &[&str], of_cluster: &[&str]) {
    let site = Site::new();
    site.write("all.yaml", &case.manifests);
    let directory = configuration(&site, &[&[site.manifests().to_str().unwrap()], args].concat()).await;
    let kubeconfig = cluster.admin_kubeconfig();
    let kubernetes = ["--kubernetes", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let kubernetes = configuration(&site, &[&kubernetes[..], of_cluster, args].concat()).await;
    assert_eq!(directory.to_string(), kubernetes.to_string(), "{}", case.path.display());
}

/// Whether a case of one namespace could be compared: the API server does not take all that a file can say.
async fn compare_within(cluster: &Cluster, case: &Case) -> bool {
    let namespace = cluster.namespace().await;
    if cluster.apply(&case.manifests, &["--namespace", namespace.name()]).await.code != Some(0) {
        return false;
    }
    compare(cluster, case, &["--namespace", namespace.name()], &["--single-namespace"]).await;
    true
}

/// Those that could be compared.
async fn compare_each(cluster: &Cluster, cases: &[Case]) -> Vec<bool> {
    let compared = stream::iter(cases).map(async |case| (case.has_secrets(), compare_within(cluster, case).await));
    let compared = compared.buffer_unordered(4).filter(|(_, compared)| ready(*compared));
    compared.map(|(secrets, _)| secrets).collect().await
}

#[tokio::test]
async fn a_directory_and_a_cluster_make_the_same_configuration() {
    let all: Vec<_> = cases().0.into_iter().step_by(EVERY).collect();
    let compared = compare_each(place::cluster().await, &all).await;
    let with_secrets = compared.iter().filter(|secrets| **secrets).count();
    assert!(compared.len() >= LEAST.0 && with_secrets >= LEAST.1, "{} of {}", compared.len(), all.len());
}

/// Their schemas drop nothing that is read, and what is written in an older version is converted on the way.
#[tokio::test]
async fn nor_is_it_another_by_the_definitions_that_users_install() {
    let is_of = |case: &Case, area: &str| case.path.parent().is_some_and(|parent| parent.ends_with(area));
    let areas = ["versions", "hosts", "cors", "ratelimit"];
    let all: Vec<_> = cases().0.into_iter().filter(|case| areas.iter().any(|area| is_of(case, area))).collect();
    let compared = compare_each(crds::cluster().await, &all).await;
    assert!(compared.len() >= LEAST_INSTALLED, "{} of {}", compared.len(), all.len());
}

#[tokio::test]
async fn nor_is_it_another_where_objects_are_in_several_namespaces() {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let mut compared = 0;
    for case in cases().1 {
        for name in case.namespaces() {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            drop(cluster.apply(&namespace.to_string(), &[]).await.success());
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &case.manifests).unwrap();
        let file = file.path().to_str().unwrap();
        if cluster.kubectl(&["apply", "--server-side", "-f", file]).await.code == Some(0) {
            compare(&cluster, &case, &["--namespace", "default"], &[]).await;
            compared += 1;
        }
        drop(cluster.kubectl(&["delete", "--ignore-not-found", "-f", file]).await);
    }
    assert!(compared >= LEAST_SCATTERED, "{compared}");
}

//! What `deploy/` holds: taken by a real API server, enough for the gateway and no more, and true of its metrics.

mod account;
mod chart;
mod doctor;
mod guide;
mod metrics;
mod query;
mod webhook;

use std::path::{Path, PathBuf};

use nuncio_api::crd::{Conversion, definitions};
use nuncio_kube_tests::{Cluster, Output};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::source::place;

/// A file or directory under `deploy/`.
fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").canonicalize().expect("deploy/").join(path)
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}

/// A cluster with the definitions of a new installation and its namespace: without conversion, since nobody answers for it here.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(async || {
            let cluster = Cluster::start().await;
            let all = definitions(&Conversion::None).into_iter().map(|definition| definition.manifest);
            drop(cluster.apply(&place::documents(&all.collect::<Vec<_>>()), &[]).await.success());
            let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
            drop(cluster.kubectl(&established).await.success());
            namespace(&cluster, "nuncio").await;
            cluster
        })
        .await
}

/// Runs `helm` with the chart: `COMMAND nuncio CHART ARGS`.
async fn helm(cluster: &Cluster, command: &str, args: &[&str]) -> Output {
    let chart = text(&deploy("helm/nuncio"));
    cluster.helm(&[&[command, "nuncio", &chart], args].concat()).await
}

async fn namespace(cluster: &Cluster, name: &str) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    drop(cluster.apply(&namespace.to_string(), &[]).await.success());
}

/// The gateway's pod, as the chart makes it with default values.
pub(crate) async fn gateway_pod() -> Value {
    let cluster = cluster().await;
    let all = chart::dry_run(cluster, "ci/default-values.yaml").await;
    chart::of_kind(&all, "Deployment")[0]["spec"]["template"]["spec"].clone()
}

/// Defines a kind of the Prometheus operator.
async fn define_monitoring(cluster: &Cluster, kind: &str, plural: &str) {
    let mut definition = place::definition(kind, plural);
    definition["metadata"]["name"] = json!(format!("{plural}.monitoring.coreos.com"));
    definition["spec"]["group"] = json!("monitoring.coreos.com");
    definition["spec"]["versions"][0]["name"] = json!("v1");
    drop(cluster.apply(&definition.to_string(), &[]).await.success());
    let name = format!("crd/{plural}.monitoring.coreos.com");
    drop(cluster.kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]).await.success());
}

/// The objects that `kubectl -o json` printed: one, a list, or several.
fn objects(printed: &str) -> Vec<Value> {
    let documents = serde_json::Deserializer::from_str(printed).into_iter::<Value>();
    documents
        .flat_map(|document| {
            let document = document.expect("JSON");
            document["items"].as_array().cloned().unwrap_or_else(|| vec![document])
        })
        .collect()
}

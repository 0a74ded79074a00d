//! What the pages on installing and moving say can be done, works.

use std::fs;

use nuncio_api::crd::{Conversion, definitions};
use nuncio_kube_tests::Cluster;
use serde_json::json;

use super::chart::{dry_run, of_kind};
use super::{cluster, deploy, helm, namespace, objects};

/// The manifests and values that a page of the guide shows.
fn shown(page: &str) -> Vec<String> {
    let page = fs::read_to_string(deploy("../docs").join(page)).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_the_guide_shows_is_taken() {
    let cluster = cluster().await;
    namespace(cluster, "nuncio").await;
    let manifests = shown("install-on-kubernetes.md");
    assert_eq!(manifests.len(), 2);
    for manifest in &manifests {
        drop(cluster.apply(manifest, &["--dry-run=server", "--validate=strict"]).await.success());
        let parsed = nuncio_api::parse(manifest.as_bytes(), &"guide".into(), &nuncio_api::Defaults::default());
        assert!(
            parsed.problems.is_empty() && parsed.objects.iter().all(|object| object.problems.is_empty()),
            "{parsed:?}"
        );
    }
    let [values] = &shown("move-from-emissary.md")[..] else { panic!("one block of values") };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), values).unwrap();
    let rendered = helm(cluster, "template", &["--values", file.path().to_str().unwrap()]).await.success();
    assert!(rendered.contains("NUNCIO_NO_STATUS"), "{rendered}");
}

#[tokio::test]
async fn definitions_that_would_lose_what_is_stored_are_refused() {
    let cluster = Cluster::start().await;
    let mapping = |conversion: &Conversion| {
        definitions(conversion).into_iter().find(|definition| definition.plural == "mappings").unwrap().manifest
    };
    let mut old = mapping(&Conversion::default());
    old["spec"]["conversion"] = json!({"strategy": "None"});
    for version in old["spec"]["versions"].as_array_mut().unwrap() {
        version["storage"] = json!(version["name"] == "v2");
    }
    drop(cluster.apply(&old.to_string(), &[]).await.success());
    let new = mapping(&Conversion::None).to_string();
    let refused = cluster.apply(&new, &["--force-conflicts"]).await;
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("status.storedVersions"), "{}", refused.stderr);
}

#[tokio::test]
async fn the_service_of_the_original_can_be_pointed_here() {
    let cluster = cluster().await;
    let namespace = cluster.namespace().await;
    let ports = json!([{"name": "http", "port": 80, "targetPort": "http"}]);
    let spec =
        json!({"type": "LoadBalancer", "selector": {"app.kubernetes.io/name": "emissary-ingress"}, "ports": ports});
    let metadata = json!({"name": "emissary-ingress"});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
    let place = ["--namespace", namespace.name()];
    drop(cluster.apply(&service.to_string(), &place).await.success());
    let page = fs::read_to_string(deploy("../docs/move-from-emissary.md")).unwrap();
    let patch = page.split("--type=json -p '").nth(1).unwrap().split('\'').next().unwrap();
    let args = ["patch", "service", "emissary-ingress", "--type=json", "-p", patch, "-o", "json"];
    let patched = objects(&cluster.kubectl(&[&args[..], &place].concat()).await.success()).remove(0);
    let chart = dry_run(cluster, "ci/default-values.yaml").await;
    let gateway = of_kind(&chart, "Deployment")[0];
    assert_eq!(patched["spec"]["selector"], gateway["spec"]["selector"]["matchLabels"]);
}

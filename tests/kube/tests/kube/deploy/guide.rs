//! What the pages on installing and moving say can be done, works.

use std::fs;

use nuncio_api::crd::{Conversion, definitions};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, eventually, get, yaml};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::outward_address;
use serde_json::json;

use super::account::as_installed;
use super::chart::{dry_run, of_kind};
use super::webhook::{NAMESPACE, installed, lead_to, trusted};
use super::{cluster, deploy, helm, namespace, objects};
use crate::source::place;

/// The manifests and values that a page of the guide shows.
fn shown(page: &str) -> Vec<String> {
    let page = fs::read_to_string(deploy("../docs").join(page)).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_the_guide_shows_is_taken() {
    let cluster = cluster().await;
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

/// Steps 3 to 5, with the chart's webhook and account. There are no nodes, so `hello` is a backend of the test.
#[tokio::test]
async fn the_guide_is_walked_to_its_end() {
    let (cluster, site, hello) = (installed().await, Site::new(), Backend::start_at("hello", outward_address()).await);
    lead_to(&cluster, &site).await;
    namespace(&cluster, "nuncio").await;
    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    trusted(&cluster).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hello"}, "spec": {"ports": [{"port": 80}]}});
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "hello", "labels": {"kubernetes.io/service-name": "hello"}},
        "endpoints": [{"addresses": [hello.address().ip()]}], "ports": [{"name": "", "port": hello.address().port()}],
    });
    place::apply_in(&cluster, "default", &[service, slice]).await;
    let manifests = shown("install-on-kubernetes.md");
    // The webhook may need a moment to be asked.
    eventually("hello.yaml is taken", async || {
        let output = cluster.apply(&manifests[0], &[]).await;
        if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
    })
    .await;
    let client = Client::http(site.at(8080));
    eventually("hello answers", async || {
        let reply = client.send(&get("any.example", "/hello/")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "hello" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    eventually("STATE says what became of each", async || {
        let table = cluster.kubectl(&["get", "listeners,hosts,mappings", "--all-namespaces"]).await.success();
        let row = |kind: &str| table.lines().find(|line| line.contains(kind)).unwrap_or_default().to_owned();
        let (host, mapping) = (row("host.getambassador.io/any"), row("mapping.getambassador.io/hello"));
        if host.contains("Ready") && mapping.contains("Running") { Ok(()) } else { Err(table) }
    })
    .await;
    let page = fs::read_to_string(deploy("../docs/install-on-kubernetes.md")).unwrap();
    let patch = page.split("kubectl patch mapping hello --type=merge -p '").nth(1).unwrap().split('\'').next().unwrap();
    let broken = cluster.kubectl(&["patch", "mapping", "hello", "--type=merge", "-p", patch]).await;
    assert!(broken.code != Some(0) && broken.stderr.contains("spec.service"), "{broken:?}");

    let identity = Authority::new("test").issue(&["shop.example.com"]);
    let mut secret = yaml::tls_secret("shop-tls", &identity);
    secret["metadata"]["namespace"] = json!("default");
    drop(cluster.apply(&secret.to_string(), &[]).await.success());
    drop(cluster.apply(&manifests[1], &[]).await.success());
    let client = Client::https(site.at(8443), Tls::unchecked("shop.example.com"));
    eventually("hello answers by TLS", async || {
        let reply = client.send(&get("shop.example.com", "/hello/")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "hello" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    gateway.stop().await;
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

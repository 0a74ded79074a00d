//! The webhook as the chart installs it: with the chart's own account, asked by the API server by the name of its Service.

mod definitions;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nuncio_api::crd::{Conversion, WebhookService, definitions};
use nuncio_controller::webhook::{Certificate, Credentials};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site, eventually};
use nuncio_kube_tests::Cluster;
use serde_json::{Value, json};

use super::account::{WEBHOOK_PORT, as_installed, get, install};
use crate::source::place;

pub(super) const NAMESPACE: &str = "edge";
pub(super) const SECRET: &str = "nuncio-webhook";
pub(super) const CONFIGURATION: &str = "nuncio-edge";
const DEFINITION: &str = "mappings.getambassador.io";

/// Definitions, by what becomes of each.
fn defined(conversion: &Conversion, change: impl Fn(&mut Value)) -> String {
    let all = definitions(conversion).into_iter().map(|definition| {
        let mut manifest = definition.manifest;
        change(&mut manifest);
        manifest
    });
    place::documents(&all.collect::<Vec<_>>())
}

/// The definitions of `deploy/crds`, for the namespace. Services have no addresses here that lead anywhere, so the port is the container's.
fn crds() -> String {
    let service = WebhookService { namespace: NAMESPACE.to_owned(), port: WEBHOOK_PORT, ..WebhookService::default() };
    defined(&Conversion::Webhook { service, serve_older: true }, |_| {})
}

/// Definitions that store `v2`, as the original's do.
fn originals() -> String {
    defined(&Conversion::default(), |manifest| {
        manifest["spec"]["conversion"] = json!({"strategy": "None"});
        let versions = manifest["spec"]["versions"].as_array_mut().unwrap();
        // Listeners came with v3alpha1.
        if versions.iter().any(|version| version["name"] == "v2") {
            versions.iter_mut().for_each(|version| version["storage"] = json!(version["name"] == "v2"));
        }
    })
}

async fn define(cluster: &Cluster, definitions: &str) {
    drop(cluster.apply(definitions, &["--force-conflicts"]).await.success());
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
    drop(cluster.kubectl(&established).await.success());
}

/// A cluster with definitions and the chart.
pub(super) async fn installed() -> Cluster {
    let cluster = Cluster::start().await;
    define(&cluster, &crds()).await;
    install_chart(&cluster).await;
    cluster
}

async fn install_chart(cluster: &Cluster) {
    install(cluster, NAMESPACE, "ci/default-values.yaml").await;
    let patch = json!([{"op": "replace", "path": "/webhooks/0/clientConfig/service/port", "value": WEBHOOK_PORT}]);
    let args = ["patch", "validatingwebhookconfiguration", CONFIGURATION, "--type=json", "-p", &patch.to_string()];
    drop(cluster.kubectl(&args).await.success());
}

/// Leads the webhook's Service to a gateway: there is nothing here that routes to a Service's pods.
pub(super) async fn lead_to(cluster: &Cluster, site: &Site) {
    let patch = json!({"spec": {"type": "ExternalName", "externalName": site.ip().to_string(), "selector": null}});
    let args = ["patch", "service", SECRET, "--namespace", NAMESPACE, "--type=merge", "-p", &patch.to_string()];
    drop(cluster.kubectl(&args).await.success());
}

fn old_mapping(name: &str) -> String {
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    let spec = json!({"prefix": "/old/", "service": "shop:8443", "tls": true});
    json!({"apiVersion": "getambassador.io/v2", "kind": "Mapping", "metadata": metadata, "spec": spec}).to_string()
}

/// An object of an old version is taken, and is one of the new version.
async fn converts(cluster: &Cluster, name: &str) {
    eventually("an old object is converted", async || {
        let output = cluster.apply(&old_mapping(name), &[]).await;
        if output.code == Some(0) { Ok(()) } else { Err(output.stderr) }
    })
    .await;
    let new = get(cluster, NAMESPACE, "mappings.v3alpha1.getambassador.io", name).await;
    assert_eq!(new["spec"]["service"], "https://shop:8443");
}

/// A RateLimit of Edge Stack's beta version is one of the new version, and is read back as it was.
async fn converts_betas(cluster: &Cluster) {
    let limits = json!([{"pattern": [{"user": "*"}], "rate": 5, "unit": "minute"}]);
    let metadata = json!({"name": "beta", "namespace": NAMESPACE});
    let spec = json!({"domain": "shop", "limits": limits});
    let beta =
        json!({"apiVersion": "getambassador.io/v1beta2", "kind": "RateLimit", "metadata": metadata, "spec": spec});
    drop(cluster.apply(&beta.to_string(), &[]).await.success());
    for version in ["v3alpha1", "v1beta2", "v1beta1", "v2"] {
        let read = get(cluster, NAMESPACE, &format!("ratelimits.{version}.getambassador.io"), "beta").await;
        let api_version = format!("getambassador.io/{version}");
        assert_eq!((&read["apiVersion"], &read["spec"]["limits"]), (&json!(api_version), &limits));
    }
}

/// What is wrong is refused before it is stored, by the webhook: the schema takes it.
pub(super) async fn validates(cluster: &Cluster) {
    let bad = place::mapping("bad", "/(", "127.0.0.1:80".parse().unwrap());
    let mut bad = bad;
    bad["spec"]["prefix_regex"] = json!(true);
    eventually("a refusal", async || {
        let output = cluster.apply(&bad.to_string(), &["--namespace", NAMESPACE, "--dry-run=server"]).await;
        let refused = output.code != Some(0) && output.stderr.contains("validate.getambassador.io");
        if refused && output.stderr.contains("spec.prefix") { Ok(()) } else { Err(format!("{output:?}")) }
    })
    .await;
}

async fn secret(cluster: &Cluster) -> Value {
    eventually("the Secret", async || {
        let args = ["get", "secret", SECRET, "--namespace", NAMESPACE, "-o", "json"];
        let output = cluster.kubectl(&args).await;
        if output.code == Some(0) { Ok(serde_json::from_str(&output.stdout).unwrap()) } else { Err(output.stderr) }
    })
    .await
}

async fn bundles(cluster: &Cluster) -> [Value; 2] {
    let definition = get(cluster, NAMESPACE, "crd", DEFINITION).await;
    let configuration = get(cluster, NAMESPACE, "validatingwebhookconfiguration", CONFIGURATION).await;
    let pointer = "/spec/conversion/webhook/clientConfig/caBundle";
    [
        definition.pointer(pointer).cloned().unwrap_or_default(),
        configuration["webhooks"][0]["clientConfig"]["caBundle"].clone(),
    ]
}

/// Waits until the API server trusts what is in the Secret.
pub(super) async fn trusted(cluster: &Cluster) -> Value {
    eventually("the caBundle is that of the Secret", async || {
        let authority = secret(cluster).await["data"]["ca.crt"].clone();
        let found = bundles(cluster).await;
        if found.iter().all(|bundle| *bundle == authority) { Ok(authority) } else { Err(format!("{found:?}")) }
    })
    .await
}

async fn versions(cluster: &Cluster) -> Vec<Value> {
    let objects = [
        get(cluster, NAMESPACE, "secret", SECRET).await,
        get(cluster, NAMESPACE, "crd", DEFINITION).await,
        get(cluster, NAMESPACE, "validatingwebhookconfiguration", CONFIGURATION).await,
    ];
    objects.map(|object| object["metadata"]["resourceVersion"].clone()).to_vec()
}

#[tokio::test]
async fn the_chart_s_webhook_converts_and_validates_and_is_looked_after() {
    let (cluster, site) = (installed().await, Site::new());
    lead_to(&cluster, &site).await;
    let backend = Backend::start("one").await;
    place::apply_in(&cluster, NAMESPACE, &place::site_objects(&site, backend.address())).await;
    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    let first = trusted(&cluster).await;
    converts(&cluster, "first").await;
    converts_betas(&cluster).await;
    validates(&cluster).await;
    let table = cluster.kubectl(&["get", "mapping", "--namespace", NAMESPACE]).await.success();
    assert!(table.contains("first"), "kubectl asks for the highest version, which is an old one: {table}");

    // At rest nothing is written. What is on its way may still come, so this is looked at more than once.
    let mut before = versions(&cluster).await;
    for left in (0..3).rev() {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let now = versions(&cluster).await;
        if now == before {
            break;
        }
        assert!(left > 0, "{before:?} became {now:?}");
        before = now;
    }

    // Definitions that are installed anew, without a caBundle.
    let manifest = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(manifest.path(), crds()).unwrap();
    drop(cluster.kubectl(&["replace", "--filename", manifest.path().to_str().unwrap()]).await.success());
    assert_eq!(trusted(&cluster).await, first);
    converts(&cluster, "second").await;

    // A Secret that is lost.
    drop(cluster.kubectl(&["delete", "secret", SECRET, "--namespace", NAMESPACE]).await.success());
    let second = eventually("another authority", async || {
        let authority = trusted(&cluster).await;
        if authority == first { Err("the first") } else { Ok(authority) }
    })
    .await;
    converts(&cluster, "third").await;
    validates(&cluster).await;

    // Another replica shows the same, and takes over.
    let other = Site::new();
    let mut command = as_installed(&cluster, NAMESPACE, &other).await;
    let replica = Gateway::start_by(&other, &mut command).await;
    gateway.stop().await;
    lead_to(&cluster, &other).await;
    converts(&cluster, "fourth").await;
    assert_eq!(trusted(&cluster).await, second);
    let said = replica.stderr().join("\n");
    assert!(!said.contains("forbidden") && !said.contains("not wholly set up"), "{said}");
    replica.stop().await;
}

/// A Secret as a gateway wrote it a while ago.
fn stored(days_ago: u64) -> (Value, Credentials) {
    let then = SystemTime::now() - Duration::from_secs(days_ago * 24 * 3600);
    let credentials = Credentials::make(&[format!("{SECRET}.{NAMESPACE}.svc")], then).unwrap();
    let data = BTreeMap::from([
        ("tls.crt", &credentials.serving.0.chain),
        ("tls.key", &credentials.serving.0.key),
        ("ca.crt", &credentials.authority.0.chain),
        ("ca.key", &credentials.authority.0.key),
    ]);
    let data: BTreeMap<_, _> = data.into_iter().map(|(key, text)| (key, STANDARD.encode(text))).collect();
    let metadata = json!({"name": SECRET, "namespace": NAMESPACE});
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data});
    (secret, credentials)
}

#[tokio::test]
async fn a_certificate_that_ends_or_has_ended_is_renewed_and_its_authority_stays() {
    let (cluster, site) = (installed().await, Site::new());
    lead_to(&cluster, &site).await;
    let backend = Backend::start("one").await;
    place::apply_in(&cluster, NAMESPACE, &place::site_objects(&site, backend.address())).await;
    // It lasts 90 days: one has ended, one is near its end, one is broken.
    let (ended, credentials) = stored(100);
    drop(cluster.apply(&ended.to_string(), &[]).await.success());
    let gateway = Gateway::start_by(&site, &mut as_installed(&cluster, NAMESPACE, &site).await).await;
    assert_eq!(trusted(&cluster).await, STANDARD.encode(&credentials.authority.0.chain));
    converts(&cluster, "after-the-end").await;

    let (ending, credentials) = stored(80);
    drop(cluster.apply(&ending.to_string(), &["--force-conflicts"]).await.success());
    eventually("another certificate of the same authority", async || {
        let data = secret(&cluster).await["data"].clone();
        let renewed = data["tls.crt"] != ending["data"]["tls.crt"];
        if renewed && data["ca.crt"] == ending["data"]["ca.crt"] { Ok(()) } else { Err("the old one") }
    })
    .await;
    assert_eq!(trusted(&cluster).await, STANDARD.encode(&credentials.authority.0.chain));
    converts(&cluster, "near-the-end").await;
    eventually("the metric tells its end", async || {
        let chain = STANDARD.decode(secret(&cluster).await["data"]["tls.crt"].as_str().unwrap()).unwrap();
        let (chain, key) = (String::from_utf8(chain).unwrap(), &credentials.serving.0.key);
        let ends = Certificate::read(&chain, key).unwrap().not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let metrics = gateway.admin.text("/metrics").await;
        let told =
            metrics.lines().find_map(|line| line.strip_prefix("nuncio_webhook_certificate_expiry_timestamp_seconds "));
        if told == Some(&*ends.as_secs().to_string()) { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;

    let broken = json!({"data": {"tls.key": STANDARD.encode("nonsense")}}).to_string();
    let args = ["patch", "secret", SECRET, "--namespace", NAMESPACE, "--type=merge", "-p", &broken];
    drop(cluster.kubectl(&args).await.success());
    eventually("new certificates", async || {
        let data = secret(&cluster).await["data"].clone();
        if data["tls.key"] == STANDARD.encode("nonsense") { Err("the broken one") } else { Ok(()) }
    })
    .await;
    trusted(&cluster).await;
    converts(&cluster, "after-nonsense").await;
    gateway.stop().await;
}

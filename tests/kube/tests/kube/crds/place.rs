//! A cluster that was one of the original, and in which its definitions were replaced by ours.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nuncio_api::Defaults;
use nuncio_api::crd::{Conversion, definitions};
use nuncio_controller::webhook::{Certificates, Credentials, Limits, Reviewer, router, serve};
use nuncio_kube_tests::Cluster;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The namespace of what was there before.
pub(super) const LEGACY: &str = "legacy";

/// The webhook's server. It runs in a thread of its own, since each test has its own runtime.
pub(super) struct Webhook {
    pub(super) url: String,
    credentials: Credentials,
}

impl Webhook {
    /// The `caBundle`.
    pub(super) fn bundle(&self) -> String {
        STANDARD.encode(self.credentials.bundle())
    }
}

pub(super) fn webhook() -> &'static Webhook {
    static WEBHOOK: OnceLock<Webhook> = OnceLock::new();
    WEBHOOK.get_or_init(|| {
        let ip = "127.0.0.1";
        let credentials = Credentials::make(&[ip.to_owned()], SystemTime::now()).unwrap();
        let certificates = Certificates::new(&credentials.serving).unwrap();
        let listener = TcpListener::bind((ip, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let reviewer =
            Reviewer { ambassador_id: "default".to_owned(), defaults: Defaults::default(), limits: Limits::default() };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                serve(listener, certificates, router(reviewer), CancellationToken::new()).await.unwrap();
            });
        });
        Webhook { url, credentials }
    })
}

pub(crate) async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER.get_or_init(start).await
}

async fn start() -> Cluster {
    let cluster = Cluster::start().await;
    let _ = cluster.apply(&originals(), &[]).await.success();
    established(&cluster).await;
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": LEGACY } });
    let _ = cluster.apply(&namespace.to_string(), &[]).await.success();
    let _ = cluster.apply(&old_objects(), &[]).await.success();
    let replaced = cluster.apply(&ours(), &["--force-conflicts"]).await;
    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    established(&cluster).await;
    cluster
}

async fn established(cluster: &Cluster) {
    let _ = cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]).await.success();
}

fn manifests(change: impl Fn(&mut Value)) -> String {
    let all = definitions(&Conversion::default()).into_iter().map(|definition| {
        let mut manifest = definition.manifest;
        change(&mut manifest);
        manifest.to_string()
    });
    all.collect::<Vec<_>>().join("\n---\n")
}

/// Definitions that store `v2`, as the original's do. Nothing is converted yet.
fn originals() -> String {
    manifests(|manifest| {
        manifest["spec"]["conversion"] = json!({ "strategy": "None" });
        let versions = manifest["spec"]["versions"].as_array_mut().unwrap();
        if versions.iter().any(|version| version["name"] == "v2") {
            for version in versions {
                version["storage"] = json!(version["name"] == "v2");
            }
        }
    })
}

/// What `nuncio crds` prints, with a webhook that can be reached from here.
fn ours() -> String {
    let webhook = webhook();
    manifests(|manifest| {
        let conversion = &mut manifest["spec"]["conversion"];
        if conversion["strategy"] == "Webhook" {
            let url = format!("{}/webhooks/crd-convert", webhook.url);
            conversion["webhook"]["clientConfig"] = json!({ "url": url, "caBundle": webhook.bundle() });
        }
    })
}

/// The spec of a Mapping as releases of the original before 2.0 read it.
pub(super) fn old_spec() -> Value {
    json!({
        "prefix": "/old/",
        "service": "shop:8443",
        "tls": true,
        "host": "*.example.com",
        "headers": { "x-beta": true },
        "add_request_headers": { "x-a": "1" },
        "cors": { "origins": "http://a, http://b" },
        "ambassador_id": "blue",
    })
}

fn old_objects() -> String {
    let object = |kind: &str, spec: Value| {
        let metadata = json!({ "name": "old", "namespace": LEGACY });
        json!({ "apiVersion": "getambassador.io/v2", "kind": kind, "metadata": metadata, "spec": spec })
    };
    let host = json!({ "hostname": "a.example.com", "selector": { "matchLabels": { "team": "red" } } });
    format!("{}\n---\n{}", object("Mapping", old_spec()), object("Host", host))
}

//! A cluster with a fleet of objects.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client as KubeClient};
use nuncio_api::crd::{Conversion, WebhookService, definitions};
use nuncio_e2e::yaml::{self, documents};
use nuncio_e2e::{Gateway, Site, envoy};
use nuncio_kube_tests::Cluster;
use serde_json::{Value, json};

use crate::loading::loaded_by;
use crate::upstream;

/// Objects that are created at the same time.
const AT_ONCE: usize = 64;
/// How often metrics are asked for.
const SCRAPES: Duration = Duration::from_millis(250);
/// Mappings that say which version they are of, one for each host name.
const PER_HOST: usize = 10;
/// Where the webhook listens.
const WEBHOOK: u16 = 9443;

/// A cluster, and what is in it.
pub(super) struct Place {
    pub(super) cluster: Cluster,
    pub(super) mappings: usize,
    pub(super) upstream: SocketAddr,
    /// Where the webhook is, if it converts to older versions.
    webhook: Option<SocketAddr>,
}

impl Place {
    /// A new cluster with the definitions that users install, and a fleet.
    pub(super) async fn new(mappings: usize) -> Self {
        let place = Self { cluster: Cluster::start().await, mappings, upstream: upstream::start(), webhook: None };
        place.define(&Conversion::None).await;
        let edge = [yaml::listener("http", Site::new().http().port(), "HTTP"), yaml::host("any", "*.bench.example")];
        drop(place.cluster.apply(&documents(&edge), &["--namespace", "default"]).await.success());
        place.create(&service(), (0..place.services()).map(a_service)).await;
        place.create(&endpoint_slice(), (0..place.services()).map(|n| a_slice(n, 2))).await;
        place.create(&mapping(), (0..mappings).map(|n| place.a_mapping(n, "0"))).await;
        place
    }

    /// The same where older versions are served too, by the webhook of the site's gateway: the API server has it convert each
    /// change to each of them.
    pub(super) async fn serving_older(self, site: &Site) -> Self {
        let service = WebhookService { namespace: "default".to_owned(), port: WEBHOOK, ..WebhookService::default() };
        let spec = json!({"type": "ExternalName", "externalName": site.ip().to_string()});
        let name = json!({"name": service.name});
        let leads_there = json!({"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": spec});
        self.create(&self::service(), std::iter::once(leads_there)).await;
        self.define(&Conversion::Webhook { service, serve_older: true }).await;
        Self { webhook: Some(site.at(WEBHOOK)), ..self }
    }

    async fn define(&self, conversion: &Conversion) {
        let manifests: Vec<_> = definitions(conversion).into_iter().map(|found| found.manifest).collect();
        drop(self.cluster.apply(&documents(&manifests), &["--force-conflicts"]).await.success());
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        drop(self.cluster.kubectl(&established).await.success());
    }

    /// What there is of it, in words.
    pub(super) fn size(&self) -> String {
        let older = if self.webhook.is_some() { " in all versions" } else { "" };
        format!("{} Mappings{older}", self.mappings)
    }

    pub(super) fn services(&self) -> usize {
        self.mappings / 5
    }

    /// The name of the host that a Mapping is for.
    pub(super) fn host(n: usize) -> String {
        format!("host-{}.bench.example", n / PER_HOST)
    }

    /// A Mapping to a Service of the fleet; the first of each host to a real upstream, with a version in its replies.
    pub(super) fn a_mapping(&self, n: usize, version: &str) -> Value {
        let mut spec = json!({"hostname": Self::host(n), "prefix": format!("/{}/", n % PER_HOST)});
        if n.is_multiple_of(PER_HOST) {
            spec["service"] = json!(self.upstream.to_string());
            spec["add_response_headers"] = json!({"x-version": {"value": version, "append": false}});
        } else {
            spec["service"] = json!(format!("service-{}", n % self.services()));
        }
        yaml::object("Mapping", &format!("mapping-{n}"), spec)
    }

    /// The Mappings whose version can be changed: every host's first.
    pub(super) fn changeable(&self, change: usize) -> usize {
        change * 7_919 % (self.mappings / PER_HOST) * PER_HOST
    }

    /// `nuncio up` for it.
    pub(super) fn up(&self, site: &Site) -> Command {
        let mut command = site.up_without_manifests(site.ip(), &envoy());
        command.args(["--kubernetes", "--kubeconfig"]).arg(self.cluster.admin_kubeconfig());
        if let Some(address) = self.webhook {
            command.args(["--webhook", &address.to_string()]);
        }
        command
    }

    /// Waits until each object has the status that it should have.
    pub(super) async fn statuses_are_written(&self, gateway: &Gateway<'_>) {
        let wanted = self.mappings + 2;
        loaded_by(SCRAPES, async || {
            let metrics = gateway.admin.text("/metrics?envoy=false").await;
            let written = metrics.lines().find_map(|line| line.strip_prefix("nuncio_statuses_written_total "));
            let written: usize = written.and_then(|text| text.parse().ok()).unwrap_or(0);
            if written >= wanted { Ok(()) } else { Err(format!("{written} of {wanted}")) }
        })
        .await;
    }

    pub(super) fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.cluster.admin(), "default", resource)
    }

    /// Changes an object.
    pub(super) async fn patch(&self, api: &Api<DynamicObject>, name: &str, patch: Value) {
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("a patch");
    }

    pub(super) async fn create(&self, resource: &ApiResource, objects: impl Iterator<Item = Value>) {
        let client = self.cluster.admin();
        let create = |object: Value| created(client.clone(), resource.clone(), object);
        stream::iter(objects).map(create).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }

    /// Secrets that nobody names.
    pub(super) async fn create_other_secrets(&self, count: usize) {
        let secret = |n: usize| {
            let data = json!({"value": "x".repeat(4096)});
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("other-{n}")}, "stringData": data})
        };
        let secrets = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"));
        self.create(&secrets, (0..count).map(secret)).await;
    }
}

async fn created(client: KubeClient, resource: ApiResource, object: Value) {
    let api: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let mut tries = 0;
    while let Err(error) = api.create(&PostParams::default(), &object).await {
        // The server may be overwhelmed.
        tries += 1;
        assert!(tries < 5, "{}: {error}", object.metadata.name.unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) fn mapping() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("getambassador.io", "v3alpha1", "Mapping"))
}

pub(super) fn service() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Service"))
}

pub(super) fn endpoint_slice() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("discovery.k8s.io", "v1", "EndpointSlice"))
}

pub(super) fn a_service(n: usize) -> Value {
    let spec = json!({"ports": [{"name": "http", "port": 80}]});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("service-{n}")}, "spec": spec})
}

/// The slice of a Service, with this many endpoints.
pub(super) fn a_slice(n: usize, endpoints: usize) -> Value {
    let pod = |k: usize| {
        let address = format!("10.{}.{}.{}", 200 + n / 250 % 40, n % 250, k + 1);
        json!({"addresses": [address], "conditions": {"ready": true, "serving": true, "terminating": false}})
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("service-{n}-a"), "labels": {"kubernetes.io/service-name": format!("service-{n}")}},
        "endpoints": (0..endpoints).map(pod).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    })
}

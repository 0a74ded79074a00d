//! What `kubectl` shows of objects: conditions, columns and events, written by one replica.

mod edits;
mod filters;
mod foreign;
mod health;
mod ingress;
mod keys;
mod leader;
mod mesh;
mod previews;
mod rights;
mod shared;
mod told;
mod written;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nuncio_api::crd::{Conversion, definitions};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Gateway, Site, eventually, yaml};
use nuncio_kube_tests::{Account, Cluster, Namespace};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::source::place;

/// Seconds after which another replica takes over, in these tests.
const LEASE: u64 = 3;

/// A cluster with the definitions that users install.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(async || {
            let cluster = Cluster::start().await;
            let manifests: Vec<_> =
                definitions(&Conversion::None).into_iter().map(|definition| definition.manifest).collect();
            let _ = cluster.apply(&place::documents(&manifests), &[]).await.success();
            let _ = cluster
                .kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])
                .await
                .success();
            cluster
        })
        .await
}

/// What most of these tests begin with: a namespace where the gateway has an account that may do what is listed and no more,
/// and a site whose Listener and Mapping `app` may be applied to it.
struct Stage {
    cluster: &'static Cluster,
    namespace: Namespace<'static>,
    /// Of the gateway.
    kubeconfig: PathBuf,
    site: Site,
    backend: Backend,
}

impl Stage {
    async fn new() -> Self {
        let cluster = cluster().await;
        let (namespace, backend) = (cluster.namespace().await, Backend::start("one").await);
        place::apply(cluster, &namespace, &rights::grant(namespace.name())).await;
        let account = Account::ServiceAccount { namespace: namespace.name(), name: "default" };
        let kubeconfig = cluster.kubeconfig_for(account).await;
        Self { cluster, namespace, kubeconfig, site: Site::new(), backend }
    }

    /// One with its objects.
    async fn set() -> Self {
        let stage = Self::new().await;
        stage.apply(&stage.objects()).await;
        stage
    }

    fn objects(&self) -> Vec<Value> {
        place::site_objects(&self.site, self.backend.address())
    }

    fn mapping(&self, name: &str, prefix: &str) -> Value {
        place::mapping(name, prefix, self.backend.address())
    }

    async fn apply(&self, objects: &[Value]) {
        place::apply(self.cluster, &self.namespace, objects).await;
    }

    /// `nuncio up` at another site.
    fn up_at(&self, site: &Site) -> Command {
        self.up_leading_for(site, LEASE)
    }

    /// The same with a Lease that lasts for other seconds than these tests' usual ones.
    fn up_leading_for(&self, site: &Site, seconds: u64) -> Command {
        let mut command = place::up_in(site, &self.kubeconfig, self.namespace.name());
        command.args(["--lease-duration", &seconds.to_string()]);
        command
    }

    fn up(&self) -> Command {
        self.up_at(&self.site)
    }

    async fn gateway(&self) -> Gateway<'_> {
        Gateway::start_by(&self.site, &mut self.up()).await
    }

    async fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.kubectl(&[args, &["--namespace", self.namespace.name()]].concat()).await.success()
    }

    /// An object as the API server has it.
    async fn object(&self, kind: &str, name: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", kind, name, "-o", "json"]).await).unwrap()
    }

    /// The same with whose its fields are.
    async fn managed(&self, kind: &str, name: &str) -> Value {
        let told = self.kubectl(&["get", kind, name, "-o", "json", "--show-managed-fields"]).await;
        serde_json::from_str(&told).unwrap()
    }

    /// Waits until an object has these conditions, of the generation that it has.
    async fn shows(&self, kind: &str, name: &str, wanted: &[(&str, &str, &str)]) -> Value {
        eventually(&format!("{kind} {name} is {wanted:?}"), async || {
            let object = self.object(kind, name).await;
            let fits = |(kind, status, reason): &(&str, &str, &str)| {
                let condition = condition(&object, kind);
                condition["status"] == *status
                    && condition["reason"] == *reason
                    && condition["observedGeneration"] == object["metadata"]["generation"]
            };
            if wanted.iter().all(fits) { Ok(object) } else { Err(format!("{:#}", object["status"])) }
        })
        .await
    }
}

fn condition<'o>(object: &'o Value, kind: &str) -> &'o Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

const FINE: [(&str, &str, &str); 3] =
    [("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs"), ("Programmed", "True", "Programmed")];

/// A Mapping with a header that Nuncio takes and Envoy does not: the expression does not parse.
fn refused(name: &str, backend: &Backend) -> Value {
    let mut mapping = place::mapping(name, "/bad/", backend.address());
    mapping["spec"]["add_request_headers"] = json!({"x-cel": {"value": "%CEL(request.path +)%"}});
    mapping
}

#[tokio::test]
async fn a_good_object_is_programmed_and_a_broken_one_says_why() {
    let stage = Stage::new().await;
    let mut objects = stage.objects();
    objects.push(yaml::host("any", "*"));
    objects.push(yaml::object("Mapping", "broken", json!({"hostname": "*", "prefix": "/x/", "service": "http://a b"})));
    let mut lost = stage.mapping("lost", "/lost/");
    lost["spec"]["resolver"] = json!("nowhere");
    objects.push(lost);
    stage.apply(&objects).await;
    let gateway = stage.gateway().await;

    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!(app["status"]["state"], "Running");
    assert_eq!(app["status"]["observedGeneration"], app["metadata"]["generation"]);
    assert_eq!(condition(&app, "Stalled"), &Value::Null);
    let host = stage.shows("host", "any", &FINE).await;
    assert_eq!(host["status"]["state"], "Ready");
    stage.shows("listener", "http", &FINE).await;

    let wanted =
        [("Accepted", "False", "InvalidValue"), ("Programmed", "False", "Invalid"), ("Stalled", "True", "Invalid")];
    let broken = stage.shows("mapping", "broken", &wanted).await;
    let message = condition(&broken, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("spec.service") && message.contains("apply the Mapping again"), "{message}");
    assert_eq!(broken["status"]["state"], "Inactive");
    let wanted = [("Accepted", "True", "Accepted"), ("ResolvedRefs", "False", "ResolverNotFound")];
    stage.shows("mapping", "lost", &wanted).await;

    let table = stage.kubectl(&["get", "mapping"]).await;
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(table.lines().next().unwrap().contains("STATE"), "{table}");
    assert!(row("app").contains("Running") && row("broken").contains("Inactive"), "{table}");
    // An event is written after the status.
    eventually("it is described", async || {
        let described = stage.kubectl(&["describe", "mapping", "broken"]).await;
        if described.contains("Warning") && described.contains("InvalidValue") { Ok(()) } else { Err(described) }
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_fix_flips_the_conditions_and_their_times_and_a_change_that_does_not_keeps_them() {
    let stage = Stage::set().await;
    let gateway = stage.gateway().await;
    let first = stage.shows("mapping", "app", &FINE).await;
    let since = |object: &Value, kind: &str| condition(object, kind)["lastTransitionTime"].as_str().unwrap().to_owned();
    // Times are whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;

    stage.apply(&[stage.mapping("app", "/other/")]).await;
    let second = stage.shows("mapping", "app", &FINE).await;
    assert_eq!(second["metadata"]["generation"], 2);
    assert_eq!(since(&second, "Programmed"), since(&first, "Programmed"));

    let mut broken = stage.mapping("app", "/other/");
    broken["spec"]["service"] = json!("http://a b");
    stage.apply(&[broken]).await;
    let wanted = [("Accepted", "False", "InvalidValue"), ("Programmed", "False", "Invalid")];
    let third = stage.shows("mapping", "app", &wanted).await;
    assert!(since(&third, "Accepted") > since(&first, "Accepted"));
    assert_eq!(since(&third, "ResolvedRefs"), since(&first, "ResolvedRefs"));
    let message = condition(&third, "Accepted")["message"].as_str().unwrap();
    assert!(message.contains("what was valid before stays in force"), "{message}");

    tokio::time::sleep(Duration::from_millis(1100)).await;
    stage.apply(&[stage.mapping("app", "/other/")]).await;
    let fourth = stage.shows("mapping", "app", &FINE).await;
    assert!(since(&fourth, "Accepted") > since(&third, "Accepted"));
    assert_eq!(fourth["status"]["reason"], "");
    assert_eq!(condition(&fourth, "Stalled"), &Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn what_envoy_says_lands_on_the_culprit_and_not_on_its_neighbours() {
    let stage = Stage::set().await;
    let gateway = stage.gateway().await;
    stage.shows("mapping", "app", &FINE).await;
    let neighbour = stage.mapping("neighbour", "/neighbour/");
    stage.apply(&[refused("culprit", &stage.backend), neighbour]).await;
    let wanted = [("Accepted", "True", "Accepted"), ("Programmed", "False", "RefusedByProxy")];
    let culprit = stage.shows("mapping", "culprit", &wanted).await;
    let message = condition(&culprit, "Programmed")["message"].as_str().unwrap();
    assert!(message.contains("Not able to parse expression"), "{message}");
    for name in ["app", "neighbour"] {
        let object = stage.shows("mapping", name, &FINE).await;
        assert!(!object["status"].to_string().contains("refused"), "{object}");
    }
    stage.apply(&[stage.mapping("culprit", "/fixed/")]).await;
    stage.shows("mapping", "culprit", &FINE).await;
    gateway.stop().await;
}

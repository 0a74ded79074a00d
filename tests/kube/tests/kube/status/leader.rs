//! Who writes: the replica that leads, and has something to say.

use std::time::Duration;

use nuncio_e2e::{Controller, Envoy, Gateway, Site, eventually};
use serde_json::{Value, json};

use super::{FINE, LEASE, Stage, condition};
use crate::source::place;

const ALONE: [(&str, &str, &str); 3] =
    [("Accepted", "True", "Accepted"), ("Programmed", "False", "NoEnvoy"), ("Reconciling", "True", "NoEnvoy")];

/// Seconds of a Lease that a holder does not lose when the machine keeps it waiting for a moment.
const LONG: u64 = 8;

/// Who holds the Lease.
pub(super) async fn holder(stage: &Stage) -> String {
    let lease = stage.object("lease", "nuncio-default").await;
    lease["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

/// A replica without an Envoy.
async fn controller(stage: &Stage) -> Controller {
    let lease = LEASE.to_string();
    let args = ["controller", "--kubernetes", "--single-namespace", "--lease-duration", &lease, "--kubeconfig"];
    let mut command = stage.site.nuncio(&args);
    command.arg(&stage.kubeconfig).args(["--namespace", stage.namespace.name()]);
    Controller::start_by(&stage.site, &mut command).await
}

#[tokio::test]
async fn an_object_is_programmed_once_an_envoy_has_it_and_not_before() {
    let stage = Stage::set().await;
    let controller = controller(&stage).await;
    let app = stage.shows("mapping", "app", &ALONE).await;
    assert_eq!(app["status"]["state"], "Inactive");

    let envoy = Envoy::start(&stage.site, "one");
    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!((&app["status"]["state"], condition(&app, "Reconciling")), (&json!("Running"), &Value::Null));
    place::answers(&stage.site, "/app/", "one").await;
    drop(envoy);
    controller.kill().await;
}

#[tokio::test]
async fn a_replica_without_an_envoy_gives_way_to_one_that_has_one() {
    let (stage, two) = (Stage::set().await, Site::new());
    let controller = controller(&stage).await;
    stage.shows("mapping", "app", &ALONE).await;
    let alone = holder(&stage).await;
    let serving = Gateway::start_by(&two, &mut stage.up_at(&two)).await;
    stage.shows("mapping", "app", &FINE).await;
    let leader = holder(&stage).await;
    assert_ne!(leader, alone);
    let written = stage.object("mapping", "app").await["metadata"]["resourceVersion"].clone();
    tokio::time::sleep(Duration::from_secs(2 * LEASE)).await;
    assert_eq!(holder(&stage).await, leader, "it is not taken back");
    assert_eq!(stage.object("mapping", "app").await["metadata"]["resourceVersion"], written);

    // Better one without an Envoy than none.
    serving.stop().await;
    stage.shows("mapping", "app", &ALONE).await;
    assert_eq!(holder(&stage).await, alone);
    controller.kill().await;
}

#[tokio::test]
async fn of_two_replicas_one_writes_and_the_other_takes_over() {
    let (stage, two) = (Stage::set().await, Site::new());
    // Each has its own address, so both can serve the Listener's port only if it is the same: it is that of the first.
    let mut first = Gateway::start_by(&stage.site, &mut stage.up_leading_for(&stage.site, LONG)).await;
    stage.shows("mapping", "app", &FINE).await;
    let leader = holder(&stage).await;
    let second = Gateway::start_by(&two, &mut stage.up_leading_for(&two, LONG)).await;
    tokio::time::sleep(Duration::from_secs(LONG + 1)).await;
    assert_eq!(holder(&stage).await, leader, "it renews");

    first.kill().await;
    stage.apply(&[stage.mapping("app", "/other/")]).await;
    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!(app["metadata"]["generation"], 2);
    assert_ne!(holder(&stage).await, leader);

    // One that stops lets go.
    second.stop().await;
    assert_eq!(holder(&stage).await, "");
    let third = Gateway::start_by(&two, &mut stage.up_leading_for(&two, LONG)).await;
    eventually("the Lease is taken", async || match holder(&stage).await {
        free if free.is_empty() => Err("nobody holds it"),
        _ => Ok(()),
    })
    .await;
    third.stop().await;
}

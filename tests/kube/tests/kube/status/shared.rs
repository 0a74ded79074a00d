//! Objects for several instances: who speaks of them.

use std::time::Duration;

use nuncio_e2e::{Gateway, Site, yaml};
use serde_json::{Value, json};

use super::{FINE, Stage, condition};

const UNCLAIMED: [(&str, &str, &str); 2] =
    [("Programmed", "False", "NoMatchingHost"), ("Reconciling", "True", "NoMatchingHost")];

/// An object for these instances.
fn of(mut object: Value, instances: &[&str]) -> Value {
    object["spec"]["ambassador_id"] = json!(instances);
    object
}

#[tokio::test]
async fn an_instance_that_only_waits_says_nothing_over_one_where_it_is_in_force() {
    let (stage, outside) = (Stage::new().await, Site::new());
    let both = ["internal", "external"];
    let mut objects: Vec<_> = stage.objects().into_iter().map(|object| of(object, &both)).collect();
    objects[1]["spec"]["hostname"] = json!("shop.example");
    objects.push(of(yaml::host("inside", "other.example"), &["internal"]));
    objects.push(of(yaml::host("outside", "shop.example"), &["external"]));
    stage.apply(&objects).await;
    let up = |site: &Site, id: &str| {
        let mut command = stage.up_at(site);
        command.env("AMBASSADOR_ID", id);
        command
    };
    let internal = Gateway::start_by(&stage.site, &mut up(&stage.site, "internal")).await;
    stage.shows("mapping", "app", &UNCLAIMED).await;

    let external = Gateway::start_by(&outside, &mut up(&outside, "external")).await;
    let app = stage.shows("mapping", "app", &FINE).await;
    assert_eq!(condition(&app, "Reconciling"), &Value::Null);
    // Long enough for each of them to write over the other.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let later = stage.object("mapping", "app").await;
    assert_eq!(later["metadata"]["resourceVersion"], app["metadata"]["resourceVersion"], "{:#}", later["status"]);

    // Whose word it is can take it back.
    stage.apply(&[of(yaml::host("outside", "elsewhere.example"), &["external"])]).await;
    stage.shows("mapping", "app", &UNCLAIMED).await;
    stage.apply(&[of(yaml::host("inside", "shop.example"), &["internal"])]).await;
    stage.shows("mapping", "app", &FINE).await;
    external.stop().await;
    internal.stop().await;
}

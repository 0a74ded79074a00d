//! How far each object has come, as the diagnostics say.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, mapping, plain};
use nuncio_e2e::{Controller, Envoy, Gateway, Site, eventually};
use rustix::process::Signal;
use serde_json::json;

#[tokio::test]
async fn objects_are_acked_by_the_one_envoy() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    for (kind, name, file) in
        [("Listener", "http", "listener.yaml"), ("Host", "any", "listener.yaml"), ("Mapping", "x", "x.yaml")]
    {
        let object = gateway.admin.state(kind, name, "acked").await;
        assert_eq!((&object["acked_by"], &object["envoys"]), (&json!(1), &json!(1)), "{object}");
        assert_eq!((&object["file"], &object["namespace"]), (&json!(file), &json!("default")), "{object}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_object_that_does_not_serve_is_only_parsed() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let lonely = yaml::mapping_on("other.example", "lonely", "/x/", a.address());
    let mut labelled = yaml::object("Host", "labelled", json!({"hostname": "a.example"}));
    labelled["spec"]["mappingSelector"] = json!({"matchLabels": {"a": "b"}});
    site.write("x.yaml", "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: bad}\nspec: {}\n");
    site.write("y.yaml", documents(&[lonely, labelled]));
    let gateway = Gateway::start(&site).await;
    let object = gateway.admin.state("Mapping", "bad", "parsed").await;
    assert!(object["problems"][0]["severity"] == "error", "{object}");
    gateway.stop().await;
}

#[tokio::test]
async fn objects_are_acked_by_each_of_two_envoys() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let controller = Controller::start(&site).await;
    let object = controller.admin.state("Mapping", "x", "translated").await;
    assert_eq!((&object["acked_by"], &object["envoys"]), (&json!(0), &json!(0)), "{object}");
    assert!(controller.admin.ready().await.is_err(), "no Envoy has anything");

    let one = Envoy::start(&site, "one");
    eventually("ready", async || controller.admin.ready().await).await;
    let two = Envoy::start(&site, "two");
    let acked = async |wanted: u64| {
        eventually(&format!("acked by {wanted} of {wanted}"), async || {
            let object = controller.admin.object("Mapping", "x").await.unwrap_or_default();
            let fits = object["state"] == "acked" && object["acked_by"] == wanted && object["envoys"] == wanted;
            if fits { Ok(()) } else { Err(object.to_string()) }
        })
        .await;
    };
    acked(2).await;
    let mut nodes: Vec<_> = controller.admin.list("envoys").await.iter().map(|envoy| envoy["node"].clone()).collect();
    nodes.sort_by_key(ToString::to_string);
    assert_eq!(nodes, ["one", "two"]);

    // A change is live when both have it.
    site.write("y.yaml", documents(&[mapping("y", "/y/", a.address())]));
    controller.line(&["Mapping default/y added", "live on 2 Envoys in"]).await;

    two.signal(Signal::TERM);
    drop(two);
    acked(1).await;
    controller.line(&["two disconnected"]).await;
    drop(one);
}

#[tokio::test]
async fn envoys_tell_their_version_and_what_they_have() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let envoy = eventually("synced", async || {
        let envoys = gateway.admin.list("envoys").await;
        let envoy = envoys.first().cloned().unwrap_or_default();
        if envoy["synced_revision"].is_u64() { Ok(envoy) } else { Err(envoy.to_string()) }
    })
    .await;
    assert!(envoy["version"].as_str().is_some_and(|version| version.contains("1.40")), "{envoy}");
    assert_eq!(envoy["synced_revision"], envoy["newest_revision"], "{envoy}");
    assert_eq!((&envoy["nacks"], &envoy["protocol"]), (&json!(0), &json!("delta")), "{envoy}");
    gateway.stop().await;
}

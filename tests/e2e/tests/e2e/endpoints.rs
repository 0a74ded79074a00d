//! Which endpoints of a Service get requests.

use std::collections::BTreeSet;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, object, plain};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

/// A Service `web`.
fn service(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
}

/// A slice of it with one endpoint: the backend, at its port.
fn slice(name: &str, backend: &Backend, endpoint: &Value) -> Value {
    let (address, mut endpoint) = (backend.address(), endpoint.clone());
    if endpoint.get("addresses").is_none() {
        endpoint["addresses"] = json!([address.ip()]);
    }
    let family = if endpoint["addresses"][0].as_str().is_some_and(|ip| ip.contains(':')) { "IPv6" } else { "IPv4" };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [endpoint], "ports": [{"name": "http", "port": address.port()}],
    })
}

/// A Mapping to `web`, by its endpoints.
fn mapping(service: &str) -> Value {
    object(
        "Mapping",
        "web",
        json!({"hostname": "*", "prefix": "/", "service": service, "resolver": "kubernetes-endpoint"}),
    )
}

fn port_80() -> Value {
    service(&json!({"ports": [{"name": "http", "port": 80}]}))
}

/// Who answers a number of requests.
async fn answering(client: &Client) -> BTreeSet<String> {
    let mut by = BTreeSet::new();
    for _ in 0..12 {
        by.insert(client.ask(&get("a.example", "/")).await.by());
    }
    by
}

/// Waits until these answer, and no others.
async fn answered_by(site: &Site, wanted: &[&str]) {
    let client = Client::http(site.http());
    eventually(&format!("answered by {wanted:?}"), async || {
        let by = answering(&client).await;
        if by.iter().eq(wanted) { Ok(()) } else { Err(format!("{by:?}")) }
    })
    .await;
}

#[tokio::test]
async fn requests_stay_in_the_zone_that_hints_name_and_leave_it_when_they_must() {
    let (site, near, far) = (Site::new(), Backend::start("near").await, Backend::start("far").await);
    let hinted = |zone: &str| json!({"zone": zone, "hints": {"forZones": [{"name": zone}]}});
    site.write("edge.yaml", plain(&site) + &documents(&[port_80(), mapping("web")]));
    site.write("near.yaml", documents(&[slice("near", &near, &hinted("a"))]));
    site.write("far.yaml", documents(&[slice("far", &far, &hinted("b"))]));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--zone", "a"]);
    })
    .await;
    answered_by(&site, &["near"]).await;

    let mut gone = hinted("a");
    gone["conditions"] = json!({"ready": false});
    site.write("near.yaml", documents(&[slice("near", &near, &gone)]));
    answered_by(&site, &["far"]).await;
    site.write("near.yaml", documents(&[slice("near", &near, &hinted("a"))]));
    answered_by(&site, &["near"]).await;
    // One without a hint: nobody knows how much each zone can take.
    site.write("far.yaml", documents(&[slice("far", &far, &json!({"zone": "b"}))]));
    answered_by(&site, &["far", "near"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_own_zone_can_go_first_or_not_count_at_all() {
    let (site, near, far) = (Site::new(), Backend::start("near").await, Backend::start("far").await);
    site.write("edge.yaml", plain(&site) + &documents(&[port_80(), mapping("web")]));
    let slices = [slice("near", &near, &json!({"zone": "a"})), slice("far", &far, &json!({"zone": "b"}))];
    site.write("slices.yaml", documents(&slices));
    for (rule, wanted) in [("nearest", &["near"][..]), ("off", &["far", "near"])] {
        let args = ["--zone", "a", "--zone-routing", rule];
        let gateway = Gateway::start_with(&site, |command| {
            command.args(args);
        })
        .await;
        answered_by(&site, wanted).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn zones_share_the_requests_as_they_are_told() {
    let (site, near, far) = (Site::new(), Backend::start("near").await, Backend::start("far").await);
    site.write("edge.yaml", plain(&site) + &documents(&[port_80(), mapping("web")]));
    let slices = [slice("near", &near, &json!({"zone": "a"})), slice("far", &far, &json!({"zone": "b"}))];
    site.write("slices.yaml", documents(&slices));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--zone", "a", "--zone-routing", "weighted", "--zone-weight", "75"]);
    })
    .await;
    let client = Client::http(site.http());
    let mut connection = client.connect().await.unwrap();
    for _ in 0..400 {
        assert_eq!(connection.send(&get("a.example", "/")).await.unwrap().status, 200);
    }
    // One Envoy thread takes the zones in turn by their weights: no chance has a part in it.
    assert!((290..=310).contains(&near.requests()), "{} of 400", near.requests());
    assert_eq!(near.requests() + far.requests(), 400);
    gateway.stop().await;
}

#[tokio::test]
async fn hints_for_the_node_go_before_those_for_the_zone() {
    let (site, node, zone) = (Site::new(), Backend::start("node").await, Backend::start("zone").await);
    let hinted =
        |node: &str| json!({"zone": "a", "hints": {"forZones": [{"name": "a"}], "forNodes": [{"name": node}]}});
    site.write("edge.yaml", plain(&site) + &documents(&[port_80(), mapping("web")]));
    site.write("zone.yaml", documents(&[slice("zone", &zone, &hinted("n2"))]));
    site.write("node.yaml", documents(&[slice("node", &node, &hinted("n1"))]));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--zone", "a", "--node", "n1"]);
    })
    .await;
    answered_by(&site, &["node"]).await;
    site.remove("node.yaml");
    answered_by(&site, &["zone"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_that_ends_serves_as_long_as_there_is_no_other() {
    let (site, old, new) = (Site::new(), Backend::start("old").await, Backend::start("new").await);
    let ends = json!({"conditions": {"ready": false, "serving": true, "terminating": true}});
    site.write("edge.yaml", plain(&site) + &documents(&[port_80(), mapping("web")]));
    site.write("old.yaml", documents(&[slice("old", &old, &ends)]));
    let gateway = Gateway::start(&site).await;
    answered_by(&site, &["old"]).await;
    site.write("new.yaml", documents(&[slice("new", &new, &json!({}))]));
    answered_by(&site, &["new"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_pod_with_addresses_of_both_families_is_reached_by_the_one_that_answers() {
    let (site, backend) = (Site::new(), Backend::start("pod").await);
    let pod = |ip: &str| json!({"addresses": [ip], "targetRef": {"kind": "Pod", "name": "pod", "uid": "1"}});
    let web = service(&json!({"ports": [{"name": "http", "port": 80}], "ipFamilies": ["IPv6", "IPv4"]}));
    // Nobody listens at the port on IPv6.
    let slices = [slice("v6", &backend, &pod("::1")), slice("v4", &backend, &pod("127.0.0.1"))];
    site.write("edge.yaml", plain(&site) + &documents(&[web, mapping("web")]) + &documents(&slices));
    let gateway = Gateway::start(&site).await;
    answered_by(&site, &["pod"]).await;
    let clusters = gateway.admin.list("clusters").await;
    let endpoints =
        clusters.iter().find(|cluster| cluster["service"] == "web:80").expect("a cluster")["endpoints"].clone();
    let port = backend.address().port();
    assert_eq!(endpoints.as_array().unwrap().len(), 1, "one pod is one endpoint: {endpoints}");
    assert_eq!(
        (&endpoints[0]["address"], &endpoints[0]["other"]),
        (&json!(format!("[::1]:{port}")), &json!(format!("127.0.0.1:{port}")))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn services_of_every_kind_are_found() {
    let (site, one, two) = (Site::new(), Backend::start("one").await, Backend::start("two").await);
    let port = one.address().port();
    site.write("edge.yaml", plain(&site));
    site.write("web.yaml", documents(&[port_80(), mapping("web")]));
    // A port by its name has another number in each slice.
    site.write("slices.yaml", documents(&[slice("one", &one, &json!({})), slice("two", &two, &json!({}))]));
    let gateway = Gateway::start(&site).await;
    answered_by(&site, &["one", "two"]).await;

    // UDP and TCP on one number.
    let ports =
        json!([{"name": "quic", "port": 80, "protocol": "UDP"}, {"name": "http", "port": 80, "protocol": "TCP"}]);
    site.write("web.yaml", documents(&[service(&json!({"ports": ports})), mapping("web")]));
    answered_by(&site, &["one", "two"]).await;

    // A headless Service needs no ports; its pods are asked at the port that the Mapping names.
    site.remove("slices.yaml");
    let mut bare = slice("one", &one, &json!({}));
    bare["ports"] = json!([]);
    let headless = service(&json!({"clusterIP": "None"}));
    site.write("web.yaml", documents(&[headless, bare, mapping(&format!("web:{port}"))]));
    answered_by(&site, &["one"]).await;

    let port = two.address().port();
    let external = service(&json!({"type": "ExternalName", "externalName": "localhost"}));
    site.write("web.yaml", documents(&[external, mapping(&format!("web:{port}"))]));
    answered_by(&site, &["two"]).await;

    site.write("web.yaml", documents(&[port_80(), mapping("web:81")]));
    gateway.admin.problem(&["web", "has no port 81; it has 80"]).await;
    answered_by(&site, &["503"]).await;
    gateway.stop().await;
}

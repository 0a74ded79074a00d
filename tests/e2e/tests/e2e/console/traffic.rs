//! Requests, errors and latency: by service always, by route where the gateway was told so.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

use super::{page, told};
use crate::portal::{HOST, gateway, patient_shop};

#[tokio::test]
async fn traffic_is_told_by_service() {
    let site = Site::new();
    let _shop = patient_shop(&site).await;
    let gateway = gateway(&site).await;
    let clients = Client::http(site.at(8080));
    for _ in 0..5 {
        assert_eq!(clients.send(&get(HOST, "/api/carts/ann")).await.unwrap().status, 200);
    }
    let counted = eventually("the cart's requests", async || {
        let traffic = gateway.admin.json("/api/v1/traffic").await;
        let all = traffic.as_array().unwrap().iter();
        let carts: u64 = all
            .filter(|one| one["services"].to_string().contains("cart"))
            .map(|one| one["requests"].as_u64().unwrap())
            .sum();
        if carts == 5 { Ok(traffic) } else { Err(traffic.to_string()) }
    })
    .await;
    assert!(counted.to_string().contains("\"server_errors\":0"), "{counted}");
    let switch = "start the gateway with --route-stats";
    let more = "a login, an AuthService or a limit refuses";
    told(&site, "/console/traffic", &["cart:80", "Since the start", "0 %", switch, more]).await;
    told(&site, "/console/?text=cart", &[switch, "/console/traffic"]).await;
    told(&site, "/console/objects/Mapping/default/cart", &[switch]).await;
    assert_eq!(gateway.admin.json("/api/v1/route-traffic").await["is_counted"], false);
    let routes = gateway.admin.list("routes?limit=1000").await;
    let mut counted = routes.iter().filter_map(|route| route["counted_as"].as_str());
    assert!(counted.all(|name| name.contains(".route.preview.")), "{routes:?}");
    gateway.stop().await;
}

/// What is counted of a route.
async fn counts(gateway: &Gateway<'_>, name: &str) -> Value {
    let topology = gateway.admin.json(&format!("/api/v1/topology?name={name}")).await;
    topology["routes"][0]["traffic"].clone()
}

#[tokio::test]
async fn routes_to_the_same_service_are_told_apart() {
    let site = Site::new();
    let backend = Backend::start("shared").await;
    let service = format!("http://{}", backend.address());
    let moved = json!({"hostname": "a.example", "prefix": "/moved/", "service": service, "host_redirect": true});
    site.write(
        "all.yaml",
        documents(&[
            listener("http", 8080, "HTTP"),
            host("a", "a.example"),
            mapping_on("a.example", "good", "/good/", backend.address()),
            // A dot would end the name under which it is counted.
            mapping_on("a.example", "bad.one", "/bad/", backend.address()),
            mapping_on("a.example", "idle", "/idle/", backend.address()),
            mapping_on("*", "any", "/any/", backend.address()),
            object("Mapping", "moved", moved),
        ]),
    );
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).arg("--route-stats");
    })
    .await;
    let clients = Client::http(site.at(8080));
    for _ in 0..4 {
        assert_eq!(clients.send(&get("a.example", "/good/")).await.unwrap().status, 200);
        assert_eq!(clients.send(&get("a.example", "/any/")).await.unwrap().status, 200);
    }
    let failing = get("a.example", "/bad/").with("x-echo-status", "503");
    let refused = get("a.example", "/bad/").with("x-echo-status", "404");
    assert_eq!(clients.send(&failing).await.unwrap().status, 503);
    assert_eq!(clients.send(&refused).await.unwrap().status, 404);
    assert_eq!(clients.send(&get("a.example", "/moved/")).await.unwrap().status, 301);

    let bad = eventually("the counts of a route", async || {
        let bad = counts(&gateway, "bad.one").await;
        if bad["all"]["p95"].is_number() { Ok(bad) } else { Err(bad.to_string()) }
    })
    .await;
    assert_eq!((&bad["requests"], &bad["client_errors"], &bad["server_errors"]), (&json!(2), &json!(1), &json!(1)));
    for (name, requests) in [("good", 4), ("any", 4), ("idle", 0)] {
        let told = counts(&gateway, name).await;
        let all = [&told["requests"], &told["client_errors"], &told["server_errors"]];
        assert_eq!(all, [&json!(requests), &json!(0), &json!(0)], "{name}");
    }
    assert_eq!(counts(&gateway, "moved").await, Value::Null, "nobody is asked for what is redirected");

    let busiest = gateway.admin.json("/api/v1/route-traffic?limit=2").await;
    let names = ["0", "1"].map(|at| busiest.pointer(&format!("/routes/{at}/origin/0/name")).cloned());
    assert!(!names.contains(&Some(json!("bad.one"))) && !names.contains(&None), "{busiest}");
    assert_eq!((&busiest["is_counted"], &busiest["total"]), (&json!(true), &json!(3)));
    let routes = gateway.admin.list("routes").await;
    let counted_as = routes.iter().find(|route| route["name"] == "default/bad.one").map(|route| &route["counted_as"]);
    assert_eq!(counted_as, Some(&json!("vhost.a.example.route.default_bad_one")));

    let metrics = gateway.admin.text("/metrics").await;
    let of_bad = |line: &&str| {
        line.starts_with("envoy_vhost_route_upstream_rq_completed{")
            && line.contains("nuncio_route=\"default_bad_one\"")
    };
    let bad = metrics.lines().find(of_bad).unwrap_or_else(|| panic!("{metrics}"));
    assert!(bad.contains("nuncio_host=\"a.example\"") && bad.ends_with("} 2"), "{bad}");

    // The service has had all of them.
    told(&site, "/console/traffic", &["By route", "/bad/", "50.0 %", "By service"]).await;
    // Shares are those of the requests since an earlier look, and there were none if that was a while ago.
    told(&site, "/console/objects/Mapping/default/bad.one", &["2 since the start"]).await;
    let good = page(&site, "/console/objects/Mapping/default/good").await.text();
    assert!(
        good.contains("4 since the start") && !good.contains("50.0 %") && !good.contains("--route-stats"),
        "{good}"
    );
    gateway.stop().await;
}

//! What tables of previews say.

use std::sync::Arc;

use nuncio_ir::{PreviewContext, Route, StreamBounds, Table};
use serde_json::{Value, json};

use super::build::{arm, forward, host, name, prefix, respond, route};
use super::json;
use crate::table;

/// The names of the headers that are added and removed by what holds such edits.
fn edits(of: &Value) -> (Vec<&str>, Vec<&str>) {
    let added = of["requestHeadersToAdd"].as_array().into_iter().flatten();
    let removed = of["requestHeadersToRemove"].as_array().into_iter().flatten();
    (added.map(|it| it["header"]["key"].as_str().unwrap()).collect(), removed.map(|it| it.as_str().unwrap()).collect())
}

#[test]
fn the_key_goes_with_those_arms_that_may_know_it() {
    let routes = [("mixed", vec![arm(1, "cart"), arm(1, "away")]), ("own", vec![arm(1, "cart")])];
    let routes = routes.map(|(name, arms)| route(name, prefix("/"), forward(arms)));
    let mut own = host("web--x.preview.example", routes.to_vec());
    own.preview = Some(PreviewContext {
        key: "npkx".into(),
        counted: "preview.x.any".into(),
        headers: ["x-branch".to_owned()].into(),
        baseline: Some("shop.example".into()),
        origin: Some("https://web--x.preview.example".into()),
        entrypoints: Arc::default(),
        by_links: false,
        name: None,
        streams: StreamBounds::default(),
    });
    let mut made = |strangers: &[&str]| {
        own.strangers = strangers.iter().map(|cluster| name(cluster)).collect();
        json(&table(&own)[0])["virtualHosts"][0].clone()
    };
    let (told, nothing) = (vec!["x-nuncio-preview", "x-branch", "baggage"], Vec::<&str>::new());
    let whole = made(&[]);
    assert_eq!(edits(&whole).0, told);
    assert_eq!(edits(&whole["routes"][1]), (nothing.clone(), nothing.clone()));
    let host = made(&["away"]);
    assert_eq!(edits(&host).0, nothing);
    let clusters = &host["routes"][0]["route"]["weightedClusters"]["clusters"];
    assert_eq!((&clusters[0]["name"], &clusters[1]["name"]), (&json!("cart"), &json!("away")));
    assert_eq!(edits(&clusters[0]), (told.clone(), nothing.clone()));
    assert_eq!(edits(&clusters[1]), (nothing.clone(), told[..2].to_vec()));
    assert_eq!(edits(&host["routes"][1]).0, told);
}

#[test]
fn a_preview_counts_no_route_that_it_shares_with_the_baseline() {
    let counted =
        |name: &str, by: &str| Route { counted: Some(by.into()), ..route(name, prefix("/"), respond(200, "")) };
    let routes = vec![counted("shared", "shop_cart"), counted("own", "preview.x.preview.0")];
    let prefixes = |table: &Table| {
        let made = json(&self::table(table)[0]);
        let routes = made["virtualHosts"][0]["routes"].as_array().unwrap().clone();
        routes.iter().map(|route| route["statPrefix"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let mut table = host("shop.example", routes);
    assert_eq!(prefixes(&table), ["shop_cart", "preview.x.preview.0"]);
    table.preview = Some(PreviewContext {
        key: "npkx".into(),
        counted: "preview.x.any".into(),
        headers: [].into(),
        baseline: None,
        origin: None,
        entrypoints: Arc::default(),
        by_links: false,
        name: None,
        streams: StreamBounds::default(),
    });
    assert_eq!(prefixes(&table), ["", "preview.x.preview.0"]);
}

/// The filter looks at that which sees requests of services late.
#[test]
fn routes_of_the_baseline_say_that_they_lead_to_strangers() {
    let routes = [("mixed", vec![arm(9, "cart"), arm(1, "away")]), ("own", vec![arm(1, "cart")])];
    let routes = routes.map(|(name, arms)| route(name, prefix("/"), forward(arms)));
    let mut baseline = host("shop.example", routes.to_vec());
    baseline.strangers = [name("away")].into();
    let made = json(&table(&baseline)[0])["virtualHosts"][0].clone();
    assert_eq!(edits(&made["routes"][0]["route"]["weightedClusters"]["clusters"][1]), (Vec::new(), Vec::new()));
    let marks = ["0", "1"].map(|at| made["routes"].pointer(&format!("/{at}/metadata")).cloned());
    assert_eq!(marks, [Some(json!({"filterMetadata": {"nuncio.preview": {"stranger": true}}})), None]);
}

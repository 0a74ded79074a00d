//! Routes with several arms.

use std::time::Duration;

use nuncio_ir::{
    Arm, CookieChoice, Forward, HashPolicy, HeaderEdits, HostRewrite, Mirror, PathRewrite, Priority, Retry, Route,
    RouteAction, Table,
};
use serde_json::{Value, json};

use super::build::{add, arm, forward, host, invalid, name, prefix, route};
use super::json;
use crate::table;

fn routes(route: Route) -> Value {
    json(&table(&host("a.example", vec![route]))[0])["virtualHosts"][0]["routes"].clone()
}

fn of(arms: Vec<Arm>) -> Value {
    routes(route("r", prefix("/"), forward(arms)))
}

#[test]
fn one_arm_with_everything() {
    let arm = Arm {
        rewrite: Some(PathRewrite::Matched("/".to_owned())),
        host_rewrite: Some(HostRewrite::Endpoint),
        request_headers: HeaderEdits {
            remove: vec!["x-gone".to_owned()],
            add: vec![add("x-more", "%REQ(x)%", true), add("x-only", "v", false)],
        },
        timeout: Duration::ZERO,
        idle_timeout: Some(Duration::from_secs(7)),
        retry: Some(Retry {
            on: vec!["5xx".to_owned(), "retriable-status-codes".to_owned()],
            retries: 2,
            per_try_timeout: Some(Duration::from_millis(250)),
            body_limit: None,
        }),
        hash: vec![
            HashPolicy::Header("x-user".to_owned()),
            HashPolicy::Cookie { name: "sid".to_owned(), path: Some("/".to_owned()), ttl: Some(Duration::ZERO) },
            HashPolicy::SourceIp,
        ],
        upgrades: vec!["spdy/3.1".to_owned(), "websocket".to_owned()],
        ..arm(1, "a")
    };
    let action = RouteAction::Forward(Box::new(Forward {
        arms: vec![arm.into()],
        mirrors: vec![Mirror { cluster: name("shadow"), audience: "shadow.shop:80".into(), percent: 10 }],
        priority: Priority::High,
    }));
    insta::assert_json_snapshot!(routes(route("r", prefix("/a"), action)));
}

#[test]
fn what_a_cookie_may_lead_elsewhere_may_switch_to_what_it_finds_there() {
    let own = Arm { upgrades: vec!["spdy/3.1".to_owned()], ..arm(1, "a") };
    let of_own = host("a.example", vec![route("r", prefix("/"), forward(vec![own]))]);
    let chosen = Table { by_cookie: Some(CookieChoice::Any), ..of_own };
    let routes = json(&table(&chosen)[0])["virtualHosts"][0]["routes"].clone();
    for index in 0..3 {
        assert_eq!(routes[index]["name"], json!("nuncio/choose"));
        // Routes of wildcards are found by a miss.
        let upgrades = json!([{"upgradeType": "spdy/3.1"}, {"upgradeType": "websocket"}]);
        assert_eq!(routes[index]["route"]["upgradeConfigs"], upgrades);
    }
}

#[test]
fn arms_alike_share_a_route() {
    let canary = Arm {
        host_rewrite: Some(HostRewrite::Literal("canary.example".to_owned())),
        request_headers: HeaderEdits { remove: vec!["x".to_owned()], add: vec![add("x-canary", "1", false)] },
        ..arm(10, "canary")
    };
    insta::assert_json_snapshot!(of(vec![canary, arm(90, "stable")]));
}

#[test]
fn the_name_of_the_endpoint_is_for_all_or_none() {
    let endpoint = |weight, cluster| Arm { host_rewrite: Some(HostRewrite::Endpoint), ..arm(weight, cluster) };
    let all = of(vec![endpoint(1, "a"), endpoint(1, "b")]);
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["route"]["autoHostRewrite"], json!(true));
    assert_eq!(of(vec![endpoint(1, "a"), arm(1, "b")]).as_array().unwrap().len(), 2);
}

#[test]
fn weights_beyond_32_bits_are_fractions() {
    let routes = of(vec![arm(u32::MAX, "a"), arm(u32::MAX, "b")]);
    assert_eq!(routes.as_array().unwrap().len(), 2);
    assert_eq!(routes[0]["match"]["runtimeFraction"]["defaultValue"]["numerator"], json!(500_000));
}

#[test]
fn arms_unlike_have_routes_of_their_own() {
    let slow = Arm { timeout: Duration::from_secs(60), ..arm(1, "slow") };
    insta::assert_json_snapshot!(of(vec![slow, arm(2, "a"), invalid(3, "Service ns/b is not there")]));
}

#[test]
fn fractions_add_up() {
    for (weights, expected) in [
        (vec![1, 1], vec![Some(500_000), None]),
        (vec![1, 1, 1], vec![Some(333_333), Some(666_666), None]),
        (vec![u32::MAX, u32::MAX], vec![Some(500_000), None]),
        (vec![0, 5, 0], vec![None]),
        (vec![10, 0, 90, 0], vec![Some(100_000), None]),
    ] {
        let routes = of(weights.into_iter().map(|weight| invalid(weight, "x")).collect());
        let fractions: Vec<_> = routes
            .as_array()
            .unwrap()
            .iter()
            .map(|route| route["match"]["runtimeFraction"]["defaultValue"]["numerator"].as_u64())
            .collect();
        assert_eq!(fractions, expected);
    }
}

#[test]
fn a_route_without_backend_keeps_its_reason_to_itself() {
    let routes = of(vec![invalid(1, "Service ns/b is not there")]);
    assert_eq!(routes[0]["name"], json!("r"));
    assert_eq!(routes[0]["metadata"], json!({"filterMetadata": {"nuncio": {"reason": "Service ns/b is not there"}}}));
    assert_eq!(routes[0]["directResponse"], json!({"status": 503, "body": {"inlineString": "no valid backend\n"}}));
}

#[test]
fn an_arm_of_weight_zero_is_dropped() {
    let routes = of(vec![arm(0, "a"), arm(3, "b")]);
    assert_eq!(routes.as_array().unwrap().len(), 1);
    assert_eq!(routes[0]["route"]["cluster"], json!("b"));
}

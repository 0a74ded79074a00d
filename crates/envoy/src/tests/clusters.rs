//! Clusters and endpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use nuncio_ir::{
    CircuitBreaker, Cluster, Discovery, Endpoint, Endpoints, HeaderEdits, HealthCheck, HealthCheckKind, IpFamily,
    Keepalive, LbPolicy, OutlierDetection, Priority, Protocol, StatusRange, TlsSettings, TlsVersion, UpstreamTls,
};
use serde_json::{Value, json};

use super::build::{self, add, local, name, secret_name};
use super::json;
use crate::{cluster, endpoints};

pub(super) fn dns(host: &str, family: IpFamily, logical: bool) -> Discovery {
    Discovery::Dns { hosts: vec![(host.to_owned(), 8080)], logical, respect_ttl: true, family }
}

/// Says something about everything.
pub(super) fn everything() -> Cluster {
    let check = |kind| HealthCheck {
        timeout: Duration::from_secs(1),
        interval: Duration::from_millis(1500),
        unhealthy_threshold: 2,
        healthy_threshold: 1,
        kind,
    };
    Cluster {
        stats_name: Some("shop".to_owned()),
        protocol: Protocol::Http2,
        tls: Some(UpstreamTls {
            certificate: Some(secret_name("ns/client")),
            authorities: Some(secret_name("ns/upstream~ca")),
            sni: Some("shop.internal".to_owned()),
            settings: TlsSettings {
                min_version: Some(TlsVersion::V1_2),
                max_version: None,
                cipher_suites: vec!["ECDHE-RSA-AES128-GCM-SHA256".to_owned()],
                ecdh_curves: vec!["X25519".to_owned(), "P-256".to_owned()],
                alpn: Vec::new(),
            },
        }),
        idle_timeout: Some(Duration::from_secs(60)),
        max_connection_lifetime: Some(Duration::from_secs(600)),
        lb: LbPolicy::LeastRequest,
        circuit_breakers: vec![
            CircuitBreaker { max_connections: Some(1), max_pending_requests: Some(2), ..Default::default() },
            CircuitBreaker {
                priority: Priority::High,
                max_requests: Some(3),
                max_retries: Some(4),
                ..Default::default()
            },
        ],
        health_checks: vec![
            check(HealthCheckKind::Http {
                path: "/healthz".to_owned(),
                hostname: Some("shop.internal".to_owned()),
                headers: HeaderEdits { remove: vec!["user-agent".to_owned()], add: vec![add("x-probe", "1", true)] },
                expected_statuses: vec![StatusRange { start: 200, end: 300 }],
            }),
            check(HealthCheckKind::Grpc { service: "shop".to_owned(), authority: None }),
        ],
        outlier_detection: Some(OutlierDetection {
            consecutive_5xx: Some(5),
            consecutive_gateway_failure: Some(3),
            consecutive_local_origin_failure: Some(2),
            interval: Some(Duration::from_secs(5)),
            base_ejection_time: Some(Duration::from_secs(10)),
            max_ejection_time: Some(Duration::from_secs(100)),
            max_ejection_percent: Some(50),
            split_external_local_origin_errors: true,
        }),
        keepalive: Some(Keepalive { probes: Some(3), idle_time: Some(30), interval: Some(10) }),
        buffer_limit: Some(65_536),
        by_zone_shares: true,
        ..build::cluster("everything", Discovery::Endpoints)
    }
}

#[test]
fn full() {
    insta::assert_json_snapshot!(json(&cluster(&everything())));
}

#[test]
fn endpoints_come_over_the_same_stream() {
    let resource = cluster(&build::cluster("a", Discovery::Endpoints));
    assert_eq!(resource.settle, Duration::ZERO);
    insta::assert_json_snapshot!(json(&resource));
}

#[test]
fn fixed_addresses() {
    let cluster = cluster(&Cluster {
        proper_case: true,
        lb: LbPolicy::Maglev,
        ..build::cluster("a", Discovery::Static(vec![local(1), "[::1]:2".parse().unwrap()]))
    });
    insta::assert_json_snapshot!(json(&cluster));
}

#[test]
fn dns_warms_after_its_ack() {
    let resource = cluster(&build::cluster("a", dns("shop.example", IpFamily::Both, true)));
    assert!(resource.settle > Duration::ZERO);
    insta::assert_json_snapshot!(json(&resource));
}

#[test]
fn families() {
    for (family, expected) in
        [(IpFamily::V4, json!("V4_ONLY")), (IpFamily::V6, json!("V6_ONLY")), (IpFamily::Both, json!("AUTO"))]
    {
        let json = json(&cluster(&build::cluster("a", dns("a", family, false))));
        assert_eq!(json["clusterType"]["typedConfig"]["dnsLookupFamily"], expected, "{family:?}");
    }
}

#[test]
fn tcp_has_no_http_options() {
    let json = json(&cluster(&Cluster { protocol: Protocol::Tcp, ..build::cluster("a", Discovery::Static(vec![])) }));
    assert_eq!(json["typedExtensionProtocolOptions"], Value::Null);
}

#[test]
fn policies() {
    for (lb, expected) in [
        (LbPolicy::RoundRobin, Value::Null),
        (LbPolicy::LeastRequest, json!("LEAST_REQUEST")),
        (LbPolicy::RingHash, json!("RING_HASH")),
        (LbPolicy::Maglev, json!("MAGLEV")),
    ] {
        let json = json(&cluster(&Cluster { lb, ..build::cluster("a", Discovery::Endpoints) }));
        assert_eq!(json["lbPolicy"], expected, "{lb:?}");
    }
}

#[test]
fn upstreams_are_verified_only_by_authorities() {
    let tls = |authorities| Cluster {
        tls: Some(UpstreamTls { authorities, ..Default::default() }),
        ..build::cluster("a", Discovery::Endpoints)
    };
    let context = |cluster: &Cluster| json(&crate::cluster(cluster))["transportSocket"]["typedConfig"].clone();
    assert_eq!(context(&tls(None))["commonTlsContext"], json!({"tlsParams": {"tlsMaximumProtocolVersion": "TLSv1_3"}}));
    let verified = context(&tls(Some(secret_name("ns/ca"))));
    assert_eq!(verified["commonTlsContext"]["validationContextSdsSecretConfig"]["name"], json!("ns/ca"));
}

#[test]
fn assignments() {
    let some = Endpoints {
        cluster: name("a"),
        hostname: "a.ns.svc".to_owned(),
        endpoints: vec![Endpoint::at(local(1)), Endpoint::at(local(2))],
        shares: BTreeMap::new(),
    };
    insta::assert_json_snapshot!(json(&endpoints(&some)));
    let none = Endpoints { endpoints: Vec::new(), ..some };
    assert_eq!(json(&endpoints(&none)), json!({"clusterName": "a"}));
}

#[test]
fn zones_have_their_shares() {
    let at = |port, zone: &str| Endpoint { zone: Some(zone.into()), ..Endpoint::at(local(port)) };
    let some = Endpoints {
        cluster: name("a"),
        hostname: "a.ns.svc".to_owned(),
        endpoints: vec![Endpoint::at(local(1)), at(2, "x"), at(3, "x"), at(4, "y")],
        shares: [("".into(), 20), ("x".into(), 160), ("y".into(), 20)].into(),
    };
    let assignment = json(&endpoints(&some));
    let places = assignment["endpoints"].as_array().unwrap().iter();
    let weights: Vec<_> =
        places.map(|place| (place["locality"]["zone"].as_str(), &place["loadBalancingWeight"])).collect();
    assert_eq!(weights, [(None, &json!(20)), (Some("x"), &json!(160)), (Some("y"), &json!(20))]);
    let by_shares = Cluster { by_zone_shares: true, ..build::cluster("a", Discovery::Endpoints) };
    assert_eq!(json(&cluster(&by_shares))["commonLbConfig"], json!({"localityWeightedLbConfig": {}}));
}

#[test]
fn versions_follow_content() {
    let one = build::cluster("a", Discovery::Endpoints);
    let other = Cluster { connect_timeout: Duration::from_secs(4), ..one.clone() };
    assert_eq!(cluster(&one).version, cluster(&one.clone()).version);
    assert_ne!(cluster(&one).version, cluster(&other).version);
}

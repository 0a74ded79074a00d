//! Conversion between versions: what each spelling becomes, and that nothing is lost on the way there and back.
#![allow(clippy::needless_pass_by_value, reason = "literals read better without references")]

mod lossless;

use nuncio_api::convert::{ConvertError, Version, convert};
use serde_json::{Value, json};

fn object(version: Version, kind: &str, spec: Value) -> Value {
    json!({
        "apiVersion": version.api_version(),
        "kind": kind,
        "metadata": { "name": "m", "labels": { "a": "b" }, "managedFields": [{ "apiVersion": "getambassador.io/v2" }] },
        "spec": spec,
        "status": { "state": "Running" },
        "more": 1,
    })
}

fn up(kind: &str, spec: Value) -> Value {
    convert(object(Version::V2, kind, spec), Version::V3Alpha1).unwrap()["spec"].take()
}

fn down(kind: &str, spec: Value) -> Value {
    convert(object(Version::V3Alpha1, kind, spec), Version::V2).unwrap()["spec"].take()
}

/// `v2`, and the `v3alpha1` that it becomes, which becomes it again.
fn pairs(kind: &str, table: &[(Value, Value)]) {
    for (v2, v3) in table {
        assert_eq!(up(kind, v2.clone()), *v3, "{v2}");
        assert_eq!(down(kind, v3.clone()), *v2, "{v3}");
    }
}

#[test]
fn tls_is_a_scheme_or_a_context() {
    // The original's table, in its `v2/conversion_test.go`.
    let explicit = |tls: &str| json!({ "tls": tls });
    let with_scheme = |scheme: &str| json!({ "tls": "bool:true", "serviceScheme": scheme });
    let mut table = Vec::new();
    for service in ["svc", "http://svc", "HTTP://svc", "https://svc", "HTTPS://svc"] {
        table.push((json!({ "auth_service": service }), json!({ "auth_service": service })));
        table.push((json!({ "auth_service": service, "tls": "c" }), json!({ "auth_service": service, "tls": "c" })));
        for (tls, name) in [(Value::Null, "null"), (json!(false), "bool:false"), (json!(""), "string")] {
            let v3 = json!({ "auth_service": service, "v2ExplicitTLS": explicit(name) });
            table.push((json!({ "auth_service": service, "tls": tls }), v3));
        }
        let (secure, note) = match service.split_once("svc").unwrap().0 {
            scheme if scheme.eq_ignore_ascii_case("https://") => (service, explicit("bool:true")),
            scheme => ("https://svc", with_scheme(scheme)),
        };
        let v3 = json!({ "auth_service": secure, "v2ExplicitTLS": note });
        table.push((json!({ "auth_service": service, "tls": true }), v3));
    }
    pairs("AuthService", &table);
    let tcp = json!({ "service": "https://svc", "v2ExplicitTLS": explicit("bool:true") });
    pairs("TCPMapping", &[(json!({ "service": "svc", "tls": true }), tcp)]);
}

#[test]
fn notes_that_an_edit_contradicts_are_not_believed() {
    let noted = |tls: &str, service: &str, note: Value| {
        let mut spec = json!({ "auth_service": service, "v2ExplicitTLS": note });
        if !tls.is_empty() {
            spec["tls"] = json!(tls);
        }
        let spec = down("AuthService", spec);
        (spec.get("tls").cloned(), spec["auth_service"].clone())
    };
    assert_eq!(noted("c", "HTTP://svc", json!({ "tls": "bool:true" })), (Some(json!("c")), json!("HTTP://svc")));
    assert_eq!(noted("", "http://svc", json!({ "tls": "bool:true" })), (None, json!("http://svc")));
    assert_eq!(noted("", "https://svc", json!({ "serviceScheme": "http://" })), (None, json!("https://svc")));
    // What is kept of `v2`, too, yields to what is there now.
    let mut v3 = up("Mapping", json!({ "prefix": "/", "service": "w", "ambassador_id": "x" }));
    assert_eq!(v3["ambassador_id"], json!(["x"]));
    v3["timeout_ms"] = json!(5);
    let v2 = json!({ "prefix": "/", "service": "w", "ambassador_id": "x", "timeout_ms": 5 });
    assert_eq!(down("Mapping", v3.clone()), v2);
    v3["ambassador_id"] = json!(["y"]);
    assert_eq!(down("Mapping", v3)["ambassador_id"], json!(["--apiVersion-v3alpha1-only--y"]));
}

#[test]
fn filters_have_other_names_for_what_came_later() {
    let key = json!({ "keys": [{ "secretName": "k" }] });
    pairs(
        "Filter",
        &[
            (json!({ "v3APIKey": key }), json!({ "APIKey": key })),
            (json!({ "JWT": { "v3MaxStale": "5m" } }), json!({ "JWT": { "maxStale": "5m" } })),
            (
                json!({ "External": { "v3ProtocolVersion": "v3", "v3TLSConfig": {} } }),
                json!({ "External": { "protocol_version": "v3", "tlsConfig": {} } }),
            ),
            (
                json!({ "OAuth2": { "v3postLogoutRedirectURI": "https://a" } }),
                json!({ "OAuth2": { "postLogoutRedirectURI": "https://a" } }),
            ),
        ],
    );
    let rules = |precedence: &str| json!({ "rules": [{ "host": "*", precedence: 5 }, { "host": "a" }] });
    pairs("FilterPolicy", &[(rules("v3Precedence"), rules("precedence"))]);
}

#[test]
fn a_host_becomes_a_hostname() {
    let with = |more: Value| {
        let mut spec = json!({ "prefix": "/", "service": "w" });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    let table = [
        (json!({}), json!({ "hostname": "*" })),
        (json!({ "host": "a.b" }), json!({ "hostname": "a.b" })),
        (json!({ "host": "*.b" }), json!({ "hostname": "*.b" })),
        (json!({ "host": "^a$", "host_regex": true }), json!({ "host": "^a$", "host_regex": true })),
        (json!({ "host": "_skip_mapping_with_empty_host_" }), json!({})),
        (json!({ "headers": { ":authority": "a" } }), json!({ "headers": { ":authority": "a" } })),
    ];
    pairs("Mapping", &table.map(|(v2, v3)| (with(v2), with(v3))));
}

#[test]
fn switches_become_expressions() {
    pairs(
        "Mapping",
        &[(
            json!({ "host": "a", "headers": { "x": true, "y": "z" }, "query_parameters": { "q": true } }),
            json!({
                "hostname": "a",
                "headers": { "y": "z" },
                "regex_headers": { "x": ".*" },
                "v2BoolHeaders": ["x"],
                "regex_query_parameters": { "q": ".*" },
                "v2BoolQueryParameters": ["q"],
            }),
        )],
    );
}

#[test]
fn headers_origins_and_labels_are_spelled_out() {
    pairs(
        "Mapping",
        &[(
            json!({
                "host": "a",
                "add_request_headers": { "x": "1", "y": { "value": "2", "append": false } },
                "cors": { "origins": "http://a,http://b", "max_age": "60" },
                "labels": { "ambassador": [{ "g": [
                    "remote_address",
                    "key",
                    { "x": { "header": "X", "omit_if_not_present": true } },
                    { "generic_key": "v" },
                    { "generic_key": "v", "v3Key": "k" },
                ] }] },
                "v3StatsName": "s",
                "v3health_checks": [],
            }),
            json!({
                "hostname": "a",
                "add_request_headers": {
                    "x": { "value": "1", "v2Representation": "string" },
                    "y": { "value": "2", "append": false },
                },
                "cors": { "origins": ["http://a", "http://b"], "v2CommaSeparatedOrigins": true, "max_age": "60" },
                "labels": { "ambassador": [{ "g": [
                    { "remote_address": { "key": "remote_address" } },
                    { "generic_key": { "value": "key", "v2Shorthand": true } },
                    { "request_headers": { "key": "x", "header_name": "X", "omit_if_not_present": true } },
                    { "generic_key": { "value": "v" } },
                    { "generic_key": { "value": "v", "key": "k" } },
                ] }] },
                "stats_name": "s",
                "health_checks": [],
            }),
        )],
    );
}

#[test]
fn fields_of_other_kinds_have_new_names() {
    let selector = json!({ "matchLabels": { "a": "b" } });
    let id = |id: &str| json!([format!("--apiVersion-v3alpha1-only--{id}")]);
    pairs(
        "Host",
        &[(
            json!({ "selector": selector, "tls": { "v3CRLSecret": "c" }, "ambassador_id": id("x") }),
            json!({ "mappingSelector": selector, "tls": { "crl_secret": "c" }, "ambassador_id": ["x"] }),
        )],
    );
    pairs("TLSContext", &[(json!({ "v3CRLSecret": "c" }), json!({ "crl_secret": "c" }))]);
    pairs(
        "RateLimitService",
        &[(json!({ "v3GRPC": {}, "v3StatsName": "s" }), json!({ "grpc": {}, "stats_name": "s" }))],
    );
    pairs("LogService", &[(json!({ "v3ProtocolVersion": "v3" }), json!({ "protocol_version": "v3" }))]);
    pairs(
        "TracingService",
        &[(
            json!({ "v3CustomTags": [], "config": { "v3PropagationModes": ["B3"] } }),
            json!({ "custom_tags": [], "config": { "propagation_modes": ["B3"] } }),
        )],
    );
    let tags = up("TracingService", json!({ "tag_headers": [":path"] }));
    assert_eq!(tags["custom_tags"], json!([{ "tag": ":path", "request_header": { "name": ":path" } }]));
    assert_eq!(up("Host", json!({ "ambassador_id": "x", "ambassadorId": ["y"] }))["ambassador_id"], json!(["x", "y"]));
}

#[test]
fn what_is_no_object_of_ours_is_refused() {
    let wrong = |value: Value| convert(value, Version::V2).unwrap_err();
    assert_eq!(wrong(json!([])), ConvertError::NotAnObject);
    assert_eq!(
        wrong(json!({ "apiVersion": "getambassador.io/v9", "kind": "Host" })),
        ConvertError::UnknownVersion("getambassador.io/v9".to_owned())
    );
    assert_eq!(
        wrong(json!({ "apiVersion": "getambassador.io/v2", "kind": "Nonsense" })),
        ConvertError::UnknownKind("Nonsense".to_owned())
    );
    assert_eq!(
        wrong(json!({ "apiVersion": "getambassador.io/v3alpha1", "kind": "Listener" })),
        ConvertError::OneVersion("Listener".to_owned())
    );
    for (from, to) in [(Version::V1Beta2, Version::V3Alpha1), (Version::V2, Version::V1Beta1)] {
        let error = convert(object(from, "Mapping", json!({})), to).unwrap_err();
        assert!(error.to_string().starts_with("there is no Mapping of getambassador.io/v1beta"), "{error}");
    }
}

#[test]
fn betas_are_edge_stack_s_own() {
    let limits = json!({ "domain": "d", "limits": [{ "pattern": [{ "a": "b" }], "rate": 5, "unit": "minute" }] });
    for beta in [Version::V1Beta1, Version::V1Beta2] {
        let before = object(beta, "RateLimit", limits.clone());
        let there = convert(before.clone(), Version::V3Alpha1).unwrap();
        assert_eq!((&there["apiVersion"], &there["spec"]), (&json!("getambassador.io/v3alpha1"), &limits));
        assert_eq!(convert(there, beta).unwrap(), before);
    }
}

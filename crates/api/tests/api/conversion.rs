//! Conversion between versions: what each spelling becomes, and that nothing is lost on the way there and back.
#![allow(clippy::needless_pass_by_value, reason = "literals read better without references")]

use std::sync::Arc;

use nuncio_api::convert::{ConvertError, Version, convert};
use nuncio_api::{Defaults, Host, Mapping, Spec, from_json};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KINDS: [&str; 16] = [
    "Mapping",
    "TCPMapping",
    "Host",
    "Module",
    "TLSContext",
    "KubernetesServiceResolver",
    "KubernetesEndpointResolver",
    "ConsulResolver",
    "AuthService",
    "RateLimit",
    "RateLimitService",
    "TracingService",
    "LogService",
    "DevPortal",
    "Filter",
    "FilterPolicy",
];

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

/// Names of fields that some rule looks at, and a few that none does.
const NAMES: [&str; 44] = [
    "ambassador_id",
    "ambassadorId",
    "prefix",
    "service",
    "auth_service",
    "tls",
    "v2ExplicitTLS",
    "serviceScheme",
    "host",
    "hostname",
    "host_regex",
    "headers",
    "regex_headers",
    "v2BoolHeaders",
    "query_parameters",
    "regex_query_parameters",
    "v2BoolQueryParameters",
    "add_request_headers",
    "add_response_headers",
    "remove_request_headers",
    "v2Representation",
    "value",
    "append",
    "cors",
    "origins",
    "methods",
    "v2CommaSeparatedOrigins",
    "labels",
    "generic_key",
    "key",
    "v3Key",
    "request_headers",
    "stats_name",
    "v3StatsName",
    "selector",
    "mappingSelector",
    "v3CRLSecret",
    "crl_secret",
    "tag_headers",
    "custom_tags",
    "v3CustomTags",
    "v2Fields",
    "v3Fields",
    "unknown",
];

/// Anything, of the words that the rules look for.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "",
        "x",
        "*",
        "*.a",
        "a,b",
        " a, ,b",
        "https://x",
        "HTTP://x",
        "bool:true",
        "null",
        "string",
        ".*",
        "_skip_mapping_with_empty_host_",
        "--apiVersion-v3alpha1-only--x",
        "remote_address",
    ]);
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i8>().prop_map(Value::from),
        6 => text.prop_map(Value::from),
    ];
    let name = prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()),
        1 => prop::sample::select(vec!["present", "absent", ":authority", "x", "remote_address", "header"]),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_spec() -> impl Strategy<Value = Value> {
    let field = (prop::sample::select(NAMES.to_vec()), anything());
    proptest::collection::vec(field, 0..8).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
    })
}

/// A field of a `v2` Mapping in the ways in which people write it.
fn written() -> impl Strategy<Value = (&'static str, Value)> {
    let of = |name: &'static str, values: Vec<Value>| prop::sample::select(values).prop_map(move |value| (name, value));
    prop_oneof![
        of("ambassador_id", vec![json!("x"), json!(["x", "y"]), json!(["--apiVersion-v3alpha1-only--x"]), Value::Null]),
        of("tls", vec![json!(true), json!(false), Value::Null, json!("c"), json!("")]),
        of("service", vec![json!("w"), json!("http://w:80"), json!("HTTPS://w.n")]),
        of(
            "host",
            vec![
                json!("a.b"),
                json!("*.b"),
                json!("*"),
                Value::Null,
                json!(""),
                json!("_skip_mapping_with_empty_host_")
            ]
        ),
        of("host_regex", vec![json!(false), Value::Null]),
        of("headers", vec![json!({ "x": true, "y": false, "z": "1" }), json!({ "x": "1" }), json!({}), Value::Null]),
        of("regex_headers", vec![json!({ "w": "a+" }), json!({})]),
        of("query_parameters", vec![json!({ "q": true }), json!({ "q": "1", "r": false })]),
        of("add_request_headers", vec![json!({ "x": "1", "y": { "value": "2" }, "z": null }), json!({}), Value::Null]),
        of("remove_response_headers", vec![json!("x"), json!(["x", "y"]), json!([])]),
        of(
            "cors",
            vec![
                json!({ "origins": "http://a, http://b", "methods": "GET,POST" }),
                json!({ "origins": ["http://a"], "headers": ["x"], "exposed_headers": "x" }),
                json!({ "origins": "*", "max_age": "60", "credentials": true }),
            ]
        ),
        of("v3StatsName", vec![json!("s")]),
        of("v3health_checks", vec![json!([]), json!([{ "health_check": { "http": { "path": "/" } } }])]),
        of("rewrite", vec![json!(""), Value::Null, json!("/r")]),
        of("timeout_ms", vec![json!(0), json!(5)]),
        of("use_websocket", vec![json!(true), json!(false)]),
    ]
}

fn spec_of(value: &Value) -> Spec {
    let parsed = from_json(value.to_string().as_bytes(), &Arc::from("f"), &Defaults::default()).unwrap();
    assert!(parsed.problems.is_empty(), "{value}: {parsed:?}");
    let object = parsed.objects.into_iter().next().unwrap();
    assert!(object.problems.is_empty(), "{value}: {:?}", object.problems);
    let mut spec = object.spec;
    if let Spec::Mapping(mapping) = &mut spec {
        // An exact host and such a hostname are the same.
        if mapping.hostname.is_none() && mapping.host_regex != Some(true) {
            mapping.hostname = mapping.host.take();
        }
        mapping.ambassador_id.clear();
        **mapping = Mapping {
            v2_explicit_tls: None,
            v2_bool_headers: None,
            v2_bool_query_parameters: None,
            ..(**mapping).clone()
        };
    }
    spec
}

proptest! {
    #[test]
    fn nothing_is_lost(kind in prop::sample::select(KINDS.to_vec()), spec in any_spec()) {
        for (from, over) in [
            (Version::V2, Version::V3Alpha1),
            (Version::V1, Version::V3Alpha1),
            (Version::V3Alpha1, Version::V2),
            (Version::V3Alpha1, Version::V1),
            (Version::V1, Version::V2),
        ] {
            let before = object(from, kind, spec.clone());
            let there = convert(before.clone(), over).unwrap();
            for field in ["kind", "metadata", "status", "more"] {
                prop_assert_eq!(&there[field], &before[field]);
            }
            prop_assert_eq!(&there["apiVersion"], over.api_version());
            let back = convert(there.clone(), from).unwrap();
            prop_assert_eq!(back, before, "by way of {}", there);
        }
    }

    #[test]
    fn fields_that_no_rule_knows_are_left_alone(kind in prop::sample::select(KINDS.to_vec()), value in anything()) {
        let spec = json!({ "unknown": value });
        prop_assert_eq!(&up(kind, spec.clone())["unknown"], &value);
        prop_assert_eq!(&down(kind, spec)["unknown"], &value);
    }

    #[test]
    fn a_converted_mapping_means_the_same(fields in proptest::collection::vec(written(), 0..8)) {
        let mut v2 = object(Version::V2, "Mapping", json!({ "prefix": "/", "service": "w" }));
        v2.as_object_mut().unwrap().remove("more");
        for (name, value) in fields {
            v2["spec"][name] = value;
        }
        let v3 = convert(v2.clone(), Version::V3Alpha1).unwrap();
        prop_assert_eq!(spec_of(&v2), spec_of(&v3), "{} became {}", v2, v3);
    }

    #[test]
    fn a_converted_host_means_the_same(hidden in any::<bool>(), camel in any::<bool>()) {
        let id = if hidden { "--apiVersion-v3alpha1-only--x" } else { "x" };
        let name = if camel { "ambassadorId" } else { "ambassador_id" };
        let mut v2 = object(Version::V2, "Host", json!({ "hostname": "a", "selector": { "matchLabels": { "a": "b" } } }));
        v2.as_object_mut().unwrap().remove("more");
        v2["spec"][name] = json!([id]);
        let v3 = convert(v2.clone(), Version::V3Alpha1).unwrap();
        let (Spec::Host(old), Spec::Host(new)) = (spec_of(&v2), spec_of(&v3)) else { panic!("{v3}") };
        prop_assert_eq!(&new.ambassador_id, &vec!["x".to_owned()]);
        let same = Host { ambassador_id: new.ambassador_id.clone(), ..*old };
        prop_assert_eq!(same, *new);
    }
}

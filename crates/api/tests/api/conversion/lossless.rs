//! Whatever an object says, nothing of it is lost on the way there and back.

use std::sync::Arc;

use nuncio_api::convert::{Version, convert};
use nuncio_api::{Defaults, Host, Mapping, Spec, from_json};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{down, object, up};

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

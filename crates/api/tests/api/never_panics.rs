//! Nothing that can be in a file brings the reader down.

use std::sync::Arc;

use nuncio_api::{Defaults, Parsed, Text, from_json, parse};
use proptest::prelude::*;

/// Reads a text and shows everything that is wrong with it.
fn exercise(text: &[u8]) -> Parsed {
    let parsed = parse(text, &Arc::from("f"), &Defaults::default());
    let lines = text.split(|b| *b == b'\n').count();
    for (problem, location) in parsed.objects.iter().flat_map(|object| &object.problems) {
        assert!(!problem.to_string().is_empty());
        assert!(!Text::new(text).snippet(location).is_empty() || mentions_secret(text), "{problem} {location}");
    }
    for problem in &parsed.problems {
        assert!(problem.location.line >= 1 && problem.location.line as usize <= lines, "{problem:?}");
        assert!(problem.location.column >= 1, "{problem:?}");
        assert!(!problem.snippet.is_empty() || mentions_secret(text), "{problem:?}");
    }
    parsed
}

/// What may hold a Secret is not shown.
fn mentions_secret(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).contains("Secret")
}

/// Manifests in pieces, some of which fit.
fn manifest() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9]{0,6}",
        "-?[0-9]{1,20}",
        "[%\\\\(\\[{*&!|>'\"#?:, ~-]{1,4}",
        Just("{name: m}".to_owned()),
        Just("[{peer: 1.2.3.4}, x]".to_owned()),
        Just("true".to_owned()),
        Just("'%REQ(x'".to_owned()),
        "\\PC{0,8}",
    ];
    let key = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "  name",
        "  annotations",
        "    getambassador.io/config",
        "spec",
        "  prefix",
        "  service",
        "  headers",
        "    x",
        "  add_request_headers",
        "      value",
        "  config",
        "    ip_allow",
        "  hostname",
        "  tls",
        "  retry_policy",
        "  - a",
        "- b",
        "  regex_rewrite",
        "    pattern",
        "    substitution",
        "items",
        "data",
    ]);
    let line = prop_oneof![
        8 => (key, value).prop_map(|(key, value)| format!("{key}: {value}\n")),
        2 => Just("---\n".to_owned()),
        3 => Just("apiVersion: getambassador.io/v2\n".to_owned()),
        3 => prop::sample::select(vec!["Mapping", "Host", "Module", "Secret", "Listener", "TLSContext", "List"])
            .prop_map(|kind| format!("kind: {kind}\nmetadata: {{name: ambassador}}\n")),
        1 => "\\PC{0,20}\n",
    ];
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.concat())
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-z/*%.]{0,8}".prop_map(Into::into),
    ];
    let key =
        prop::sample::select(vec!["prefix", "service", "headers", "config", "cookie", "policy", "x", "tls", "name"]);
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn any_text(text in "[\\x09-\\x7e\\u{80}-\\u{3ff}]{0,200}") {
        exercise(text.as_bytes());
    }

    #[test]
    fn almost_manifests(text in manifest()) {
        exercise(text.as_bytes());
        prop_assert_eq!(exercise(text.as_bytes()), exercise(text.as_bytes()));
    }

    #[test]
    fn any_json_spec(kind in prop::sample::select(vec!["Mapping", "Host", "Module", "Listener", "TCPMapping"]), spec in any_json()) {
        let object = serde_json::json!({
            "apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": "ambassador"}, "spec": spec,
        });
        let parsed = from_json(object.to_string().as_bytes(), &Arc::from("j"), &Defaults::default()).unwrap();
        prop_assert_eq!(parsed.objects.len(), 1);
    }
}

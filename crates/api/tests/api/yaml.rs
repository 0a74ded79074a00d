//! Manifests are YAML 1.1, as `kubectl` reads it.

use std::sync::Arc;

use nuncio_api::{Duration, Spec};

use crate::support::{mapping, named, only, read};

const HEAD: &str = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n";

/// The spec of the only Mapping in a text, with which nothing may be wrong.
fn spec_of(text: &str) -> nuncio_api::Mapping {
    let object = only(text);
    assert!(object.problems.is_empty(), "{text}: {:?}", object.problems);
    match object.spec {
        Spec::Mapping(mapping) => *mapping,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn words_of_yaml_1_1_are_booleans_and_numbers() {
    for (word, expected) in [("no", false), ("off", false), ("N", false), ("yes", true), ("On", true), ("y", true)] {
        let spec = spec_of(&mapping(&format!("{{prefix: /, service: w, case_sensitive: {word}}}")));
        assert_eq!(spec.case_sensitive, Some(expected), "{word}");
    }
    for (word, expected) in
        [("0x10", 16), ("0o17", 15), ("017", 15), ("1_000", 1000), ("+5", 5), ("5.0", 5), ("1e3", 1000)]
    {
        let spec = spec_of(&mapping(&format!("{{prefix: /, service: w, timeout_ms: {word}}}")));
        assert_eq!(spec.timeout_ms, Some(expected), "{word}");
    }
    assert_eq!(spec_of(&mapping("{prefix: /, service: w, timeout_ms: ~}")).timeout_ms, None);
    assert_eq!(spec_of(&mapping("{prefix: /, service: w, timeout_ms: !!int '5'}")).timeout_ms, Some(5));
    assert_eq!(spec_of(&mapping("{prefix: /, service: w, headers: {x: !!str 5}}")).headers["x"], "5");
}

#[test]
fn keys_are_text_whatever_they_look_like() {
    let spec = spec_of(&mapping("{prefix: /, service: w, headers: {200: a, on: b, 'y': c}}"));
    let keys: Vec<_> = spec.headers.keys().map(String::as_str).collect();
    assert_eq!(keys, ["200", "true", "y"]);
}

#[test]
fn anchors_aliases_and_merges_are_resolved() {
    let spec = spec_of(&format!(
        "{HEAD}metadata: {{name: m}}\nx: &base {{prefix: /a/, service: w, grpc: true}}\nspec:\n  <<: *base\n  prefix: /b/\n  \
         hostname: &any '*'\n  headers: {{x: *any}}\n"
    )
    .replace("x: &base", "status: &base"));
    assert_eq!((spec.prefix.as_str(), spec.grpc, spec.headers["x"].as_str()), ("/b/", Some(true), "*"));
    let spec = spec_of(&mapping("{<<: [{prefix: /a}, {prefix: /b, service: w}], grpc: on}"));
    assert_eq!((spec.prefix.as_str(), spec.service.host.as_str()), ("/a", "w"));
}

#[test]
fn block_and_folded_text_is_read() {
    let spec = spec_of(&format!(
        "{HEAD}metadata:\n  name: m\nspec:\n  service: w\n  prefix: >-\n    /m/\n  add_response_headers:\n    x-text:\n      \
         value: |-\n        one line\n"
    ));
    assert_eq!(
        (spec.prefix.as_str(), spec.add_response_headers.as_ref().unwrap()["x-text"].value.as_str()),
        ("/m/", "one line")
    );
}

#[test]
fn documents_lists_json_and_comments_are_told_apart() {
    let item = |name: &str| {
        format!(
            "{{\"apiVersion\": \"getambassador.io/v3alpha1\", \"kind\": \"Mapping\", \"metadata\": {{\"name\":\"{name}\"}}, \
             \"spec\": {{\"prefix\": \"/j/\", \"service\": \"w\"}}}}"
        )
    };
    let pretty: serde_json::Value = serde_json::from_str(&item("pretty")).unwrap();
    let text = format!(
        "\u{feff}# a comment\n---\n---\n# nothing\n--- # a\n{}\n...\n---\napiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n---\n\
         apiVersion: getambassador.io/v3alpha1\nkind: MappingList\nitems: [{}]\n---\n{:#}\n---\n",
        item("a"),
        item("b"),
        item("c"),
        item("d"),
        pretty
    );
    let parsed = read(&text.replace('\n', "\r\n"));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let names: Vec<_> = parsed.objects.iter().map(|object| (&*object.id.name, object.location.line)).collect();
    assert_eq!(names, [("a", 6), ("b", 12), ("c", 13), ("d", 17), ("pretty", 19)]);
    assert_eq!(read(&text).objects.len(), 5);
}

#[test]
fn flow_style_may_go_on_at_the_margin() {
    let item = format!(
        "{{ {} metadata: {{ name: NAME }},\nspec: {{ prefix: /, service: w,\nwieght: 1 }} }}",
        HEAD.replace('\n', ",\n")
    );
    let items = [item.replace("NAME", "a"), item.replace("NAME", "b")].join(",\n");
    let parsed = read(&format!("apiVersion: v1\nitems: [\n{items}\n]\nkind: List\n"));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let places: Vec<_> = parsed.objects.iter().map(|object| (&*object.id.name, object.problems[0].1.line)).collect();
    assert_eq!(places, [("a", 7), ("b", 12)]);
}

#[test]
fn a_document_start_ends_a_block_scalar() {
    let text = format!(
        "{HEAD}metadata: {{name: a}}\nspec:\n  service: w\n  prefix: |-\n    /x\n---\n{HEAD}metadata: {{name: b}}\nspec: {{prefix: /, service: w}}\n"
    );
    let parsed = read(&text);
    assert_eq!((parsed.objects.len(), named(&parsed, "Mapping default/b").location.line), (2, 9));
}

#[test]
fn durations_are_read_as_go_writes_them() {
    let table =
        [("0.3s", 300), ("1m30s", 90_000), ("250ms", 250), ("1h", 3_600_000), ("1.5m", 90_000), ("0", 0), (".5s", 500)];
    for (text, ms) in table {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration.0.as_millis(), ms, "{text}");
        assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
    }
    for text in ["", "5", "s", "-1s", "1 s", "1s ", "1d", "1.s.s", "99999999999h", "1e3s", ".s", "+", "1µ"] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[test]
fn services_are_names_or_addresses() {
    let table = [
        ("web", None, "web", None),
        ("web.shop:8080", None, "web.shop", Some(8080)),
        ("HTTPS://web", Some("https"), "web", None),
        ("WEB.Shop:8080", None, "web.shop", Some(8080)),
        ("http://10.0.0.1:80", Some("http"), "10.0.0.1", Some(80)),
        ("[::1]:80", None, "::1", Some(80)),
        ("https://[::1]", Some("https"), "::1", None),
        // What follows the port counts as nothing, as in the original.
        ("http://web:80/", Some("http"), "web", Some(80)),
        ("a/b?c", None, "a", None),
        // A scheme that is not known is as good as none, as in the original.
        ("tcp://a:90", None, "a", Some(90)),
    ];
    for (text, scheme, host, port) in table {
        let service: nuncio_api::ServiceRef = text.parse().unwrap();
        assert_eq!(
            (service.scheme.map(|scheme| scheme.as_str()), service.host.as_str(), service.port),
            (scheme, host, port),
            "{text}"
        );
        assert_eq!(service.to_string().parse::<nuncio_api::ServiceRef>().unwrap(), service);
    }
    for text in [
        "",
        "web:",
        "web:http",
        "web:+80",
        "web:0",
        "web:70000",
        "http:///a",
        "http://",
        "[::1",
        "[web]:80",
        "::1",
        "a:1:2",
        "://a",
        "a b",
        "é",
    ] {
        assert!(text.parse::<nuncio_api::ServiceRef>().is_err(), "{text}");
    }
    for text in ["ann:hush@a", "ann:hu/sh@a", "ann@a", "https://ann:hu?sh@a", "ann:hu sh@a"] {
        assert_eq!(text.parse::<nuncio_api::ServiceRef>(), Err(nuncio_api::ServiceRefError::Login), "{text}");
    }
}

/// A text of many documents is read in one piece, whatever is wrong in some of them.
#[test]
fn large_texts_are_read() {
    let mut text = String::new();
    for i in 0..2000 {
        let broken = if i % 10 == 0 { "[" } else { "" };
        text.push_str(&format!("---\n{HEAD}metadata: {{name: m{i}}}\nspec: {{prefix: /{i}, service: w}}{broken}\n"));
    }
    let parsed = nuncio_api::parse(text.as_bytes(), &Arc::from("f"), &nuncio_api::Defaults::default());
    assert_eq!((parsed.objects.len(), parsed.problems.len()), (1800, 200));
}

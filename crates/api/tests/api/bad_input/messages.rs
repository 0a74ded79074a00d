//! What is said of it.

use crate::support::{is_invalid, mapping, of_kind, only};

#[test]
fn messages_say_what_to_do() {
    let table = [
        ("{prefix: /, service: w, weight: heavy}", "spec.weight: expected a whole number, found text \"heavy\""),
        (
            "{prefix: /, service: w, headers: {x: 2}}",
            "spec.headers.x: expected text, found the number 2: write it in quotes, \"2\"",
        ),
        (
            "{prefix: /, service: w, host: y}",
            "spec.host: expected text, found the boolean y: write it in quotes, \"y\"",
        ),
        (
            "{prefix: /, service: w, tls: true}",
            "spec.tls: expected text, found the boolean true: it names a TLSContext; for TLS without one leave it out and write \
             https:// before the service",
        ),
        (
            "{prefix: /, service: w, grpc: 'true'}",
            "spec.grpc: expected true or false, found text \"true\": leave the quotes out",
        ),
        (
            "{prefix: /, service: w, timeout_sm: 1}",
            "spec.timeout_sm: there is no such field, it has no effect: did you mean \"timeout_ms\"?",
        ),
        (
            "{prefix: /, service: w, priority: hihg}",
            "spec.priority: expected default or high, found \"hihg\": did you mean high?",
        ),
        (
            "{prefix: /, service: w, retry_policy: {retry_on: 5xx, per_try_timeout: 250}}",
            "spec.retry_policy.per_try_timeout: expected a duration with its unit, found the number 250: write \"250ms\", or \
             \"250s\" for seconds",
        ),
        (
            "{prefix: /, service: w, timeout_ms: -1}",
            "spec.timeout_ms: expected a whole number of at least 0, found the number -1",
        ),
    ];
    for (spec, message) in table {
        let object = only(&mapping(spec));
        assert_eq!(object.problems[0].0.to_string(), message);
    }
}

#[test]
fn all_that_is_wrong_with_an_object_is_said_at_once() {
    let spec = "{prefix: [/], service: w, timeout_ms: soon, cors: {origins: [a, {b: c}, 2], max_age: [60]}, wieght: 1}";
    let object = only(&mapping(spec));
    let problems: Vec<_> = object.problems.iter().map(|(problem, _)| problem.field.as_str()).collect();
    let wrong = ["prefix", "timeout_ms", "cors.origins[1]", "cors.origins[2]", "cors.max_age", "wieght"];
    assert_eq!(problems, wrong.map(|field| format!("spec.{field}")), "{object:#?}");
    assert!(is_invalid(&object));

    let many = (0..1000).map(|n| format!("a{n}: 1")).collect::<Vec<_>>().join(", ");
    let object = only(&mapping(&format!("{{prefix: /, service: w, headers: {{{many}}}}}")));
    assert!((10..100).contains(&object.problems.len()), "{}", object.problems.len());
}

#[test]
fn messages_say_what_would_be_right() {
    let table = [
        (
            "Mapping",
            "{prefix: /, service: w, add_response_headers: {x: '1'}}",
            "expected a mapping, found text \"1\": write {value: \"1\"}",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{remote_adress: {}}]}]}}",
            "there is no label remote_adress: did you mean remote_address?",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{request_header: {key: user, header_name: x-user}}]}]}}",
            "there is no label request_header: did you mean request_headers?",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [], rate: 1, unit: day}]}",
            "is empty: it needs a label at least, as in [{user: \"*\"}]",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, add_request_headers: {x: 1.50}}",
            "expected a mapping, found the number 1.50: write {value: \"1.50\"}",
        ),
        ("Mapping", "{prefix: /, service: w, add_request_headers: {x: [1]}}", "expected a mapping, found a list"),
        ("Mapping", "{prefix: /, service: w, cors: '1'}", "expected a mapping, found text \"1\": leave the quotes out"),
        (
            "TLSContext",
            "{cipher_suites: [ECDHE-RSA-AES128-SAH]}",
            "Envoy knows no cipher suite \"ECDHE-RSA-AES128-SAH\" for TLS up to 1.2: did you mean ECDHE-RSA-AES128-SHA?",
        ),
        (
            "TLSContext",
            "{cipher_suites: ['ALL:!TLS_RSA_WITH_AES_128_CBC_SHA1']}",
            "Envoy knows no cipher suite \"TLS_RSA_WITH_AES_128_CBC_SHA1\" for TLS up to 1.2: did you mean \
             TLS_RSA_WITH_AES_128_CBC_SHA?",
        ),
        ("TLSContext", "{ecdh_curves: [P265]}", "Envoy knows no curve \"P265\": did you mean P-256?"),
        ("TLSContext", "{min_tls_version: v1.4}", "expected v1.0, v1.1, v1.2 or v1.3, found \"v1.4\""),
    ];
    for (kind, spec, message) in table {
        let object = only(&of_kind(kind, spec));
        assert_eq!(object.problems[0].0.message, message, "{spec}");
    }
}

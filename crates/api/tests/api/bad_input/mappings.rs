//! Mappings.

use nuncio_api::{Remains, Spec};

use super::check;
use crate::support::{mapping, of_kind, only};

#[test]
fn bad_mappings_are_refused() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("{prefix: /, service: w, weight: heavy}", "InvalidValue", "spec.weight", "heavy"),
        ("{prefix: /, service: w, weight: -1}", "InvalidValue", "spec.weight", "-1"),
        ("{prefix: /, service: w, weight: 1.5}", "InvalidValue", "spec.weight", "1.5"),
        ("{prefix: /, service: w, timeout_ms: soon}", "InvalidValue", "spec.timeout_ms", "soon"),
        ("{prefix: /, service: w, timeout_ms: -5}", "InvalidValue", "spec.timeout_ms", "-5"),
        ("{prefix: /, service: w, timeout_ms: '50'}", "InvalidValue", "spec.timeout_ms", "'50'"),
        ("{prefix: /, service: w, timeout_ms: 9300000000000000000}", "InvalidValue", "spec.timeout_ms", "93"),
        ("{prefix: /, service: w, connect_timeout_ms: 0}", "InvalidValue", "spec.connect_timeout_ms", "0}"),
        ("{prefix: 5, service: w}", "InvalidValue", "spec.prefix", "5"),
        ("{prefix: yes, service: w}", "InvalidValue", "spec.prefix", "yes"),
        ("{prefix: '', service: w}", "MissingField", "spec.prefix", "''"),
        ("{service: w}", "MissingField", "spec.prefix", "{"),
        ("{prefix: /}", "MissingField", "spec.service", "{"),
        ("{prefix: /, service: ''}", "MissingField", "spec.service", "''"),
        ("{prefix: /, service: 'w:port'}", "InvalidValue", "spec.service", "'w:port'"),
        ("{prefix: /, service: 'w:0'}", "InvalidValue", "spec.service", "'w:0'"),
        ("{prefix: /, service: 'w:65536'}", "InvalidValue", "spec.service", "'w:65536'"),
        ("{prefix: /, service: 'a b'}", "InvalidValue", "spec.service", "'a b'"),
        ("{prefix: /, service: '::1'}", "InvalidValue", "spec.service", "'::1'"),
        ("{prefix: /, service: w, prefix_regex: maybe}", "InvalidValue", "spec.prefix_regex", "maybe"),
        ("{prefix: '/(?!x)', service: w, prefix_regex: true}", "InvalidRegex", "spec.prefix", "'/(?!x)'"),
        ("{prefix: '/(a', service: w, prefix_regex: true}", "InvalidRegex", "spec.prefix", "'/(a'"),
        ("{prefix: /, service: w, headers: [x]}", "InvalidValue", "spec.headers", "[x]"),
        ("{prefix: /, service: w, headers: {x: 2}}", "InvalidValue", "spec.headers.x", "2"),
        ("{prefix: /, service: w, headers: {'x y': a}}", "InvalidHeaderName", "spec.headers[\"x y\"]", "a}}"),
        ("{prefix: /, service: w, regex_headers: {x: '*'}}", "InvalidRegex", "spec.regex_headers.x", "'*'"),
        (
            "{prefix: /, service: w, regex_query_parameters: {q: '[z-a]'}}",
            "InvalidRegex",
            "spec.regex_query_parameters.q",
            "'[z",
        ),
        ("{prefix: /, service: w, method: 'GET POST'}", "InvalidValue", "spec.method", "'GET"),
        ("{prefix: /, service: w, precedence: 3000000000}", "InvalidValue", "spec.precedence", "3000"),
        ("{prefix: /, service: w, hostname: '*.a.*'}", "InvalidValue", "spec.hostname", "'*.a"),
        ("{prefix: /, service: w, hostname: a.*.b}", "InvalidValue", "spec.hostname", "a.*"),
        ("{prefix: /, service: w, hostname: 'a b'}", "InvalidValue", "spec.hostname", "'a b'"),
        ("{prefix: /, service: w, host: '*.a'}", "InvalidValue", "spec.host", "'*.a'"),
        ("{prefix: /, service: w, host: '(', host_regex: true}", "InvalidRegex", "spec.host", "'('"),
        ("{prefix: /, service: w, headers: {':authority': '*.a'}}", "InvalidValue", "spec.headers.:authority", "'*.a'"),
        (
            "{prefix: /, service: w, add_request_headers: {host: {value: a}}}",
            "InvalidHeaderName",
            "spec.add_request_headers.host",
            "{value",
        ),
        (
            "{prefix: /, service: w, add_response_headers: {':status': {value: '1'}}}",
            "InvalidHeaderName",
            "spec.add_response_headers.:status",
            "{value",
        ),
        (
            "{prefix: /, service: w, add_request_headers: {x: {value: ''}}}",
            "InvalidValue",
            "spec.add_request_headers.x.value",
            "''",
        ),
        (
            "{prefix: /, service: w, add_request_headers: {x: {value: \"a\\r\\nb\"}}}",
            "InvalidValue",
            "spec.add_request_headers.x.value",
            "\"a",
        ),
        (
            "{prefix: /, service: w, add_request_headers: {x: {value: 100%}}}",
            "InvalidFormat",
            "spec.add_request_headers.x.value",
            "100%",
        ),
        (
            "{prefix: /, service: w, add_request_headers: {x: {value: '%NOPE%'}}}",
            "InvalidFormat",
            "spec.add_request_headers.x.value",
            "'%NOPE",
        ),
        ("{prefix: /, service: w, add_request_headers: {x: 1}}", "InvalidValue", "spec.add_request_headers.x", "1}"),
        (
            "{prefix: /, service: w, remove_request_headers: [Host]}",
            "InvalidHeaderName",
            "spec.remove_request_headers[0]",
            "Host",
        ),
        (
            "{prefix: /, service: w, remove_response_headers: [a, ':status']}",
            "InvalidHeaderName",
            "spec.remove_response_headers[1]",
            "':status'",
        ),
        ("{prefix: /, service: w, rewrite: \"/a\\nb\"}", "InvalidValue", "spec.rewrite", "\"/a"),
        (
            "{prefix: /, service: w, regex_rewrite: {pattern: '(a)', substitution: '\\2'}}",
            "InvalidRegex",
            "spec.regex_rewrite.substitution",
            "'\\2'",
        ),
        (
            "{prefix: /, service: w, regex_rewrite: {substitution: a}}",
            "MissingField",
            "spec.regex_rewrite.pattern",
            "{substitution",
        ),
        (
            "{prefix: /, service: w, host_redirect: true, redirect_response_code: 304}",
            "InvalidValue",
            "spec.redirect_response_code",
            "304",
        ),
        ("{prefix: /, service: w, retry_policy: {retry_on: 6xx}}", "InvalidValue", "spec.retry_policy.retry_on", "6xx"),
        (
            "{prefix: /, service: w, retry_policy: {num_retries: 2}}",
            "MissingField",
            "spec.retry_policy.retry_on",
            "{num",
        ),
        (
            "{prefix: /, service: w, retry_policy: {retry_on: 5xx, num_retries: -1}}",
            "InvalidValue",
            "spec.retry_policy.num_retries",
            "-1",
        ),
        (
            "{prefix: /, service: w, retry_policy: {retry_on: 5xx, per_try_timeout: 5}}",
            "InvalidValue",
            "spec.retry_policy.per_try_timeout",
            "5}}",
        ),
        (
            "{prefix: /, service: w, retry_policy: {retry_on: 5xx, per_try_timeout: 5 s}}",
            "InvalidValue",
            "spec.retry_policy.per_try_timeout",
            "5 s",
        ),
        (
            "{prefix: /, service: w, circuit_breakers: [{priority: urgent}]}",
            "InvalidValue",
            "spec.circuit_breakers[0].priority",
            "urgent",
        ),
        (
            "{prefix: /, service: w, circuit_breakers: [{max_connections: -1}]}",
            "InvalidValue",
            "spec.circuit_breakers[0].max_connections",
            "-1",
        ),
        (
            "{prefix: /, service: w, load_balancer: {policy: ring_hash}}",
            "InvalidValue",
            "spec.load_balancer",
            "{policy",
        ),
        (
            "{prefix: /, service: w, load_balancer: {policy: round_robin, source_ip: true}}",
            "InvalidValue",
            "spec.load_balancer",
            "{policy",
        ),
        ("{prefix: /, service: w, load_balancer: {policy: best}}", "InvalidValue", "spec.load_balancer.policy", "best"),
        ("{prefix: /, service: w, load_balancer: {header: x}}", "InvalidValue", "spec.load_balancer", "{header"),
        (
            "{prefix: /, service: w, load_balancer: {policy: maglev, cookie: {name: ''}}}",
            "MissingField",
            "spec.load_balancer.cookie.name",
            "''",
        ),
        (
            "{prefix: /, service: w, health_checks: [{health_check: {}}]}",
            "InvalidValue",
            "spec.health_checks[0].health_check",
            "{}",
        ),
        (
            "{prefix: /, service: w, grpc: true, health_checks: [{interval: 0s, health_check: {grpc: {upstream_name: a}}}]}",
            "InvalidValue",
            "spec.health_checks[0].interval",
            "0s",
        ),
        (
            "{prefix: /, service: w, health_checks: [{health_check: {http: {path: /, expected_statuses: [{min: 300, max: 200}]}}}]}",
            "InvalidValue",
            "spec.health_checks[0].health_check.http.expected_statuses[0]",
            "{min",
        ),
        ("{prefix: /, service: w, outlier_detection: yes}", "InvalidValue", "spec.outlier_detection", "yes"),
        (
            "{prefix: /, service: w, outlier_detection: {max_ejection_percent: 101}}",
            "InvalidValue",
            "spec.outlier_detection.max_ejection_percent",
            "101",
        ),
        ("{prefix: /, service: w, priority: urgent}", "InvalidValue", "spec.priority", "urgent"),
        ("{prefix: /, service: w, allow_upgrade: ['a b']}", "InvalidValue", "spec.allow_upgrade[0]", "'a b'"),
        (
            "{prefix: /, service: w, cors: {origins: [a], methods: ['a b']}}",
            "InvalidValue",
            "spec.cors.methods",
            "['a b']",
        ),
        ("{prefix: /, service: w, cors: {origins: [a], max_age: long}}", "InvalidValue", "spec.cors.max_age", "long"),
        ("[]", "InvalidValue", "spec", "[]"),
    ];
    for (spec, reason, field, at) in rows {
        check(("Mapping", spec, reason, field, at));
    }
}

/// An invalid Mapping keeps its conditions, if they are all good.
#[test]
fn an_invalid_mapping_keeps_its_conditions() {
    let table = [
        ("{prefix: /a/, service: b, weight: x}", true),
        ("{prefix: /a/, method: GET, headers: {x: z}, precedence: 3, service: 'b:port'}", true),
        ("{prefix: /a/}", true),
        ("{prefix: /a/, service: b, retry_policy: {retry_on: never}}", true),
        ("{prefix: '', service: b}", false),
        ("{prefix: '(', prefix_regex: true, service: b}", false),
        ("{prefix: /a/, headers: [x], service: b}", false),
        ("{prefix: /a/, precedence: x, service: b}", false),
        ("{prefix: /a/, hostname: 'a.*.b', service: b}", false),
    ];
    for (spec, keeps) in table {
        let Spec::Invalid(remains) = only(&mapping(spec)).spec else { panic!("{spec}") };
        assert_eq!(matches!(remains, Remains::Conditions(_)), keeps, "{spec}: {remains:?}");
    }
    let object = only(&mapping("{prefix: /a/, hostname: a.example, method: GET, service: b, weight: x}"));
    let Spec::Invalid(Remains::Conditions(mapping)) = object.spec else { panic!() };
    assert_eq!(
        (&*mapping.prefix, mapping.hostname.as_deref(), mapping.method.as_deref()),
        ("/a/", Some("a.example"), Some("GET"))
    );
    assert_eq!(mapping.weight, None);
}

/// The gateway's word is for the service that a request goes to, under whatever name, and for no visitor; the key of a preview is
/// for neither.
#[test]
fn the_word_on_who_asks_may_be_handed_on_to_the_service_and_keys_to_nobody() {
    let (word, key) = ("x-nuncio-assertion", "baggage");
    let of_mapping = |headers: &str| format!("{{prefix: /, service: w, {headers}}}");
    let of_module = |headers: &str| format!("{{config: {{defaults: {{httpmapping: {{{headers}}}}}}}}}");
    let specs = [
        ("Mapping", "spec", &of_mapping as &dyn Fn(&str) -> String),
        ("Module", "spec.config.defaults.httpmapping", &of_module),
    ];
    for (kind, place, spec) in specs {
        let told = |list: &str, value: &str| {
            let object = only(&of_kind(kind, &spec(&format!("{list}: {{x-user-jwt: {{value: \"{value}\"}}}}"))));
            let added = match &object.spec {
                Spec::Mapping(it) if list == "add_request_headers" => {
                    it.add_request_headers.clone().unwrap_or_default()
                }
                Spec::Mapping(it) => it.add_response_headers.clone().unwrap_or_default(),
                Spec::Module(it) => {
                    let defaults = it.config.defaults.clone().unwrap_or_default().httpmapping;
                    let is_of_requests = list == "add_request_headers";
                    if is_of_requests { defaults.add_request_headers } else { defaults.add_response_headers }
                }
                other => panic!("{other:?}"),
            };
            let told: Vec<_> = object.problems.into_iter().map(|(it, _)| (it.reason, it.field)).collect();
            (added.len(), told)
        };
        for (list, header, is_added) in [
            ("add_request_headers", word, true),
            ("add_request_headers", key, false),
            ("add_response_headers", word, false),
            ("add_response_headers", key, false),
        ] {
            let left_out = (0, vec![("NoEffect", format!("{place}.{list}.x-user-jwt.value"))]);
            let expected = if is_added { (1, Vec::new()) } else { left_out };
            for value in [format!("%REQ({header})%"), format!("%CEL(request.headers['{header}'])%")] {
                assert_eq!(told(list, &value), expected, "{kind}: {list}: {value}");
            }
        }
        let (added, _) = told("add_request_headers", &format!("%REQ({word}?{key})%"));
        assert_eq!(added, 0, "{kind}: a key behind the word");
    }
}

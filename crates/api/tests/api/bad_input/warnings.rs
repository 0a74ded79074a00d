//! What serves, but not wholly as written.

use nuncio_api::Severity;

use crate::support::{is_invalid, of_kind, only};

/// What serves with less than is written gets a warning, and serves.
#[test]
fn warnings_leave_the_object_in_use() {
    let rows: &[(&str, &str, &str, &str, &str)] = &[
        ("Mapping", "{prefix: /, service: w, weight: 101}", "WeightOver100", "spec.weight", "101"),
        ("Mapping", "{prefix: /, service: w, no_such_field: 1}", "UnknownField", "spec.no_such_field", "no_such"),
        (
            "Mapping",
            "{prefix: /, service: w, retry_policy: {retry_on: 5xx, retries: 1}}",
            "UnknownField",
            "spec.retry_policy.retries",
            "retries",
        ),
        ("DevPortal", "{content: {url: 'https://git.example/x'}}", "NoEffect", "spec.content.url", "'https"),
        ("DevPortal", "{content: {branch: main}}", "NoEffect", "spec.content.branch", "main"),
        ("DevPortal", "{search: {type: all-content}}", "NoEffect", "spec.search.type", "all-content"),
        ("DevPortal", "{search: {type: ''}, selektor: {}}", "UnknownField", "spec.selektor", "selektor"),
        (
            "DevPortal",
            "{docs: [{service: a, url: 'https://a.b/', timeout_ms: 30001}]}",
            "NoEffect",
            "spec.docs[0].timeout_ms",
            "30001",
        ),
        ("Mapping", "{prefix: /, service: w, cors: {methods: [GET]}}", "NoEffect", "spec.cors.origins", "{methods"),
        (
            "Mapping",
            "{prefix: /, service: w, cors: {origins: ['*', 'https://*.a.example']}}",
            "NoEffect",
            "spec.cors.origins[1]",
            "'https://*.a.example'",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, cors: {origins: ['*', 'a.example']}}",
            "NoEffect",
            "spec.cors.origins[1]",
            "'a.example'",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, cors: {origins: ['*', 'https://a.example/']}}",
            "NoEffect",
            "spec.cors.origins[1]",
            "'https://a.example/'",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, cors: {origins: ['*', 'https://A.example']}}",
            "NoEffect",
            "spec.cors.origins[1]",
            "'https://A.example'",
        ),
        ("Mapping", "{prefix: /, service: w, dns_type: round}", "InvalidValue", "spec.dns_type", "round"),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{remote_address: {key: ip}}]}]}}",
            "NoEffect",
            "spec.labels.a[0].g[0]",
            "{remote",
        ),
        ("RateLimitService", "{service: a, protocol_version: v2}", "NoEffect", "spec.protocol_version", "v2"),
        ("RateLimit", "{limits: []}", "NoEffect", "spec.limits", "[]"),
        (
            "Filter",
            "{External: {auth_service: a, include_body: {max_bytes: 4194305}}}",
            "NoEffect",
            "spec.External.include_body.max_bytes",
            "4194305",
        ),
        (
            "AuthService",
            "{auth_service: a, allow_request_body: true, include_body: {max_bytes: 9}}",
            "NoEffect",
            "spec.allow_request_body",
            "true",
        ),
        (
            "AuthService",
            "{auth_service: a, proto: grpc, protocol_version: v3, path_prefix: /x}",
            "NoEffect",
            "spec.path_prefix",
            "/x",
        ),
        (
            "Filter",
            "{JWT: {jwksURI: 'https://a', validAlgorithms: [RS256, none]}}",
            "NoEffect",
            "spec.JWT.validAlgorithms[1]",
            "none",
        ),
        (
            "Filter",
            "{JWT: {jwksURI: 'https://a', validAlgorithms: [none]}}",
            "NoEffect",
            "spec.JWT.jwksURI",
            "'https://a'",
        ),
        (
            "Filter",
            "{OAuth2: {authorizationURL: 'https://a/.well-known/openid-configuration', grantType: ClientCredentials}}",
            "InvalidValue",
            "spec.OAuth2.authorizationURL",
            "'https://a/",
        ),
        (
            "AuthService",
            "{auth_service: a, status_on_error: {code: 200}}",
            "InvalidValue",
            "spec.status_on_error.code",
            "200",
        ),
        (
            "FilterPolicy",
            "{rules: [{path: '/keys/.*', filters: []}]}",
            "InvalidValue",
            "spec.rules[0].path",
            "'/keys/.*'",
        ),
        (
            "Filter",
            "{OAuth2: {authorizationURL: 'https://a', grantType: Password, clientID: c, secretName: s, clientSessionMaxIdle: 9m}}",
            "NoEffect",
            "spec.OAuth2.clientSessionMaxIdle",
            "9m",
        ),
        ("Mapping", "{prefix: /, service: w, docs: {path: [/x]}}", "InvalidValue", "spec.docs.path", "[/x]"),
        ("Mapping", "{prefix: /, service: w, docs: {paht: /x}}", "UnknownField", "spec.docs.paht", "/x"),
        (
            "Mapping",
            "{prefix: /, service: w, docs: {path: /y, urll: 'http://w'}}",
            "UnknownField",
            "spec.docs.urll",
            "'http://w'",
        ),
        ("Mapping", "{prefix: /, service: w, docs: [/x]}", "InvalidValue", "spec.docs", "[/x]"),
        (
            "DevPortal",
            "{docs: [{service: a, url: 'https://a.b/', timeoutms: 9}]}",
            "UnknownField",
            "spec.docs[0].timeoutms",
            "timeoutms",
        ),
        (
            "DevPortal",
            "{docs: [{service: a, url: 'https://ann@a.b/'}]}",
            "NoEffect",
            "spec.docs[0].url",
            "'https://ann@a.b/'",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, docs: {url: 'http://w/x', path: /x}}",
            "NoEffect",
            "spec.docs.path",
            "/x}",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, docs: {url: 'http://docs.example/x'}}",
            "NoEffect",
            "spec.docs.url",
            "'http://docs",
        ),
        (
            "Filter",
            "{JWT: {jwksURI: 'https://a', injectRequestHeaders: [{name: a, value: '{{ .tokn.Raw }}'}]}}",
            "UnknownVariable",
            "spec.JWT.injectRequestHeaders[0].value",
            "'{{ .tokn",
        ),
        (
            "FilterPolicy",
            "{rules: [{filters: [{name: f, arguments: {require: claim.admin}}]}]}",
            "UnknownVariable",
            "spec.rules[0].filters[0].arguments.require",
            "claim.admin",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, docs: {path: /x, timeout_ms: 60000}}",
            "NoEffect",
            "spec.docs.timeout_ms",
            "60000",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, error_response_overrides: [{}]}",
            "NotYetEffective",
            "spec.error_response_overrides",
            "[{}]",
        ),
        ("Mapping", "{prefix: /, service: w, allow_upgrade: [a, A]}", "NoEffect", "spec.allow_upgrade[1]", "A]"),
        ("Mapping", "{prefix: /, service: w, hostname: a, host: b}", "NoEffect", "spec.host", "b}"),
        ("Mapping", "{prefix: /, service: w, method: GET|POST}", "NoEffect", "spec.method", "GET"),
        ("Mapping", "{prefix: '/a/*', service: w}", "NoEffect", "spec.prefix", "'/a/*'"),
        ("Mapping", "{prefix: /docs/, service: '127.0.0.1:8500'}", "NoEffect", "spec.service", "'127"),
        ("Mapping", "{prefix: /openapi/, service: 'http://localhost:8500'}", "NoEffect", "spec.service", "'http"),
        ("Mapping", "{prefix: /, service: w, path_redirect: /x}", "NoEffect", "spec.path_redirect", "/x"),
        (
            "Mapping",
            "{prefix: /, service: w, circuit_breakers: [{max_requests: 1}, {}]}",
            "NoEffect",
            "spec.circuit_breakers[1]",
            "{}",
        ),
        ("Host", "{hostname: a, acmeProvider: {email: e}}", "NotYetEffective", "spec.acmeProvider", "{email"),
        ("Host", "{hostname: a, tls: {sni: x}}", "NoEffect", "spec.tls", "{sni"),
        (
            "Listener",
            "{port: 1, securityModel: XFP, hostBinding: {}, protocolStack: [HTTP, UDP]}",
            "NotYetEffective",
            "spec.protocolStack",
            "[HTTP",
        ),
        (
            "Module",
            "{config: {header_case_overrides: [X-Ok, X-MY]}}",
            "NoEffect",
            "spec.config.header_case_overrides[1]",
            "X-MY",
        ),
        ("Module", "{config: {xff_num_trusted_hops: 1}}", "NotYetEffective", "spec.config.xff_num_trusted_hops", "1"),
        // Two letters from `ca_secret`, which a Host has only below `tls`.
        ("Host", "{hostname: a, secret: s}", "UnknownField", "spec.secret", "secret"),
        ("Module", "{config: {server_nam: 1}}", "UnknownField", "spec.config.server_nam", "server_nam"),
        (
            "Module",
            "{config: {strip_matching_host_port: false}}",
            "NotYetEffective",
            "spec.config.strip_matching_host_port",
            "false",
        ),
        (
            "Module",
            "{config: {diagnostics: {enabled: true}}}",
            "NotYetEffective",
            "spec.config.diagnostics.enabled",
            "true",
        ),
        ("Mapping", "{prefix: /, service: 'http://a/b'}", "NoEffect", "spec.service", "'http"),
        ("Mapping", "{prefix: '/x?y=1', service: a}", "NoEffect", "spec.prefix", "'/x?y"),
        ("Mapping", "{prefix: '/x#y', service: a}", "NoEffect", "spec.prefix", "'/x#y"),
        ("Mapping", "{prefix: x/, service: a}", "NoEffect", "spec.prefix", "x/"),
        ("Mapping", "{prefix: '/x\\y', service: a}", "NoEffect", "spec.prefix", "'/x\\y"),
        ("Mapping", "{prefix: /x/../y/, service: a}", "NoEffect", "spec.prefix", "/x/.."),
        ("Mapping", "{prefix: /x/%2E/, service: a}", "NoEffect", "spec.prefix", "/x/%2E/"),
        ("Mapping", "{prefix: /, service: a, method: get}", "NoEffect", "spec.method", "get"),
        (
            "Mapping",
            "{prefix: /, service: a, rewrite: /b, regex_rewrite: {pattern: a}}",
            "NoEffect",
            "spec.rewrite",
            "/b",
        ),
        ("Mapping", "{prefix: /, service: a, host_redirect: true, weight: 5}", "NoEffect", "spec.weight", "5}"),
        (
            "Mapping",
            "{prefix: /, service: a, retry_policy: {retry_on: retriable-status-codes}}",
            "NoEffect",
            "spec.retry_policy.retry_on",
            "retriable",
        ),
        ("TLSContext", "{secret: a, crl_secret: b}", "NoEffect", "spec.crl_secret", "b}"),
        ("Mapping", "{prefix: /, service: 'tcp://a'}", "NoEffect", "spec.service", "'tcp"),
        ("AuthService", "{auth_service: 'grpc://a'}", "NoEffect", "spec.auth_service", "'grpc"),
        (
            "Mapping",
            "{prefix: /, hostname: a.b, service: a, headers: {':authority': c}}",
            "NoEffect",
            "spec.headers.:authority",
            "c}",
        ),
        ("Module", "{config: {ip_allow: []}}", "AllowsNobody", "spec.config.ip_allow", "[]"),
    ];
    for (kind, spec, reason, field, at) in rows {
        let text = of_kind(kind, spec);
        let object = only(&text);
        assert!(!is_invalid(&object), "{spec}: {:?}", object.problems);
        let [(problem, location)] = object.problems.as_slice() else { panic!("{spec}: {:?}", object.problems) };
        assert_eq!(
            (problem.severity, problem.reason, problem.field.as_str()),
            (Severity::Warning, *reason, *field),
            "{spec}"
        );
        let column = text.lines().nth(3).unwrap().find(at).unwrap() + 1;
        assert_eq!((location.line, location.column as usize), (4, column), "{spec}");
    }
}

/// Fields that say nothing are not worth a word.
#[test]
fn unset_fields_are_no_problem() {
    for (kind, spec) in [
        ("Mapping", "{prefix: /, service: w, labels: {}, bypass_auth: false, docs: null, modules: [], hostname: ''}"),
        ("Mapping", "{prefix: /, service: w, v2ExplicitTLS: {tls: null}, v2BoolHeaders: [x]}"),
        ("Host", "{hostname: a, acmeProvider: {authority: none}, previewUrl: {enabled: false}, tlsSecret: {name: ''}}"),
        ("Module", "{config: {debug_mode: false, diagnostics: {enabled: false}}}"),
        ("Module", "{config: null}"),
        ("KubernetesServiceResolver", "null"),
    ] {
        let object = only(&of_kind(kind, spec));
        assert!(!is_invalid(&object) && object.problems.is_empty(), "{spec}: {:?}", object.problems);
    }
}

#[test]
fn what_a_service_says_beyond_host_and_port_has_no_effect() {
    for (service, expected) in [
        ("http://carts/", "\"/\" has no effect: expected host and port alone"),
        ("http://carts/?x=me:word@host", "the rest has no effect: expected host and port alone"),
        ("tcp://carts", "the scheme \"tcp\" has no effect: expected http or https"),
    ] {
        let object = only(&of_kind("Mapping", &format!("{{prefix: /, service: '{service}'}}")));
        let messages: Vec<_> = object.problems.iter().map(|(problem, _)| problem.message.as_str()).collect();
        assert_eq!(messages, [expected], "{service}");
    }
}

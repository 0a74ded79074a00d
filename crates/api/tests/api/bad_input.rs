//! Bad input: each row has a reason, a field and a place, and harms nothing beside it.

use crate::support::{is_invalid, mapping, named, of_kind, only, problems, read};
use nuncio_api::{IpAccess, Remains, Severity, Spec};

/// A spec, and of its only error: the reason, the field, and the text at whose beginning it stands.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const GOOD: &str = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: good}\n\
                    spec: {hostname: '*', prefix: /good/, service: web}\n";

/// Checks that the row's object is refused for the row's reason, and that its neighbour serves.
fn check((kind, spec, reason, field, at): Row) {
    let text = format!("{}---\n{GOOD}", of_kind(kind, spec));
    let parsed = read(&text);
    let good = named(&parsed, "Mapping default/good");
    assert!(!is_invalid(good) && good.problems.is_empty(), "{spec}: {good:?}");
    let errors: Vec<_> = problems(&parsed).into_iter().filter(|(p, _)| p.severity == Severity::Error).collect();
    let [(problem, location)] = errors.as_slice() else { panic!("{spec}: {errors:#?}") };
    assert_eq!((problem.reason, problem.field.as_str()), (reason, field), "{spec}: {problem}");
    let line = text.lines().nth(3).unwrap();
    let column = line.find(at).unwrap_or_else(|| panic!("{at} is not in {line}")) + 1;
    assert_eq!((location.line, location.column as usize), (4, column), "{spec}: {problem}");
}

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
        ("{prefix: /, service: 'ftp://w'}", "InvalidValue", "spec.service", "'ftp"),
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

#[test]
fn other_bad_objects_are_refused() {
    let listener = "protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}";
    let with_port =
        |port: &str| -> &'static str { Box::leak(format!("{{port: {port}, {listener}}}").into_boxed_str()) };
    let rows: &[Row] = &[
        ("Listener", with_port("70000"), "InvalidValue", "spec.port", "70000"),
        ("Listener", with_port("0"), "InvalidValue", "spec.port", "0,"),
        ("Listener", with_port("-1"), "InvalidValue", "spec.port", "-1"),
        ("Listener", with_port("http"), "InvalidValue", "spec.port", "http,"),
        (
            "Listener",
            "{port: 1, protocol: SMTP, securityModel: XFP, hostBinding: {}}",
            "InvalidValue",
            "spec.protocol",
            "SMTP",
        ),
        ("Listener", "{port: 1, protocol: HTTP, hostBinding: {}}", "MissingField", "spec.securityModel", "{port"),
        ("Listener", "{port: 1, protocol: HTTP, securityModel: XFP}", "MissingField", "spec.hostBinding", "{port"),
        ("Listener", "{port: 1, securityModel: XFP, hostBinding: {}}", "MissingField", "spec.protocol", "{port"),
        (
            "Listener",
            "{port: 1, securityModel: XFP, hostBinding: {}, protocolStack: [TCP, HTTP]}",
            "InvalidValue",
            "spec.protocolStack",
            "[TCP",
        ),
        (
            "Listener",
            "{port: 1, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: SELECTOR}}}",
            "InvalidValue",
            "spec.hostBinding.namespace.from",
            "SELECTOR",
        ),
        (
            "Listener",
            "{port: 1, protocol: HTTP, securityModel: LOOSE, hostBinding: {}}",
            "InvalidValue",
            "spec.securityModel",
            "LOOSE",
        ),
        ("Host", "{hostname: 5}", "InvalidValue", "spec.hostname", "5"),
        ("Host", "{hostname: '*a*'}", "InvalidValue", "spec.hostname", "'*a*'"),
        (
            "Host",
            "{hostname: a, requestPolicy: {insecure: {action: route}}}",
            "InvalidValue",
            "spec.requestPolicy.insecure.action",
            "route}",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {min_tls_version: v9}}",
            "InvalidValue",
            "spec.tls.min_tls_version",
            "v9",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {min_tls_version: v1.3, max_tls_version: v1.2}}",
            "InvalidValue",
            "spec.tls.min_tls_version",
            "v1.3",
        ),
        (
            "Host",
            "{hostname: a, tlsSecret: {name: s}, tls: {}, tlsContext: {name: c}}",
            "InvalidValue",
            "spec.tls",
            "{}",
        ),
        ("TLSContext", "{hosts: x}", "InvalidValue", "spec.hosts", "x}"),
        ("TLSContext", "{secret: s, cipher_suites: [NULL-MD5]}", "InvalidValue", "spec.cipher_suites[0]", "NULL-MD5"),
        (
            "TLSContext",
            "{secret: s, cipher_suites: [AES128-SHA, TLS_RSA_WITH_AES_192_CBC_SHA]}",
            "InvalidValue",
            "spec.cipher_suites[1]",
            "TLS_RSA",
        ),
        ("TLSContext", "{secret: s, cipher_suites: ['ALL:!MD5']}", "InvalidValue", "spec.cipher_suites[0]", "'ALL"),
        (
            "TLSContext",
            "{secret: s, cipher_suites: [TLS_AES_128_GCM_SHA256]}",
            "InvalidValue",
            "spec.cipher_suites",
            "[TLS",
        ),
        ("TLSContext", "{secret: s, ecdh_curves: [P-256, P-225]}", "InvalidValue", "spec.ecdh_curves[1]", "P-225"),
        ("TLSContext", "{secret: s, cert_required: maybe}", "InvalidValue", "spec.cert_required", "maybe"),
        ("TCPMapping", "{port: x, service: w}", "InvalidValue", "spec.port", "x,"),
        ("TCPMapping", "{port: 0, service: w}", "InvalidValue", "spec.port", "0,"),
        ("TCPMapping", "{port: 1}", "MissingField", "spec.service", "{port"),
        ("TCPMapping", "{port: 1, service: w, address: here}", "InvalidValue", "spec.address", "here"),
        ("KubernetesEndpointResolver", "{ambassador_id: {}}", "InvalidValue", "spec.ambassador_id", "{}"),
        ("Module", "{config: 5}", "InvalidValue", "spec.config", "5"),
    ];
    for row in rows {
        check(*row);
    }
}

/// A field of the Module that is wrong is left out; the Module holds.
#[test]
fn bad_settings_fail_alone() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("load_balancer: {policy: ring_hash}", "InvalidValue", "load_balancer", "{policy"),
        ("retry_policy: {retry_on: never}", "InvalidValue", "retry_policy.retry_on", "never"),
        ("circuit_breakers: [{priority: urgent}]", "InvalidValue", "circuit_breakers[0].priority", "urgent"),
        ("cors: {origins: [a], headers: ['a b']}", "InvalidValue", "cors.headers", "['a b']"),
        ("buffer: {}", "MissingField", "buffer.max_request_bytes", "{}"),
        ("buffer: {max_request_bytes: -1}", "InvalidValue", "buffer.max_request_bytes", "-1"),
        ("gzip: {window_bits: 99}", "InvalidValue", "gzip.window_bits", "99"),
        ("gzip: {compression_level: MOST}", "InvalidValue", "gzip.compression_level", "MOST"),
        ("max_request_headers_kb: 9999", "InvalidValue", "max_request_headers_kb", "9999"),
        ("enable_http10: maybe", "InvalidValue", "enable_http10", "maybe"),
        ("envoy_log_format: '%NOPE%'", "InvalidFormat", "envoy_log_format", "'%NOPE"),
        ("envoy_log_format: {a: b}", "InvalidValue", "envoy_log_format", "{a"),
        ("envoy_log_type: xml", "InvalidValue", "envoy_log_type", "xml"),
        ("headers_with_underscores_action: KEEP", "InvalidValue", "headers_with_underscores_action", "KEEP"),
        ("forward_client_cert_details: SOME", "InvalidValue", "forward_client_cert_details", "SOME"),
        ("lua_scripts: [a]", "InvalidValue", "lua_scripts", "[a]"),
        (
            "defaults: {httpmapping: {add_request_headers: {host: {value: a}}}}",
            "InvalidHeaderName",
            "defaults.httpmapping.add_request_headers.host",
            "{value",
        ),
        ("server_name: \"a\\nb\"", "InvalidValue", "server_name", "\"a"),
        ("ip_allow: [{peer: everyone}]", "InvalidValue", "ip_allow[0].peer", "everyone"),
        ("ip_allow: [{pier: 1.2.3.4}]", "InvalidValue", "ip_allow[0]", "{pier"),
        ("ip_deny: 1.2.3.4", "InvalidValue", "ip_deny", "1.2"),
        ("ip_deny: [{remote: 1.2.3.4/33}]", "InvalidValue", "ip_deny[0].remote", "1.2"),
    ];
    for (setting, reason, field, at) in rows {
        let text = of_kind("Module", &format!("{{config: {{merge_slashes: true, {setting}}}}}"));
        let module = only(&text);
        let [(problem, location)] = module.problems.as_slice() else { panic!("{setting}: {:?}", module.problems) };
        assert_eq!((problem.severity, problem.reason), (Severity::Error, *reason), "{setting}: {problem}");
        assert_eq!(problem.field, format!("spec.config.{field}"), "{setting}");
        let column = text.lines().nth(3).unwrap().find(at).unwrap() + 1;
        assert_eq!((location.line, location.column as usize), (4, column), "{setting}: {problem}");
        let Spec::Module(module) = module.spec else { panic!("{setting}") };
        let mut rest = module.config.clone();
        if setting.starts_with("ip_") {
            let list = if setting.starts_with("ip_allow") { rest.ip_allow.take() } else { rest.ip_deny.take() };
            assert_eq!(list, Some(IpAccess::Unreadable), "{setting}");
        }
        rest.defaults = None;
        let expected = nuncio_api::ModuleConfig { merge_slashes: Some(true), ..Default::default() };
        assert_eq!(rest, expected, "{setting}");
    }
}

#[test]
fn both_access_lists_let_nobody_in() {
    let text = of_kind("Module", "{config: {ip_allow: [{peer: 1.2.3.4}], ip_deny: [{peer: 1.2.3.4}]}}");
    let Spec::Module(module) = only(&text).spec else { panic!() };
    assert_eq!(module.config.ip_allow, Some(IpAccess::Unreadable));
}

/// An invalid Host keeps the name that it was meant for.
#[test]
fn an_invalid_host_keeps_its_name() {
    let table = [
        ("{hostname: a.example.com, requestPolicy: {insecure: {action: Open}}}", Some("a.example.com")),
        ("{hostname: a.example.com, tls: {min_tls_version: v2}}", Some("a.example.com")),
        ("{requestPolicy: {insecure: {action: Open}}}", Some("*")),
        ("{hostname: 5}", None),
        ("{hostname: ['a']}", None),
    ];
    for (spec, expected) in table {
        let expected = expected.map_or(Remains::Nothing, |hostname| Remains::Hostname(hostname.to_owned()));
        assert_eq!(only(&of_kind("Host", spec)).spec, Spec::Invalid(expected), "{spec}");
    }
    assert_eq!(only(&mapping("{hostname: a}")).spec, Spec::Invalid(Remains::Nothing));
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

/// An invalid TCPMapping keeps the connections that it is for, if they can be told.
#[test]
fn an_invalid_tcp_mapping_keeps_its_connections() {
    let table = [
        ("{port: 7000, host: a.example, service: 'b:port'}", Some((7000, Some("a.example")))),
        ("{port: 7000, host: a.example}", Some((7000, Some("a.example")))),
        ("{port: 7000, service: b, weight: x}", Some((7000, None))),
        ("{port: 70000, host: a.example, service: b}", None),
        ("{host: a.example, service: b}", None),
        ("{port: 7000, host: 'a.*.b', service: b}", None),
        ("{port: 7000, host: a.example, address: nowhere, service: b}", None),
    ];
    for (spec, expected) in table {
        let Spec::Invalid(remains) = only(&of_kind("TCPMapping", spec)).spec else { panic!("{spec}") };
        let kept = match &remains {
            Remains::Connections(mapping) => Some((mapping.port, mapping.host.as_deref())),
            _ => None,
        };
        assert_eq!(kept, expected, "{spec}: {remains:?}");
    }
}

/// A document that is no YAML is a problem of the file, with the object it was meant to be; its neighbours serve.
#[test]
fn broken_documents_harm_no_other() {
    let head = "kind: Mapping\nmetadata: {name: bad}\n";
    let table: &[(&str, &str, u32, u32)] = &[
        ("spec: [\n", "InvalidYaml", 5, 8),
        ("spec:\n\tprefix: /\n", "InvalidYaml", 6, 1),
        ("spec: {a: 1, a: 2}\n", "InvalidYaml", 5, 14),
        ("spec: *nowhere\n", "InvalidYaml", 5, 7),
        ("spec: 'open\n", "InvalidYaml", 5, 7),
        ("spec: a: b\n", "InvalidYaml", 5, 8),
        ("spec: {[a]: b}\n", "InvalidYaml", 5, 8),
        ("spec: {<<: 5}\n", "InvalidYaml", 5, 12),
        ("spec: {}\rx: y\n", "InvalidYaml", 5, 9),
    ];
    for (broken, reason, line, column) in table {
        let text = format!("---\napiVersion: getambassador.io/v3alpha1\n{head}{broken}---\n{GOOD}");
        let parsed = read(&text);
        assert_eq!(parsed.objects.len(), 1, "{broken}");
        assert!(!is_invalid(&parsed.objects[0]));
        let [file] = parsed.problems.as_slice() else { panic!("{broken}: {:?}", parsed.problems) };
        assert_eq!(file.problem.reason, *reason, "{broken}: {}", file.problem);
        assert_eq!((file.location.line, file.location.column), (*line, *column), "{broken}: {}", file.problem);
        assert_eq!(file.id.as_ref().unwrap().to_string(), "Mapping default/bad");
        assert!(file.snippet.starts_with(&format!("{line} | ")), "{}", file.snippet);
    }
}

#[test]
fn invalid_utf8_is_found_where_it_is() {
    let mut text = b"kind: Host\nmetadata: {name: h}\nspec: {hostname: \xc3\xa9\xff}\n---\n".to_vec();
    text.extend_from_slice(GOOD.as_bytes());
    let parsed = nuncio_api::parse(&text, &"f".into(), &nuncio_api::Defaults::default());
    assert_eq!(parsed.objects.len(), 1);
    let [file] = parsed.problems.as_slice() else { panic!() };
    assert_eq!((file.problem.reason, file.location.line, file.location.column), ("InvalidUtf8", 3, 19));
    assert_eq!(file.id.as_ref().unwrap().to_string(), "Host default/h");
}

#[test]
fn what_is_no_object_is_told() {
    let ours = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n";
    let table = [
        ("just text\n".to_owned(), Severity::Warning, "NotAnObject", "", 1),
        ("a: b\n".to_owned(), Severity::Warning, "NotAnObject", "", 1),
        ("kind: Mapping\n".to_owned(), Severity::Error, "NotAnObject", "apiVersion", 1),
        ("apiVersion: v1\nkind: 5\n".to_owned(), Severity::Error, "NotAnObject", "kind", 2),
        (format!("{ours}spec: {{}}\n"), Severity::Error, "MissingField", "metadata.name", 1),
        (format!("{ours}metadata: {{name: n}}\n"), Severity::Error, "InvalidValue", "metadata.name", 3),
        (format!("{ours}metadata: {{name: 7}}\n"), Severity::Error, "InvalidValue", "metadata.name", 3),
        ("apiVersion: v1\nkind: List\nitems: 5\n".to_owned(), Severity::Error, "InvalidValue", "items", 3),
        (
            "apiVersion: getambassador.io/v3alpha1\nkind: LogService\n".to_owned(),
            Severity::Warning,
            "NotYetSupported",
            "kind",
            2,
        ),
        ("apiVersion: getambassador.io/v3alpha1\nkind: Maping\n".to_owned(), Severity::Error, "UnknownKind", "kind", 2),
        (
            "apiVersion: getambasador.io/v2\nkind: Mapping\n".to_owned(),
            Severity::Error,
            "UnknownGroup",
            "apiVersion",
            1,
        ),
    ];
    for (text, severity, reason, field, line) in table {
        let parsed = read(&format!("{text}---\n{GOOD}"));
        assert_eq!(parsed.objects.len(), 1, "{text}");
        let [file] = parsed.problems.as_slice() else { panic!("{text}: {:?}", parsed.problems) };
        assert_eq!((file.problem.severity, file.problem.reason), (severity, reason), "{text}: {}", file.problem);
        assert_eq!((file.problem.field.as_str(), file.location.line), (field, line), "{text}");
    }
}

#[test]
fn groups_of_others_are_no_concern_of_ours() {
    for group in
        ["apps", "gateway.networking.k8s.io", "ci.getambassador.io", "x.getambassador.io", "ambassador", "a.io"]
    {
        let parsed = read(&format!("apiVersion: {group}/v1\nkind: Mapping\nmetadata: {{name: a}}\n"));
        assert_eq!((parsed.problems.len(), parsed.ignored), (0, 1), "{group}");
    }
}

/// It keeps the fallback from serving every name in clear text.
#[test]
fn what_was_meant_as_a_host_is_known_to_be_there() {
    let spec = "spec: {hostname: a.example}\n";
    for (kind, metadata, expected) in [
        ("Host", "{}", "Host default/(nameless)"),
        ("Host", "{name: 7}", "Host default/(nameless)"),
        ("host", "{name: a, namespace: b}", "Host b/a"),
        ("Hots", "{}", "Host default/(nameless)"),
        ("HOST", "{}", "Host default/(nameless)"),
    ] {
        let text = format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {metadata}\n{spec}");
        let parsed = read(&text);
        let ids: Vec<_> = parsed.problems.iter().map(|file| file.id.as_ref().map(ToString::to_string)).collect();
        assert_eq!(ids, [Some(expected.to_owned())], "{text}");
        assert_eq!(parsed.problems[0].problem.severity, Severity::Error, "{text}");
    }
}

/// Aliases and nesting are bounded.
#[test]
fn bombs_do_not_go_off() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let before = format!("*a{}", i - 1);
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(", ")));
    }
    let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    let deeper: String = (0..5000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    for text in [bomb, deep, deeper, "a: &a [*a]\n".to_owned()] {
        let parsed = read(&format!("{text}\n---\n{GOOD}"));
        assert_eq!(parsed.objects.len(), 1);
        assert_eq!(parsed.problems.len(), 1, "{}", &text[..20]);
        assert_eq!(parsed.problems[0].problem.reason, "InvalidYaml");
    }
}

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
        ("Mapping", "{prefix: /, service: w, cors: {methods: [GET]}}", "NoEffect", "spec.cors", "{methods"),
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
        ("Mapping", "{prefix: /, service: w, docs: {path: /x}}", "NotYetEffective", "spec.docs", "{path"),
        (
            "Mapping",
            "{prefix: /, service: w, error_response_overrides: [{}]}",
            "NotYetEffective",
            "spec.error_response_overrides",
            "[{}]",
        ),
        ("Mapping", "{prefix: /, service: w, allow_upgrade: [a, A]}", "NoEffect", "spec.allow_upgrade[1]", "A]"),
        ("Mapping", "{prefix: /, service: w, hostname: a, host: b}", "NoEffect", "spec.host", "b}"),
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
        ("Module", "{config: {server_nam: 1}}", "UnknownField", "spec.config.server_nam", "server_nam"),
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

#[test]
fn bad_auth_services_are_refused() {
    for (spec, reason, field, at) in [
        ("{}", "MissingField", "spec.auth_service", "{"),
        ("{auth_service: a, proto: soap}", "InvalidValue", "spec.proto", "soap"),
        ("{auth_service: a, proto: grpc}", "UnsupportedProtocol", "spec.protocol_version", "{"),
        ("{auth_service: a, proto: grpc, protocol_version: v2}", "UnsupportedProtocol", "spec.protocol_version", "v2"),
        ("{auth_service: a, path_prefix: zone}", "InvalidValue", "spec.path_prefix", "zone"),
        ("{auth_service: a, timeout_ms: 9300000000000000000}", "InvalidValue", "spec.timeout_ms", "93"),
        ("{auth_service: a, include_body: {max_bytes: 0}}", "InvalidValue", "spec.include_body.max_bytes", "0"),
        ("{auth_service: a, status_on_error: {code: 599}}", "InvalidValue", "spec.status_on_error.code", "599"),
        (
            "{auth_service: a, allowed_request_headers: ['x y']}",
            "InvalidHeaderName",
            "spec.allowed_request_headers[0]",
            "'x y'",
        ),
        ("{auth_service: a, add_auth_headers: {x: '%NO%'}}", "InvalidFormat", "spec.add_auth_headers.x", "'%NO"),
    ] {
        check(("AuthService", spec, reason, field, at));
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
fn messages_say_what_would_be_right() {
    let table = [
        (
            "Mapping",
            "{prefix: /, service: w, add_response_headers: {x: '1'}}",
            "expected a mapping, found text \"1\": write {value: \"1\"}",
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
        (
            "TLSContext",
            "{min_tls_version: v1.4}",
            "expected v1.0, v1.1, v1.2 or v1.3, found \"v1.4\": did you mean v1.0?",
        ),
    ];
    for (kind, spec, message) in table {
        let object = only(&of_kind(kind, spec));
        assert_eq!(object.problems[0].0.message, message, "{spec}");
    }
}

#[test]
fn cipher_suites_that_envoy_takes_are_taken() {
    for suites in
        ["[DEFAULT, '!AES128-SHA']", "['ALL:!kEECDH+AES:@STRENGTH', '[AES|RSA]', -SHA1, +TLSv1.2]", "[AES256-SHA]"]
    {
        assert_eq!(only(&of_kind("TLSContext", &format!("{{cipher_suites: {suites}}}"))).problems, [], "{suites}");
    }
    let object = only(&of_kind("TLSContext", "{cipher_suites: [TLS_AES_128_GCM_SHA256, AES128-SHA]}"));
    assert_eq!((object.problems[0].0.reason, is_invalid(&object)), ("NoEffect", false), "{object:?}");
}

/// Envoy has no spelling for single names: what can be had is had by the one for all.
#[test]
fn names_to_be_spelled_in_proper_case_are_written_so() {
    let table = [
        ("{}", false),
        ("{proper_case: true}", true),
        ("{header_case_overrides: [X-MY]}", false),
        ("{header_case_overrides: [X-MY, X-Request-Id]}", true),
    ];
    for (config, expected) in table {
        let Spec::Module(module) = only(&of_kind("Module", &format!("{{config: {config}}}"))).spec else { panic!() };
        assert_eq!(module.config.writes_proper_case(), expected, "{config}");
    }
}

#[test]
fn bad_limits_are_refused() {
    let rows: &[Row] = &[
        ("Mapping", "{prefix: /, service: w, labels: {a: [b]}}", "InvalidValue", "spec.labels.a[0]", "b]"),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{generic_key: {}}]}]}}",
            "InvalidValue",
            "spec.labels.a[0].g[0]",
            "{generic_key",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, labels: {a: [{g: [{request_headers: {key: k}}]}]}}",
            "InvalidValue",
            "spec.labels.a[0].g[0]",
            "{request_headers",
        ),
        (
            "Mapping",
            "{prefix: /, service: w, local_rate_limit: {rate: 1}}",
            "MissingField",
            "spec.local_rate_limit.unit",
            "{rate",
        ),
        ("RateLimitService", "{domain: a}", "MissingField", "spec.service", "{"),
        ("RateLimitService", "{service: a, protocol_version: v4}", "InvalidValue", "spec.protocol_version", "v4"),
        ("RateLimit", "{limits: [{pattern: [{a: b}], rate: 1}]}", "MissingField", "spec.limits[0].unit", "{pattern"),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: fortnight}]}",
            "InvalidValue",
            "spec.limits[0].unit",
            "fortnight",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: -1, unit: day}]}",
            "InvalidValue",
            "spec.limits[0].rate",
            "-1",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, burstFactor: 4294967295}]}",
            "InvalidValue",
            "spec.limits[0].burstFactor",
            "4294967295",
        ),
        (
            "AuthService",
            "{auth_service: a, allowed_authorization_headers: [X-Nuncio-Scope]}",
            "InvalidValue",
            "spec.allowed_authorization_headers[0]",
            "X-Nuncio-Scope",
        ),
        ("RateLimit", "{limits: [{rate: 1, unit: day}]}", "MissingField", "spec.limits[0].pattern", "{rate"),
        (
            "RateLimit",
            "{limits: [{pattern: [{}], rate: 1, unit: day}]}",
            "InvalidValue",
            "spec.limits[0].pattern[0]",
            "{}",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, action: Drop}]}",
            "InvalidValue",
            "spec.limits[0].action",
            "Drop",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, burstFactor: 0}]}",
            "InvalidValue",
            "spec.limits[0].burstFactor",
            "0}",
        ),
        (
            "RateLimit",
            "{limits: [{pattern: [{a: b}], rate: 1, unit: day, injectResponseHeaders: [{value: x}]}]}",
            "MissingField",
            "spec.limits[0].injectResponseHeaders[0].name",
            "{value",
        ),
    ];
    rows.iter().copied().for_each(check);
}

//! The Module, and resolvers.

use nuncio_api::{IpAccess, Severity, Spec};

use super::{Row, check};
use crate::support::{of_kind, only};

#[test]
fn modules_and_resolvers_that_are_none_are_refused() {
    let rows: &[Row] = &[
        ("KubernetesEndpointResolver", "{ambassador_id: {}}", "InvalidValue", "spec.ambassador_id", "{}"),
        ("Module", "{config: 5}", "InvalidValue", "spec.config", "5"),
    ];
    rows.iter().copied().for_each(check);
}

/// A field of the Module that is wrong is left out; the Module holds.
#[test]
fn bad_settings_fail_alone() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("load_balancer: {policy: ring_hash}", "InvalidValue", "load_balancer", "{policy"),
        ("retry_policy: {retry_on: never}", "InvalidValue", "retry_policy.retry_on", "never"),
        ("circuit_breakers: [{priority: urgent}]", "InvalidValue", "circuit_breakers[0].priority", "urgent"),
        ("cors: {origins: [https://a], headers: ['a b']}", "InvalidValue", "cors.headers", "['a b']"),
        ("buffer: {}", "MissingField", "buffer.max_request_bytes", "{}"),
        ("buffer: {max_request_bytes: -1}", "InvalidValue", "buffer.max_request_bytes", "-1"),
        ("gzip: {window_bits: 99}", "InvalidValue", "gzip.window_bits", "99"),
        ("gzip: {compression_level: MOST}", "InvalidValue", "gzip.compression_level", "MOST"),
        ("max_request_headers_kb: 9999", "InvalidValue", "max_request_headers_kb", "9999"),
        ("enable_http10: maybe", "InvalidValue", "enable_http10", "maybe"),
        ("envoy_log_format: '%NOPE%'", "InvalidFormat", "envoy_log_format", "'%NOPE"),
        ("envoy_log_format: '%REQ(x-nuncio-assertion)%'", "InvalidFormat", "envoy_log_format", "'%REQ"),
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
        // What was meant to shut somebody out is not passed over as other fields that nothing knows are.
        ("ip_alow: [{peer: 1.2.3.4}]", "UnknownField", "ip_alow", "ip_alow"),
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
            let list = if setting.starts_with("ip_al") { rest.ip_allow.take() } else { rest.ip_deny.take() };
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
    let object = only(&text);
    let reasons: Vec<_> = object.problems.iter().map(|(problem, _)| problem.reason).collect();
    assert_eq!(reasons, ["ConflictingAccessLists"]);
    let Spec::Module(module) = object.spec else { panic!() };
    assert_eq!(module.config.ip_allow, Some(IpAccess::Unreadable));
}

/// Envoy has no spelling for single names: what can be had is had by the one for all.
#[test]
fn names_to_be_spelled_in_proper_case_are_written_so() {
    let table = [
        ("{}", (false, false)),
        ("{proper_case: true}", (true, false)),
        ("{header_case_overrides: [X-MY]}", (false, false)),
        ("{header_case_overrides: [X-MY, X-Request-Id]}", (true, true)),
        ("{proper_case: true, header_case_overrides: [X-Request-Id]}", (true, false)),
    ];
    for (config, expected) in table {
        let Spec::Module(module) = only(&of_kind("Module", &format!("{{config: {config}}}"))).spec else { panic!() };
        let written = (module.config.writes_proper_case(), module.config.sends_proper_case());
        assert_eq!(written, expected, "{config}");
    }
}

#[test]
fn compression_has_levels_by_name_and_by_number() {
    let table = [("DEFAULT", 0), ("BEST_SPEED", 1), ("COMPRESSION_LEVEL_4", 4), ("BEST", 9), ("BEST_COMPRESSION", 9)];
    for (written, number) in table {
        let text = of_kind("Module", &format!("{{config: {{gzip: {{compression_level: {written}}}}}}}"));
        let Spec::Module(module) = only(&text).spec else { panic!("{written}") };
        let level = module.config.gzip.and_then(|gzip| gzip.compression_level);
        assert_eq!(level.map(nuncio_api::CompressionLevel::number), Some(number), "{written}");
    }
}

/// As in the original, where they are nothing but text to begin with.
#[test]
fn some_switches_may_be_text() {
    let text = of_kind("Module", "{config: {merge_slashes: 'false', suppress_envoy_headers: \"yes\"}}");
    let Spec::Module(module) = only(&text).spec else { panic!() };
    assert_eq!((module.config.merge_slashes, module.config.suppress_envoy_headers), (Some(false), Some(true)));
}

/// Zero is no bound to Envoy, and was never meant so.
#[test]
fn zero_and_empty_text_are_as_good_as_nothing() {
    for setting in ["buffer_limit_bytes: 0", "listener_idle_timeout_ms: 0"] {
        let module = only(&of_kind("Module", &format!("{{config: {{{setting}}}}}")));
        let reasons: Vec<_> = module.problems.iter().map(|(problem, _)| problem.reason).collect();
        assert_eq!(reasons, ["NoEffect"], "{setting}");
        let Spec::Module(module) = module.spec else { panic!("{setting}") };
        assert_eq!(module.config, nuncio_api::ModuleConfig::default(), "{setting}");
    }
    let module = only(&of_kind("Module", "{config: {envoy_log_format: ''}}"));
    let Spec::Module(said) = module.spec else { panic!() };
    assert_eq!((said.config, module.problems.len()), (nuncio_api::ModuleConfig::default(), 0));
}

#[test]
fn a_module_whose_settings_stand_where_none_are_read_cannot_be_used() {
    for (rest, field, line) in [
        ("spec:\n  ambassador_id: [edge]\n  confg: {server_name: a}\n", "spec.confg", 6),
        ("spec:\n  config:\n  server_name: a\n", "spec.server_name", 6),
        ("sepc:\n  config: {server_name: a}\n", "sepc", 4),
        ("config: {server_name: a}\n", "config", 4),
    ] {
        let text =
            format!("apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {{name: ambassador}}\n{rest}");
        let object = only(&text);
        assert!(matches!(object.spec, Spec::Invalid(_)), "{text}");
        let [(problem, location)] = &object.problems[..] else { panic!("{text}: {:?}", object.problems) };
        assert_eq!((problem.severity, problem.reason), (Severity::Error, "LostSettings"), "{text}");
        assert_eq!((&*problem.field, location.line), (field, line), "{text}");
    }
    let beside = only(&of_kind("Module", "{confg: {}, config: {server_name: a}}"));
    let [(problem, _)] = &beside.problems[..] else { panic!("{:?}", beside.problems) };
    assert_eq!((problem.severity, problem.reason), (Severity::Warning, "UnknownField"), "the settings are there");
    assert!(matches!(beside.spec, Spec::Module(_)));
}

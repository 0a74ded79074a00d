//! Older versions, instances, and the order of the world.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{AddedHeader, Defaults, Kind, Label, LabelName, Mapping, Problem, Scheme, Spec, parse};

use crate::support::{is_invalid, named, only, read};

mod filters;

/// The Mapping of an object of `version` with this spec in flow form.
fn mapping(version: &str, spec: &str) -> Mapping {
    let object =
        only(&format!("apiVersion: getambassador.io/{version}\nkind: Mapping\nmetadata: {{name: m}}\nspec: {spec}\n"));
    assert!(object.problems.is_empty(), "{spec}: {:?}", object.problems);
    match object.spec {
        Spec::Mapping(mapping) => *mapping,
        other => panic!("{spec}: {other:?}"),
    }
}

#[test]
fn a_mapping_without_a_host_is_for_all_in_old_versions_alone() {
    for version in ["v1", "v2"] {
        assert_eq!(mapping(version, "{prefix: /, service: w}").hostname.as_deref(), Some("*"));
        let host = mapping(version, "{prefix: /, service: w, host: a.b}");
        assert_eq!((host.hostname, host.host.as_deref()), (None, Some("a.b")));
        let regex = mapping(version, "{prefix: /, service: w, host: '^a.*$', host_regex: true}");
        assert_eq!((regex.hostname, regex.host.as_deref()), (None, Some("^a.*$")));
        assert_eq!(mapping(version, "{prefix: /, service: w, host: '*.a'}").hostname.as_deref(), Some("*.a"));
    }
    assert_eq!(mapping("v3alpha1", "{prefix: /, service: w}").hostname, None);
}

#[test]
fn old_spellings_become_new_ones() {
    let spec = mapping(
        "v2",
        "{prefix: /, service: w, tls: true, headers: {a: true, b: c, d: false}, query_parameters: {q: true}, \
         add_request_headers: {x-a: '1', x-b: {value: '2', append: false}}, remove_request_headers: x-c, \
         cors: {origins: 'http://a, http://b', methods: 'GET,POST', max_age: '60'}, use_websocket: true, \
         v3StatsName: s, ambassador_id: default}",
    );
    assert_eq!((spec.service.scheme, spec.tls), (Some(Scheme::Https), None));
    assert_eq!(spec.headers, BTreeMap::from([("b".to_owned(), "c".to_owned())]));
    assert_eq!(spec.regex_headers, BTreeMap::from([("a".to_owned(), ".*".to_owned())]));
    assert_eq!(spec.regex_query_parameters["q"], ".*");
    assert_eq!(spec.add_request_headers.as_ref().unwrap()["x-a"], AddedHeader { value: "1".to_owned(), append: true });
    assert_eq!(spec.add_request_headers.as_ref().unwrap()["x-b"], AddedHeader { value: "2".to_owned(), append: false });
    assert_eq!(spec.remove_request_headers.as_deref(), Some(&["x-c".to_owned()][..]));
    let cors = spec.cors.unwrap();
    assert_eq!(
        (cors.origins, cors.methods, cors.max_age),
        (vec!["http://a".into(), "http://b".into()], vec!["GET".into(), "POST".into()], Some(60))
    );
    assert_eq!((spec.allow_upgrade, spec.stats_name.as_deref()), (vec!["websocket".to_owned()], Some("s")));
}

#[test]
fn an_expression_goes_before_a_switch_of_the_same_name() {
    let spec = mapping(
        "v2",
        "{prefix: /, service: w, headers: {a: true, b: true}, regex_headers: {a: '[0-9]+'}, \
         query_parameters: {q: true}, regex_query_parameters: {q: '[a-z]+'}}",
    );
    let expressions = [("a", "[0-9]+"), ("b", ".*")].map(|(name, regex)| (name.to_owned(), regex.to_owned()));
    assert_eq!(spec.regex_headers, BTreeMap::from(expressions));
    assert_eq!(spec.regex_query_parameters["q"], "[a-z]+");
}

#[test]
fn tls_of_old_versions_is_a_name_or_a_switch() {
    let table = [
        ("tls: true, service: w", Some(Scheme::Https), None),
        ("tls: true, service: 'http://w'", Some(Scheme::Https), None),
        ("tls: true, service: 'HTTPS://w'", Some(Scheme::Https), None),
        ("tls: false, service: 'https://w'", Some(Scheme::Https), None),
        ("tls: context, service: w", None, Some("context")),
        ("tls: null, service: w", None, None),
        ("tls: '', service: w", None, None),
    ];
    for (fields, scheme, context) in table {
        let spec = mapping("v1", &format!("{{prefix: /, {fields}}}"));
        assert_eq!((spec.service.scheme, spec.tls.as_deref()), (scheme, context), "{fields}");
    }
}

#[test]
fn what_the_original_shows_of_newer_objects_is_read() {
    // As `kubectl get mapping -o yaml` prints an object of v3alpha1 in a cluster of the original.
    let text = "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: m}\nspec: {prefix: /, service: w, host: \
                _skip_mapping_with_empty_host_, ambassador_id: [--apiVersion-v3alpha1-only--x]}\n";
    let object = only(text);
    let Spec::Mapping(mapping) = &object.spec else { panic!("{object:?}") };
    assert_eq!((object.ambassador_id, &mapping.hostname, &mapping.host), (vec!["x".to_owned()], &None, &None));
}

#[test]
fn rewrite_tells_absent_from_empty() {
    for (field, expected) in
        [("", None), (", rewrite: null", None), (", rewrite: ''", Some("")), (", rewrite: /x", Some("/x"))]
    {
        assert_eq!(mapping("v2", &format!("{{prefix: /, service: w{field}}}")).rewrite.as_deref(), expected, "{field}");
    }
}

#[test]
fn other_kinds_of_old_versions_are_read() {
    let parsed = read(
        "apiVersion: getambassador.io/v2\nkind: Host\nmetadata: {name: h}\nspec: {hostname: a, ambassadorId: [x], \
         selector: {matchLabels: {team: red}}}\n---\napiVersion: getambassador.io/v2\nkind: TLSContext\nmetadata: {name: \
         c}\nspec: {hosts: [a], secret: s, alpn_protocols: 'h2, http/1.1'}\n---\napiVersion: \
         getambassador.io/v2\nkind: TCPMapping\nmetadata: {name: t}\nspec: {port: 1, service: w, tls: true, idle_timeout_ms: \
         '5'}\n---\napiVersion: getambassador.io/v2\nkind: Module\nmetadata: {name: ambassador}\nspec: {config: {defaults: \
         {httpmapping: {add_response_headers: {x: y-z}}}}}\n",
    );
    assert!(parsed.problems.is_empty() && parsed.objects.iter().all(|object| object.problems.is_empty()), "{parsed:?}");
    let host = named(&parsed, "Host default/h");
    assert_eq!(host.ambassador_id, ["x"]);
    let Spec::Host(host) = &host.spec else { panic!() };
    assert_eq!(host.mapping_selector.as_ref().unwrap().match_labels["team"], "red");
    let Spec::TlsContext(context) = &named(&parsed, "TLSContext default/c").spec else { panic!() };
    assert_eq!(context.alpn_protocols, ["h2", "http/1.1"]);
    let Spec::TcpMapping(tcp) = &named(&parsed, "TCPMapping default/t").spec else { panic!() };
    assert_eq!((tcp.service.scheme, tcp.idle_timeout_ms), (Some(Scheme::Https), Some(5)));
    let Spec::Module(module) = &named(&parsed, "Module default/ambassador").spec else { panic!() };
    assert_eq!(module.config.defaults.as_ref().unwrap().httpmapping.add_response_headers["x"].value, "y-z");
}

#[test]
fn versions_that_are_not_known_are_refused() {
    let parsed = read(
        "apiVersion: getambassador.io/v9\nkind: Mapping\nmetadata: {name: m}\nspec: {prefix: /, service: w}\n---\n\
         apiVersion: getambassador.io/v0\nkind: Mapping\nmetadata: {name: v0}\nspec: {prefix: /, service: w}\n---\n\
         apiVersion: getambassador.io/v2\nkind: Listener\nmetadata: {name: l}\nspec: {port: 1}\n---\n\
         apiVersion: getambassador.io/v9\nkind: Nonsense\nmetadata: {name: n}\n",
    );
    for id in ["Mapping default/m", "Mapping default/v0", "Listener default/l"] {
        let object = named(&parsed, id);
        assert!(is_invalid(object) && object.problems[0].0.reason == "UnknownVersion", "{object:?}");
    }
    assert_eq!(parsed.problems[0].problem.reason, "UnknownVersion");
}

#[test]
fn empty_text_says_nothing() {
    let object = |kind: &str, spec: &str| {
        only(&format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{{spec}}}\n"))
    };
    for (kind, spec, empty) in [
        (
            "Mapping",
            "hostname: '*', prefix: /, service: w",
            "method: '', host: '', dns_type: '', priority: '', resolver: '', tls: '', host_rewrite: '', path_redirect: ''",
        ),
        ("AuthService", "auth_service: w", "proto: '', protocol_version: ''"),
        ("RateLimitService", "service: w", "protocol_version: ''"),
    ] {
        let (with, without) = (object(kind, &format!("{spec}, {empty}")), object(kind, spec));
        assert_eq!((with.spec, with.problems.len()), (without.spec, without.problems.len()), "{kind}");
    }
}

#[test]
fn foreign_objects_are_passed_over() {
    let parsed = read("apiVersion: apps/v1\nkind: Deployment\nspec: {a: n}\n---\napiVersion: v1\nkind: ConfigMap\n");
    assert_eq!((parsed.objects.len(), parsed.problems.len(), parsed.ignored), (0, 0, 2));
}

#[test]
fn instances_are_a_list_or_text() {
    for (field, expected) in [
        ("", vec!["default"]),
        (", ambassador_id: []", vec!["default"]),
        (", ambassador_id: [x, default]", vec!["x", "default"]),
        (", ambassador_id: x", vec!["x"]),
    ] {
        let text = format!(
            "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {{name: m}}\nspec: {{prefix: /, service: w{field}}}\n"
        );
        assert_eq!(only(&text).ambassador_id, expected, "{field}");
    }
}

#[test]
fn only_the_module_ambassador_has_settings() {
    for (name, reason) in [("other", "NoEffect"), ("tls", "NotYetEffective")] {
        let object = only(&format!(
            "apiVersion: getambassador.io/v2\nkind: Module\nmetadata: {{name: {name}}}\nspec: {{config: {{server_name: x}}}}\n"
        ));
        let Spec::Module(module) = &object.spec else { panic!() };
        assert_eq!((module.config.server_name.as_ref(), object.problems[0].0.reason), (None, reason));
    }
}

#[test]
fn variables_are_replaced_only_when_asked() {
    let text = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: m}\nspec: {prefix: /$X/, service: w, \
                timeout_ms: $T}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: $X}\n";
    let file: Arc<str> = Arc::from("f");
    let plain = parse(text.as_bytes(), &file, &Defaults::default());
    assert!(is_invalid(&plain.objects[0]));
    let env = BTreeMap::from([("X".to_owned(), "shop".to_owned()), ("T".to_owned(), "7".to_owned())]);
    let defaults = Defaults { env: Some(Arc::new(env)), ..Defaults::default() };
    let parsed = parse(text.as_bytes(), &file, &defaults);
    let Spec::Mapping(spec) = &parsed.objects[0].spec else { panic!("{parsed:?}") };
    assert_eq!((spec.prefix.as_str(), spec.timeout_ms), ("/shop/", Some(7)));
    let Spec::Secret(secret) = &parsed.objects[1].spec else { panic!() };
    assert_eq!(secret.data["a"].expose(), b"$X");
}

#[test]
fn the_namespace_of_a_source_is_used_where_none_is_given() {
    let text = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: h}\n---\n\
                apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: h, namespace: b}\n";
    let defaults = Defaults { namespace: Arc::from("a"), env: None };
    let parsed = parse(text.as_bytes(), &Arc::from("f"), &defaults);
    let ids: Vec<_> = parsed.objects.iter().map(|object| object.id.to_string()).collect();
    assert_eq!(ids, ["Host a/h", "Host b/h"]);
}

/// The labels of a Mapping in the domain `d`, of which there is one group.
fn labels(version: &str, labels: &str) -> Vec<Label> {
    let text = format!(
        "apiVersion: getambassador.io/{version}\nkind: Mapping\nmetadata: {{name: m}}\n\
         spec: {{prefix: /, service: w, labels: {{d: [{{g: {labels}}}]}}}}\n"
    );
    let object = only(&text);
    let Spec::Mapping(mapping) = &object.spec else { panic!("{labels}: {:?}", object.problems) };
    mapping.labels.as_ref().unwrap()["d"][0]["g"].clone()
}

#[test]
fn labels_are_read_in_every_spelling() {
    let new = "[{source_cluster: {key: source_cluster}}, {destination_cluster: {}}, {remote_address: {key: remote_address}}, \
               {generic_key: {value: plain}}, {generic_key: {key: plan, value: free}}, {request_headers: {key: who, \
               header_name: x-who, omit_if_not_present: true}}]";
    let old = "[source_cluster, destination_cluster, remote_address, plain, {generic_key: free, v3Key: plan}, \
               {who: {header: x-who, omit_if_not_present: true}}]";
    let without_keys = |labels: Vec<Label>| -> Vec<Label> {
        let plain = |label| match label {
            Label::SourceCluster(_) => Label::SourceCluster(LabelName::default()),
            Label::RemoteAddress(_) => Label::RemoteAddress(LabelName::default()),
            other => other,
        };
        labels.into_iter().map(plain).collect()
    };
    let expected = without_keys(labels("v3alpha1", new));
    for version in ["v1", "v2", "v3alpha1"] {
        assert_eq!(without_keys(labels(version, old)), expected, "{version}");
    }
    assert!(matches!(&expected[4], Label::GenericKey(generic) if generic.key.as_deref() == Some("plan")));
    assert!(matches!(&expected[5], Label::RequestHeaders(header) if header.omit_if_not_present == Some(true)));
}

#[test]
fn a_rate_limit_service_is_read_in_both_spellings_of_its_switch() {
    for (version, field) in [
        ("v3alpha1", "grpc: {use_resource_exhausted_code: true}"),
        ("v3alpha1", "grpc: {rate_limited_as_resource_exhausted: true}"),
        ("v2", "v3GRPC: {use_resource_exhausted_code: true}"),
    ] {
        let text = format!(
            "apiVersion: getambassador.io/{version}\nkind: RateLimitService\nmetadata: {{name: m}}\n\
             spec: {{service: w, {field}}}\n"
        );
        let object = only(&text);
        let Spec::RateLimitService(service) = &object.spec else { panic!("{:?}", object.problems) };
        assert!(object.problems.is_empty(), "{:?}", object.problems);
        assert_eq!(service.grpc.as_ref().unwrap().use_resource_exhausted_code, Some(true), "{field}");
    }
}

#[test]
fn an_auth_service_of_old_versions_says_tls_by_a_switch() {
    let spec = "{auth_service: auth, tls: true, v3StatsName: s, v3CircuitBreakers: [{max_requests: 7}]}";
    let object =
        only(&format!("apiVersion: getambassador.io/v2\nkind: AuthService\nmetadata: {{name: a}}\nspec: {spec}\n"));
    assert!(object.problems.is_empty(), "{:?}", object.problems);
    let Spec::AuthService(service) = object.spec else { panic!("{:?}", object.spec) };
    assert_eq!((service.auth_service.scheme, &service.tls), (Some(Scheme::Https), &None));
    assert_eq!((service.stats_name.as_deref(), service.circuit_breakers[0].max_requests), (Some("s"), Some(7)));
}

#[test]
fn a_module_called_authentication_is_an_auth_service() {
    let text = "apiVersion: getambassador.io/v2\nkind: Module\nmetadata: {name: authentication}\n\
                spec: {ambassador_id: blue, config: {auth_service: 'auth:3000', path_prefix: /check, proto: http}}";
    let object = only(text);
    assert_eq!((object.id.kind, object.ambassador_id.as_slice()), (Kind::AuthService, &["blue".to_owned()][..]));
    let Spec::AuthService(service) = &object.spec else { panic!("{object:?}") };
    assert_eq!((&*service.auth_service.host, service.path_prefix.as_deref()), ("auth", Some("/check")));
}

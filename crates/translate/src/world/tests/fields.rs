//! What single fields come to in the model.

use nuncio_api::Kind;
use nuncio_ir::{AccessLogFormat, Cluster, Discovery, Handler, HttpFilter, Priority, RouteAction};

use super::regressions::{HTTPS, chains, of};
use super::request::Request;
use super::*;

const ROUTE: &str = "{hostname: '*', requestPolicy: {insecure: {action: Route}}}";

/// A world with one Mapping for everything, and the Module's settings.
fn with(mapping: &str, config: &str) -> World {
    of(&[
        ("Listener", "l", HTTPS),
        ("Host", "any", ROUTE),
        ("Module", "ambassador", &format!("{{config: {{{config}}}}}")),
        ("Mapping", "m", &format!("{{hostname: '*', prefix: /, {mapping}}}")),
    ])
}

fn action(world: &World) -> &RouteAction {
    &Request::get("a.example.com", "/").route(world.model(), &world.frame.classes[0].key).unwrap().action
}

fn cluster(world: &World) -> &Cluster {
    let clusters: Vec<_> = world.model().clusters.values().collect();
    assert_eq!(clusters.len(), 1);
    clusters[0]
}

fn problems(world: &World, kind: Kind, name: &str) -> Vec<String> {
    world.problems(&ObjectId::new(kind, "default", name)).into_iter().map(|problem| problem.to_string()).collect()
}

#[test]
fn an_address_in_a_redirect_has_its_brackets() {
    for (service, host) in [("'[::1]:8080'", "[::1]"), ("'10.0.0.1:8080'", "10.0.0.1")] {
        let world = with(&format!("service: {service}, host_redirect: true"), "");
        let RouteAction::Redirect(redirect) = action(&world) else { panic!() };
        assert_eq!((redirect.host.as_deref(), redirect.port), (Some(host), Some(8080)));
    }
}

#[test]
fn a_priority_is_written_as_envoy_does_or_as_the_original_does() {
    let priorities = [("high", Priority::High), ("HIGH", Priority::High), ("DEFAULT", Priority::Default)];
    // What is empty says nothing.
    for (written, expected) in priorities.into_iter().chain([("''", Priority::Default)]) {
        let breakers = format!("circuit_breakers: [{{priority: {written}, max_requests: 7}}]");
        let world = with(&format!("service: web, priority: {written}, {breakers}"), "");
        let RouteAction::Forward(forward) = action(&world) else { panic!() };
        assert_eq!((forward.priority, cluster(&world).circuit_breakers[0].priority), (expected, expected));
    }
}

#[test]
fn requests_have_three_seconds_unless_a_mapping_or_the_module_says_otherwise() {
    for (mapping, config, expected) in [
        ("service: web", "", 3_000),
        ("service: web", "cluster_request_timeout_ms: 9000", 9_000),
        ("service: web, timeout_ms: 5000", "cluster_request_timeout_ms: 9000", 5_000),
        ("service: web, timeout_ms: 0", "", 0),
    ] {
        let world = with(mapping, config);
        let RouteAction::Forward(forward) = action(&world) else { panic!() };
        assert_eq!(forward.arms[0].timeout.as_millis(), expected, "{mapping}; {config}");
    }
}

/// Its documentation says `idle_time`, and it reads `time`.
#[test]
fn the_time_of_a_keepalive_is_spelled_as_the_original_documents_it_or_as_it_reads_it() {
    for (written, expected) in [("idle_time: 30", 30), ("time: 60", 60), ("idle_time: 30, time: 60", 60)] {
        let world = with("service: web", &format!("keepalive: {{{written}}}"));
        assert_eq!(
            cluster(&world).keepalive.as_ref().and_then(|keepalive| keepalive.idle_time),
            Some(expected),
            "{written}"
        );
        assert_eq!(problems(&world, Kind::Module, "ambassador"), [""; 0], "{written}");
    }
}

#[test]
fn a_tcp_mapping_speaks_tls_where_its_service_says_so() {
    for (service, name, tls) in [
        ("db", "db:80-", false),
        ("https://db", "db:443-", true),
        ("HTTPS://DB:5432", "db:5432-", true),
        ("http://db:5432", "db:5432-", false),
    ] {
        let world = of(&[("TCPMapping", "t", &format!("{{port: 5000, service: '{service}'}}"))]);
        let cluster = cluster(&world);
        assert!(cluster.name.0.starts_with(name) && cluster.tls.is_some() == tls, "{service}: {cluster:?}");
    }
}

/// A scheme that is not known is as good as none.
#[test]
fn an_unknown_scheme_leaves_port_and_tls_as_they_are() {
    for (fields, tls) in [("service: 'tcp://web.shop'", false), ("service: 'tcp://web.shop', tls: up", true)] {
        let mut world = with(fields, "");
        let context =
            "apiVersion: getambassador.io/v3alpha1\nkind: TLSContext\nmetadata: {name: up}\nspec: {secret: cert}";
        world.apply(objects(context).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
        let cluster = cluster(&world);
        assert_eq!(cluster.tls.is_some(), tls, "{fields}");
        assert!(cluster.name.0.starts_with(if tls { "web.shop:443-" } else { "web.shop:80-" }), "{fields}");
    }
}

#[test]
fn statistics_are_called_as_the_mapping_says_else_the_module_else_the_service() {
    let default = "defaults: {httpmapping: {stats_name: all}}";
    for (mapping, config, expected) in [
        ("service: web", "", "web"),
        ("service: 'https://web.shop:8443'", "", "web_shop_8443"),
        ("service: '[::1]:80'", "", "___1__80"),
        ("service: web", default, "all"),
        ("service: web, stats_name: a.b", default, "a.b"),
    ] {
        assert_eq!(cluster(&with(mapping, config)).stats_name.as_deref(), Some(expected), "{mapping} {config}");
    }
}

#[test]
fn connections_count_under_the_prefix_of_their_listener() {
    let tcp = "{port: 9000, service: db}";
    for (fields, expected) in [
        ("protocol: TCP, statsPrefix: db", "db"),
        ("protocol: TCP, statsPrefix: ''", "ingress_tcp_9000"),
        ("protocol: TLS", "ingress_tls_9000"),
    ] {
        let listener = format!("{{port: 9000, securityModel: XFP, hostBinding: {{}}, {fields}}}");
        let world = of(&[("Listener", "l", &listener), ("TCPMapping", "t", tcp)]);
        let Handler::Tcp(proxy) = &chains(&world)[0].handler else { panic!() };
        assert_eq!(proxy.stat_prefix, expected, "{fields}");
    }
}

#[test]
fn a_log_of_json_without_a_format_is_of_json() {
    for (config, expected) in [
        ("envoy_log_type: JSON", AccessLogFormat::DefaultJson),
        ("envoy_log_type: typed_json", AccessLogFormat::DefaultJson),
        ("", AccessLogFormat::DefaultText),
    ] {
        let world = with("service: web", config);
        let Handler::Http(settings) = &chains(&world)[0].handler else { panic!() };
        assert_eq!(settings.access_log.format, expected, "{config}");
    }
}

#[test]
fn services_whose_methods_are_counted_go_before_all() {
    for (stats, expected) in [
        ("{all_methods: true}", (true, 0)),
        ("{all_methods: true, services: [{name: a.B, method_names: [C]}]}", (false, 1)),
    ] {
        let world = with("service: web", &format!("grpc_stats: {stats}"));
        let Handler::Http(settings) = &chains(&world)[0].handler else { panic!() };
        let counted = settings.filters.iter().find_map(|filter| match filter {
            HttpFilter::GrpcStats { all_methods, services, .. } => Some((*all_methods, services.len())),
            _ => None,
        });
        assert_eq!(counted, Some(expected), "{stats}");
    }
}

#[test]
fn what_can_have_no_effect_is_told_with_the_module_s_settings_in_mind() {
    for (mapping, config, field) in [
        ("prefix: //x, service: a", "", "spec.prefix"),
        ("prefix: //x, service: a", "merge_slashes: false", ""),
        ("prefix: //x, prefix_regex: true, service: a", "", ""),
        ("prefix: /, service: a, enable_ipv4: false", "", "spec.enable_ipv4"),
        ("prefix: /, service: a, enable_ipv4: false", "enable_ipv6: true", ""),
    ] {
        let module = format!("{{config: {{{config}}}}}");
        let mapping = format!("{{hostname: '*', {mapping}}}");
        let world = of(&[
            ("Listener", "l", HTTPS),
            ("Host", "any", ROUTE),
            ("Module", "ambassador", &module),
            ("Mapping", "m", &mapping),
        ]);
        let fields: Vec<_> =
            world.problems(&ObjectId::new(Kind::Mapping, "default", "m")).into_iter().map(|it| it.field).collect();
        assert_eq!(fields, if field.is_empty() { vec![] } else { vec![field.to_owned()] }, "{mapping} {config}");
    }
}

#[test]
fn the_module_says_how_long_a_request_may_take_to_arrive() {
    for (config, expected) in [("", None), ("listener_request_timeout_ms: 0", Some(std::time::Duration::ZERO))] {
        let world = with("service: web", config);
        let Handler::Http(settings) = &chains(&world)[0].handler else { panic!() };
        assert_eq!(settings.request_timeout, expected);
    }
}

#[test]
fn a_resolver_that_the_module_names_is_the_module_s_problem() {
    let mut world = with("service: web", "resolver: typo");
    assert_eq!(cluster(&world).stats_name.as_deref(), Some("web"), "the default one is used");
    assert_eq!(problems(&world, Kind::Mapping, "m"), [""; 0]);
    let [problem] = &problems(&world, Kind::Module, "ambassador")[..] else { panic!() };
    assert!(problem.contains("spec.config.resolver") && problem.contains("`typo`"), "{problem}");

    let resolver = "apiVersion: getambassador.io/v3alpha1\nkind: KubernetesEndpointResolver\nmetadata: {name: typo}";
    world.apply(objects(resolver).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    assert_eq!(cluster(&world).discovery, Discovery::Endpoints);
    assert_eq!(problems(&world, Kind::Module, "ambassador"), [""; 0]);
}

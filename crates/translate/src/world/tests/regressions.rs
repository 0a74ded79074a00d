//! Holes that were there once, each with the objects that opened it.

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{Backend, FilterChain, Handler, HttpFilter, Route, RouteAction};

use super::request::Request;
use super::{objects, with_certificates, world};
use crate::world::World;

pub(super) const HTTPS: &str =
    "{port: 8443, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}";
const SECURE: &str = "{port: 8443, protocol: HTTPS, securityModel: SECURE, hostBinding: {namespace: {from: ALL}}}";
pub(super) const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ntype: kubernetes.io/tls\nstringData:\n  \
                      tls.crt: |\n    <CERT>\n  tls.key: |\n    <KEY>\n---\n";

/// A world of these objects, as kind, name and spec, beside the Secrets `cert` and `other`.
pub(super) fn of(specs: &[(&str, &str, &str)]) -> World {
    let documents = specs.iter().map(|(kind, name, spec)| {
        let version = if *kind == "Service" { "v1" } else { "getambassador.io/v3alpha1" };
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
    });
    let secrets = ["cert", "other"].map(|name| SECRET.replace("NAME", name));
    let text: String = secrets.into_iter().chain(documents).collect();
    let mut world = world();
    world.apply(objects(&with_certificates(&text)).into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    world
}

fn id(kind: Kind, name: &str) -> ObjectId {
    ObjectId::new(kind, "default", name)
}

fn route<'w>(world: &'w World, request: &Request) -> Option<&'w Route> {
    request.route(world.model(), &world.frame.classes[0].key)
}

/// What a request is answered by: a Mapping's name, or the status of what answers at once.
pub(super) fn answer(world: &World, request: &Request) -> String {
    let Some(route) = route(world, request) else { return "404".to_owned() };
    match &route.action {
        RouteAction::Respond(respond) => respond.status.to_string(),
        RouteAction::Redirect(redirect) => redirect.status.to_string(),
        RouteAction::Forward(forward) => match &forward.arms[0].backend {
            Backend::Cluster(_) => route.origins[0].name.to_string(),
            Backend::Invalid { status, .. } => status.to_string(),
        },
    }
}

pub(super) fn chains(world: &World) -> &[FilterChain] {
    world.model().listeners.values().next().map(|listener| &*listener.chains).unwrap_or_default()
}

/// The server names of the chain that shows this Secret.
fn server_names<'w>(world: &'w World, secret: &str) -> Vec<&'w str> {
    let shows = |chain: &&FilterChain| chain.tls.as_ref().is_some_and(|tls| *tls.certificate.0 == *secret);
    let names = chains(world).iter().filter(shows).flat_map(|chain| &chain.matches.server_names);
    names.map(String::as_str).collect()
}

pub(super) const WITH_CLIENTS: &str = "{hostname: a.example.com, tlsSecret: {name: cert}, tls: {ca_secret: cert, cert_required: true}, \
     requestPolicy: {insecure: {action: Route}}}";
const ALL: (&str, &str, &str) = ("Mapping", "all", "{hostname: '*', prefix: /, service: web}");

#[test]
fn clear_text_on_a_tls_port_is_no_way_round_client_certificates() {
    let world = of(&[("Listener", "l", SECURE), ("Host", "a", WITH_CLIENTS), ALL]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "421", "SECURE believes every request");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/").by("tls:a.example.com")), "all");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/").by("tls:default/cert")), "421");
}

#[test]
fn a_forged_protocol_is_no_way_round_client_certificates() {
    let listener =
        "{port: 8443, protocol: HTTPS, securityModel: XFP, l7Depth: 1, hostBinding: {namespace: {from: ALL}}}";
    let world = of(&[("Listener", "l", listener), ("Host", "a", WITH_CLIENTS), ALL]);
    let clear = Request::get("a.example.com", "/");
    assert_eq!(answer(&world, &clear.clone().with("x-forwarded-proto", "https")), "421");
    assert_eq!(answer(&world, &clear), "all", "the Host routes clear text that says so");
}

#[test]
fn a_tls_context_that_is_named_for_a_host_asks_for_client_certificates() {
    let host = ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: cert}}");
    let asks = |chain: &&FilterChain| chain.tls.as_ref().is_some_and(|tls| tls.client.is_some());
    let certificates = |world: &World| chains(world).iter().filter(asks).count();
    let world = of(&[("Listener", "l", HTTPS), host, ALL]);
    assert_eq!(certificates(&world), 0);
    let named = ("TLSContext", "a-context", "{secret: cert, ca_secret: cert, cert_required: true}");
    let world = of(&[("Listener", "l", HTTPS), host, named, ALL]);
    assert_eq!(certificates(&world), 1);
}

#[test]
fn a_broken_tls_context_that_is_named_for_a_host_lets_nobody_in() {
    let host = ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: cert}}");
    let broken = ("TLSContext", "a-context", "{secret: cert, ca_secret: cert, cert_required: maybe}");
    let world = of(&[("Listener", "l", HTTPS), host, broken, ALL]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
    assert_eq!(world.problems(&id(Kind::Host, "a"))[0].reason, "InvalidTLSContext");
}

#[test]
fn a_tls_context_that_the_proxy_refused_lets_nobody_in() {
    let host = ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: cert}}");
    let named = ("TLSContext", "a-context", "{secret: cert, ca_secret: cert, cert_required: true}");
    let mut world = of(&[("Listener", "l", HTTPS), host, named, ALL]);
    let request = Request::get("a.example.com", "/").by("tls:a.example.com");
    assert_eq!(answer(&world, &request), "all");
    world.quarantine(&id(Kind::TLSContext, "a-context"), "no");
    assert_eq!(answer(&world, &request), "503");
    assert_eq!(world.problems(&id(Kind::Host, "a"))[0].reason, "InvalidTLSContext");
    world.release(&id(Kind::TLSContext, "a-context"));
    assert_eq!(answer(&world, &request), "all");
}

#[test]
fn a_broken_tls_context_is_not_made_up_for_by_one_of_another_namespace() {
    let texts = [
        "metadata: {name: a-context}\nspec: {secret: cert, ca_secret: cert, cert_required: maybe}",
        "metadata: {name: a-context, namespace: elsewhere}\nspec: {secret: cert.default}",
    ];
    let of_kind = |text| format!("apiVersion: getambassador.io/v3alpha1\nkind: TLSContext\n{text}\n---\n");
    let mut world =
        of(&[("Listener", "l", HTTPS), ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: cert}}"), ALL]);
    let objects = objects(&texts.map(of_kind).concat());
    world.apply(objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
}

#[test]
fn a_tls_context_for_another_certificate_lets_nobody_in() {
    for host in [
        "{hostname: a.example.com, tlsSecret: {name: cert}}",
        "{hostname: a.example.com, tlsSecret: {name: cert}, tlsContext: {name: a-context}}",
    ] {
        let context = ("TLSContext", "a-context", "{secret: other}");
        let world = of(&[("Listener", "l", HTTPS), ("Host", "a", host), context, ALL]);
        assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
        assert_eq!(world.problems(&id(Kind::Host, "a"))[0].reason, "TLSContextMismatch");
    }
}

#[test]
fn a_tcp_mapping_under_an_invalid_host_is_not_served_by_a_wider_one() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "wide", "{hostname: '*.example.com', tlsSecret: {name: cert}}"),
        ("Host", "t", "{hostname: t.example.com, tlsSecret: {name: nowhere}, tls: {ca_secret: cert}}"),
        ("TCPMapping", "tcp", "{port: 8443, host: t.example.com, service: db}"),
    ]);
    assert_eq!(closed(&world), ["t.example.com"]);
    assert!(!chains(&world).iter().any(|chain| matches!(chain.handler, Handler::Tcp(_))));
    let problems = world.problems(&id(Kind::TCPMapping, "tcp"));
    assert!(problems.iter().any(|problem| problem.reason == "NoCertificate"), "{problems:?}");
}

/// The server names that are kept from wider ones.
fn closed(world: &World) -> Vec<&str> {
    let closing = chains(world).iter().filter(|chain| chain.handler == Handler::Close);
    closing.flat_map(|chain| &chain.matches.server_names).map(String::as_str).collect()
}

const WIDE_CONTEXT: (&str, &str, &str) = ("TLSContext", "wide", "{hosts: ['*.example.com'], secret: cert}");
const WIDE_TCP: (&str, &str, &str) = ("TCPMapping", "wide", "{port: 8443, host: '*.example.com', service: db}");

#[test]
fn a_tcp_mapping_that_cannot_serve_leaves_its_name_to_no_wider_one() {
    let close =
        ("TLSContext", "close", "{hosts: [t.example.com], secret: nowhere, ca_secret: cert, cert_required: true}");
    let serving = "{port: 8443, host: t.example.com, service: db}";
    let tls = "{port: 8443, host: t.example.com, service: db, tls: nowhere}";
    let weight = "{port: 8443, host: t.example.com, service: db, weight: x}";
    for (what, context, spec) in [
        ("the Secret of its TLSContext", close, serving),
        ("the TLSContext for its upstream", WIDE_CONTEXT, tls),
        ("a good weight", WIDE_CONTEXT, weight),
    ] {
        let world = of(&[WIDE_CONTEXT, WIDE_TCP, context, ("TCPMapping", "t", spec)]);
        assert_eq!(closed(&world), ["t.example.com"], "without {what}");
        assert_eq!(chains(&world).len(), 2, "the wide one serves others");
    }
    let broken = ("TLSContext", "close", "{hosts: [t.example.com], secret: cert, cert_required: maybe}");
    let sound = ("TLSContext", "close", "{hosts: [t.example.com], secret: cert, ca_secret: cert}");
    let world = of(&[WIDE_CONTEXT, WIDE_TCP, broken, ("TCPMapping", "t", serving)]);
    assert_eq!(closed(&world), ["t.example.com"]);
    assert!(world.problems(&id(Kind::TCPMapping, "t")).iter().any(|problem| problem.reason == "InvalidTLSContext"));
    for refused in [id(Kind::TCPMapping, "t"), id(Kind::TLSContext, "close")] {
        let mut world = of(&[WIDE_CONTEXT, WIDE_TCP, sound, ("TCPMapping", "t", serving)]);
        assert!(closed(&world).is_empty());
        world.quarantine(&refused, "no");
        assert_eq!(closed(&world), ["t.example.com"], "{refused}");
    }
}

#[test]
fn a_refused_cluster_is_the_fault_of_those_who_send_there_each_once() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "a", "{hostname: a.example.com, requestPolicy: {insecure: {action: Route}}}"),
        ("Host", "b", "{hostname: b.example.com, requestPolicy: {insecure: {action: Route}}}"),
        ("Mapping", "own", "{hostname: b.example.com, prefix: /, service: other}"),
        ("Mapping", "many", "{hostname: '*', prefix: /many/, service: many}"),
        WIDE_CONTEXT,
        WIDE_TCP,
        ("TCPMapping", "t", "{port: 8443, host: t.example.com, service: 'queue:5672'}"),
    ]);
    let users = |of: &str| {
        let cluster = world.model().clusters.keys().find(|name| name.0.contains(of)).unwrap();
        world.users_of_cluster(cluster)
    };
    assert_eq!(users("many"), [id(Kind::Mapping, "many")]);
    assert_eq!(users("queue"), [id(Kind::TCPMapping, "t")]);
}

#[test]
fn a_port_on_which_no_tcp_mapping_can_serve_stays_closed() {
    let world = of(&[("TCPMapping", "t", "{port: 8443, host: t.example.com, service: db}")]);
    assert!(world.model().listeners.is_empty());
}

#[test]
fn a_host_that_is_not_valid_is_not_left_to_a_wider_tcp_mapping() {
    let host = "{hostname: a.example.com, tlsSecret: {name: nowhere}}";
    let world = of(&[("Listener", "l", HTTPS), ("Host", "a", host), WIDE_CONTEXT, WIDE_TCP]);
    assert_eq!(closed(&world), ["a.example.com"]);
    let valid = "{hostname: a.example.com, tlsSecret: {name: cert}}";
    let world = of(&[("Listener", "l", HTTPS), ("Host", "a", valid), WIDE_CONTEXT, WIDE_TCP]);
    assert!(closed(&world).is_empty());
}

#[test]
fn a_host_under_a_wildcard_certificate_adds_no_name_unless_a_closer_one_leads_elsewhere() {
    let host = |name| format!("{{hostname: {name}, tlsSecret: {{name: cert}}}}");
    let (a, deep) = (host("a.example.com"), host("x.b.example.com"));
    let other = "{hostname: '*.b.example.com', tlsSecret: {name: other}}";
    let mut all = vec![("Listener", "l", HTTPS), ("Host", "a", &a), ("Host", "deep", &deep)];
    assert_eq!(server_names(&of(&all), "default/cert"), ["*.example.com"]);
    all.push(("Host", "other", other));
    let world = of(&all);
    assert_eq!(server_names(&world, "default/other"), ["*.b.example.com"]);
    assert_eq!(server_names(&world, "default/cert"), ["x.b.example.com", "*.example.com"]);
}

#[test]
fn a_host_keeps_its_name_beside_a_tcp_mapping_for_the_wildcard() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: cert}}"),
        ("Host", "wide", "{hostname: '*.example.com', tlsSecret: {name: other}}"),
        ("TCPMapping", "tcp", "{port: 8443, host: '*.example.com', service: db}"),
    ]);
    let tcp: Vec<_> = chains(&world).iter().filter(|chain| matches!(chain.handler, Handler::Tcp(_))).collect();
    assert_eq!(tcp[0].matches.server_names, ["*.example.com"]);
    assert_eq!(server_names(&world, "default/cert"), ["a.example.com"]);
}

#[test]
fn ciphers_and_curves_of_its_own_isolate_a_host() {
    for settings in ["cipher_suites: [ECDHE-RSA-AES256-GCM-SHA384]", "ecdh_curves: [P-256]"] {
        let host = format!("{{hostname: a.example.com, tlsSecret: {{name: cert}}, tls: {{{settings}}}}}");
        let world = of(&[("Listener", "l", HTTPS), ("Host", "a", &host), ALL]);
        let request = Request::get("a.example.com", "/");
        assert_eq!(answer(&world, &request.clone().by("tls:default/cert")), "421", "{settings}");
        assert_eq!(answer(&world, &request.by("tls:a.example.com")), "all", "{settings}");
    }
    let alpn = "{hostname: a.example.com, tlsSecret: {name: cert}, tls: {alpn_protocols: http/1.1}}";
    let world = of(&[("Listener", "l", HTTPS), ("Host", "a", alpn), ALL]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/").by("tls:default/cert")), "all");
}

#[test]
fn the_hole_for_acme_is_as_wide_as_its_mapping() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "wide", "{hostname: '*.example.com', tlsSecret: {name: cert}}"),
        ("Mapping", "acme", "{hostname: b.example.com, prefix: /.well-known/acme-challenge/, service: solver}"),
    ]);
    let path = "/.well-known/acme-challenge/token";
    assert_eq!(answer(&world, &Request::get("b.example.com", path)), "acme");
    assert_eq!(answer(&world, &Request::get("c.example.com", path)), "301");
    assert_eq!(answer(&world, &Request::get("b.example.com", "/x")), "301");
}

#[test]
fn the_only_host_being_invalid_opens_nothing() {
    let host = ("Host", "a", "{hostname: a.example.com, tlsSecret: {name: nowhere}}");
    let world = of(&[("Listener", "l", HTTPS), host, ALL]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
    assert_eq!(answer(&world, &Request::get("b.example.com", "/")), "404");
    assert!(chains(&world).iter().all(|chain| chain.tls.is_none()), "no certificate stands in");
}

#[test]
fn a_host_may_be_called_as_the_one_that_stands_in() {
    let listener = "{port: 8080, protocol: HTTP, securityModel: XFP, \
                    hostBinding: {namespace: {from: ALL}, selector: {matchLabels: {zone: public}}}}";
    let host = ("Host", "nuncio-fallback", "{hostname: '*', requestPolicy: {insecure: {action: Route}}}");
    assert!(of(&[("Listener", "l", listener), host, ALL]).model().listeners.is_empty(), "its labels count");
    // Nor does that one have any.
    assert!(of(&[("Listener", "l", listener), ALL]).model().listeners.is_empty());
    let any = listener.replace(", selector: {matchLabels: {zone: public}}", "");
    assert_eq!(answer(&of(&[("Listener", "l", &any), ALL]), &Request::get("a.example.com", "/")), "all");
}

#[test]
fn exact_and_prefix_of_one_text_are_two_routes() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "any", "{hostname: '*', requestPolicy: {insecure: {action: Route}}}"),
        ("Mapping", "exact", "{hostname: '*', prefix: /x, prefix_exact: true, service: web}"),
        ("Mapping", "prefix", "{hostname: '*', prefix: /x, service: web}"),
    ]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/x")), "exact");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/x/y")), "prefix");
}

#[test]
fn a_star_stands_for_something() {
    let world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "any", "{hostname: '*', requestPolicy: {insecure: {action: Route}}}"),
        ("Mapping", "below", "{hostname: '*.x.example', prefix: /, service: web}"),
    ]);
    assert_eq!(answer(&world, &Request::get("a.x.example", "/")), "below");
    assert_eq!(answer(&world, &Request::get(".x.example", "/")), "404");
}

#[test]
fn what_the_proxy_refused_is_gone_from_what_is_served() {
    let script = "function envoy_on_request(h) end";
    let module =
        format!("{{config: {{server_name: edge, lua_scripts: '{script}', ip_allow: [{{peer: 10.0.0.0/8}}]}}}}");
    let mut world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "a", "{hostname: a.example.com, requestPolicy: {insecure: {action: Route}}}"),
        ("Module", "ambassador", &module),
        ALL,
        ("Mapping", "plain", "{hostname: '*', prefix: /plain/, service: 'one:81'}"),
        ("Mapping", "regex", "{hostname: '*', prefix: '/re.*', prefix_regex: true, service: 'two:82'}"),
    ]);
    let (plain, regex) = (id(Kind::Mapping, "plain"), id(Kind::Mapping, "regex"));
    let clusters = |world: &World| world.model().clusters.len();
    assert_eq!(clusters(&world), 3);
    world.quarantine(&plain, "no");
    assert_eq!((answer(&world, &Request::get("a.example.com", "/plain/")).as_str(), clusters(&world)), ("503", 2));
    world.quarantine(&plain, "not even its conditions");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/plain/")), "all");
    world.quarantine(&regex, "no");
    assert_eq!((answer(&world, &Request::get("a.example.com", "/regex")).as_str(), clusters(&world)), ("503", 1));
    world.quarantine(&regex, "not even its conditions");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/regex")), "all");
    for gone in [&plain, &regex] {
        assert!(world.model().tables.values().all(|table| !table.origins().contains(gone)));
    }

    // Its script may be a guard, and nothing is known to have run before.
    for runs in [script, crate::lua::REFUSE_ALL] {
        world.quarantine(&id(Kind::Module, "ambassador"), "no");
        let filters = chains(&world).iter().filter_map(|chain| match &chain.handler {
            Handler::Http(settings) => Some(&settings.filters),
            Handler::Tcp(_) | Handler::Close => None,
        });
        let filters: Vec<_> = filters.flatten().collect();
        assert!(filters.iter().any(|filter| matches!(filter, HttpFilter::Lua(text) if text == runs)), "{filters:?}");
        assert!(filters.iter().any(|filter| matches!(filter, HttpFilter::IpAccess { .. })), "its access list stays");
    }

    world.quarantine(&id(Kind::Host, "a"), "no");
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
    world.quarantine(&id(Kind::Listener, "l"), "no");
    assert!(world.model().listeners.is_empty());
}

#[test]
fn the_guards_of_a_name_hold_while_the_proxy_does_not_have_its_table() {
    let wide = (
        "Host",
        "wide",
        "{hostname: '*.example.com', tlsSecret: {name: cert}, requestPolicy: {insecure: {action: Route}}}",
    );
    let own = ("Mapping", "own", "{hostname: a.example.com, prefix: /, service: own}");
    for mapping in [None, Some(own)] {
        let objects: Vec<_> =
            [("Listener", "l", HTTPS), ("Host", "a", WITH_CLIENTS), wide, ALL].into_iter().chain(mapping).collect();
        let world = of(&objects);
        let mut model = world.model().clone();
        model.tables.retain(|_, table| *table.scope.host == *"*");
        let status = |host: &str, chain: &str| {
            let route = Request::get(host, "/").by(chain).route(&model, "").unwrap();
            match &route.action {
                RouteAction::Respond(respond) => respond.status,
                _ => 200,
            }
        };
        for host in ["a.example.com", "A.Example.com"] {
            assert_eq!(status(host, "tls:default/cert"), 421, "{host}");
            assert_eq!(status(host, "tls:a.example.com"), 200, "{host}");
        }
        assert_eq!(status("b.example.com", "tls:default/cert"), 200);
    }
}

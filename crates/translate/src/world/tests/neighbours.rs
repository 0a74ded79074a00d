//! Objects that must not take anything from others, nor leave a door open that they were to close.

use nuncio_api::{Kind, ObjectId};

use super::regressions::{HTTPS, answer, of};
use super::request::Request;
use super::*;

const ROUTE: &str = "{hostname: '*', requestPolicy: {insecure: {action: Route}}}";
const ALL: (&str, &str, &str) = ("Mapping", "all", "{hostname: '*', prefix: /, service: web}");

fn problems(world: &World, kind: Kind, name: &str) -> Vec<String> {
    world.problems(&ObjectId::new(kind, "default", name)).into_iter().map(|problem| problem.to_string()).collect()
}

#[test]
fn a_resolver_of_another_namespace_takes_none_away() {
    let resolver = |namespace: &str| {
        let text = format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: KubernetesServiceResolver\nmetadata: {{name: pods, namespace: {namespace}}}"
        );
        objects(&text).into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))).collect::<Vec<_>>()
    };
    let mut world = of(&[
        ("Listener", "l", HTTPS),
        ("Host", "any", ROUTE),
        ("Mapping", "all", "{hostname: '*', prefix: /, service: web, resolver: pods}"),
    ]);
    let request = Request::get("a.example.com", "/");
    assert_eq!(answer(&world, &request), "503");
    world.apply(resolver("default"));
    world.apply(resolver("other"));
    world.apply(resolver("other").into_iter().map(|(id, _)| (id, None)));
    assert_eq!(answer(&world, &request), "all");
    world.apply(resolver("other"));
    world.apply(resolver("default").into_iter().map(|(id, _)| (id, None)));
    assert_eq!(answer(&world, &request), "all", "the first of any namespace");
}

#[test]
fn a_host_that_cannot_ask_for_certificates_serves_nobody() {
    let wide = "{hostname: '*.example.com', tlsSecret: {name: cert}, requestPolicy: {insecure: {action: Route}}}";
    let asks = "{hostname: a.example.com, tls: {ca_secret: cert, cert_required: true}, requestPolicy: {insecure: {action: Route}}}";
    let world = of(&[("Listener", "l", HTTPS), ("Host", "wide", wide), ("Host", "a", asks), ALL]);
    for chain in ["tls:default/cert", "clear"] {
        assert_eq!(answer(&world, &Request::get("a.example.com", "/").by(chain)), "503", "{chain}");
        assert_eq!(answer(&world, &Request::get("b.example.com", "/").by(chain)), "all", "{chain}");
    }
    assert!(problems(&world, Kind::Host, "a")[0].contains("client certificates"));
}

/// Whoever ended TLS before has seen to its versions.
#[test]
fn only_client_certificates_cannot_be_shown_to_a_proxy_in_front() {
    let http = "{port: 8080, protocol: HTTP, securityModel: XFP, l7Depth: 1, hostBinding: {namespace: {from: ALL}}}";
    for (tls, expected) in [("min_tls_version: v1.2", "all"), ("ca_secret: cert", "421")] {
        let host = format!("{{hostname: a.example.com, tlsSecret: {{name: cert}}, tls: {{{tls}}}}}");
        let world = of(&[("Listener", "l", http), ("Host", "a", &host), ALL]);
        let request = Request::get("a.example.com", "/").with("x-forwarded-proto", "https").by("clear");
        assert_eq!(answer(&world, &request), expected, "{tls}");
    }
}

#[test]
fn a_listener_for_udp_takes_no_port_from_one_for_tcp() {
    let http3 =
        "{port: 8443, protocolStack: [TLS, HTTP, UDP], securityModel: XFP, hostBinding: {namespace: {from: SELF}}}";
    let world = of(&[("Listener", "http3", http3), ("Listener", "https", HTTPS), ("Host", "any", ROUTE), ALL]);
    assert_eq!(problems(&world, Kind::Listener, "https"), [""; 0]);
    let listener = world.model().listeners.values().next().unwrap();
    assert_eq!(listener.origins, [ObjectId::new(Kind::Listener, "default", "https")]);
}

#[test]
fn a_name_may_end_in_a_dot() {
    let host = "{hostname: a.example.com., requestPolicy: {insecure: {action: Route}}}";
    let mapping = ("Mapping", "dotted", "{hostname: a.example.com., prefix: /, service: web}");
    let world = of(&[("Listener", "l", HTTPS), ("Host", "a", host), mapping]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "dotted");
}

#[test]
fn a_tls_context_of_another_namespace_is_named_with_it() {
    let context = "apiVersion: getambassador.io/v3alpha1\nkind: TLSContext\nmetadata: {name: up, namespace: other}\nspec: {sni: up.example}";
    let mapping = ("Mapping", "all", "{hostname: '*', prefix: /, service: web, tls: up.other}");
    let mut world = of(&[("Listener", "l", HTTPS), ("Host", "any", ROUTE), mapping]);
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "503");
    world.apply(objects(context).into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))));
    assert_eq!(answer(&world, &Request::get("a.example.com", "/")), "all");
}

#[test]
fn a_module_that_cannot_be_read_is_told_what_is_in_force_instead() {
    const DEFAULTS: &str = "cannot be read: the defaults of all settings are in force until it can be";
    let told = |modules: &[(&str, &str)]| {
        let document = |(place, spec): &(&str, &str)| {
            format!("apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {{{place}}}\nspec: {spec}\n---\n")
        };
        let mut world = world();
        let mut edit = |text: &str| {
            let objects: Vec<_> = objects(text).into_iter().map(|it| (it.id.clone(), Some(Arc::new(it)))).collect();
            let ids: Vec<_> = objects.iter().map(|(id, _)| id.clone()).collect();
            world.apply(objects);
            ids.iter().flat_map(|id| world.problems(id)).map(|problem| problem.to_string()).collect::<Vec<_>>()
        };
        let text: String = modules.iter().map(document).collect();
        let told = edit(&text);
        assert_eq!(edit(&text.replace("edge", "other")), told, "the same is said of the next slip: {modules:?}");
        told
    };
    let (lost, good) = ("{confg: {server_name: edge}}", "{config: {server_name: edge}}");
    for broken in [lost, "[edge]"] {
        assert_eq!(told(&[("name: ambassador", broken)]), [DEFAULTS]);
        assert_eq!(told(&[("name: tls", broken)]), [""; 0], "it never has any settings");
        for (own, other) in [(good, broken), (broken, good)] {
            let told = told(&[("name: ambassador", own), ("name: ambassador, namespace: other", other)]);
            assert!(matches!(&told[..], [told] if told.starts_with("has no effect: ")), "{told:?}");
        }
    }
    let foreign = "{ambassador_id: [other], confg: {server_name: edge}}";
    assert_eq!(told(&[("name: ambassador", foreign)]), [""; 0], "of another instance");
}

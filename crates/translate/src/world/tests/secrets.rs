//! What is told of Secrets that cannot be used, and where.

use nuncio_api::{Kind, ObjectId, Severity};

use super::regressions::{HTTPS, SECRET, answer, chains, of};
use super::request::Request;
use super::{objects, with_certificates, world};
use crate::world::World;

const MANIFESTS: &str = "
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: https}
spec: {port: 8443, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: a}
spec: {hostname: a.example.com, tlsSecret: {name: cert}}
---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: up}
spec: {secret: cert, ca_secret: nothing}
---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: unused}
spec: {secret: nowhere}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: m}
spec: {hostname: '*', prefix: /, service: other, tls: up}
---
apiVersion: v1
kind: Secret
metadata: {name: nothing}
stringData: {tls.crt: nothing}
---
apiVersion: v1
kind: Secret
metadata: {name: cert}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    <CERT>
  tls.key: |
    <KEY>
";

fn told(world: &World, kind: Kind, name: &str) -> Vec<(Severity, String, String)> {
    let problems = world.problems(&ObjectId::new(kind, "default", name));
    problems.into_iter().map(|problem| (problem.severity, problem.field, problem.message)).collect()
}

#[test]
fn those_who_name_a_secret_are_told_what_is_wrong_with_it() {
    let mut world = world();
    let objects = objects(&with_certificates(MANIFESTS));
    world.apply(objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    assert_eq!(told(&world, Kind::Host, "a"), []);
    let [(Severity::Error, field, message)] = &told(&world, Kind::TLSContext, "up")[..] else { panic!() };
    assert_eq!((field.as_str(), message.contains("Secret default/nothing")), ("spec.ca_secret", true), "{message}");
    assert_eq!(told(&world, Kind::TLSContext, "unused"), [], "nobody looked for its Secret");

    let secret = ObjectId::new(Kind::Secret, "default", "cert");
    world.quarantine(&secret, "no good");
    assert!(world.model().secrets.is_empty(), "what was refused is not handed out");
    let refused = "Secret default/cert was refused by Envoy: no good";
    for (kind, name, field) in [(Kind::Host, "a", "spec.tlsSecret"), (Kind::TLSContext, "up", "spec.secret")] {
        let expected = (Severity::Error, field.to_owned(), refused.to_owned());
        assert!(told(&world, kind, name).contains(&expected), "{:?}", told(&world, kind, name));
    }
    world.release(&secret);
    assert_eq!(told(&world, Kind::Host, "a"), []);
}

#[test]
fn whatever_a_host_names_and_is_not_there_is_told_together() {
    for (tls, others) in [
        ("tls: {ca_secret: gone, cert_required: true}", &["spec.tls.ca_secret"][..]),
        ("tls: {cert_required: true}", &["spec.tls.ca_secret"]),
        ("tlsContext: {name: nowhere}", &["spec.tlsContext"]),
    ] {
        let mut world = world();
        let manifests = MANIFESTS.replace("tlsSecret: {name: cert}", &format!("tlsSecret: {{name: away}}, {tls}"));
        let objects = objects(&with_certificates(&manifests));
        world.apply(objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
        let told = told(&world, Kind::Host, "a");
        let mut fields: Vec<_> = told.iter().map(|(_, field, _)| &**field).collect();
        fields.sort_unstable();
        assert_eq!(fields, [others, &["spec.tlsSecret"]].concat(), "{told:?}");
    }
}

/// As a source leaves it where a certificate became unusable.
#[test]
fn who_serves_by_the_last_good_certificate_is_told() {
    let mut world = world();
    let mut objects = objects(&with_certificates(MANIFESTS));
    let secret = objects.last_mut().unwrap();
    let problem = nuncio_api::Problem::error("InvalidTLSSecret", "data", "has no `tls.crt`; the last good one stays");
    secret.problems.push((problem, secret.location.clone()));
    world.apply(objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    let [(Severity::Warning, field, message)] = &told(&world, Kind::Host, "a")[..] else { panic!() };
    assert_eq!(field, "spec.tlsSecret");
    assert!(message.contains("Secret default/cert") && message.contains("the last good one stays"), "{message}");
}

/// A dot separates name and namespace unless the TLSContext, or else the Module, says otherwise.
#[test]
fn the_module_says_what_a_dot_means_where_a_tls_context_does_not() {
    let whole_names = "{defaults: {tls_secret_namespacing: false}}";
    for (config, own, missing) in [
        ("{}", "", None),
        (whole_names, "", Some("there is no Secret default/cert.default")),
        (whole_names, ", secret_namespacing: true", None),
        ("{}", ", secret_namespacing: false", Some("there is no Secret default/cert.default")),
    ] {
        let world = of(&[
            ("Module", "ambassador", &format!("{{config: {config}}}")),
            ("TLSContext", "up", &format!("{{secret: cert.default{own}}}")),
            ("Mapping", "m", "{hostname: '*', prefix: /, service: web, tls: up}"),
        ]);
        let told = told(&world, Kind::Mapping, "m");
        let found = told.iter().find(|(_, field, _)| field == "spec.tls").map(|(_, _, message)| message.as_str());
        assert_eq!(found.is_some(), missing.is_some(), "{config}{own}: {told:?}");
        assert!(missing.is_none_or(|missing| found.is_some_and(|found| found.contains(missing))), "{told:?}");
    }
}

/// The `tls` of a Host is read as a TLSContext: by the Module, unless the Host names a namespace itself.
#[test]
fn the_module_says_what_a_dot_means_in_a_host_too() {
    let host =
        |secret: &str| format!("{{hostname: a.example.com, tlsSecret: {secret}, tls: {{ca_secret: cert.default}}}}");
    for (secret, problems) in [("{name: cert}", 1), ("{name: cert, namespace: default}", 0)] {
        let world = of(&[
            ("Module", "ambassador", "{config: {defaults: {tls_secret_namespacing: false}}}"),
            ("Listener", "l", HTTPS),
            ("Host", "a", &host(secret)),
        ]);
        assert_eq!(told(&world, Kind::Host, "a").len(), problems, "{secret}");
    }
}

#[test]
fn without_a_host_the_edge_s_own_certificate_is_shown_if_there_is_one() {
    let mut world = of(&[("Listener", "l", HTTPS), ("Mapping", "m", "{hostname: '*', prefix: /, service: web}")]);
    let clear = Request::get("a.example.com", "/");
    let shown =
        |world: &World| chains(world).iter().find_map(|chain| Some(chain.tls.as_ref()?.certificate.to_string()));
    assert_eq!(shown(&world).as_deref(), Some("nuncio/fallback-self-signed-cert"));
    assert_eq!(answer(&world, &clear), "m");

    let own = objects(&with_certificates(&SECRET.replace("NAME", "fallback-self-signed-cert")));
    world.apply(own.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    assert_eq!(shown(&world).as_deref(), Some("default/fallback-self-signed-cert"));
    assert_eq!(answer(&world, &clear), "301");

    // One that is no good opens nothing.
    world.quarantine(&ObjectId::new(Kind::Secret, "default", "fallback-self-signed-cert"), "no good");
    assert_eq!(shown(&world).as_deref(), Some("nuncio/fallback-self-signed-cert"));
    assert_eq!(answer(&world, &clear), "301");
}

#[test]
fn a_context_and_a_resolver_are_where_those_are_who_use_them() {
    let more = "---\napiVersion: getambassador.io/v3alpha1\nkind: KubernetesEndpointResolver\nmetadata: {name: pods}\nspec: {}\n\
                ---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: by-pods}\n\
                spec: {hostname: '*', prefix: /pods/, service: other, resolver: pods}\n\
                ---\napiVersion: getambassador.io/v3alpha1\nkind: KubernetesServiceResolver\nmetadata: {name: idle}\nspec: {}\n";
    let mut world = world();
    let objects = objects(&(with_certificates(MANIFESTS) + more));
    world.apply(objects.into_iter().map(|object| (object.id.clone(), Some(object.into()))));
    let tables = |kind, name: &str| world.resources_of(&ObjectId::new(kind, "default", name)).tables;
    assert!(!tables(Kind::Mapping, "m").is_empty());
    assert_eq!(tables(Kind::TLSContext, "up"), tables(Kind::Mapping, "m"));
    assert_eq!(tables(Kind::KubernetesEndpointResolver, "pods"), tables(Kind::Mapping, "by-pods"));
    for (kind, name) in [(Kind::TLSContext, "unused"), (Kind::KubernetesServiceResolver, "idle")] {
        assert!(tables(kind, name).is_empty(), "nobody uses {name}");
    }
}

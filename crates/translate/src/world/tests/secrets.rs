//! What is told of Secrets that cannot be used, and where.

use nuncio_api::{Kind, ObjectId, Severity};

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

//! Hosts of one hostname in several namespaces.

use nuncio_api::{Kind, ObjectId};

use super::regressions::{HTTPS, WITH_CLIENTS, answer, chains, of};
use super::request::Request;
use crate::world::World;

const REDIRECT: &str = "{hostname: a.example.com, tlsSecret: {name: cert, namespace: default}}";
const ROUTE: &str = "{hostname: a.example.com, requestPolicy: {insecure: {action: Route}}}";
const REJECT: &str = "{hostname: a.example.com, requestPolicy: {insecure: {action: Reject}}}";
const OLD: &str =
    "{hostname: a.example.com, tlsSecret: {name: cert, namespace: default}, tls: {min_tls_version: v1.0}}";
const MISSING: &str = "{hostname: a.example.com, tlsSecret: {name: none}}";

/// A world of these Hosts, as `name, namespace: …` and spec.
fn hosts(hosts: &[(&str, &str)]) -> World {
    let mapping = ("Mapping", "m", "{prefix: /, hostname: a.example.com, service: a}");
    let mut all = vec![("Listener", "l", HTTPS), mapping];
    all.extend(hosts.iter().map(|(name, spec)| ("Host", *name, *spec)));
    of(&all)
}

/// What clear text is answered by, whether a client certificate is asked for, and the Hosts with a problem.
fn seen(world: &World) -> (String, bool, Vec<String>) {
    let clear = answer(world, &Request::get("a.example.com", "/x"));
    let asks = chains(world).iter().any(|chain| chain.tls.as_ref().is_some_and(|tls| tls.client.is_some()));
    let hosts: Vec<ObjectId> = world.objects.keys().filter(|id| id.kind == Kind::Host).cloned().collect();
    let is_rival = |id: &&ObjectId| world.problems(id).iter().any(|problem| problem.reason == "DuplicateHost");
    (clear, asks, hosts.iter().filter(is_rival).map(|id| format!("{}/{}", id.namespace, id.name)).collect())
}

#[test]
fn the_later_of_two_hosts_in_a_namespace_counts_unless_the_other_keeps_people_out() {
    let asking = &*REDIRECT.replace("}}", "}, tls: {ca_secret: cert}}");
    let cases = [
        (REDIRECT, ROUTE, "m", false, "default/a"),
        (ROUTE, REDIRECT, "301", false, "default/a"),
        (WITH_CLIENTS, ROUTE, "m", true, "default/b"),
        (ROUTE, WITH_CLIENTS, "m", true, "default/a"),
        (WITH_CLIENTS, asking, "m", true, "default/b"),
        (asking, REDIRECT, "301", true, "default/b"),
        // What it would ask for is not known.
        (MISSING, ROUTE, "503", false, "default/b"),
        (ROUTE, MISSING, "503", false, "default/a"),
    ];
    for (a, b, clear, asks, problem) in cases {
        let expected = (clear.to_owned(), asks, vec![problem.to_owned()]);
        assert_eq!(seen(&hosts(&[("a", a), ("b", b)])), expected, "{a} beside {b}");
    }
}

#[test]
fn a_host_without_a_certificate_leaves_tls_to_the_other() {
    for (a, b, clear) in [(REDIRECT, ROUTE, "m"), (ROUTE, REDIRECT, "301")] {
        let world = hosts(&[("a", a), ("b", b)]);
        let shown: Vec<_> =
            chains(&world).iter().filter(|chain| chain.tls.is_some()).map(|chain| &*chain.name).collect();
        assert_eq!((&*seen(&world).0, &shown[..]), (clear, &["tls:default/cert"][..]), "{a} beside {b}");
    }
    let apart = hosts(&[("a, namespace: one", REDIRECT), ("b, namespace: two", ROUTE)]);
    assert_eq!(seen(&apart).0, "301", "nor does another's speak for its clear text");
}

#[test]
fn no_host_of_another_namespace_takes_away_a_guard() {
    let clients = WITH_CLIENTS.replace("name: cert}", "name: cert, namespace: default}");
    let clients = clients.replace("ca_secret: cert", "ca_secret: cert.default");
    let cases: [(&str, &str, &str, bool, &[&str]); 7] = [
        (REDIRECT, ROUTE, "301", false, &["two/b"]),
        (ROUTE, REDIRECT, "301", false, &["one/a"]),
        (&clients, ROUTE, "m", true, &["two/b"]),
        // Neither is the stricter one.
        (&clients, REDIRECT, "503", false, &["one/a", "two/b"]),
        (REDIRECT, REJECT, "503", false, &["one/a", "two/b"]),
        // They guard the same.
        (REDIRECT, REDIRECT, "301", false, &["one/a"]),
        // What it would ask for is not known.
        (MISSING, ROUTE, "503", false, &["two/b"]),
    ];
    for (a, b, clear, asks, problems) in cases {
        let world = hosts(&[("a, namespace: one", a), ("b, namespace: two", b)]);
        let problems = problems.iter().map(ToString::to_string).collect();
        assert_eq!(seen(&world), (clear.to_owned(), asks, problems), "{a} beside {b}");
    }
}

#[test]
fn an_old_version_of_tls_is_let_in_by_nobody_else() {
    let world = hosts(&[("a, namespace: one", REDIRECT), ("b, namespace: two", OLD)]);
    assert_eq!(seen(&world).2, ["two/b"]);
    assert!(chains(&world).iter().flat_map(|chain| &chain.tls).all(|tls| tls.settings.min_version.is_none()));
}

#[test]
fn a_host_between_two_of_another_namespace_does_not_bring_the_first_back() {
    let world = hosts(&[("a, namespace: one", REDIRECT), ("b, namespace: two", ROUTE), ("c, namespace: one", ROUTE)]);
    assert_eq!(seen(&world), ("m".to_owned(), false, vec!["one/a".to_owned(), "two/b".to_owned()]));
}

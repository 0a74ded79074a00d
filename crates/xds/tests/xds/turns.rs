//! Make before break among scopes and route configurations: what one loses another has before.

use std::time::Duration;

use nuncio_xds::{Delivery, Key, Resource, StreamId};

use crate::rig::*;

const SECOND: Duration = Duration::from_secs(1);

fn route(name: &str, version: &str, clusters: &[&str]) -> Resource {
    let needs: Vec<Key> = clusters.iter().map(|name| key(Cluster, name)).collect();
    resource(Route, name, version, &needs)
}

fn cluster(name: &str) -> Resource {
    resource(Cluster, name, "1", &[])
}

fn of(class: &str, resource: Resource) -> Resource {
    Resource { class: Some(class.into()), ..resource }
}

/// Listener `edge`, and a scope and route configuration of its class.
fn seen(class: &str) -> Vec<Resource> {
    let scope = of(class, resource(ScopedRoute, class, "1", &[]));
    vec![scope, of(class, route(class, "1", &["a"])), of(class, resource(Listener, "edge", class, &[]))]
}

fn table(kind_name: &str) -> Vec<Key> {
    [ScopedRoute, Route].map(|kind| key(kind, kind_name)).into()
}

/// An Envoy that has everything, and asks for these routes.
fn running(resources: Vec<Resource>, routes: &[&str]) -> (Rig, StreamId) {
    let (mut rig, id) = Rig::serving(resources);
    for kind in [Cluster, Listener, ScopedRoute] {
        rig.request(id, delta(kind, &[], &[]));
        rig.ack_all(id);
    }
    rig.request(id, delta(Route, routes, &[]));
    rig.ack_all(id);
    rig.events.clear();
    (rig, id)
}

#[test]
fn what_loses_waits_for_what_gains() {
    let (mut rig, id) = running(vec![cluster("a"), route("any", "1", &["a"]), route("r", "1", &["a"])], &["any", "r"]);
    rig.set(vec![cluster("b"), route("any", "2", &["a", "b"]), route("r", "2", &[])]);
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS any@2", "RDS r@2"]);
    rig.set(vec![route("any", "3", &["a"]), route("r", "3", &["b"])]);
    assert_eq!(rig.ack_all(id), ["RDS r@3", "RDS any@3"], "and back");
}

#[test]
fn what_gains_and_loses_waits_for_the_needs_of_all() {
    let (mut rig, id) = running(vec![cluster("a"), route("any", "1", &["a"]), route("r", "1", &["a"])], &["any", "r"]);
    let slow = Resource { settle: SECOND, ..cluster("slow") };
    rig.set(vec![slow, cluster("b"), route("any", "2", &["slow"]), route("r", "2", &["b"])]);
    assert_eq!(rig.ack_all(id), ["CDS b@1 slow@1"]);
    rig.pass(SECOND);
    assert_eq!(rig.ack_all(id), ["RDS any@2 r@2"]);
}

#[test]
fn a_turn_is_kept_when_the_resource_changes_again() {
    let (mut rig, id) = running(vec![cluster("a"), route("any", "1", &[]), route("r", "1", &["a"])], &["any", "r"]);
    rig.set(vec![cluster("b"), route("any", "2", &["b"]), route("r", "2", &[])]);
    rig.set(vec![route("r", "3", &[])]);
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS any@2", "RDS r@3"]);
}

#[test]
fn a_removal_waits_for_what_gains() {
    let scope = resource(ScopedRoute, "r", "1", &[]);
    let (mut rig, id) = running(vec![scope, route("any", "1", &[]), route("r", "1", &[])], &["any", "r"]);
    rig.update(vec![cluster("b"), route("any", "2", &["b"])], table("r"));
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS any@2", "SRDS -r", "RDS -r"]);
}

#[test]
fn what_loses_waits_for_a_new_scope_and_its_routes() {
    let (mut rig, id) = running(vec![cluster("a"), route("any", "1", &["a"])], &["any"]);
    rig.set(vec![resource(ScopedRoute, "r", "1", &[]), route("r", "1", &["a"]), route("any", "2", &[])]);
    assert_eq!(rig.ack_all(id), ["SRDS r@1"]);
    rig.request(id, delta(Route, &["r"], &[]));
    assert_eq!(rig.ack_all(id), ["RDS r@1", "RDS any@2"]);
}

#[test]
fn a_turn_comes_after_a_time_whatever_the_client_owes() {
    let (mut rig, _) = running(vec![cluster("a"), route("any", "1", &[]), route("r", "1", &["a"])], &["any", "r"]);
    rig.set(vec![cluster("b"), route("any", "2", &["b"]), route("r", "2", &[])]);
    rig.pass(14 * SECOND);
    assert_eq!(rig.sent.len(), 1, "the cluster");
    rig.pass(SECOND);
    assert_eq!(rig.sent.pop_back().map(|(_, response)| line(&response)).as_deref(), Some("RDS r@2"));
}

#[test]
fn what_is_rejected_is_not_waited_for() {
    let (mut rig, id) = running(vec![cluster("a"), route("any", "1", &[]), route("r", "1", &["a"])], &["any", "r"]);
    rig.set(vec![cluster("b"), route("any", "2", &["b"]), route("r", "2", &[])]);
    assert_eq!(rig.nack(id, "bad cluster"), "CDS b@1");
    assert_eq!(rig.ack_all(id), ["RDS r@2"]);
    rig.set(vec![cluster("c"), route("any", "3", &["c"]), route("r", "3", &[])]);
    assert_eq!(rig.ack(id), "CDS c@1");
    assert_eq!(rig.nack(id, "bad route"), "RDS any@3");
    assert_eq!(rig.ack_all(id), ["RDS r@3"]);
}

#[test]
fn a_listener_of_another_class_waits_for_its_scopes_and_routes() {
    let (mut rig, id) = running([vec![cluster("a")], seen("x")].concat(), &["x"]);
    rig.update(seen("y"), table("x"));
    assert_eq!(rig.ack_all(id), ["SRDS y@1"]);
    rig.request(id, delta(Route, &["y"], &[]));
    assert_eq!(rig.ack_all(id), ["RDS y@1", "LDS edge@y"]);
    rig.pass(9 * SECOND);
    assert!(rig.sent.is_empty(), "connections of the old listener are still served");
    rig.pass(SECOND);
    assert_eq!(rig.ack_all(id), ["SRDS -x", "RDS -x"]);
}

#[test]
fn scopes_stay_while_the_listener_that_sees_no_others_is_not_replaced() {
    let (mut rig, id) = running([vec![cluster("a")], seen("x")].concat(), &["x"]);
    rig.update(seen("y"), table("x"));
    rig.ack(id);
    rig.request(id, delta(Route, &["y"], &[]));
    rig.ack(id);
    assert_eq!(rig.nack(id, "bad listener"), "LDS edge@y");
    rig.pass(60 * SECOND);
    assert!(rig.sent.is_empty());
    assert!(matches!(rig.machine.state(&key(ScopedRoute, "x"))[0].delivery, Delivery::Held(_)));
}

#[test]
fn a_scope_of_a_class_that_stays_goes_at_once() {
    let (mut rig, id) = running([vec![cluster("a")], seen("x")].concat(), &["x"]);
    rig.remove(table("x"));
    assert_eq!(rig.ack_all(id), ["SRDS -x", "RDS -x"]);
}

#[test]
fn the_first_listener_waits_for_no_scope() {
    let (mut rig, id) = Rig::serving([vec![cluster("a")], seen("x")].concat());
    rig.request(id, delta(Cluster, &[], &[]));
    rig.request(id, delta(Listener, &[], &[]));
    assert_eq!(rig.ack_all(id), ["CDS a@1", "LDS edge@x"]);
}

#[test]
fn a_class_that_changed_while_the_client_was_away() {
    let (mut rig, id) = Rig::serving([vec![cluster("a")], seen("y")].concat());
    rig.request(id, resume(Cluster, &[], &[("a", "1")]));
    rig.request(id, resume(Listener, &[], &[("edge", "x")]));
    assert!(rig.sent.is_empty(), "it has listeners: it will ask for scopes");
    rig.request(id, resume(ScopedRoute, &[], &[("x", "1")]));
    rig.request(id, resume(Route, &["x"], &[("x", "1")]));
    assert_eq!(rig.ack_all(id), ["SRDS y@1"]);
    rig.request(id, delta(Route, &["y"], &[]));
    assert_eq!(rig.ack_all(id), ["RDS y@1", "LDS edge@y"]);
    rig.pass(10 * SECOND);
    assert_eq!(rig.ack_all(id), ["SRDS -x", "RDS -x"]);
}

#[test]
fn what_was_removed_while_the_client_was_away() {
    let (mut rig, id) = Rig::serving([vec![cluster("a")], seen("x")].concat());
    for (kind, versions) in
        [(Cluster, [("a", "1")].as_slice()), (Listener, &[("edge", "x")]), (ScopedRoute, &[("x", "1"), ("gone", "1")])]
    {
        rig.request(id, resume(kind, &[], versions));
    }
    rig.request(id, resume(Route, &["x", "gone"], &[("x", "1"), ("gone", "1")]));
    assert_eq!(rig.ack_all(id), ["SRDS -gone", "RDS -gone"], "no listener has changed its class");
}

//! Make before break: nothing goes out before what it needs, nothing goes away while it is used.

use std::time::Duration;

use nuncio_xds::machine::Interest;
use nuncio_xds::{Delivery, Event, Hold, Key, Protocol, Resource, Revision, StreamId};

use crate::rig::*;

const SECOND: Duration = Duration::from_secs(1);

fn route(version: &str, clusters: &[&str]) -> Resource {
    let needs: Vec<Key> = clusters.iter().map(|name| key(Cluster, name)).collect();
    resource(Route, "r", version, &needs)
}

fn cluster(name: &str) -> Resource {
    resource(Cluster, name, "1", &[])
}

/// An Envoy that has everything: clusters, listeners, and route `r`.
fn running(resources: Vec<Resource>) -> (Rig, StreamId) {
    let (mut rig, id) = Rig::serving(resources);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.ack_all(id);
    rig.request(id, delta(Listener, &[], &[]));
    rig.request(id, delta(Route, &["r"], &[]));
    rig.ack_all(id);
    rig.events.clear();
    (rig, id)
}

fn delivery(rig: &Rig, key: &Key) -> Delivery {
    rig.machine.state(key).remove(0).delivery
}

fn delivery_of(rig: &Rig, id: StreamId, key: &Key) -> Delivery {
    rig.machine.state(key).into_iter().find(|state| state.stream == id).unwrap().delivery
}

#[test]
fn a_route_waits_for_the_ack_of_its_cluster() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.set(vec![route("2", &["b"]), cluster("b")]);
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(delivery(&rig, &key(Route, "r")), Delivery::Held(Hold::Needs(key(Cluster, "b"))));
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS r@2"]);
}

#[test]
fn the_configuration_of_a_filter_waits_for_its_cluster_and_keeps_it() {
    let filter = |version: &str, needs: &[&str]| {
        let needs: Vec<Key> = needs.iter().map(|name| key(Cluster, name)).collect();
        resource(Extension, "auth", version, &needs)
    };
    let (mut rig, id) = running(vec![cluster("a"), filter("1", &["a"]), route("1", &["a"])]);
    rig.request(id, delta(Extension, &["auth"], &[]));
    assert_eq!(rig.ack_all(id), ["ECDS auth@1"]);
    rig.set(vec![cluster("b"), filter("2", &["b"])]);
    assert_eq!(rig.ack_all(id), ["CDS b@1", "ECDS auth@2"]);
    rig.remove(vec![key(Cluster, "b")]);
    assert_eq!(rig.ack_all(id), Vec::<String>::new(), "the filter sends there");
    assert_eq!(delivery(&rig, &key(Cluster, "b")), Delivery::Held(Hold::InUse));
}

#[test]
fn a_route_waits_for_endpoints_that_are_asked_for_after_the_cluster() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    let needs = [key(Cluster, "b"), key(Endpoints, "b")];
    rig.set(vec![cluster("b"), resource(Endpoints, "b", "1", &[]), resource(Route, "r", "2", &needs)]);
    assert_eq!(rig.ack_all(id), ["CDS b@1"]);
    rig.request(id, delta(Endpoints, &["b"], &[]));
    assert_eq!(rig.ack_all(id), ["EDS b@1", "RDS r@2"]);
}

#[test]
fn what_was_unsubscribed_in_flight_is_not_relied_upon() {
    let (mut rig, id) = running(vec![cluster("a"), resource(Endpoints, "a", "1", &[]), route("1", &[])]);
    rig.request(id, delta(Endpoints, &["a"], &[]));
    rig.request(id, delta(Endpoints, &[], &["a"]));
    let needs = [key(Cluster, "a"), key(Endpoints, "a")];
    rig.set(vec![resource(Endpoints, "a", "2", &[]), resource(Route, "r", "2", &needs)]);
    assert_eq!(rig.ack_all(id), ["EDS a@1"], "which the client ignored");
    rig.request(id, delta(Endpoints, &["a"], &[]));
    assert_eq!(rig.ack_all(id), ["EDS a@2", "RDS r@2"]);
}

#[test]
fn a_dns_cluster_has_time_to_get_warm() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.set(vec![Resource { settle: SECOND, ..cluster("dns") }, route("2", &["dns"])]);
    assert_eq!(rig.ack_all(id), ["CDS dns@1"]);
    assert_eq!(delivery(&rig, &key(Route, "r")), Delivery::Held(Hold::Settling));
    rig.pass(SECOND);
    assert_eq!(rig.ack_all(id), ["RDS r@2"]);

    rig.set(vec![Resource { settle: SECOND, version: "2".into(), ..cluster("dns") }, route("3", &["dns"])]);
    assert_eq!(rig.ack_all(id), ["CDS dns@2", "RDS r@3"], "the old version serves while the new one warms");
}

#[test]
fn a_starting_envoy_waits_for_its_first_clusters_itself() {
    let (mut rig, id) = Rig::serving(vec![Resource { settle: SECOND, ..cluster("dns") }, route("1", &["dns"])]);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.ack_all(id);
    rig.request(id, delta(Listener, &[], &[]));
    rig.request(id, delta(Route, &["r"], &[]));
    assert_eq!(rig.ack_all(id), ["LDS", "RDS r@1"]);
}

fn timeouts(rig: &Rig) -> Vec<(String, bool)> {
    let timeout = |event: &Event| match event {
        Event::HoldTimedOut { need, sent, .. } => Some((need.to_string(), *sent)),
        _ => None,
    };
    rig.events.iter().filter_map(timeout).collect()
}

#[test]
fn a_hold_is_given_up_when_the_client_does_not_ask() {
    let (mut rig, id) = running(vec![cluster("a"), resource(Endpoints, "a", "1", &[]), route("1", &["a"])]);
    rig.set(vec![resource(Route, "r", "2", &[key(Cluster, "a"), key(Endpoints, "a")])]);
    rig.pass(14 * SECOND);
    assert!(rig.sent.is_empty());
    rig.pass(SECOND);
    assert_eq!(rig.ack_all(id), ["RDS r@2"]);
    assert_eq!(timeouts(&rig), [("ClusterLoadAssignment a".to_owned(), true)]);
}

#[test]
fn a_hold_goes_on_while_the_client_owes_an_answer() {
    // Envoy answers when its clusters are warm: until then a route to them would fail.
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.set(vec![cluster("b"), route("2", &["b"])]);
    rig.pass(120 * SECOND);
    assert_eq!(timeouts(&rig), [("Cluster b".to_owned(), false)], "once");
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS r@2"]);
}

#[test]
fn endpoints_are_sent_again_with_a_changed_cluster() {
    let endpoints = |name: &str| resource(Endpoints, name, "1", &[]);
    let (mut rig, id) = running(vec![cluster("a"), endpoints("a"), cluster("b"), endpoints("shared")]);
    rig.request(id, delta(Endpoints, &["a", "shared"], &[]));
    rig.ack_all(id);
    rig.set(vec![resource(Cluster, "a", "2", &[])]);
    assert_eq!(rig.sent.len(), 2, "not only when Envoy has acknowledged the cluster, which it does when warm");
    assert_eq!(rig.ack_all(id), ["CDS a@2", "EDS a@1"]);
    rig.set(vec![resource(Cluster, "b", "2", &[key(Endpoints, "shared")])]);
    assert_eq!(rig.ack_all(id), ["CDS b@2", "EDS shared@1"]);
}

#[test]
fn a_need_that_does_not_exist_holds_nothing() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.set(vec![route("2", &["nobody"])]);
    assert_eq!(rig.ack_all(id), ["RDS r@2"]);
}

#[test]
fn a_client_that_takes_clusters_by_name_is_not_made_to_wait() {
    // gRPC asks for clusters when it has seen the route.
    let (mut rig, id) = Rig::serving(vec![cluster("a"), route("1", &["a"])]);
    rig.request(id, delta(Route, &["r"], &[]));
    assert_eq!(rig.ack_all(id), ["RDS r@1"]);
}

#[test]
fn a_cluster_goes_a_while_after_the_last_route_that_names_it() {
    let (mut rig, id) = running(vec![cluster("a"), cluster("b"), route("1", &["a"])]);
    rig.update(vec![route("2", &["b"])], vec![key(Cluster, "a")]);
    rig.pass(60 * SECOND);
    assert_eq!(delivery(&rig, &key(Cluster, "a")), Delivery::Held(Hold::InUse));
    assert_eq!(rig.ack_all(id), ["RDS r@2"], "the ACK took a minute");
    rig.pass(9 * SECOND);
    assert!(rig.sent.is_empty());
    rig.pass(SECOND);
    assert_eq!(rig.ack_all(id), ["CDS -a"]);
}

#[test]
fn a_cluster_that_comes_back_in_time_is_never_removed() {
    let (mut rig, id) = running(vec![cluster("a"), cluster("b"), route("1", &["a"])]);
    rig.update(vec![route("2", &["b"])], vec![key(Cluster, "a")]);
    assert_eq!(rig.ack_all(id), ["RDS r@2"]);
    rig.set(vec![cluster("a"), route("3", &["a"])]);
    assert_eq!(rig.ack_all(id), ["RDS r@3"]);
    rig.pass(60 * SECOND);
    assert!(rig.sent.is_empty());
}

#[test]
fn a_cluster_that_comes_back_during_its_removal_is_sent_before_its_route() {
    let (mut rig, id) = running(vec![cluster("a"), cluster("b"), route("1", &["b"])]);
    rig.remove(vec![key(Cluster, "a")]);
    rig.set(vec![cluster("a"), route("2", &["a"])]);
    assert_eq!(rig.ack_all(id), ["CDS -a", "CDS a@1", "RDS r@2"]);
}

#[test]
fn a_held_route_keeps_the_clusters_of_the_version_before() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.update(vec![resource(Cluster, "b", "bad", &[]), route("2", &["b"])], vec![key(Cluster, "a")]);
    assert_eq!(rig.nack(id, "no"), "CDS b@bad");
    rig.pass(3600 * SECOND);
    assert!(rig.sent.is_empty(), "route 1 is still served");
}

#[test]
fn the_same_content_may_come_to_need_something_else() {
    let (mut rig, id) = running(vec![cluster("a"), cluster("b"), route("1", &["a"])]);
    rig.update(vec![route("1", &["b"])], vec![key(Cluster, "a")]);
    rig.pass(10 * SECOND);
    assert_eq!(rig.ack_all(id), ["CDS -a"]);
    rig.remove(vec![key(Cluster, "b")]);
    rig.pass(60 * SECOND);
    assert!(rig.sent.is_empty());
}

#[test]
fn a_reconnecting_client_gets_the_endpoints_of_changed_clusters() {
    let endpoints = |name| resource(Endpoints, name, "1", &[]);
    let (mut rig, id) = Rig::serving(vec![resource(Cluster, "a", "2", &[]), endpoints("a"), endpoints("b")]);
    rig.request(id, resume(Cluster, &[], &[("a", "1")]));
    rig.request(id, resume(Endpoints, &["a", "b"], &[("a", "1"), ("b", "1")]));
    assert_eq!(rig.ack_all(id), ["CDS a@2", "EDS a@1"]);
}

#[test]
fn an_envoy_that_asks_for_clusters_last_is_made_to_wait_all_the_same() {
    // It reconnects while clusters warm: until they are warm it does not ask.
    let (mut rig, id) = Rig::serving(vec![cluster("a"), route("2", &["a"])]);
    rig.request(id, resume(Listener, &[], &[("edge", "1")]));
    rig.request(id, resume(Route, &["r"], &[("r", "1")]));
    assert_eq!(rig.ack_all(id), ["LDS -edge"]);
    rig.request(id, delta(Cluster, &[], &[]));
    assert_eq!(rig.ack_all(id), ["CDS a@1", "RDS r@2"]);
}

#[test]
fn a_reconnecting_client_keeps_what_its_old_routes_use() {
    let (mut rig, id) = Rig::serving(vec![cluster("b"), route("2", &["b"])]);
    rig.request(id, resume(Cluster, &[], &[("a", "1")]));
    rig.request(id, resume(Route, &["r"], &[("r", "1")]));
    assert_eq!(line(&rig.sent[0].1), "CDS b@1");
    rig.pass(14 * SECOND);
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS r@2"], "what version 1 uses is not known");
    rig.pass(10 * SECOND);
    assert_eq!(rig.ack_all(id), ["CDS -a"]);
}

#[test]
fn a_reconnecting_state_of_the_world_client_keeps_what_its_routes_may_use() {
    let (mut rig, _) = Rig::serving(vec![cluster("a"), route("1", &["a"])]);
    let id = rig.connect(Protocol::StateOfTheWorld);
    rig.request(id, want(Cluster, &[], None));
    let mut resuming = want(Route, &["r"], None);
    resuming.interest = Interest::Names { names: names(&["r"]), has_version: true };
    let clusters = rig.next().unwrap();
    rig.request(id, want(Cluster, &[], Some(clusters.nonce)));
    rig.request(id, resuming);
    let routes = rig.next().unwrap();
    rig.update(vec![route("2", &[])], vec![key(Cluster, "a")]);
    rig.pass(60 * SECOND);
    assert_eq!(delivery_of(&rig, id, &key(Cluster, "a")), Delivery::Held(Hold::InUse));
    rig.request(id, want(Route, &["r"], Some(routes.nonce)));
    assert_eq!(line(&rig.next().unwrap()), "RDS r@2");
}

#[test]
fn scopes_go_before_their_routes() {
    let (mut rig, id) = running(vec![resource(ScopedRoute, "s", "1", &[]), route("1", &[])]);
    rig.request(id, delta(ScopedRoute, &[], &[]));
    rig.ack_all(id);
    rig.remove(vec![key(Route, "r"), key(ScopedRoute, "s")]);
    assert_eq!(rig.ack_all(id), ["SRDS -s", "RDS -r"]);
}

#[test]
fn a_name_asked_for_again_gets_the_old_version_while_the_new_one_is_held() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    rig.set(vec![resource(Cluster, "b", "bad", &[]), route("2", &["b"])]);
    rig.nack(id, "no");
    rig.request(id, delta(Route, &["r"], &[]));
    assert_eq!(rig.ack_all(id), ["RDS r@1"]);
    rig.set(vec![cluster("b")]);
    assert_eq!(rig.ack_all(id), ["CDS b@1", "RDS r@2"]);
}

#[test]
fn a_revision_is_synced_when_all_of_it_has_arrived() {
    let (mut rig, id) = running(vec![cluster("a"), route("1", &["a"])]);
    let synced = |rig: &mut Rig| {
        let revision = |event: &Event| match event {
            Event::Synced { revision, .. } => Some(revision.0),
            _ => None,
        };
        std::mem::take(&mut rig.events).iter().filter_map(revision).collect::<Vec<_>>()
    };
    rig.set(vec![cluster("b"), route("2", &["b"])]);
    rig.ack(id);
    assert_eq!(synced(&mut rig), [0; 0], "the route is on its way");
    rig.ack(id);
    assert_eq!(synced(&mut rig), [2]);
    rig.remove(vec![key(Cluster, "a")]);
    assert_eq!(synced(&mut rig), [3], "removals that linger are not waited for");
    rig.set(vec![resource(Route, "new", "1", &[])]);
    assert_eq!(synced(&mut rig), [0; 0], "the client is expected to ask for it");
    rig.request(id, delta(Route, &["new"], &[]));
    rig.ack_all(id);
    assert_eq!(synced(&mut rig), [4]);
    rig.set(vec![resource(Route, "unused", "1", &[])]);
    rig.pass(SECOND);
    assert_eq!(synced(&mut rig), [5], "it does not");
    assert_eq!(rig.machine.streams()[0].acked, Some(Revision(5)));
}

#[test]
fn a_starting_client_is_synced_when_it_has_asked_for_all_there_is() {
    let (mut rig, id) = Rig::serving(vec![cluster("a"), route("1", &["a"])]);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.ack_all(id);
    assert_eq!(rig.machine.streams()[0].acked, None);
    rig.request(id, delta(Route, &["r"], &[]));
    rig.ack_all(id);
    assert_eq!(rig.machine.streams()[0].acked, Some(Revision(1)));

    let lean = rig.connect(Protocol::Delta);
    rig.request(lean, delta(Cluster, &[], &[]));
    rig.ack_all(lean);
    rig.pass(15 * SECOND);
    assert_eq!(rig.machine.streams()[1].acked, Some(Revision(1)), "a client that never asks for routes");
}

//! Sets of rules: an Envoy is not told to ask by one before those who are asked have it, nor these to forget it before.

use std::time::Duration;

use nuncio_xds::{Delivery, Event, Hold, Key, Options, Resource, StreamId};

use crate::rig::*;

fn set(name: &str, version: &str, filters: &[&str]) -> Resource {
    let needs: Vec<Key> = filters.iter().map(|name| key(AuthFilter, name)).collect();
    resource(RuleSet, name, version, &needs)
}

fn filter(name: &str, version: &str) -> Resource {
    resource(AuthFilter, name, version, &[])
}

fn route(version: &str, sets: &[&str]) -> Resource {
    let needs: Vec<Key> = sets.iter().map(|name| key(RuleSet, name)).collect();
    resource(Route, "r", version, &needs)
}

fn envoy(rig: &mut Rig) -> StreamId {
    let id = rig.connect(nuncio_xds::Protocol::Delta);
    for kind in [Cluster, Listener] {
        rig.request(id, delta(kind, &[], &[]));
        rig.ack_all(id);
    }
    rig.request(id, delta(Route, &["r"], &[]));
    rig.ack_all(id);
    id
}

fn service(rig: &mut Rig) -> StreamId {
    let id = rig.connect(nuncio_xds::Protocol::Delta);
    rig.request(id, delta(AuthFilter, &["*"], &[]));
    rig.request(id, delta(RuleSet, &["*"], &[]));
    id
}

/// What is sent now, by whom it is for; all of it is accepted.
fn ack_each(rig: &mut Rig) -> Vec<(StreamId, String)> {
    let mut lines = Vec::new();
    while let Some((id, _)) = rig.sent.front() {
        let id = *id;
        lines.push((id, rig.ack(id)));
    }
    lines
}

fn held(rig: &Rig, id: StreamId, key: &Key) -> Delivery {
    rig.machine.state(key).into_iter().find(|state| state.stream == id).unwrap().delivery
}

#[test]
fn a_route_waits_for_everybody_who_decides() {
    let mut rig = Rig::new(Options::default());
    rig.set(vec![route("1", &[])]);
    let (envoy, first, second) = (envoy(&mut rig), service(&mut rig), service(&mut rig));
    ack_each(&mut rig);
    rig.set(vec![route("2", &["s"]), set("s", "1", &["f"]), filter("f", "1")]);
    assert_eq!(held(&rig, envoy, &key(Route, "r")), Delivery::Held(Hold::Needs(key(RuleSet, "s"))));
    for id in [first, second] {
        assert!(rig.sent.iter().all(|(to, _)| *to != envoy), "{id:?} has yet to answer");
        let (mine, others): (Vec<_>, Vec<_>) = rig.sent.drain(..).partition(|(to, _)| *to == id);
        rig.sent.extend(mine);
        assert_eq!(rig.ack(id), "FILTER f@1");
        assert_eq!(rig.ack(id), "RULES s@1");
        rig.sent.extend(others);
    }
    assert_eq!(ack_each(&mut rig), [(envoy, "RDS r@2".to_owned())]);
}

#[test]
fn a_changed_set_is_had_before_a_route_comes_to_name_it_and_one_that_names_it_waits_for_nothing() {
    let mut rig = Rig::new(Options::default());
    rig.set(vec![route("1", &["s"]), set("s", "1", &[])]);
    let service = service(&mut rig);
    ack_each(&mut rig);
    let envoy = envoy(&mut rig);
    rig.set(vec![route("2", &["s"]), set("s", "2", &[])]);
    let mut lines = ack_each(&mut rig);
    lines.sort();
    assert_eq!(lines, [(service, "RULES s@2".to_owned()), (envoy, "RDS r@2".to_owned())]);
}

#[test]
fn a_set_that_was_refused_holds_nobody_up() {
    let mut rig = Rig::new(Options::default());
    rig.set(vec![route("1", &[])]);
    let (envoy, service) = (envoy(&mut rig), service(&mut rig));
    ack_each(&mut rig);
    rig.set(vec![route("2", &["s"]), set("s", "1", &[])]);
    rig.nack(service, "no");
    assert_eq!(ack_each(&mut rig), [(envoy, "RDS r@2".to_owned())], "the service denies, or decides by what it had");
}

#[test]
fn without_anybody_who_decides_a_route_goes_in_the_end() {
    let mut rig = Rig::new(Options::default());
    rig.set(vec![route("1", &[])]);
    let envoy = envoy(&mut rig);
    rig.set(vec![route("2", &["s"]), set("s", "1", &[])]);
    assert_eq!(rig.sent.len(), 0);
    rig.pass(Options::default().ack_timeout);
    assert_eq!(ack_each(&mut rig), [(envoy, "RDS r@2".to_owned())]);
    assert!(
        rig.events.iter().any(|event| matches!(event, Event::HoldTimedOut { need, .. } if *need == key(RuleSet, "s")))
    );
}

#[test]
fn who_decides_keeps_a_set_until_no_route_names_it_and_a_while_longer() {
    let linger = Options::default().linger;
    let mut rig = Rig::new(Options::default());
    rig.set(vec![route("1", &["s"]), set("s", "1", &["f"]), filter("f", "1")]);
    let service = service(&mut rig);
    ack_each(&mut rig);
    let envoy = envoy(&mut rig);
    rig.update(vec![route("2", &[])], vec![key(RuleSet, "s"), key(AuthFilter, "f")]);
    assert_eq!(ack_each(&mut rig), [(envoy, "RDS r@2".to_owned())]);
    rig.pass(linger / 2);
    assert_eq!(rig.sent.len(), 0, "requests are in flight");
    rig.pass(2 * linger);
    assert_eq!(ack_each(&mut rig), [(service, "RULES -s".to_owned())]);
    rig.pass(linger + Duration::from_secs(1));
    assert_eq!(ack_each(&mut rig), [(service, "FILTER -f".to_owned())]);
}

//! What is rejected, is found, reported and left alone.

use nuncio_xds::{Delivery, Event, Hold, Protocol, StreamId};

use crate::rig::*;

fn nacked(rig: &Rig) -> Vec<String> {
    let culprit = |event: &Event| match event {
        Event::Nacked { key, version, message, .. } => Some(format!("{}@{version}: {message}", key.name)),
        _ => None,
    };
    rig.events.iter().filter_map(culprit).collect()
}

/// Answers as Envoy does: rejects a response that holds a version `bad`.
fn answer_all(rig: &mut Rig, id: StreamId) -> Vec<String> {
    let mut lines = vec![];
    while let Some((_, response)) = rig.sent.front() {
        let bad = response.resources.iter().any(|resource| resource.version.starts_with("bad"));
        lines.push(if bad { rig.nack(id, "no such thing") } else { rig.ack(id) });
    }
    lines
}

#[test]
fn the_culprit_is_found_and_the_rest_goes_out() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all = |version| names.iter().map(|name| resource(Cluster, name, version, &[])).collect::<Vec<_>>();
    let (mut rig, id) = Rig::serving(all("1"));
    rig.request(id, delta(Cluster, &[], &[]));
    answer_all(&mut rig, id);

    let mut update = all("2");
    update[5] = resource(Cluster, "f", "bad", &[]);
    rig.set(update);
    let lines = answer_all(&mut rig, id);
    assert_eq!(
        lines,
        [
            "CDS a@2 b@2 c@2 d@2 e@2 f@bad g@2 h@2",
            "CDS a@2 b@2 c@2 d@2",
            "CDS e@2 f@bad g@2 h@2",
            "CDS e@2 f@bad",
            "CDS e@2",
            "CDS f@bad",
            "CDS g@2 h@2"
        ]
    );
    assert_eq!(nacked(&rig), ["f@bad: no such thing"]);
    let state = rig.machine.state(&key(Cluster, "f")).remove(0);
    assert_eq!(state.delivery, Delivery::Nacked { message: "no such thing".into() });
    assert_eq!(rig.machine.counts(&key(Cluster, "e")).acked, 1);
}

#[test]
fn a_rejected_version_is_not_sent_again_but_the_next_is() {
    let (mut rig, id) = Rig::serving(vec![resource(Cluster, "a", "bad", &[])]);
    rig.request(id, delta(Cluster, &[], &[]));
    answer_all(&mut rig, id);
    rig.set(vec![resource(Cluster, "b", "1", &[])]);
    assert_eq!(answer_all(&mut rig, id), ["CDS b@1"]);
    rig.set(vec![resource(Cluster, "a", "bad2", &[])]);
    assert_eq!(answer_all(&mut rig, id), ["CDS a@bad2"]);
    rig.set(vec![resource(Cluster, "a", "2", &[])]);
    assert_eq!(answer_all(&mut rig, id), ["CDS a@2"]);
    assert_eq!(nacked(&rig).len(), 2);
}

#[test]
fn what_needs_something_rejected_waits_and_the_old_version_stays() {
    let old = resource(Route, "r", "1", &[]);
    let (mut rig, id) = Rig::serving(vec![old, resource(Cluster, "other", "1", &[])]);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.request(id, delta(Route, &["r"], &[]));
    answer_all(&mut rig, id);
    let cluster = key(Cluster, "c");
    rig.set(vec![resource(Cluster, "c", "bad", &[]), resource(Route, "r", "2", std::slice::from_ref(&cluster))]);
    assert_eq!(answer_all(&mut rig, id), ["CDS c@bad"]);
    rig.pass(std::time::Duration::from_secs(3600));
    assert_eq!(answer_all(&mut rig, id), [""; 0]);
    let state = rig.machine.state(&key(Route, "r")).remove(0);
    assert_eq!(state.delivery, Delivery::Held(Hold::NeedsRejected(cluster)));
    rig.set(vec![resource(Cluster, "c", "2", &[])]);
    assert_eq!(answer_all(&mut rig, id), ["CDS c@2", "RDS r@2"]);
}

#[test]
fn going_back_after_a_rejection_restores_what_may_have_been_applied() {
    let pair = |version| vec![resource(Cluster, "a", version, &[]), resource(Cluster, "b", version, &[])];
    let (mut rig, id) = Rig::serving(pair("1"));
    rig.request(id, delta(Cluster, &[], &[]));
    answer_all(&mut rig, id);
    rig.set(pair("2"));
    rig.nack(id, "one of them");
    rig.ack(id);
    // `b` may be at 2 although the response was rejected.
    let response = rig.next().unwrap();
    assert_eq!(line(&response), "CDS b@2");
    rig.set(pair("1"));
    rig.sent.push_front((id, response));
    assert_eq!(rig.nack(id, "b"), "CDS b@2");
    assert_eq!(answer_all(&mut rig, id), ["CDS a@1"], "b is known to be at 1");
}

#[test]
fn state_of_the_world_finds_the_culprit_too() {
    let (mut rig, _) = Rig::serving(vec![resource(Cluster, "a", "1", &[]), resource(Cluster, "b", "1", &[])]);
    let id = rig.connect(Protocol::StateOfTheWorld);
    rig.request(id, want(Cluster, &[], None));
    let answer = |rig: &mut Rig| {
        let mut lines = vec![];
        while let Some(response) = rig.next() {
            let bad = response.resources.iter().any(|resource| resource.version.starts_with("bad"));
            let mut request = want(Cluster, &[], Some(response.nonce));
            request.error = bad.then(|| "no".into());
            rig.request(id, request);
            lines.push(line(&response));
        }
        lines
    };
    answer(&mut rig);
    rig.set(vec![resource(Cluster, "a", "2", &[]), resource(Cluster, "b", "bad", &[])]);
    assert_eq!(answer(&mut rig), ["CDS a@2 b@bad", "CDS a@2 b@1", "CDS a@2 b@bad"]);
    assert_eq!(nacked(&rig), ["b@bad: no"]);
}

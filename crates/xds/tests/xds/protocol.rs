//! The subscription rules of the protocol, one test each (Envoy `xds_protocol`).

use std::time::Duration;

use nuncio_xds::machine::Request;
use nuncio_xds::{Event, Node, Options, Protocol, Revision, Update};

use crate::rig::*;

fn clusters(versions: &[(&str, &str)]) -> Vec<nuncio_xds::Resource> {
    versions.iter().map(|(name, version)| resource(Cluster, name, version, &[])).collect()
}

fn endpoints(names: &[&str]) -> Vec<nuncio_xds::Resource> {
    names.iter().map(|name| resource(Endpoints, name, "1", &[])).collect()
}

#[test]
fn nothing_is_served_before_the_first_update() {
    let mut rig = Rig::new(Options::default());
    let id = rig.connect(Protocol::Delta);
    rig.request(id, resume(Cluster, &[], &[("a", "1"), ("b", "1")]));
    assert_eq!(rig.ack_all(id), [""; 0]);
    rig.set(clusters(&[("a", "1"), ("c", "1")]));
    assert_eq!(rig.ack_all(id), ["CDS c@1"], "the removal lingers");
    rig.pass(Duration::from_secs(10));
    assert_eq!(rig.ack_all(id), ["CDS -b"]);
}

#[test]
fn an_empty_first_request_means_everything_now_and_later() {
    let (mut rig, id) = Rig::serving(clusters(&[("a", "1"), ("b", "1")]));
    rig.request(id, delta(Cluster, &[], &[]));
    assert_eq!(rig.ack(id), "CDS a@1 b@1");
    rig.set(clusters(&[("b", "2"), ("c", "1")]));
    assert_eq!(rig.ack(id), "CDS b@2 c@1");
    rig.remove(vec![key(Cluster, "a")]);
    assert_eq!(rig.ack(id), "CDS -a");
}

#[test]
fn a_client_that_takes_everything_is_told_that_there_is_nothing() {
    let (mut rig, id) = Rig::serving(vec![]);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.request(id, delta(Listener, &["*"], &[]));
    assert_eq!(rig.ack_all(id), ["CDS", "LDS"]);
}

#[test]
fn names_get_what_they_name() {
    let (mut rig, id) = Rig::serving(endpoints(&["a", "b"]));
    rig.request(id, delta(Endpoints, &["a"], &[]));
    assert_eq!(rig.ack_all(id), ["EDS a@1"]);
    rig.request(id, delta(Endpoints, &["b"], &["a"]));
    assert_eq!(rig.ack_all(id), ["EDS b@1"]);
    rig.set(vec![resource(Endpoints, "a", "2", &[])]);
    assert_eq!(rig.ack_all(id), [""; 0], "unsubscribed");
}

#[test]
fn a_name_asked_for_again_is_sent_again() {
    let (mut rig, id) = Rig::serving(endpoints(&["a"]));
    for _ in 0..3 {
        rig.request(id, delta(Endpoints, &["a"], &[]));
        assert_eq!(rig.ack_all(id), ["EDS a@1"]);
    }
}

#[test]
fn a_name_dropped_and_asked_for_while_in_flight_is_sent_again() {
    let (mut rig, id) = Rig::serving(endpoints(&["a"]));
    rig.request(id, delta(Endpoints, &["a"], &[]));
    rig.request(id, delta(Endpoints, &[], &["a"]));
    rig.request(id, delta(Endpoints, &["a"], &[]));
    assert_eq!(rig.ack_all(id), ["EDS a@1", "EDS a@1"]);
}

#[test]
fn an_unknown_name_is_removed_at_once_and_remembered() {
    let (mut rig, id) = Rig::serving(vec![]);
    rig.request(id, delta(Endpoints, &["a"], &[]));
    assert_eq!(rig.ack_all(id), ["EDS -a"]);
    rig.set(endpoints(&["a"]));
    assert_eq!(rig.ack_all(id), ["EDS a@1"]);
}

#[test]
fn everything_less_a_name_is_answered() {
    let (mut rig, id) = Rig::serving(clusters(&[("a", "1")]));
    rig.request(id, delta(Cluster, &["*", "a", "gone"], &[]));
    assert_eq!(rig.ack_all(id), ["CDS -gone a@1"]);
    rig.request(id, delta(Cluster, &[], &["a", "gone", "never"]));
    assert_eq!(rig.ack_all(id), ["CDS -gone a@1"], "the client has dropped both, but is to have all there is");
}

#[test]
fn unsubscribing_everything_leaves_the_names() {
    let (mut rig, id) = Rig::serving(clusters(&[("a", "1"), ("b", "1")]));
    rig.request(id, delta(Cluster, &["*", "a"], &[]));
    rig.ack_all(id);
    rig.request(id, delta(Cluster, &[], &["*"]));
    rig.set(clusters(&[("a", "2"), ("b", "2")]));
    assert_eq!(rig.ack_all(id), ["CDS a@2"]);
}

#[test]
fn a_reconnecting_client_gets_what_differs() {
    let (mut rig, id) = Rig::serving(clusters(&[("same", "1"), ("changed", "2"), ("new", "1")]));
    rig.request(id, resume(Cluster, &[], &[("same", "1"), ("changed", "1"), ("gone", "1")]));
    assert_eq!(rig.ack_all(id), ["CDS changed@2 new@1"]);
    rig.pass(Duration::from_secs(10));
    assert_eq!(rig.ack_all(id), ["CDS -gone"], "what may be in use is removed last");
    rig.pass(Duration::from_secs(5));
    assert!(rig.events.contains(&Event::Synced { stream: id, revision: Revision(1) }), "{:?}", rig.events);

    let (mut rig, id) = Rig::serving(endpoints(&["a", "b"]));
    rig.request(id, resume(Endpoints, &["a", "b", "c"], &[("a", "1"), ("c", "1")]));
    assert_eq!(rig.ack_all(id), ["EDS b@1"]);
    rig.request(id, resume(Endpoints, &[], &[("b", "0")]));
    assert_eq!(rig.ack_all(id), [""; 0], "versions count in the first request only");
}

#[test]
fn one_response_of_a_type_is_in_flight_and_changes_are_sent_together() {
    let (mut rig, id) = Rig::serving(clusters(&[("a", "1")]));
    rig.request(id, delta(Cluster, &[], &[]));
    for version in ["2", "3", "4"] {
        rig.set(clusters(&[("a", version), ("b", version)]));
    }
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(rig.ack_all(id), ["CDS a@1", "CDS a@4 b@4"]);
}

#[test]
fn nothing_is_sent_when_nothing_changed() {
    let (mut rig, id) = Rig::serving(clusters(&[("a", "1")]));
    rig.request(id, delta(Cluster, &[], &[]));
    rig.ack_all(id);
    rig.set(clusters(&[("a", "1")]));
    rig.remove(vec![key(Cluster, "nobody")]);
    assert_eq!(rig.ack_all(id), [""; 0]);
}

#[test]
fn delta_a_stale_nonce_answers_nothing_but_subscribes() {
    let (mut rig, id) = Rig::serving(endpoints(&["a", "b"]));
    rig.request(id, delta(Endpoints, &["a"], &[]));
    rig.request(id, Request { nonce: Some(99), ..delta(Endpoints, &["b"], &[]) });
    assert_eq!(rig.sent.len(), 1, "the first is still in flight");
    assert_eq!(rig.ack_all(id), ["EDS a@1", "EDS b@1"]);
}

#[test]
fn state_of_the_world_a_stale_nonce_is_ignored() {
    let (mut rig, _) = Rig::serving(endpoints(&["a", "b"]));
    let id = rig.connect(Protocol::StateOfTheWorld);
    rig.request(id, want(Endpoints, &["a"], None));
    let first = rig.next().unwrap();
    rig.request(id, want(Endpoints, &["a", "b"], None));
    assert!(rig.next().is_none(), "sent before the client saw the response: it will ask again");
    rig.request(id, want(Endpoints, &["a", "b"], Some(first.nonce)));
    assert_eq!(line(&rig.next().unwrap()), "EDS b@1");
}

#[test]
fn state_of_the_world_clusters_come_all_together() {
    let (mut rig, _) = Rig::serving(clusters(&[("a", "1"), ("b", "1")]));
    let id = rig.connect(Protocol::StateOfTheWorld);
    rig.request(id, want(Cluster, &[], None));
    let answered = |rig: &mut Rig| {
        let response = rig.next().unwrap();
        rig.request(id, want(Cluster, &[], Some(response.nonce)));
        line(&response)
    };
    assert_eq!(answered(&mut rig), "CDS a@1 b@1");
    rig.set(clusters(&[("b", "2")]));
    assert_eq!(answered(&mut rig), "CDS a@1 b@2");
    rig.remove(vec![key(Cluster, "a")]);
    assert_eq!(answered(&mut rig), "CDS b@2", "absence is removal");
}

#[test]
fn large_responses_are_split() {
    let options = Options { max_response_resources: 2, ..Options::default() };
    let mut rig = Rig::new(options);
    rig.set(clusters(&[("a", "1"), ("b", "1"), ("c", "1")]));
    let id = rig.connect(Protocol::Delta);
    rig.request(id, delta(Cluster, &[], &[]));
    assert_eq!(rig.ack_all(id), ["CDS a@1 b@1", "CDS c@1"]);

    let mut rig = Rig::new(Options { max_response_bytes: 2, ..Options::default() });
    rig.set(clusters(&[("a", "1"), ("b", "1"), ("c", "1")]));
    let id = rig.connect(Protocol::Delta);
    rig.request(id, delta(Cluster, &[], &[]));
    assert_eq!(rig.ack_all(id), ["CDS a@1 b@1", "CDS c@1"]);
}

#[test]
fn what_changes_few_resources_goes_before_the_rest_of_what_changed_many() {
    let mut rig = Rig::new(Options { max_response_resources: 10, ..Options::default() });
    let all: Vec<_> = (0..50).map(|at| format!("c{at:02}")).collect();
    let of =
        |version: &'static str| all.iter().map(move |name| resource(Cluster, name, version, &[])).collect::<Vec<_>>();
    rig.set(of("1"));
    let id = rig.connect(Protocol::Delta);
    rig.request(id, delta(Cluster, &[], &[]));
    rig.ack_all(id);
    rig.set(of("2"));
    rig.set(clusters(&[("c48", "3"), ("c49", "3")]));
    let sent = rig.ack_all(id);
    assert!(sent[0].starts_with("CDS c00@2 "), "it was on its way: {sent:?}");
    assert!(sent[1].contains("c48@3 c49@3") && sent[1].contains("c10@2"), "{sent:?}");
    assert_eq!(sent.len(), 5, "each is sent once: {sent:?}");
}

#[test]
fn what_waits_for_something_new_goes_first_when_that_has_come_unless_it_may_wait() {
    for may_wait in [false, true] {
        let mut rig = Rig::new(Options { max_response_resources: 10, ..Options::default() });
        let all: Vec<_> = (0..50).map(|at| format!("r{at:02}")).collect();
        let of =
            |version: &'static str| all.iter().map(move |name| resource(Route, name, version, &[])).collect::<Vec<_>>();
        rig.set(of("1"));
        let id = rig.connect(Protocol::Delta);
        rig.request(id, delta(Cluster, &[], &[]));
        rig.request(id, delta(Route, &all.iter().map(String::as_str).collect::<Vec<_>>(), &[]));
        rig.ack_all(id);
        rig.set(of("2"));
        let set = vec![resource(Cluster, "new", "1", &[]), resource(Route, "r49", "3", &[key(Cluster, "new")])];
        rig.send(Update { set, may_wait, ..Update::default() });
        let sent: Vec<_> = rig.ack_all(id).into_iter().filter(|line| line.starts_with("RDS")).collect();
        let at = sent.iter().position(|line| line.contains("r49@3")).unwrap();
        assert_eq!(at < sent.len() - 1, !may_wait, "{sent:?}");
    }
}

#[test]
fn the_node_comes_with_the_first_message_and_unknown_types_are_counted() {
    let (mut rig, id) = Rig::serving(vec![]);
    let node = Node { id: "edge-1".into(), cluster: "edge".into(), agent: "envoy/1.40.0".into(), says: Vec::new() };
    let unknown = Request { node: Some(node.clone()), kind: None, ..delta(Cluster, &[], &[]) };
    rig.request(id, unknown);
    rig.request(id, delta(Cluster, &[], &[]));
    let info = rig.machine.streams().remove(0);
    assert_eq!((&*info.node, info.unknown_types), (&node, 1));
    assert_eq!(rig.events[0], Event::Connected { stream: id, node: node.into(), asks: None });
}

#[test]
fn what_a_service_says_of_itself_is_told_whenever_it_says_it() {
    let (mut rig, id) = Rig::serving(vec![]);
    let saying = |text: &str| Node { says: vec![("nuncio.dev/x".into(), text.into())], ..Node::default() };
    rig.request(id, Request { node: Some(saying("1")), ..delta(RuleSet, &[], &[]) });
    rig.request(id, delta(RuleSet, &[], &[]));
    rig.request(id, Request { node: Some(saying("2")), ..delta(RuleSet, &[], &[]) });
    let told = rig.events.iter().filter_map(|event| match event {
        Event::Connected { node, .. } => Some(format!("connected {}", node.says.len())),
        Event::Told { says, .. } => Some(format!("told {says:?}")),
        _ => None,
    });
    let expected = ["connected 0", r#"told [("nuncio.dev/x", "1")]"#, r#"told [("nuncio.dev/x", "2")]"#];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn each_client_has_its_own_state() {
    let (mut rig, first) = Rig::serving(clusters(&[("a", "1")]));
    let second = rig.connect(Protocol::Delta);
    rig.request(first, delta(Cluster, &[], &[]));
    rig.ack(first);
    rig.request(second, resume(Cluster, &[], &[("a", "1")]));
    rig.set(clusters(&[("a", "2")]));
    assert_eq!(rig.sent.len(), 2);
    let (id, response) = rig.sent.pop_front().unwrap();
    rig.request(id, Request { nonce: Some(response.nonce), ..delta(Cluster, &[], &[]) });
    let counts = rig.machine.counts(&key(Cluster, "a"));
    assert_eq!((counts.acked, counts.older, counts.streams), (1, 1, 2));
}

//! Events in, lines out.

use nuncio_api::{Kind, Location, ObjectId, Problem};
use nuncio_controller::ChangeKind;

use super::*;

fn report() -> Report {
    Report::new(Place::directory("shop"), "127.0.0.1:8877".parse().unwrap())
}

fn mapping(name: &str) -> ObjectId {
    ObjectId::new(Kind::Mapping, "default", name)
}

fn changed(names: &[&str], kind: ChangeKind, revision: u64) -> Event {
    let objects = names.iter().map(|name| (mapping(name), kind)).collect();
    Event::Changed { objects, revision: Some(revision) }
}

fn live(revision: u64, micros: u64) -> Event {
    Event::Live { revision, envoys: 1, elapsed: Duration::from_micros(micros) }
}

#[test]
fn says_what_is_served_where() {
    let listeners = vec![
        ServedListener { address: "0.0.0.0:8080".parse().unwrap(), schemes: vec!["http", "https"] },
        ServedListener { address: "[::1]:9000".parse().unwrap(), schemes: vec!["tcp"] },
    ];
    let lines = report().lines(&Event::Serving { listeners, hosts: 1, routes: 4, problems: 2 });
    assert_eq!(
        lines,
        [
            "Serving shop: 1 host, 4 routes",
            "  http://localhost:8080",
            "  https://localhost:8080",
            "  tcp://[::1]:9000",
            "  http://127.0.0.1:8877  (diagnostics)",
            "  2 problems: http://127.0.0.1:8877/api/v1/problems",
        ]
    );
}

#[test]
fn says_where_the_portal_is() {
    let serving = Event::Serving { listeners: Vec::new(), hosts: 0, routes: 0, problems: 0 };
    let lines = report().with_portal(Some("0.0.0.0:8088".parse().unwrap())).lines(&serving);
    assert_eq!(lines.last().unwrap(), "  http://localhost:8088/docs/  (developer portal)");
}

#[test]
fn a_change_is_told_when_it_is_live() {
    let mut report = report();
    assert_eq!(report.lines(&live(1, 350_000)), ["Live on 1 Envoy"]);
    assert_eq!(report.lines(&changed(&["cart"], ChangeKind::Changed, 2)), [""; 0]);
    assert_eq!(report.lines(&live(2, 4_230)), ["Mapping default/cart changed → live on 1 Envoy in 4.2 ms"]);
    assert_eq!(report.lines(&live(2, 9_000)), [""; 0]);
}

#[test]
fn changes_wait_for_their_revision() {
    let mut report = report();
    report.lines(&changed(&["a"], ChangeKind::Added, 2));
    report.lines(&changed(&["b", "c"], ChangeKind::Removed, 3));
    assert_eq!(report.lines(&live(2, 12_000)), ["Mapping default/a added → live on 1 Envoy in 12 ms"]);
    assert_eq!(
        report.lines(&live(3, 12_000)),
        ["Mapping default/b and Mapping default/c removed → live on 1 Envoy in 12 ms"]
    );
}

#[test]
fn many_objects_are_counted() {
    let mut report = report();
    report.lines(&changed(&["a", "b", "c", "d"], ChangeKind::Changed, 2));
    assert_eq!(report.lines(&live(2, 1_000)), ["Mapping default/a and 3 more changed → live on 1 Envoy in 1.0 ms"]);
}

#[test]
fn a_change_without_effect_is_told_at_once() {
    let event = Event::Changed { objects: vec![(mapping("a"), ChangeKind::Changed)], revision: None };
    assert_eq!(report().lines(&event), ["Mapping default/a changed → nothing that is served changes"]);
}

#[test]
fn what_was_refused_is_not_told_to_be_live() {
    let mut report = report();
    report.lines(&changed(&["a", "b"], ChangeKind::Added, 2));
    report.lines(&changed(&["b"], ChangeKind::Changed, 3));
    let nacked = |objects: Vec<ObjectId>| Event::Nacked { resource: "it".into(), objects, message: "no".into() };
    assert_eq!(
        report.lines(&nacked(vec![mapping("b")])),
        ["Envoy refused it: no", "  taken out until it changes: Mapping default/b"]
    );
    assert_eq!(report.lines(&live(3, 1_000)), ["Mapping default/a added → live on 1 Envoy in 1.0 ms"]);
    assert_eq!(
        report.lines(&nacked(Vec::new())),
        ["Envoy refused it: no", "  no single object is to blame: what was in force before stays"]
    );
}

#[test]
fn problems_have_a_place() {
    let located = LocatedProblem {
        object: Some(mapping("cart")),
        called: None,
        problem: Problem::error("InvalidPrefix", "spec.prefix", "must begin with /"),
        location: Some(Location { file: "cart.yaml".into(), line: 3, column: 5 }),
        snippet: "3 |     prefix: cart\n  |     ^".into(),
    };
    assert_eq!(
        report().lines(&Event::Problem(located)),
        [
            "error: cart.yaml:3:5: Mapping default/cart: spec.prefix: must begin with /",
            "  3 |     prefix: cart",
            "    |     ^"
        ]
    );
}

#[test]
fn objects_of_kinds_that_are_not_read_are_named() {
    let (called, problem) =
        (Some("LogService shop/logs".to_owned()), Problem::warning("NotYetSupported", "kind", "no"));
    let located = LocatedProblem { object: None, called, problem, location: None, snippet: String::new() };
    assert_eq!(report().lines(&Event::Problem(located)), ["warning: LogService shop/logs: kind: no"]);
}

#[test]
fn keys_that_are_made_in_a_moment_are_not_worth_a_word() {
    let id = ObjectId::new(Kind::Preview, "default", "tax");
    let warning = |reason: &'static str| {
        let (object, problem) = (Some(id.clone()), Problem::warning(reason, "", "no URL is told yet"));
        Event::Problem(LocatedProblem { object, called: None, problem, location: None, snippet: String::new() })
    };
    let mended = Event::Mended(Subject::Object(id.clone()));
    let mut fresh = report();
    assert!(fresh.spares(&warning("WaitingForKeys")));
    assert!(fresh.spares(&mended), "nobody knows that it was not");
    assert!(!fresh.spares(&mended));
    // What else is wrong is told, and when it is not any more.
    assert!(fresh.spares(&warning("WaitingForKeys")));
    assert!(!fresh.spares(&warning("NoEndpoints")) && !fresh.spares(&mended));
    // Also where keys are waited for after that was told: it is told first.
    assert!(!fresh.spares(&warning("NoEndpoints")) && fresh.spares(&warning("WaitingForKeys")));
    assert!(!fresh.spares(&mended), "somebody knows that something was wrong");
    assert!(fresh.spares(&warning("WaitingForKeys")) && fresh.spares(&mended));
    // That keys are there is no news where something else is wrong still.
    assert!(fresh.spares(&warning("WaitingForKeys")) && fresh.spares(&Event::Passed(id.clone())));
    assert!(fresh.spared.is_empty() && fresh.lines(&Event::Passed(id.clone())).is_empty());
    // So is what lasts.
    let mut old = Report { begun: Instant::now().checked_sub(START).unwrap(), ..report() };
    assert!(!old.spares(&warning("WaitingForKeys")) && !old.spares(&mended));
}

#[tokio::test]
async fn keys_that_nobody_makes_are_told_of_all_the_same() {
    let id = |name: &str| ObjectId::new(Kind::Preview, "default", name);
    let waiting = |name: &str| {
        let (object, problem) = (Some(id(name)), Problem::warning("WaitingForKeys", "", "no URL is told yet"));
        Event::Problem(LocatedProblem { object, called: None, problem, location: None, snippet: String::new() })
    };
    let (sender, mut events) = mpsc::channel(4);
    let mut report = report();
    assert!(["gone", "mended", "tax"].map(waiting).iter().all(|event| report.spares(event)));
    let gone = Event::Changed { objects: vec![(id("gone"), ChangeKind::Removed)], revision: None };
    assert!(!report.spares(&gone) && report.spares(&Event::Mended(Subject::Object(id("mended")))));
    // They may be made until then.
    report.begun = Instant::now().checked_sub(START).unwrap();
    sender.send(live(1, 1)).await.unwrap();
    assert!(matches!(report.next(&mut events).await, Some(Event::Live { .. })), "what is there comes first");
    let late = report.next(&mut events).await.unwrap();
    assert!(!report.spares(&late));
    assert_eq!(report.lines(&late), ["warning: Preview default/tax: no URL is told yet"]);
    assert!(!report.spares(&Event::Mended(Subject::Object(id("tax")))), "somebody was told");
    drop(sender);
    assert!(report.next(&mut events).await.is_none(), "once");
}

#[test]
fn an_address_that_cannot_be_bound_is_recognised() {
    let nacked = |message: &str| Event::Nacked {
        resource: "listener http-8080".into(),
        objects: Vec::new(),
        message: message.into(),
    };
    let in_use = nacked("cannot bind '0.0.0.0:8080': Address already in use");
    assert_eq!(
        cannot_bind(&in_use).as_deref(),
        Some("cannot serve listener http-8080: cannot bind '0.0.0.0:8080': Address already in use")
    );
    assert_eq!(cannot_bind(&nacked("no such cluster")), None);
}

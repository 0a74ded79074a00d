//! What is written when.

use nuncio_api::Kind;
use serde_json::json;

use super::*;

fn id(name: &str) -> ObjectId {
    ObjectId::new(Kind::Mapping, "shop", name)
}

fn seen(state: &str) -> Seen {
    Seen::read(Kind::Mapping, &json!({ "state": state }))
}

fn drain(queue: &mut Queue, now: Instant) -> Vec<ObjectId> {
    std::iter::from_fn(|| queue.take(now)).collect()
}

#[test]
fn an_object_stands_in_it_once() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    for name in ["b", "a", "b", "b"] {
        queue.put(id(name));
    }
    assert_eq!(drain(&mut queue, now), [id("b"), id("a")]);
    assert!(queue.is_idle());
    assert_eq!(queue.due(), None);
}

#[test]
fn an_object_is_written_by_one_write_at_a_time() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    queue.begins(id("a"));
    for name in ["a", "b", "a"] {
        queue.put(id(name));
    }
    assert_eq!(drain(&mut queue, now), [id("b")]);
    queue.ends(&id("a"));
    assert_eq!(drain(&mut queue, now), [id("a")]);
    queue.begins(id("a"));
    queue.ends(&id("a"));
    assert_eq!(drain(&mut queue, now), []);
}

#[test]
fn what_is_on_its_way_waits_for_the_ack_or_for_a_moment() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    assert!(!queue.is_on_its_way(&id("a"), now));
    assert_eq!(queue.due(), Some(now + GRACE));
    queue.delivered();
    assert_eq!(drain(&mut queue, now), [id("a")]);
    assert!(!queue.is_on_its_way(&id("a"), now + GRACE / 2), "the moment is not begun anew");
    assert_eq!(drain(&mut queue, now + GRACE), [id("a")]);
    assert!(queue.is_on_its_way(&id("a"), now + GRACE));
    assert_eq!(queue.due(), None);
    queue.delivered();
    assert_eq!(drain(&mut queue, now + GRACE), [id("a")], "an ACK is still waited for");
    queue.is_settled(&id("a"));
    queue.delivered();
    assert!(queue.is_idle());
}

#[test]
fn an_object_that_does_not_become_what_was_written_is_written_ever_less_often() {
    let (mut queue, start) = (Queue::default(), Instant::now());
    let (mut now, mut writes) = (start, 0);
    // Somebody else writes it back each time.
    while now < start + Duration::from_secs(3600) {
        if queue.may_write(&id("a"), seen("Running"), seen("theirs"), now) {
            queue.is_equal(&id("a"), now);
            writes += 1;
        }
        now += Duration::from_millis(100);
    }
    assert!((15..30).contains(&writes), "{writes}");
    assert!(queue.may_write(&id("a"), seen("Inactive"), seen("theirs"), now), "another status goes at once");
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now));
    queue.is_equal(&id("a"), now + LONGEST_WAIT * 3);
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now), "that has lasted");
}

#[test]
fn what_the_api_server_makes_of_it_is_not_fought() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    let much_later = now + Duration::from_secs(3600);
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now));
    queue.was_written(&id("a"), seen("pruned"));
    assert!(!queue.may_write(&id("a"), seen("Running"), seen("pruned"), much_later));
    assert_eq!(queue.due(), None);
    assert!(queue.may_write(&id("a"), seen("Running"), seen("theirs"), much_later));
}

#[test]
fn what_was_refused_is_tried_again_after_a_while() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now));
    queue.was_refused(&id("a"));
    assert_eq!(drain(&mut queue, now), []);
    assert_eq!(drain(&mut queue, now + FIRST_WAIT), [id("a")]);
}

#[test]
fn a_write_that_did_not_come_about_is_repeated() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now));
    queue.was_not_written(id("a"));
    assert_eq!(drain(&mut queue, now), [id("a")]);
    assert!(queue.may_write(&id("a"), seen("Running"), seen(""), now));
}

#[test]
fn all_are_looked_at_after_changes_and_not_too_often() {
    let (mut queue, now) = (Queue::default(), Instant::now());
    assert!(!queue.take_sweep(now));
    queue.neighbours(now);
    assert!(!queue.take_sweep(now));
    assert!(queue.take_sweep(now + GRACE));
    assert_eq!(queue.due(), None);
    queue.neighbours(now + GRACE);
    assert_eq!(queue.due(), Some(now + GRACE + SWEEP));
}

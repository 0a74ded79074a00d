use super::super::seen::{IDLE, LONGEST, ROOM};
use super::*;

fn hit(registry: &Registry, key: &str, now: Instant) {
    let found = read(&registry.rules).find(key);
    add(&found.unwrap_or_else(|| registry.see(key, now)).total_hits, 1);
}

fn hits(registry: &Registry, key: &str) -> Option<u64> {
    let rules = registry.rules();
    let found = rules.iter().find(|rule| rule.key() == key)?;
    Some(found.total_hits.load(Ordering::Relaxed))
}

#[test]
fn names_from_requests_are_bounded_and_unused_ones_give_way() {
    let (registry, begin) = (Registry::default(), Instant::now());
    for value in 0..ROOM + 5 {
        hit(&registry, &format!("d.k_{value}"), begin);
    }
    assert_eq!(registry.rules().len(), ROOM + 1);
    assert_eq!(hits(&registry, OVERFLOW), Some(5));
    // Before its time nobody gives way; then all but what is used.
    hit(&registry, "d.k_new", begin + IDLE / 2);
    hit(&registry, "d.k_0", begin + IDLE / 2);
    assert_eq!((hits(&registry, "d.k_new"), hits(&registry, OVERFLOW)), (None, Some(6)));
    hit(&registry, "d.k_new", begin + IDLE);
    assert_eq!((hits(&registry, "d.k_new"), hits(&registry, "d.k_0")), (Some(1), Some(2)));
    assert_eq!((hits(&registry, "d.k_1"), hits(&registry, OVERFLOW)), (None, Some(6)));
}

#[test]
fn names_that_a_thread_keeps_are_in_use() {
    let (registry, begin) = (Registry::default(), Instant::now());
    // Made, and then kept.
    (0..2).for_each(|_| add(&registry.seen("d.hot").total_hits, 1));
    for value in 0..ROOM {
        hit(&registry, &format!("d.k_{value}"), begin);
    }
    add(&registry.seen("d.hot").total_hits, 1);
    hit(&registry, "d.new", begin + IDLE);
    assert_eq!((hits(&registry, "d.hot"), hits(&registry, "d.new")), (Some(3), Some(1)));
    assert_eq!(hits(&registry, "d.k_1"), None);
}

#[test]
fn what_a_thread_keeps_gives_way_with_its_name() {
    let (registry, begin) = (Registry::default(), Instant::now());
    add(&registry.seen("d.k").total_hits, 1);
    for value in 0..ROOM {
        hit(&registry, &format!("d.k_{value}"), begin);
    }
    hit(&registry, "d.new", begin + IDLE);
    assert_eq!(hits(&registry, "d.k"), None);
    add(&registry.seen("d.k").total_hits, 1);
    assert_eq!(hits(&registry, "d.k"), Some(1));
    // Another registry on the same thread has its own.
    let other = Registry::default();
    add(&other.seen("d.k").total_hits, 1);
    assert_eq!((hits(&other, "d.k"), hits(&registry, "d.k")), (Some(1), Some(1)));
}

#[test]
fn a_name_that_is_configured_does_not_give_way() {
    let (registry, begin) = (Registry::default(), Instant::now());
    hit(&registry, "d.k", begin);
    add(&registry.configured("d.k").total_hits, 1);
    for value in 0..=ROOM {
        hit(&registry, &format!("d.k_{value}"), begin);
    }
    hit(&registry, "d.k_new", begin + IDLE);
    assert_eq!((hits(&registry, "d.k"), hits(&registry, "d.k_new")), (Some(2), Some(1)));
}

#[test]
fn counters_of_rules_that_are_gone_are_kept_as_those_of_requests_are() {
    let (registry, begin) = (Registry::default(), Instant::now());
    let in_force = registry.configured("d.in_force");
    for value in 0..2 * ROOM {
        add(&registry.configured(&format!("d.k_{value}")).total_hits, 1);
    }
    registry.release(begin);
    assert_eq!(registry.rules().len(), 1 + ROOM, "the one that is in force, and as many as there is room for");
    add(&in_force.total_hits, 1);
    // A rule that comes back counts on.
    let kept = registry.rules().iter().find(|rule| rule.key() != "d.in_force").unwrap().key().to_owned();
    add(&registry.configured(&kept).total_hits, 1);
    assert_eq!((hits(&registry, "d.in_force"), hits(&registry, &kept)), (Some(1), Some(2)));
}

#[test]
fn rules_that_have_counted_nothing_have_no_series() {
    let registry = Registry::default();
    let rule = registry.configured("d.k");
    let series = || registry.counters().into_keys().filter(|name| name.contains("d.k")).collect::<Vec<_>>();
    assert_eq!(series(), [""; 0]);
    add(&rule.total_hits, 1);
    assert_eq!(series(), ["ratelimit.service.rate_limit.d.k.total_hits"]);
}

#[test]
fn long_names_from_requests_are_counted_together() {
    let registry = Registry::default();
    let long = "x".repeat(LONGEST + 1);
    registry.configured(&format!("{long}.configured"));
    for key in [&long, &format!("{long}y"), &format!("{long}.configured"), &long[1..].to_owned()] {
        add(&registry.seen(key).total_hits, 1);
        registry.domain_not_found(key);
    }
    assert_eq!(hits(&registry, OVERFLOW), Some(2));
    assert_eq!(registry.rules().len(), 3);
    let unknown = registry.counters().into_iter().filter(|(name, _)| name.ends_with("domain_not_found"));
    assert_eq!(unknown.map(|(_, count)| count).sum::<u64>(), 4);
    assert_eq!(read(&registry.unknown_domains).iter().count(), 1);
}

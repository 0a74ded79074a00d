//! How many previews there may be, and which of them are served.

use nuncio_api::{Kind, ObjectId};

use super::{POLICY, PREVIEW, SITE, answer, apply, host, of, preview, reasons};
use crate::world::World;

#[test]
fn a_preview_that_has_ended_leaves_its_place_to_another() {
    let few = POLICY.replace("[Public]", "[Public], maxPreviews: 1");
    let short = PREVIEW.replace("  services", "  lifetime: {ttl: 1h}\n  services");
    let second = ObjectId::new(Kind::Preview, "default", "pr-43");
    let mut world = of(&[SITE, &few, &short, &PREVIEW.replace("pr-42", "pr-43")]);
    assert_eq!(reasons(&world, &second), ["TooManyPreviews"]);
    assert_eq!(world.previews_that_count().count(), 2);
    let own = host(&world);
    assert!(world.set_time(3600));
    world.apply([]);
    assert_eq!((reasons(&world, &preview()), reasons(&world, &second)), (vec!["Expired"], vec![]));
    assert_eq!((world.previews_that_count().count(), &*answer(&world, &own, "/")), (1, "410"));
    assert!(world.preview_has_ended(&preview(), false) && !world.preview_has_ended(&preview(), true));
    assert!(world.set_time(25 * 3600));
    world.apply([]);
    assert!(world.preview_has_ended(&preview(), true));
}

#[test]
fn a_newcomer_takes_nobodys_place() {
    let few = POLICY.replace("[Public]", "[Public], maxPreviews: 1");
    let named = |name: &str, time: &str| PREVIEW.replace("name: pr-42", &format!("name: {name}{time}"));
    let first = ObjectId::new(Kind::Preview, "default", "aa");
    for (old, new) in [
        (", creationTimestamp: '1970-01-02T00:00:00Z'", ", creationTimestamp: '1970-01-03T00:00:00Z'"),
        ("", ", creationTimestamp: '1970-01-09T00:00:00Z'"),
        ("", ""),
    ] {
        let mut world = of(&[SITE, &few]);
        world.set_time(3 * 86_400);
        apply(&mut world, &named("pr-42", old));
        world.set_time(3 * 86_400 + 1);
        apply(&mut world, &named("aa", new));
        assert_eq!((reasons(&world, &preview()), reasons(&world, &first)), (vec![], vec!["TooManyPreviews"]), "{new}");
    }
    // Of those that came at once the first by name is there.
    let world = of(&[SITE, &few, PREVIEW, &named("aa", "")]);
    assert_eq!((reasons(&world, &preview()), reasons(&world, &first)), (vec!["TooManyPreviews"], vec![]));
}

/// Who makes and ends one after the other has none of the others forgotten before its time.
#[test]
fn of_those_that_have_ended_the_last_are_told_of() {
    let few = POLICY.replace("access: [Public]", "access: [Public], maxPreviews: 1");
    let until = |name: &str, end: &str| {
        PREVIEW.replace("pr-42", name).replace("  services", &format!("  lifetime: {{expiresAt: '{end}'}}\n  services"))
    };
    let (first, last) = (until("a", "1970-01-01T01:00:00Z"), until("b", "1970-01-01T02:00:00Z"));
    let shown = |world: &World, name: &str| {
        let own = world.model().tables.keys().filter(|table| table.0.starts_with(&format!("web--{name}-"))).count();
        (own, reasons(world, &ObjectId::new(Kind::Preview, "default", name)).contains(&"TooManyPreviews"))
    };
    let mut world = of(&[SITE, &few, &first]);
    assert_eq!(shown(&world, "a"), (1, false));
    world.set_time(3 * 3600);
    apply(&mut world, &last);
    assert_eq!((shown(&world, "a"), shown(&world, "b")), ((0, true), (1, false)));
}

#[test]
fn there_may_be_a_bound_for_all_namespaces() {
    let policy = POLICY.replace("namespaces: [default]", "namespaces: ['*'], backends: Any, maxPreviewsTotal: 2");
    let of_team = PREVIEW.replace("name: pr-42", "name: zz, namespace: team");
    let (one, two) = (PREVIEW.replace("pr-42", "one"), PREVIEW.replace("pr-42", "two"));
    let world = of(&[SITE, &policy, &one, &two, &of_team]);
    let team = ObjectId::new(Kind::Preview, "team", "zz");
    assert!(reasons(&world, &team).contains(&"TooManyPreviews"));
    let all = policy.replace("Total: 2", "Total: 3");
    assert!(!reasons(&of(&[SITE, &all, &one, &two, &of_team]), &team).contains(&"TooManyPreviews"));
}

#[test]
fn ten_thousand_previews_of_one_namespace_are_not_served() {
    let mut world = of(&[SITE, &POLICY.replace("access: [Public]", "access: [Public], maxPreviews: 3")]);
    let tables = |world: &World| world.model().tables.values().filter(|table| table.preview.is_some()).count();
    let many: Vec<_> = (0..10_000).map(|at| PREVIEW.replace("pr-42", &format!("pr-{at:05}"))).collect();
    apply(&mut world, &many.concat());
    assert_eq!(tables(&world), 3);
    let beyond = ObjectId::new(Kind::Preview, "default", "pr-09999");
    assert_eq!(reasons(&world, &beyond), ["TooManyPreviews"]);
    // Those that went are remembered, and not more of them than may be there.
    let gone = (0..10_000).map(|at| (ObjectId::new(Kind::Preview, "default", format!("pr-{at:05}")), None));
    world.apply(gone);
    assert_eq!(tables(&world), 0);
    assert!(world.model().tables.keys().filter(|name| name.0.starts_with("web--")).count() <= 3);
}

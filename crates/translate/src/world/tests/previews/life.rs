//! What time does to previews.

use nuncio_ir::{Backend, RouteAction};

use super::{POLICY, PREVIEW, SITE, answer, apply, host, of, preview, reasons, route};
use crate::preview::REMEMBERED;
use crate::world::World;

#[test]
fn the_time_ends_a_preview_and_then_forgets_it() {
    let short = PREVIEW.replace("access:", "lifetime: {ttl: 8h}\n  access:");
    let mut world = of(&[SITE, POLICY]);
    world.set_time(1_000_000);
    apply(&mut world, &short);
    let host = host(&world);
    assert_eq!(world.preview_expires(&preview()), Some(1_000_000 + 8 * 3600));
    let mut after = |hours: u64| {
        let is_due = world.set_time(1_000_000 + hours * 3600);
        let delta = world.apply([]);
        assert_eq!(is_due, !delta.is_empty() || hours == 7, "{hours}");
        (answer(&world, &host, "/cart/"), reasons(&world, &preview()), world.take_turned().contains(&preview()))
    };
    assert_eq!(after(6), ("cart-42:80".to_owned(), vec![], false));
    assert_eq!(after(7), ("cart-42:80".to_owned(), vec!["ExpiresSoon"], true));
    assert_eq!(after(8), ("410".to_owned(), vec!["Expired"], true));
    assert_eq!(after(31), ("410".to_owned(), vec!["Expired"], false));
    assert_eq!(after(32), ("404".to_owned(), vec!["Expired"], false), "a name of none");
    // Extended, it is there again; deleted, its host says so for a day.
    apply(&mut world, &short.replace("8h", "80h"));
    assert_eq!(answer(&world, &host, "/cart/"), "cart-42:80");
    world.apply([(preview(), None)]);
    assert_eq!(answer(&world, &host, "/cart/"), "410");
    world.set_time(1_000_000 + 57 * 3600);
    world.apply([]);
    assert_eq!(answer(&world, &host, "/cart/"), "404");
}

/// What the page says that answers at a host.
fn page(world: &World, host: &str) -> String {
    match &route(world, host, "/cart/").action {
        RouteAction::Respond(respond) => respond.body.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_deleted_is_told_from_what_had_its_time() {
    let at = "1970-01-12T14:46:40Z";
    let ended = PREVIEW.replace("access:", &format!("lifetime: {{expiresAt: '{at}'}}\n  access:"));
    let noted =
        |time: &str| ended.replace("name: pr-42", &format!("name: pr-42, annotations: {{nuncio.dev/ended: '{time}'}}"));
    let mut world = of(&[SITE, POLICY]);
    world.set_time(1_000_000);
    apply(&mut world, &ended);
    let host = host(&world);
    world.set_time(1_003_600);
    apply(&mut world, &noted(at));
    assert_eq!(reasons(&world, &preview()), ["Deleted"]);
    assert!(page(&world, &host).contains("It was deleted") && !page(&world, &host).contains("time is over"));
    // What is of no pull request ended by none.
    let why = |world: &World| world.problems(&preview()).into_iter().next().unwrap().message;
    assert_eq!(why(&world), "is shown no more: it was deleted");
    let source = "source: {provider: GitHub, repository: acme/cart, pullRequest: 42}";
    apply(&mut world, &noted(at).replace("access:", &format!("{source}\n  access:")));
    assert_eq!(why(&world), "is shown no more: it was deleted, or its change was merged or closed");
    // That it was noted once counts no more where it was to end at another time since.
    for text in [ended.clone(), noted("1970-01-12T14:00:00Z")] {
        apply(&mut world, &text);
        assert_eq!(reasons(&world, &preview()), ["Expired"]);
        assert!(page(&world, &host).contains("Its time is over"));
    }
    // Of what somebody takes away, it is told whether that came before the end.
    world.apply([(preview(), None)]);
    assert!(page(&world, &host).contains("Its time is over"));
    apply(&mut world, PREVIEW);
    world.apply([(preview(), None)]);
    assert!(page(&world, &host).contains("It was deleted"));
}

#[test]
fn what_was_created_long_ago_has_ended() {
    let old = PREVIEW.replace("name: pr-42", "name: pr-42, creationTimestamp: '1970-01-02T00:00:00Z'");
    let mut world = of(&[SITE, &POLICY.replace("access: [Public]", "access: [Public], ttl: 1h")]);
    world.set_time(86_400 + 3_599);
    apply(&mut world, &old);
    assert_eq!(reasons(&world, &preview()), ["ExpiresSoon"]);
    world.set_time(86_400 + 3_600);
    world.apply([]);
    assert_eq!((reasons(&world, &preview()), world.preview_urls(&preview())), (vec!["Expired"], vec![]));
}

#[test]
fn what_nobody_asks_for_ends_and_who_asks_keeps_it() {
    let idle = PREVIEW.replace("access:", "lifetime: {idle: 1h}\n  access:");
    let mut world = of(&[SITE, POLICY]);
    world.set_time(1_000_000);
    apply(&mut world, &idle);
    let host = host(&world);
    assert_eq!(world.preview_expires(&preview()), None, "nobody looks yet");
    world.count_previews();
    world.apply([]);
    assert_eq!(world.preview_expires(&preview()), Some(1_000_000 + 3_600));
    world.set_time(1_000_000 + 3_599);
    world.note_preview_asked(&preview());
    assert!(!world.set_time(1_000_000 + 3_600));
    assert_eq!((answer(&world, &host, "/cart/"), reasons(&world, &preview())), ("cart-42:80".to_owned(), vec![]));
    assert!(world.set_time(1_000_000 + 7_199));
    world.apply([]);
    assert_eq!((answer(&world, &host, "/cart/"), reasons(&world, &preview())), ("410".to_owned(), vec!["Expired"]));
    // Another replica has seen somebody meanwhile.
    world.set_time(1_010_400);
    let asked = "name: pr-42, annotations: {nuncio.dev/asked: '1970-01-12T16:40:00Z'}";
    apply(&mut world, &idle.replace("name: pr-42", asked));
    assert_eq!(answer(&world, &host, "/cart/"), "cart-42:80");
    assert_eq!(world.preview_expires(&preview()), Some(1_010_400 + 3_600));
}

#[test]
fn a_time_to_come_gives_no_longer_life() {
    let policy = POLICY.replace("access: [Public]", "access: [Public], maxTTL: 2h");
    let lifetime = "lifetime: {ttl: 1h, from: Changed, idle: 30m}\n  access:";
    let at = "'2999-01-01T00:00:00Z'";
    let metadata = format!(
        "name: pr-42, creationTimestamp: {at}, annotations: {{nuncio.dev/changed: {at}, nuncio.dev/asked: {at}}}"
    );
    let preview_of = |lifetime: &str| PREVIEW.replace("name: pr-42", &metadata).replace("access:", lifetime);
    for (lifetime, hours) in [(lifetime, 1), (&lifetime.replace("ttl: 1h, ", "ttl: 9h, ").replace("30m", "9h"), 2)] {
        let mut world = of(&[SITE, &policy]);
        world.set_time(1_000_000);
        world.count_previews();
        apply(&mut world, &preview_of(lifetime));
        let end = world.preview_expires(&preview()).unwrap();
        assert!(end <= 1_000_000 + hours * 3600, "{end}");
        assert!(world.set_time(end));
        world.apply([]);
        assert_eq!(reasons(&world, &preview()), ["Expired"]);
        assert_eq!(world.preview_expires(&preview()), Some(end), "nor does it begin anew");
    }
}

#[test]
fn since_when_nobody_stands_in_for_a_service_is_told_and_names_no_object() {
    let told = |world: &World, host: &str| match &route(world, host, "/cart/").action {
        RouteAction::Forward(forward) => match &forward.arms[0].backend {
            Backend::Invalid { told: Some(told), .. } => told.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let missing = PREVIEW.replace("cart-42", "cart-9");
    let mut world = of(&[SITE, POLICY]);
    world.set_time(1_000_000);
    apply(&mut world, &missing);
    let host = host(&world);
    let first = told(&world, &host);
    assert!(first.page.contains("since 12 January 1970, 13:46:40 UTC"), "{}", first.page);
    assert!(!first.page.contains("cart-") && !first.page.contains("default/"), "{}", first.page);
    let problem: serde_json::Value = serde_json::from_str(&first.problem).unwrap();
    assert_eq!((&problem["since"], &problem["service"]), (&"1970-01-12T13:46:40Z".into(), &"cart".into()));
    // It stays so, whatever else the preview says; and begins anew when somebody was there.
    world.set_time(1_000_100);
    apply(&mut world, &missing.replace("access:", "lifetime: {ttl: 9h}\n  access:"));
    assert_eq!(told(&world, &host), first);
    apply(&mut world, PREVIEW);
    world.set_time(1_000_200);
    apply(&mut world, &missing);
    assert!(told(&world, &host).page.contains("since 12 January 1970, 13:50:00 UTC"));
}

#[test]
fn what_went_is_known_to_who_starts_anew_with_what_was_kept_of_it() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    world.set_time(1_000);
    let host = host(&world);
    world.apply([(preview(), None)]);
    assert_eq!(answer(&world, &host, "/cart/"), "410");
    let kept = world.gone_previews();
    assert_eq!((kept.len(), &kept[0].id, kept[0].until), (1, &preview(), 1_000 + REMEMBERED));

    let anew = |texts: &[&str], now: u64| {
        let mut world = of(texts);
        world.set_time(now);
        world.recall_gone_previews(kept.clone());
        if world.set_time(now) {
            world.apply([]);
        }
        answer(&world, &host, "/cart/")
    };
    assert_eq!(anew(&[SITE, POLICY], 2_000), "410");
    assert_eq!(anew(&[SITE, POLICY, PREVIEW], 2_000), "cart-42:80", "it is there again");
    assert_eq!(anew(&[SITE, POLICY], 1_000 + REMEMBERED), "404", "its time is over");
    let elsewhere = POLICY.replace("pre.example", "other.example");
    assert_ne!(anew(&[SITE, &elsewhere], 2_000), "410", "it was another domain");
}

//! RateLimits and RateLimitServices: what a change of them touches, and of whom it is news.

use std::sync::Arc;

use nuncio_api::{Defaults, Kind, ObjectId, parse};
use nuncio_ir::{Delta, RateLabel, RouteAction, Slot, SlotFilter};

use super::world;
use crate::World;

const EDGE: &str = include_str!("listener.yaml");

fn object(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

fn mapping(name: &str, domain: &str) -> String {
    labelled(name, domain, "{generic_key: {value: x}}, {user: {header: x-user}}, {user_id: {header: x-id}}")
}

fn labelled(name: &str, domain: &str, labels: &str) -> String {
    grouped(name, domain, &[labels])
}

fn grouped(name: &str, domain: &str, groups: &[&str]) -> String {
    let groups: Vec<_> = groups.iter().map(|labels| format!("{{g: [{labels}]}}")).collect();
    let labels = format!("{{{domain}: [{}]}}", groups.join(", "));
    object("Mapping", name, &format!("{{hostname: '*', prefix: /{name}/, service: '127.0.0.1:80', labels: {labels}}}"))
}

fn limit(name: &str, domain: &str, pattern: &str) -> String {
    let spec = format!("{{domain: {domain}, limits: [{{pattern: {pattern}, rate: 1, unit: day}}]}}");
    object("RateLimit", name, &spec)
}

fn apply(world: &mut World, text: &str) -> Delta {
    let parsed = parse(text.as_bytes(), &"limits.yaml".into(), &Defaults::default());
    world.apply(parsed.objects.into_iter().map(|object| (object.id.clone(), Some(Arc::new(object)))))
}

fn remove(world: &mut World, kind: Kind, name: &str) -> Delta {
    world.apply([(ObjectId::new(kind, "default", name), None)])
}

fn is_asked(world: &World) -> bool {
    matches!(world.model().extensions[&Slot::Limit].filter, SlotFilter::Limit(_))
}

#[test]
fn neither_the_first_limit_nor_the_last_nor_a_service_changes_a_listener() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &mapping("m", "ambassador")));
    assert!(!world.model().listeners.is_empty() && !is_asked(&world));
    let mut changes = |what: &str, asked: bool, change: &dyn Fn(&mut World) -> Delta| {
        let delta = change(&mut world);
        assert!(delta.listeners.is_empty(), "{what}: {:?}", delta.listeners);
        assert_eq!((delta.extensions.len(), is_asked(&world)), (1, asked), "{what}");
    };
    changes("the first", true, &|world| apply(world, &limit("l", "ambassador", "[{a: b}]")));
    let service = |spec: &str| object("RateLimitService", "s", spec);
    changes("a service", true, &|world| apply(world, &service("{service: '127.0.0.1:1', protocol_version: v3}")));
    changes("another", true, &|world| apply(world, &service("{service: '127.0.0.1:2', timeout_ms: 7}")));
    changes("none", true, &|world| remove(world, Kind::RateLimitService, "s"));
    changes("the last", false, &|world| remove(world, Kind::RateLimit, "l"));
}

/// Edge Stack's users say nothing of a timeout, and theirs is ours.
#[test]
fn our_own_service_is_given_more_time_than_another_unless_it_is_said() {
    let mut world = world();
    apply(&mut world, &(EDGE.to_owned() + &limit("l", "ambassador", "[{a: b}]")));
    for (spec, is_own, milliseconds) in [
        ("{service: '127.0.0.1:8500', protocol_version: v3}", true, 500),
        ("{service: '127.0.0.1:8500', protocol_version: v3, timeout_ms: 5000}", true, 5_000),
        ("{service: '127.0.0.1:8501', protocol_version: v3}", false, 20),
    ] {
        apply(&mut world, &object("RateLimitService", "s", spec));
        match &world.model().extensions[&Slot::Limit].filter {
            SlotFilter::Limit(service) => {
                assert_eq!(service.authority == "nuncio-ratelimit", is_own, "{spec}");
                assert_eq!(service.timeout.as_millis(), milliseconds, "{spec}");
            }
            other => panic!("{spec}: {other:?}"),
        }
    }
}

#[test]
fn a_change_of_a_limit_changes_the_rules_of_its_domain_alone() {
    let mut world = world();
    apply(&mut world, EDGE);
    apply(&mut world, &(limit("one", "a", "[{a: b}]") + &limit("two", "b", "[{a: b}]")));
    let delta = apply(&mut world, &limit("one", "a", "[{a: c}]"));
    assert_eq!(delta.limits.iter().map(|(domain, _)| &**domain).collect::<Vec<_>>(), ["a"]);
    assert!(delta.tables.is_empty() && delta.clusters.is_empty(), "{delta:?}");
    let delta = apply(&mut world, &limit("one", "b", "[{a: c}]"));
    let changed: Vec<_> = delta.limits.iter().map(|(domain, rules)| (&**domain, rules.is_some())).collect();
    assert_eq!(changed, [("a", false), ("b", true)]);
}

/// An object and why something is wrong with it; none where nothing is.
type Wrong<'a> = (Kind, &'a str, Option<&'static str>);

#[test]
fn what_is_wrong_with_others_by_a_limit_or_a_service_is_news_of_theirs() {
    let mut world = world();
    let groups = ["{user: {header: x-user}}", "{user_id: {header: x-id}}"];
    let objects = [EDGE.to_owned(), grouped("m", "ambassador", &groups), mapping("else", "else")];
    apply(&mut world, &objects.concat());
    world.take_turned();
    let step = |world: &mut World, wrong: &[Wrong<'_>]| {
        let turned = world.take_turned();
        for (kind, name, reason) in wrong {
            let id = ObjectId::new(*kind, "default", *name);
            assert!(turned.contains(&id), "{id} in {turned:?}");
            let found = world.problems(&id);
            let reasons: Vec<_> =
                found.iter().map(|problem| problem.reason).filter(|reason| !reason.contains("Host")).collect();
            assert_eq!(reasons, reason.iter().copied().collect::<Vec<_>>(), "{id}");
        }
    };
    assert_eq!(world.problems(&ObjectId::new(Kind::Mapping, "default", "m"))[0].reason, "NoRateLimitService");
    apply(&mut world, &limit("first", "ambassador", "[{user: id}]"));
    step(&mut world, &[(Kind::Mapping, "m", None), (Kind::Mapping, "else", Some("OtherLabelDomain"))]);
    apply(&mut world, &limit("a", "ambassador", "[{user_id: '*'}]"));
    step(&mut world, &[(Kind::RateLimit, "a", Some("AmbiguousPattern"))]);
    apply(&mut world, &object("RateLimitService", "s", "{service: '127.0.0.1:1', domain: else}"));
    let ambiguous = [(Kind::Mapping, "m", Some("OtherLabelDomain")), (Kind::Mapping, "else", None)];
    step(&mut world, &ambiguous);
    remove(&mut world, Kind::RateLimitService, "s");
    step(&mut world, &[(Kind::RateLimit, "first", None)]);
    remove(&mut world, Kind::RateLimit, "first");
    step(&mut world, &[(Kind::RateLimit, "a", None)]);
    remove(&mut world, Kind::RateLimit, "a");
    step(&mut world, &[(Kind::Mapping, "m", Some("NoRateLimitService"))]);
}

#[test]
fn labels_that_no_mapping_has_or_not_in_this_order_are_told_of_as_long_as_that_is_so() {
    let mut world = world();
    let one = limit("one", "ambassador", "[{generic_key: x}, {usr: '*', user: ''}]");
    let other = limit("other", "ambassador", "[{generic_key: b}]");
    apply(&mut world, &[EDGE.to_owned(), mapping("m", "ambassador"), one, other].concat());
    let told = |world: &mut World, name: &str| {
        let id = ObjectId::new(Kind::RateLimit, "default", name);
        let news = world.take_turned().contains(&id);
        (news, world.problems(&id).into_iter().map(|problem| (problem.reason, problem.field)).collect::<Vec<_>>())
    };
    let unmet = |place: usize| vec![("NoSuchLabel", format!("spec.limits[0].pattern[{place}]"))];
    let apart = vec![("NoSuchGroup", "spec.limits[0].pattern".to_owned())];
    assert_eq!(told(&mut world, "one"), (true, Vec::new()));
    assert_eq!(told(&mut world, "other").1, unmet(0), "the value is another");
    apply(&mut world, &labelled("m", "ambassador", "{generic_key: {value: b}}"));
    assert_eq!(told(&mut world, "other"), (true, Vec::new()));
    assert_eq!(told(&mut world, "one").1, unmet(0), "one problem of a limit is enough");
    apply(&mut world, &labelled("next", "ambassador", "{generic_key: x}"));
    assert_eq!(told(&mut world, "one"), (true, unmet(1)));
    apply(&mut world, &labelled("last", "ambassador", "{user: {header: x-user}}"));
    assert_eq!(told(&mut world, "one"), (true, apart.clone()), "no group has both");
    apply(&mut world, &labelled("last", "ambassador", "{user: {header: x-user}}, {generic_key: x}"));
    assert_eq!(told(&mut world, "one"), (true, apart), "labels have an order");
    apply(&mut world, &labelled("last", "ambassador", "{generic_key: x}, {user: {header: x-user}}"));
    assert_eq!(told(&mut world, "one"), (true, Vec::new()));
    apply(&mut world, &labelled("last", "ambassador", "{generic_key: z}"));
    assert_eq!(told(&mut world, "one"), (true, unmet(1)));
    // Nobody knows what it was to say.
    apply(&mut world, &object("Mapping", "broken", "{prefix: /, service: s, timeout_ms: soon}"));
    assert_eq!(told(&mut world, "one"), (true, Vec::new()));
    remove(&mut world, Kind::Mapping, "broken");
    assert_eq!(told(&mut world, "one"), (true, unmet(1)));
    // Nor what a text was to say that cannot be read at all.
    for (has_unread, expected) in [(true, Vec::new()), (false, unmet(1))] {
        world.note_unread_mappings(has_unread);
        world.apply([]);
        assert_eq!(told(&mut world, "one"), (true, expected));
    }
}

/// The Module's labels go before those of the Mapping's own domains; where it has no labels they stand alone, in the Module's
/// default domain.
#[test]
fn the_module_s_labels_are_added_to_those_that_are_asked_about() {
    for (labels, domain, keys) in [
        ("", "ambassador", &["default"][..]),
        (", labels: {}", "ambassador", &["default"]),
        (", labels: {ambassador: [{g: [{generic_key: {value: x}}]}]}", "ambassador", &["default", "x"]),
        (", labels: {else: [{g: [{generic_key: {value: x}}]}]}", "ambassador", &[]),
        (", labels: {shop: [{g: [{generic_key: {value: x}}]}]}", "shop", &["shops", "x"]),
        ("", "shop", &[]),
    ] {
        let defaults = "{config: {default_labels: {ambassador: {defaults: [{generic_key: {value: default}}]}, \
                        shop: {defaults: [{generic_key: {value: shops}}]}}}}";
        let mut world = world();
        let service = format!("{{service: '127.0.0.1:1', protocol_version: v3, domain: {domain}}}");
        let mapping = format!("{{hostname: '*', prefix: /, service: '127.0.0.1:80'{labels}}}");
        let objects = [
            EDGE.to_owned(),
            object("Module", "ambassador", defaults),
            object("RateLimitService", "s", &service),
            object("Mapping", "m", &mapping),
        ];
        apply(&mut world, &objects.concat());
        let routes = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
        let route = routes.into_iter().find(|route| &*route.name == "default/m").expect("a route");
        let descriptors = route.limits.iter().flat_map(|limits| &limits.descriptors).flatten();
        let found = descriptors.map(|label| match label {
            RateLabel::Text { value, .. } => value.as_str(),
            other => panic!("{other:?}"),
        });
        assert_eq!(found.collect::<Vec<_>>(), keys, "{labels} in {domain}");
    }
}

/// Who counts is told no key of a preview, by whatever header.
#[test]
fn a_header_that_holds_keys_is_no_label() {
    let policy = |headers: &str| {
        format!(
            "apiVersion: nuncio.dev/v1alpha1\nkind: PreviewPolicy\nmetadata: {{name: previews}}\n\
             spec: {{domain: pre.example, namespaces: [default], hosts: [shop.example], access: [Public]{headers}}}\n---\n"
        )
    };
    let id = |name: &str| ObjectId::new(Kind::Mapping, "default", name);
    let reasons = |world: &World, name: &str| {
        world.problems(&id(name)).into_iter().map(|problem| problem.reason).collect::<Vec<_>>()
    };
    let labels = |world: &World| {
        let tables = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
        let limits = tables.filter(|route| route.origins.contains(&id("m"))).filter_map(|route| route.limits.as_ref());
        let groups = limits.flat_map(|limits| &limits.descriptors);
        groups.map(Vec::len).collect::<Vec<_>>()
    };
    let mapping = grouped(
        "m",
        "ambassador",
        &[
            "{a: {header: X-Branch}}, {b: {header: x-user}}",
            "{c: {header: x-branch, omit_if_not_present: true}}, {d: {header: x-user}}",
        ],
    );
    let limited = [EDGE, &mapping, &limit("l", "ambassador", "[{a: b}]")].concat();
    let mut world = world();
    apply(&mut world, &(limited + &policy("")));
    assert_eq!((labels(&world), reasons(&world, "m")), (vec![2, 2], vec![]));
    // The first group counts all requests as one.
    apply(&mut world, &policy(", headers: [X-Branch]"));
    assert_eq!((labels(&world), reasons(&world, "m")), (vec![2, 1], vec!["InvalidFormat"; 2]));
    assert!(world.take_turned().contains(&id("m")));
    apply(&mut world, &policy(""));
    assert_eq!((labels(&world), reasons(&world, "m")), (vec![2, 2], vec![]));
    for header in ["baggage", "X-Nuncio-Preview", "x-nuncio-share"] {
        apply(&mut world, &labelled("m", "ambassador", &format!("{{k: {{header: {header}}}}}")));
        assert_eq!((labels(&world), reasons(&world, "m")), (vec![1], vec!["InvalidFormat"]), "{header}");
        let routes = world.model().tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
        let mut own = routes.filter(|route| route.origins.contains(&id("m")));
        assert!(
            own.any(|route| matches!(route.action, RouteAction::Forward(_))),
            "{header}: it is served all the same"
        );
    }
}

//! Previews that include others.

use nuncio_api::{Kind, ObjectId};

use super::{POLICY, PREVIEW, SITE, answer, apply, of, reasons};
use crate::world::World;

/// Another service of which the one that is included has a version.
const WEB: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web-7}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-7, labels: {kubernetes.io/service-name: web-7}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.7], conditions: {ready: true}}]
ports: [{port: 80}]
---
";

const INCLUDED: &str = "\
apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata: {name: web-7}
spec:
  services: [{baseline: web, backend: web-7}]
  entrypoints: [{name: web, host: shop.example}]
  access: {mode: Public}
---
";

fn id(name: &str) -> ObjectId {
    ObjectId::new(Kind::Preview, "default", name)
}

/// The Preview that includes, with what it says of that.
fn including(include: &str) -> String {
    PREVIEW.replace("  entrypoints", &format!("  includes: [{{{include}}}]\n  entrypoints"))
}

/// What its host answers at the place of its own service, and at that of the included one.
fn answers(world: &World) -> [String; 2] {
    let host = super::host(world);
    ["/cart/", "/"].map(|path| answer(world, &host, path))
}

fn served() -> [String; 2] {
    ["cart-42:80".to_owned(), "web-7:80".to_owned()]
}

#[test]
fn what_is_included_follows_the_one_that_says_so() {
    let including = including("name: web-7");
    let mut world = of(&[SITE, WEB, POLICY, &including, INCLUDED]);
    assert_eq!((answers(&world), reasons(&world, &id("pr-42"))), (served(), vec![]));
    assert_eq!(world.preview_replacements(&id("pr-42"))[1].included, Some(&id("web-7")));
    // It has another backend, is not there, is there again.
    let changed = INCLUDED.replace("backend: web-7", "backend: cart-42");
    apply(&mut world, &changed);
    assert_eq!(answers(&world), ["cart-42:80", "cart-42:80"]);
    assert_eq!(world.model(), of(&[SITE, WEB, POLICY, &including, &changed]).model());
    world.apply([(id("web-7"), None)]);
    assert_eq!(
        (answers(&world), reasons(&world, &id("pr-42"))),
        (["503", "503"].map(String::from), vec!["IncludeMissing"])
    );
    apply(&mut world, INCLUDED);
    assert_eq!(answers(&world), served());
    // Its backend goes.
    world.apply([(ObjectId::new(Kind::EndpointSlice, "default", "web-7"), None)]);
    let lacks = "503 Preview default/web-7: Service default/web-7 has no ready endpoint";
    assert_eq!((&*answers(&world)[1], reasons(&world, &id("pr-42"))), (lacks, vec!["NoEndpoints"]));
    world.apply([(id("pr-42"), None), (id("web-7"), None)]);
    assert_eq!(world.preview_members(&id("pr-42")).count(), 0);
}

#[test]
fn the_baseline_takes_the_place_of_what_has_ended_where_that_is_said() {
    let over = "503 Preview default/web-7: Preview default/web-7 has ended";
    for (include, ended) in [
        ("name: web-7", ["cart-42:80", over]),
        ("name: web-7, whenMissing: Fail", ["cart-42:80", over]),
        ("name: web-7, whenMissing: Baseline", ["cart-42:80", "web:80"]),
    ] {
        let short = INCLUDED.replace("  services", "  lifetime: {ttl: 1h}\n  services");
        let mut world = of(&[SITE, WEB, POLICY, &including(include), &short]);
        assert_eq!(answers(&world), served(), "{include}");
        assert!(world.set_time(3600));
        let delta = world.apply([]);
        assert_eq!((answers(&world), delta.tables.len()), (ended.map(String::from), 2), "{include}");
        assert_eq!(reasons(&world, &id("pr-42")), ["IncludeMissing"], "{include}");
    }
}

#[test]
fn of_two_for_the_same_service_the_first_counts() {
    let other = INCLUDED.replace("services: [", "services: [{baseline: cart, backend: web-7}, ");
    let world = of(&[SITE, WEB, POLICY, &including("name: web-7"), &other]);
    assert_eq!((answers(&world), reasons(&world, &id("pr-42"))), (served(), vec!["IncludeConflict"]));
    let told = &world.problems(&id("pr-42"))[0];
    assert_eq!(told.field, "spec.includes[0]");
    assert!(told.message.contains("that of Preview default/pr-42 counts"), "{}", told.message);
    // The same is no conflict.
    for said in ["", ", docs: {path: /v2/openapi.json}"] {
        let same = format!("services: [{{baseline: cart, backend: cart-42{said}}}, ");
        let same = INCLUDED.replace("services: [", &same);
        let world = of(&[SITE, WEB, POLICY, &including("name: web-7"), &same]);
        assert_eq!((answers(&world), reasons(&world, &id("pr-42"))), (served(), vec![]), "{said}");
    }
}

#[test]
fn nothing_is_shown_of_a_cycle_and_it_is_told() {
    let back = INCLUDED.replace("  entrypoints", "  includes: [{name: pr-42}]\n  entrypoints");
    let mut world = of(&[SITE, WEB, POLICY, &including("name: web-7"), &back]);
    assert_eq!(answers(&world), ["503", "503"]);
    for name in ["pr-42", "web-7"] {
        assert_eq!(reasons(&world, &id(name)), ["IncludeCycle"], "{name}");
    }
    apply(&mut world, INCLUDED);
    assert_eq!(answers(&world), served());
}

#[test]
fn what_the_policy_does_not_allow_is_not_included() {
    let elsewhere = INCLUDED.replace("{name: web-7}\nspec", "{name: web-7, namespace: team}\nspec");
    let own = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n---\n";
    let services = own.to_owned() + &WEB.replace("{name: web-7", "{namespace: team, name: web-7");
    let including = including("name: web-7, namespace: team");
    let replaced = elsewhere.replace("baseline: web", "baseline: web.default");
    let forbidden = "503 Preview team/web-7: Preview team/web-7 is not shown: the PreviewPolicy allows no previews in the \
                     namespace team";
    for (namespaces, includes, expected) in [
        ("[default, team]", "AnyNamespace", served()),
        ("[default, team]", "SameNamespace", ["503", "503"].map(String::from)),
        ("[default]", "AnyNamespace", ["cart-42:80", forbidden].map(String::from)),
    ] {
        let policy = format!("namespaces: {namespaces}, includes: {includes}");
        let policy = POLICY.replace("namespaces: [default]", &policy);
        let world = of(&[SITE, &services, &policy, &including, &replaced]);
        let found = answers(&world).map(|text| text.replace("web-7.team", "web-7"));
        assert_eq!(found, expected, "{namespaces} {includes}");
    }
}

#[test]
fn a_group_needs_no_services_of_its_own_and_is_behind_its_own_gate() {
    let group = including("name: web-7").replace("  services: [{baseline: cart, backend: cart-42}]\n", "");
    let world = of(&[SITE, WEB, POLICY, &group, INCLUDED]);
    assert_eq!((answers(&world), reasons(&world, &id("pr-42"))), (["cart:80", "web-7:80"].map(String::from), vec![]));
}

/// Who is let in by the one that includes another is not let in by that.
#[test]
fn what_is_for_fewer_is_not_shown_by_what_is_for_more() {
    let filter = "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {name: login}\n\
                  spec: {JWT: {jwksURI: https://id.example/keys}}\n---\n";
    let policy = POLICY.replace("[Public]", "[Public, Members], filters: [{name: login}]");
    let members = |text: &str, groups: &str| {
        text.replace("access: {mode: Public}", &format!("access: {{mode: Members, groups: {groups}}}"))
    };
    let narrow = members(INCLUDED, "[web, cart]");
    let told = "503 Preview default/web-7: Preview default/web-7 may not be seen by all who may see this one";
    let missing =
        |world: &World| world.problems(&id("pr-42")).into_iter().map(|it| (it.reason, it.field)).collect::<Vec<_>>();
    let mut world = of(&[SITE, WEB, filter, &policy, &including("name: web-7"), &narrow]);
    assert_eq!(answers(&world), ["cart-42:80", told]);
    assert_eq!(missing(&world), [("IncludeMissing", "spec.includes[0]".to_owned())]);
    // Who is not let in everywhere is let in nowhere by it.
    apply(&mut world, &members(&including("name: web-7"), "[cart, others]"));
    assert_eq!(answers(&world), ["cart-42:80", told]);
    apply(&mut world, &members(&including("name: web-7"), "[cart]"));
    assert_eq!((answers(&world), missing(&world)), (served(), vec![]));
    // What it says now counts, whenever it says it.
    apply(&mut world, &members(INCLUDED, "[web]"));
    assert_eq!(answers(&world), ["cart-42:80", told]);
    apply(&mut world, &including("name: web-7, whenMissing: Baseline"));
    assert_eq!(answers(&world), ["cart-42:80", "web:80"]);
}

#[test]
fn no_link_shows_what_a_fork_has() {
    let policy = POLICY.replace("[Public]", "[Public, ShareLink]");
    let by_links = |text: &str| text.replace("mode: Public", "mode: ShareLink");
    let of_fork = |text: &str| {
        let source = "  source: {provider: GitHub, repository: acme/web, pullRequest: 7, fork: true}\n  access:";
        text.replace("  access:", source)
    };
    let including = including("name: web-7");
    let reasons_with = |whole: &str, part: &str| reasons(&of(&[SITE, WEB, &policy, whole, part]), &id("pr-42"));
    assert_eq!(reasons_with(&by_links(&including), &by_links(INCLUDED)), [""; 0]);
    assert_eq!(reasons_with(&by_links(&including), &of_fork(&by_links(INCLUDED))), ["IncludeMissing"]);
    assert_eq!(
        reasons_with(&including, &of_fork(INCLUDED)),
        [""; 0],
        "whoever knows its address sees it there as well"
    );
}

//! What a policy allows, and which names are for previews alone.

use nuncio_api::{Kind, ObjectId, Spec};

use super::{POLICY, PREVIEW, SITE, answer, host, objects, of, preview, reasons};
use crate::world::World;

#[test]
fn names_below_the_domain_are_for_previews_alone() {
    let taking = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: taking}\n\
                  spec: {hostname: '*', prefix: /, service: web}\n---\n";
    let exact = taking.replace("'*'", "x.pre.example").replace("taking", "exact");
    let pattern = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: pre}\n\
                   spec: {hostname: '*.pre.example', requestPolicy: {insecure: {action: Route}}}\n---\n";
    let mut world = of(&[SITE, POLICY, taking, &exact, pattern, PREVIEW]);
    for host in ["x.pre.example", "web--pr-43-aaaaaaaaaaaaaaaa.pre.example"] {
        assert_eq!(answer(&world, host, "/"), "404", "{host}");
    }
    assert_eq!(
        reasons(&world, &ObjectId::new(Kind::Mapping, "default", "exact")),
        ["NoEndpoints", "ReservedForPreviews"]
    );
    assert_eq!(answer(&world, "other.example", "/"), "web:80");
    // Without the policy they are as any others.
    world.apply([(ObjectId::new(Kind::PreviewPolicy, "default", "previews"), None)]);
    assert_eq!(answer(&world, "x.pre.example", "/"), "web:80");
    assert_eq!(reasons(&world, &preview()), ["NoPreviewPolicy"]);
    assert_eq!(world.model(), of(&[SITE, taking, &exact, pattern]).model());
}

#[test]
fn a_domain_that_would_take_a_name_from_the_baseline_takes_none() {
    for domain in ["example", "EXAMPLE"] {
        let slip = POLICY.replace("pre.example", domain);
        let world = of(&[SITE, &slip, PREVIEW]);
        assert_eq!(answer(&world, "shop.example", "/cart/x"), "cart:80", "{domain}");
        let found = world.problems(&preview()).remove(0).message;
        assert!(found.contains("spec.domain: would take shop.example from its services"), "{found}");
    }
    // Two labels below it is what no preview is called.
    let world = of(&[SITE, &POLICY.replace("pre.example", "example").replace("'shop.example'", "'a.shop.example'")]);
    assert_eq!(reasons(&world, &ObjectId::new(Kind::PreviewPolicy, "default", "previews")), Vec::<String>::new());
}

#[test]
fn a_policy_that_is_not_valid_is_not_called_missing() {
    let told =
        |world: &World| world.problems(&preview()).into_iter().map(|problem| problem.message).collect::<Vec<_>>();
    let missing = "serves nothing: there is no PreviewPolicy in the namespace default";
    assert_eq!(told(&of(&[SITE, PREVIEW])), [missing]);
    let bad = POLICY.replace("access: [Public]", "access: [Public], filters: [{name: f, arguments: {require: '('}}]");
    let found = told(&of(&[SITE, &bad, PREVIEW]));
    let why = "serves nothing: PreviewPolicy default/previews is not valid: spec.filters[0].arguments.require: ";
    assert!(found[0].starts_with(why), "{found:?}");
}

#[test]
fn what_would_be_refused_is_known_before_it_is_there() {
    let world = of(&[SITE, &POLICY.replace("[Public]", "[Public], maxTTL: 2h")]);
    let refused = |text: &str| {
        let objects = objects(text);
        let Spec::Preview(spec) = &objects[0].spec else { panic!("{text}") };
        let refused = world.refused_of_preview(&preview(), spec);
        refused.iter().map(|problem| problem.field.clone()).collect::<Vec<_>>()
    };
    assert!(refused(PREVIEW).is_empty());
    for (allowed, changed, field) in [
        ("mode: Public", "mode: Authenticated", "spec.access.mode"),
        ("host: shop.example", "host: other.example", "spec.entrypoints[0].host"),
        ("backend: cart-42", "backend: cart.team", "spec.services[0].backend"),
        ("  access:", "  lifetime: {ttl: 3h}\n  access:", "spec.lifetime.ttl"),
    ] {
        assert_eq!(refused(&PREVIEW.replace(allowed, changed))[0], field, "{changed}");
    }
    // Who is not there yet may come, and who stays for as long as is allowed stays.
    assert!(refused(&PREVIEW.replace("cart-42", "cart-9")).is_empty());
    assert!(refused(&PREVIEW.replace("  access:", "  lifetime: {ttl: 2h}\n  access:")).is_empty());
}

#[test]
fn the_policy_says_what_may_be() {
    let table = [
        ("namespaces: [default]", "namespaces: [team]", "NotAllowed"),
        ("hosts: ['shop.example']", "hosts: ['*.shop.example']", "NotAllowed"),
        ("metadata: {name: previews}", "metadata: {name: previews, namespace: team}", "NoPreviewPolicy"),
        ("access: [Public]", "access: [Public], maxPreviews: 0", "TooManyPreviews"),
    ];
    for (allowed, changed, reason) in table {
        let world = of(&[SITE, &POLICY.replace(allowed, changed), PREVIEW]);
        assert_eq!(reasons(&world, &preview()), [reason], "{changed}");
        assert_eq!(world.preview_urls(&preview()), [], "{changed}");
        assert!(world.model().tables.keys().all(|name| !name.0.starts_with("web--")), "{changed}");
    }
    for backend in ["cart.team", "10.0.0.1:80", "metadata.internal.example"] {
        let preview = PREVIEW.replace("cart-42", backend).replace("}]\n  entry", ", whenMissing: Baseline}]\n  entry");
        let world = of(&[SITE, POLICY, &preview]);
        assert!(answer(&world, &host(&world), "/cart/").starts_with("503"), "{backend}");
        assert_eq!(reasons(&world, &self::preview()), ["NotAllowed"], "{backend}");
        let world = of(&[SITE, &POLICY.replace("[Public]", "[Public], backends: Any"), &preview]);
        assert!(answer(&world, &host(&world), "/cart/").starts_with(backend.split(':').next().unwrap()), "{backend}");
    }
}

#[test]
fn what_is_not_allowed_is_never_the_baseline() {
    let inside = "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: inside}\n\
                  spec: {port: 8081, protocol: HTTP, securityModel: XFP, internal: true, hostBinding: {namespace: {from: ALL}}}\n---\n";
    let everything = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: all}\n\
                      spec: {hostname: '*', prefix: /, service: web}\n---\n";
    let policy = POLICY.replace("[Public]", "[Public], selectors: [Header]");
    let sound = of(&[SITE, inside, everything, &policy, PREVIEW]);
    let own = host(&sound);
    let led = |world: &World, preview: &dyn Fn(&str) -> bool| {
        world.model().tables.values().filter(|table| preview(&table.scope.preview)).count()
    };
    let is_named = |said: &str| said.starts_with('=') || said.starts_with("npk");
    assert!(led(&sound, &is_named) > 2, "{:?}", sound.model().tables.keys());
    for (allowed, changed, reason) in [
        ("namespaces: [default]", "namespaces: [team]", "NotAllowed"),
        ("hosts: ['shop.example']", "hosts: ['other.example']", "NotAllowed"),
        ("access: [Public]", "access: [Authenticated], filters: [{name: f}]", "NotAllowed"),
        ("access: [Public]", "access: [Public], maxPreviews: 0", "TooManyPreviews"),
        ("access: [Public]", "access: [Publik]", "NoPreviewPolicy"),
        ("access: [Public]", "access: [Public], maxTTL: 0s", "Expired"),
    ] {
        let world = of(&[SITE, inside, everything, &policy.replace(allowed, changed), PREVIEW]);
        assert_eq!(reasons(&world, &preview()), [reason], "{changed}");
        let expected = if reason == "Expired" { "410" } else { "404" };
        assert_eq!(answer(&world, &own, "/cart/"), expected, "{changed}");
        assert_eq!(led(&world, &is_named), 0, "{changed}: nobody is led there by a name or a key");
    }
}

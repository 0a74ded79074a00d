//! Keys of previews, and what is made of them.

use nuncio_api::{Kind, ObjectId};

use super::{POLICY, PREVIEW, SITE, answer, apply, host, of, preview, reasons};
use crate::world::World;
use crate::{Settings, Topology};

const KEYS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: nuncio-preview-keys}
stringData: {key: sixteen-or-more-bytes}
---
";

/// Whoever knows the names of objects, which branches tell, knows no URL.
#[test]
fn nobody_computes_where_a_preview_is_without_the_secret() {
    let secret = |key: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: nuncio-preview-keys}}\nstringData: {{key: {key}}}\n---\n"
        )
    };
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    let plain = host(&world);
    apply(&mut world, &secret("sixteen-or-more-bytes"));
    let own = host(&world);
    assert_ne!(own, plain);
    assert_eq!(
        (answer(&world, &plain, "/cart/x"), answer(&world, &own, "/cart/x")),
        ("404".into(), "cart-42:80".into())
    );
    // It is the same for the same secret, whatever becomes of the object.
    world.apply([(preview(), None)]);
    apply(&mut world, &PREVIEW.replace("name: pr-42", "name: pr-42, uid: another"));
    assert_eq!(host(&world), own);
    apply(&mut world, &secret("another-one-of-them"));
    assert_ne!(host(&world), own);
    assert_eq!(
        world.model(),
        of(&[
            SITE,
            POLICY,
            &PREVIEW.replace("name: pr-42", "name: pr-42, uid: another"),
            &secret("another-one-of-them")
        ])
        .model()
    );
    // Where there should be a secret the names are nobody's either.
    let named = POLICY.replace("access: [Public]", "access: [Public], secretName: keys");
    assert_ne!(host(&of(&[SITE, &named, PREVIEW])), plain);
}

/// What was handed on by services is worth nothing once it is withdrawn, or the object another.
#[test]
fn the_key_of_a_preview_is_changed_by_its_generation_and_with_its_object() {
    let policy = POLICY.replace("[Public]", "[Public, ShareLink]");
    let shared = PREVIEW.replace("mode: Public", "mode: ShareLink");
    let fingerprint = |world: &World| world.preview_fingerprint(&preview()).unwrap();
    let mut world = of(&[SITE, &policy, &shared]);
    let (first, place) = (fingerprint(&world), host(&world));
    apply(&mut world, &shared.replace("mode: ShareLink", "mode: ShareLink, generation: 1"));
    let second = fingerprint(&world);
    assert_ne!(first, second);
    assert_eq!(host(&world), place, "the URL stays");
    let objects = ["one", "two"].map(|uid| shared.replace("name: pr-42", &format!("name: pr-42, uid: {uid}")));
    let [one, two] = objects.map(|text| {
        apply(&mut world, &text);
        fingerprint(&world)
    });
    assert!(one != two && one != first, "{one} {two}");
}

#[test]
fn a_policy_of_a_cluster_without_a_secret_says_what_comes_of_it() {
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let of_cluster = POLICY.replace("name: previews", "name: previews, uid: u");
    assert_eq!(reasons(&of(&[SITE, &of_cluster]), &id), ["KeysNotShared"]);
    assert_eq!(reasons(&of(&[SITE, POLICY]), &id), [""; 0], "of a directory there is one controller");
    let mut lacking = of(&[SITE, &of_cluster]);
    assert_eq!(lacking.lacks_preview_keys().as_deref(), Some("default"));
    let wanted = lacking.newly_wanted_secrets().unwrap();
    assert!(wanted.iter().any(|(_, name)| **name == *"nuncio-preview-keys"), "{wanted:?}");
    let shared = |key: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: nuncio-preview-keys}}\nstringData: {{key: {key}}}\n---\n"
        )
    };
    apply(&mut lacking, &shared("sixteen-or-more-bytes"));
    assert_eq!((reasons(&lacking, &id), lacking.lacks_preview_keys()), (vec![], None));
    apply(&mut lacking, &shared("short"));
    assert_eq!(
        (reasons(&lacking, &id), lacking.lacks_preview_keys()),
        (vec!["InvalidSecret"], None),
        "it is somebody's"
    );
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {key: sixteen-or-more-bytes}\n---\n";
    let named = of_cluster.replace("access: [Public]", "access: [Public], secretName: keys");
    assert_eq!(reasons(&of(&[SITE, secret, &named]), &id), [""; 0]);
}

#[test]
fn no_url_is_told_that_will_be_another_when_there_are_keys() {
    let settings = Settings { makes_preview_keys: true, ..super::super::settings(&Topology::default()) };
    let mut world = World::new(settings);
    apply(&mut world, &[SITE, POLICY, PREVIEW].concat());
    assert_eq!((reasons(&world, &preview()), world.preview_urls(&preview())), (vec!["WaitingForKeys"], vec![]));
    apply(&mut world, KEYS);
    assert_eq!(reasons(&world, &preview()), [""; 0]);
    let told = host(&world);
    assert_eq!(answer(&world, &told, "/cart/"), "cart-42:80");
    // Where the policy names a Secret, none is made.
    let named = POLICY.replace("access: [Public]", "access: [Public], secretName: keys");
    apply(&mut world, &named);
    assert_eq!(world.lacks_preview_keys(), None);
    assert!(!reasons(&world, &preview()).contains(&"WaitingForKeys"));
}

/// A listener that changes closes its connections.
#[test]
fn a_policy_and_the_keys_that_are_made_for_it_change_listeners_once() {
    let settings = Settings { makes_preview_keys: true, ..super::super::settings(&Topology::default()) };
    let mut world = World::new(settings);
    apply(&mut world, SITE);
    let delta = apply(&mut world, &[POLICY, PREVIEW].concat());
    assert!(delta.listeners.is_empty(), "{:?}", delta.listeners);
    assert!(world.preview_probe(&preview()).is_none(), "it is not shown yet");
    let delta = apply(&mut world, KEYS);
    assert!(!delta.listeners.is_empty());
    assert_eq!(answer(&world, &host(&world), "/cart/"), "cart-42:80");
    assert!(world.preview_probe(&preview()).is_some_and(|probe| probe.mark.is_some()));
    assert_eq!(world.model(), of(&[SITE, POLICY, PREVIEW, KEYS]).model());
}

#[test]
fn a_probe_comes_as_visitors_do() {
    for (scheme, expected) in [("", "https"), (", scheme: https", "https"), (", scheme: http", "http")] {
        let policy = POLICY.replace("access: [Public]", &format!("access: [Public]{scheme}"));
        let probe = of(&[SITE, &policy, PREVIEW]).preview_probe(&preview());
        assert_eq!(probe.map(|probe| probe.scheme), Some(expected), "{scheme}");
    }
}

//! What services see of a preview which hand on its key.

use super::{POLICY, PREVIEW, SITE, apply, of, preview};
use crate::world::World;

const INSIDE: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: internal}
spec: {port: 8081, protocol: HTTP, securityModel: XFP, internal: true, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: inner}
spec: {hostname: cart.internal, prefix: /, service: cart}
---
";

/// The names of the tables that the key finds, without the end of the preview's name; and what the sign for it says.
fn by_key(world: &World) -> (Vec<String>, Vec<String>) {
    let tables = world.model().tables.values().filter(|table| table.scope.preview.starts_with("npk"));
    let (signs, copies): (Vec<_>, Vec<_>) = tables.partition(|table| table.preview.is_none());
    let copies = copies.iter().map(|table| table.scope.host.to_string()).collect();
    (copies, signs.iter().map(|table| table.hosts[0].name.to_string()).collect())
}

#[test]
fn the_key_finds_whatever_leads_to_a_replaced_service_where_services_call_each_other() {
    let mut world = of(&[SITE, POLICY, PREVIEW]);
    assert_eq!(by_key(&world), (Vec::new(), Vec::new()), "there is no such Listener");
    apply(&mut world, INSIDE);
    let hosts = ["cart.internal".to_owned(), "shop.example".to_owned()];
    assert_eq!(by_key(&world), (hosts.to_vec(), vec!["nuncio/preview,cart.internal,shop.example".to_owned()]));
    // What is changed step by step is as if it had been so from the start.
    let wild = INSIDE.replace("hostname: cart.internal", "hostname: '*'").replace("prefix: /", "prefix: /x/");
    for text in [INSIDE.replace("service: cart", "service: web"), wild, INSIDE.replace("internal: true, ", "")] {
        apply(&mut world, &text);
        assert!(world.model() == of(&[SITE, POLICY, PREVIEW, &text]).model(), "{text}");
    }
    apply(&mut world, INSIDE);
    world.quarantine(&preview(), "no");
    assert_eq!(by_key(&world).0, hosts, "it is known, and answers 503");
    world.apply([(preview(), None)]);
    assert_eq!(by_key(&world), (Vec::new(), Vec::new()));
}

#[test]
fn keys_are_made_of_the_secret_that_the_policy_names() {
    let key = |world: &World| {
        let tables = world.model().tables.values();
        let mut keys: Vec<_> = tables.filter_map(|table| Some(table.preview.as_ref()?.key.clone())).collect();
        keys.dedup();
        assert_eq!(keys.len(), 1);
        keys.remove(0)
    };
    let secret = |text: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{key: {text}}}\n---\n")
    };
    let policy = POLICY.replace("access: [Public]", "access: [Public], secretName: keys");
    let mut world = of(&[SITE, &policy, PREVIEW]);
    let own = key(&world);
    let reasons =
        |world: &World| super::reasons(world, &super::ObjectId::new(super::Kind::PreviewPolicy, "default", "previews"));
    assert_eq!(reasons(&world), ["InvalidSecret"]);
    let wanted = world.newly_wanted_secrets().unwrap();
    assert!(wanted.iter().any(|(_, name)| **name == *"keys"), "{wanted:?}");
    apply(&mut world, &secret("sixteen-bytes-at-least"));
    let first = key(&world);
    assert_ne!(first, own);
    assert_eq!(reasons(&world), [""; 0]);
    let part_of = |world: &World| {
        let found = world.resources_of(&super::ObjectId::new(super::Kind::Secret, "default", "keys"));
        (found.tables, found.filters.len())
    };
    let (tables, filters) = part_of(&world);
    assert!(!tables.is_empty() && tables == world.resources_of(&preview()).tables, "{tables:?}");
    assert_eq!(filters, 0, "no link is signed");
    assert_eq!(world.preview_fingerprint(&preview()).unwrap().len(), 8);
    apply(&mut world, &secret("another-one-of-them"));
    assert_ne!(key(&world), first);
    apply(&mut world, &secret("short"));
    assert_eq!((key(&world), reasons(&world)), (own, vec!["InvalidSecret"]));
    assert_eq!(part_of(&world), (Vec::new(), 0), "nothing is made of it");
}

#[test]
fn secrets_of_repositories_are_asked_for_and_what_they_lack_is_told() {
    let repository = |name: &str| {
        let preview = "preview: {name: 'pr-{number}', services: [{baseline: cart, backend: 'cart-{number}'}], \
                       entrypoints: [{name: web, host: shop.example}], access: {mode: Public}}";
        format!("{{provider: GitHub, name: acme/{name}, namespace: default, secretName: {name}, {preview}}}")
    };
    let repositories = format!("access: [Public], repositories: [{}, {}]", repository("cart"), repository("web"));
    let mut world = of(&[SITE, &POLICY.replace("access: [Public]", &repositories)]);
    let wanted = world.newly_wanted_secrets().unwrap();
    assert!(["cart", "web"].iter().all(|name| wanted.iter().any(|(_, wanted)| **wanted == **name)), "{wanted:?}");
    let told = |world: &World| {
        let problems = world.problems(&super::ObjectId::new(super::Kind::PreviewPolicy, "default", "previews"));
        problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect::<Vec<_>>()
    };
    let [cart, web] = ["cart", "web"].map(|name| format!("there is no Secret default/{name}"));
    assert_eq!(
        told(&world),
        [format!("spec.repositories[0].secretName: {cart}"), format!("spec.repositories[1].secretName: {web}")]
    );
    let secret = |name: &str, data: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{{data}}}\n---\n")
    };
    apply(&mut world, &(secret("cart", "webhook: w, token: t") + &secret("web", "webhook: ''")));
    let lacks = |what: &str| format!("spec.repositories[1].secretName: Secret default/web: has no `{what}");
    assert_eq!(told(&world), [lacks("webhook`, so its webhooks are refused")]);
    apply(&mut world, &secret("web", "webhook: w"));
    assert_eq!(told(&world), [""; 0], "who wants no comments gives no token");
    apply(&mut world, &secret("web", "webhook: w, token: t"));
    assert_eq!(told(&world), [""; 0]);
    assert_eq!(world.newly_wanted_secrets(), None, "they are asked for as before");
    // Without webhooks it is for comments alone.
    let mute =
        "access: [Public], repositories: [{provider: GitHub, name: acme/web, namespace: default, secretName: web}]";
    let policy = POLICY.replace("access: [Public]", mute);
    let world = of(&[SITE, &policy, &secret("web", "webhook: w")]);
    let expected = "spec.repositories[0].secretName: Secret default/web: has no `token`, so no comments are written";
    assert_eq!(told(&world), [expected]);
}

#[test]
fn who_stands_in_for_itself_at_another_port_replaces_what_services_ask_there() {
    let site = SITE.replace("prefix: /cart/, service: cart}", "prefix: /cart/, service: 'cart:81'}");
    let preview_of = PREVIEW.replace("backend: cart-42", "backend: 'cart:81'");
    let is_told = |world: &World| super::reasons(world, &preview()).contains(&"NothingReplaced");
    let mut world = of(&[&site, POLICY, &preview_of]);
    assert!(is_told(&world), "it is asked at that port alone");
    apply(&mut world, INSIDE);
    assert!(!is_told(&world), "services ask it at another");
    apply(&mut world, &INSIDE.replace("service: cart}", "service: 'cart:81'}"));
    assert!(is_told(&world), "nobody asks it at another");
}

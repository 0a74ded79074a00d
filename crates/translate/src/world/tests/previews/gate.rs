//! Who may see a preview.

use nuncio_api::{Kind, ObjectId};
use nuncio_auth::share::{Pass, Purpose};
use nuncio_ir::auth::{FilterId, FilterKind, ShareLink};

use super::super::request::Request;
use super::{POLICY, PREVIEW, SITE, apply, host, of, reasons, route};
use crate::filter_rules::with_nested;
use crate::world::World;

pub(super) const KEYS: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: keys}
spec: {APIKey: {keys: [{secretName: keys}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {ann: key-1}
---
";

pub(super) fn gated(mode: &str) -> (String, String) {
    let policy = POLICY.replace("[Public]", "[Authenticated, Members], filters: [{name: keys}]");
    (policy, PREVIEW.replace("{mode: Public}", mode))
}

/// What requests for a route pass: the filters of the gate, and the rules behind it.
fn asked(world: &World, host: &str, path: &str) -> (Vec<String>, usize) {
    let Some(check) = &route(world, host, path).rules else { return (Vec::new(), 0) };
    let set = &world.model().rule_sets[&check.set];
    (set.gate.iter().map(|used| used.filter.to_string()).collect(), set.rules.len())
}

#[test]
fn who_wants_to_see_a_preview_passes_its_gate_and_then_the_rules_of_the_baseline() {
    let (policy, preview) = gated("{mode: Authenticated}");
    let rules = "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: cart}\n\
                 spec: {rules: [{host: shop.example, path: /cart/*, filters: [{name: keys}]}]}\n---\n";
    let world = of(&[SITE, KEYS, rules, &policy, &preview]);
    let (host, gate) = (host(&world), vec!["keys.default".to_owned()]);
    assert_eq!(asked(&world, &host, "/cart/"), (gate.clone(), 1));
    // Its paths are among those of the rule.
    assert_eq!(asked(&world, &host, "/"), (gate, 1));
    assert_eq!(asked(&world, "shop.example", "/cart/"), (Vec::new(), 1));
    assert_eq!(asked(&world, "shop.example", "/"), (Vec::new(), 1));
}

/// Where the baseline asks nobody, and takes logins out by itself.
#[test]
fn the_gate_sees_the_logins_that_it_asks_for() {
    let login = "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {name: login}\n\
                 spec: {OAuth2: {authorizationURL: https://idp.example, clientID: c, secret: s, \
                 protectedOrigins: [{origin: https://shop.example}]}}\n---\n\
                 apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: orders}\n\
                 spec: {rules: [{host: shop.example, path: /orders/*, filters: [{name: login}]}]}\n---\n";
    let (policy, preview) = gated("{mode: Authenticated}");
    let world = of(&[SITE, login, &policy.replace("name: keys", "name: login"), &preview]);
    let found = |host: &str| {
        let request = Request::get(host, "/cart/").with("cookie", "__Host-ambassador_session.login.default=x");
        let route = request.route(world.model(), "").unwrap();
        (route.rules.is_some(), route.hides_logins)
    };
    assert_eq!(found("shop.example"), (false, true));
    assert_eq!(found(&host(&world)), (true, false));
}

#[test]
fn a_gate_that_cannot_be_kept_stays_closed() {
    // The filter knows of no groups.
    let (policy, preview) = gated("{mode: Members, groups: [team]}");
    let world = of(&[SITE, KEYS, &policy, &preview]);
    assert_eq!(reasons(&world, &super::preview()), ["NotAllowed"]);
    assert_eq!(world.preview_urls(&super::preview()), []);
    // It is not there: what is asked of it is denied.
    let (policy, preview) = gated("{mode: Authenticated}");
    let world = of(&[SITE, &policy, &preview]);
    assert_eq!(asked(&world, &host(&world), "/cart/").0, ["keys.default"]);
    assert_eq!(reasons(&world, &ObjectId::new(Kind::PreviewPolicy, "default", "previews")), ["FilterNotFound"]);
    // A mode that the policy does not allow.
    let world = of(&[SITE, KEYS, &policy, PREVIEW]);
    assert_eq!(reasons(&world, &super::preview()), ["NotAllowed"]);
}

#[test]
fn who_has_a_link_passes_the_filter_of_its_preview_alone() {
    let policy = POLICY.replace("[Public]", "[ShareLink]");
    let of_generation =
        |number: u32| PREVIEW.replace("{mode: Public}", &format!("{{mode: ShareLink, generation: {number}}}"));
    let mut world = of(&[SITE, &policy, &of_generation(1)]);
    let (host, id) = (host(&world), super::preview());
    let (gate, rules) = asked(&world, &host, "/cart/");
    assert_eq!((&*gate, rules), (&[format!("#preview:{}.{}", id.name, id.namespace)][..], 0));
    assert_eq!(asked(&world, "shop.example", "/cart/"), (Vec::new(), 0));
    let share_link = |world: &World| match &world.model().filters[&FilterId((&*gate[0]).into())].kind {
        FilterKind::ShareLink(link) => (**link).clone(),
        other => panic!("{other:?}"),
    };
    let first = share_link(&world);
    assert_eq!((first.generation, host.contains(&*first.preview)), (1, true));
    let (links, expires) = world.preview_share_links(&id, 1_000).unwrap();
    assert_eq!(expires, 1_000);
    let pass = links[0].url.split_once("?nuncio-share=").unwrap().1;
    assert_eq!(Pass::read(pass, first.key.expose().as_bytes(), Purpose::Link, 1, 0).unwrap().expires, 1_000);

    // What is withdrawn is one message; and its services are told another key.
    let sets = world.model().rule_sets.clone();
    let delta = apply(&mut world, &of_generation(2));
    assert_eq!((delta.filters.len(), delta.tables.len(), delta.rule_sets.len()), (1, 1, 0));
    assert_eq!((share_link(&world), &sets), (ShareLink { generation: 2, ..first }, &world.model().rule_sets));
    assert_eq!(world.users_in_authentication(&gate[0]), std::slice::from_ref(&id));
    // A preview that may not be has no filter, and lets nobody in.
    apply(&mut world, POLICY);
    assert!(world.model().filters.is_empty(), "{:?}", world.model().filters);
    assert_eq!((world.preview_share_links(&id, 1_000), reasons(&world, &id)), (None, vec!["NotAllowed"]));
}

const LOGIN: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: login}
spec: {OAuth2: {authorizationURL: 'https://idp.test', clientID: c, secret: s, protectedOrigins: [{origin: 'https://a.pre.example'}]}}
---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {name: jwt}
spec: {JWT: {jwksURI: 'https://idp.test/jwks'}}
---
";

#[test]
fn members_alone_pass_also_where_a_filter_decides_instead_of_a_login() {
    let (policy, preview) = gated("{mode: Members, groups: [team]}");
    let filters = "[{name: login, arguments: {insteadOfRedirect: {filters: \
                   [{name: jwt}, {name: jwt, arguments: {require: claims.admin}}]}}}]";
    let world = of(&[SITE, LOGIN, &policy.replace("[{name: keys}]", filters), &preview]);
    let check = route(&world, &host(&world), "/cart/").rules.as_ref().unwrap();
    let gate = &world.model().rule_sets[&check.set].gate;
    let required = |used: &nuncio_ir::auth::FilterRef| used.arguments.require.as_deref().unwrap_or_default().to_owned();
    let members = r#"(claims["groups"] + []).exists(group, group in ["team"])"#;
    let both = format!("(claims.admin) && ({members})");
    assert_eq!(gate.iter().flat_map(with_nested).map(required).collect::<Vec<_>>(), [members, members, &both]);
}

#[test]
fn the_gate_is_sent_as_much_of_the_body_as_its_filters_want() {
    let asking = |name: &str, most: u32| {
        format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {{name: {name}}}\nspec: {{External: \
             {{auth_service: 'a:1', proto: grpc, include_body: {{max_bytes: {most}, allow_partial: true}}}}}}\n---\n"
        )
    };
    let rules = "apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {name: cart}\n\
                 spec: {rules: [{host: shop.example, path: /cart/*, filters: [{name: rule}]}]}\n---\n";
    let (policy, preview) = gated("{mode: Authenticated}");
    let mut world = of(&[SITE, rules, &asking("rule", 20), &asking("keys", 10), &policy, &preview]);
    let host = host(&world);
    let body = |world: &World| route(world, &host, "/cart/").rules.as_ref().unwrap().body;
    assert_eq!(body(&world), Some(21));
    apply(&mut world, &asking("keys", 30));
    assert_eq!(body(&world), Some(31));
    apply(&mut world, &rules.replace("shop.example", "other.example"));
    assert_eq!(body(&world), Some(31), "no rule is for it");
}

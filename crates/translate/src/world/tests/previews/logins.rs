//! Logins that previews ask for, and what is told of those that are not for them.

use nuncio_api::{Kind, ObjectId};

use super::gate::{KEYS, gated};
use super::{POLICY, PREVIEW, SITE, apply, of, reasons};

/// A login of the shop's own rules, for these origins.
fn login_of_rules(origins: &str) -> String {
    format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: Filter\nmetadata: {{name: login}}\n\
         spec: {{OAuth2: {{authorizationURL: 'https://idp.test', clientID: c, secret: s, protectedOrigins: [{origins}]}}}}\n---\n\
         apiVersion: getambassador.io/v3alpha1\nkind: FilterPolicy\nmetadata: {{name: orders}}\n\
         spec: {{rules: [{{host: shop.example, path: /orders/*, filters: [{{name: login}}]}}]}}\n---\n"
    )
}

const PREVIEWS_ORIGIN: &str = "{origin: 'http://pre.example:8080', includeSubdomains: true}";

#[test]
fn a_login_that_previews_ask_for_and_is_not_for_them_is_told_of() {
    let policy = POLICY.replace("[Public]", "[Public], scheme: http, port: 8080");
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let shop = "{origin: 'http://shop.example:8080'}";
    let mut world = of(&[SITE, &policy, PREVIEW, &login_of_rules(shop)]);
    let told: Vec<_> = world.problems(&id).into_iter().map(|it| (it.reason, it.field, it.message)).collect();
    let [("NoMatchingOrigin", field, message)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(field, "spec.domain");
    assert!(message.contains("asks for login.default, and that names no host below pre.example by http;"), "{message}");
    assert!(
        message.contains(r#"{origin: "http://pre.example:8080", includeSubdomains: true}"#),
        "what to write: {message}"
    );

    // Who previews is told too, not which Filter it is.
    let of_preview = world.problems(&super::preview());
    let told: Vec<_> =
        of_preview.iter().map(|it| (it.reason, &*it.field, it.message.contains("login.default"))).collect();
    assert_eq!(told, [("NoMatchingOrigin", "spec.entrypoints[0].host", false)]);

    world.take_turned();
    // What it says, done: nothing is said of the origin either, for which no rule is written.
    apply(&mut world, &login_of_rules(&format!("{shop}, {PREVIEWS_ORIGIN}")));
    assert!(world.take_turned().contains(&super::preview()), "looked at again");
    assert_eq!(reasons(&world, &super::preview()), [""; 0]);
    let filter = ObjectId::new(Kind::Filter, "default", "login");
    assert_eq!((reasons(&world, &id), reasons(&world, &filter)), (vec![], vec![]));
    // Where no preview shows the host of the rule, it is that origin that is of no use.
    apply(&mut world, &policy.replace("'shop.example'", "'other.example'"));
    assert_eq!((reasons(&world, &id), reasons(&world, &filter)), (vec![], vec!["NoMatchingRule"]));
    apply(&mut world, &login_of_rules(shop));
    assert_eq!((reasons(&world, &id), reasons(&world, &filter)), (vec![], vec![]));
}

#[test]
fn a_gate_at_which_nobody_can_log_in_is_told_of() {
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let (policy, preview) = gated("{mode: Authenticated}");
    let policy = policy.replace("name: keys", "name: login");
    // `http`, or the `https` that a policy says which says nothing.
    for (scheme, origins, is_told) in [
        ("", "{origin: 'https://shop.example'}", true),
        ("", "{origin: 'https://pre.example', includeSubdomains: true}", false),
        ("", PREVIEWS_ORIGIN, true),
        ("scheme: http, port: 8080, ", PREVIEWS_ORIGIN, false),
        ("scheme: http, ", "{origin: 'https://pre.example', includeSubdomains: true}", true),
        ("", "{origin: 'https://shop.example', internalOrigin: '*://*'}", false),
        // A proxy in front has ended TLS.
        ("", "{origin: 'https://shop.example', internalOrigin: 'http://*'}", false),
    ] {
        let filter = login_of_rules(origins).split_inclusive("---\n").next().unwrap().to_owned();
        let policy = policy.replace("domain:", &format!("{scheme}domain:"));
        let world = of(&[SITE, &filter, &policy, &preview]);
        let told = if is_told { vec!["NoMatchingOrigin"] } else { vec![] };
        let found = (reasons(&world, &id), reasons(&world, &super::preview()));
        assert_eq!(found, (told.clone(), told), "{scheme}{origins}");
    }
}

#[test]
fn a_rule_that_leads_past_its_login_closes_no_preview() {
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let strict = login_of_rules("{origin: 'https://shop.example'}");
    for (rules, told) in [
        (strict.clone(), vec!["NoMatchingOrigin"]),
        (strict.replace("{name: login}]", "{name: login, onDeny: continue}]"), vec![]),
    ] {
        let world = of(&[SITE, POLICY, PREVIEW, &rules]);
        assert_eq!((reasons(&world, &id), reasons(&world, &super::preview())), (told.clone(), told), "{rules}");
    }
    // A gate is passed by whom one of its filters allows.
    let login = strict.split_inclusive("---\n").next().unwrap();
    let (policy, preview) = gated("{mode: Authenticated}");
    for (filters, told) in [
        ("[{name: login, onDeny: continue}]", vec!["NoMatchingOrigin"]),
        ("[{name: login, onDeny: continue}, {name: login, onDeny: continue}]", vec!["NoMatchingOrigin"]),
        ("[{name: login, onDeny: continue}, {name: keys}]", vec![]),
        ("[{name: login}, {name: keys}]", vec!["NoMatchingOrigin"]),
    ] {
        let world = of(&[SITE, KEYS, login, &policy.replace("[{name: keys}]", filters), &preview]);
        assert_eq!((reasons(&world, &id), reasons(&world, &super::preview())), (told.clone(), told), "{filters}");
    }
    // Its origin is one that is used, all the same.
    let policy = POLICY.replace("[Public]", "[Public], scheme: http, port: 8080");
    let passing = login_of_rules(&format!("{{origin: 'http://shop.example:8080'}}, {PREVIEWS_ORIGIN}"))
        .replace("{name: login}]", "{name: login, onDeny: continue}]");
    let world = of(&[SITE, &policy, PREVIEW, &passing]);
    assert_eq!(reasons(&world, &ObjectId::new(Kind::Filter, "default", "login")), [""; 0]);
}

#[test]
fn a_host_that_many_rules_close_to_previews_is_looked_at_once() {
    let login = login_of_rules("{origin: 'https://shop.example'}");
    let rule = "{host: shop.example, path: /orders/*, filters: [{name: login}]}";
    let many: Vec<_> = (0..50).map(|at| rule.replace("orders", &format!("orders{at}"))).collect();
    let world = of(&[SITE, POLICY, PREVIEW, &login.replace(rule, &many.join(", "))]);
    assert_eq!(world.protection.closed_to_previews.len(), 1);
    assert_eq!(reasons(&world, &super::preview()), ["NoMatchingOrigin"]);
}

#[test]
fn a_gate_whose_login_is_not_for_where_previews_are_chosen_is_told_of() {
    let id = ObjectId::new(Kind::PreviewPolicy, "default", "previews");
    let filter = ObjectId::new(Kind::Filter, "default", "login");
    let (policy, preview) = gated("{mode: Authenticated}");
    let policy = policy.replace("name: keys", "name: login").replace("domain:", "scheme: http, port: 8080, domain:");
    let shop = "{origin: 'http://shop.example:8080'}";
    for (selectors, origins, fields, of_filter) in [
        ("[Header]", PREVIEWS_ORIGIN.to_owned(), vec!["spec.selectors"], vec![]),
        ("[Cookie]", PREVIEWS_ORIGIN.to_owned(), vec!["spec.selectors"], vec![]),
        ("[Header]", shop.to_owned(), vec!["spec.domain"], vec![]),
        // It is for the shop by HTTPS alone, which no Listener takes, and previews are chosen in clear text.
        (
            "[Header]",
            format!("{PREVIEWS_ORIGIN}, {{origin: 'https://shop.example'}}"),
            vec!["spec.selectors"],
            vec!["NoMatchingOrigin"],
        ),
        // No rule asks for it at the shop's own host, and it is of use there.
        ("[Header]", format!("{PREVIEWS_ORIGIN}, {shop}"), vec![], vec![]),
        ("[]", format!("{PREVIEWS_ORIGIN}, {shop}"), vec![], vec!["NoMatchingRule"]),
        ("[]", PREVIEWS_ORIGIN.to_owned(), vec![], vec![]),
    ] {
        let login = login_of_rules(&origins).split_inclusive("---\n").next().unwrap().to_owned();
        let policy = policy.replace("domain:", &format!("selectors: {selectors}, domain:"));
        let world = of(&[SITE, &login, &policy, &preview]);
        let problems = world.problems(&id);
        let told: Vec<_> = problems.iter().map(|it| (it.reason, &*it.field)).collect();
        let expected: Vec<_> = fields.into_iter().map(|field| ("NoMatchingOrigin", field)).collect();
        assert_eq!((told, reasons(&world, &filter)), (expected, of_filter), "{selectors} {origins}");
    }
}

//! What protection is lost.

use super::*;
use crate::admin::ChangeError;
use crate::fallback;

/// The same with a key before the cart.
fn guarded(more: &str, others: &[(&str, &str, &str)]) -> String {
    shop(more, &[others, &[("Filter", "key", KEY), ("FilterPolicy", "policy", POLICY)]].concat()) + KEYS
}

#[test]
fn a_policy_for_other_paths_leaves_those_open_that_it_was_for() {
    let all = guarded("timeout_ms: 1000", &[]);
    let view = tried(&all, "FilterPolicy", "policy", "path: /cart/*", "path: /open/*");
    assert_eq!(lost(&view), [(LossKind::Login, "/cart/")], "{view:#?}");
    assert_eq!(view.lost[0].was, "key.default (APIKey)");
    let part = tried(&all, "FilterPolicy", "policy", "path: /cart/*", "path: /cart/mine/*");
    assert_eq!(lost(&part), [(LossKind::Login, "/cart/")], "{part:#?}");
    let open = "rules: [{host: shop.example, path: /cart/open/*, filters: []}, {host";
    let hole = tried(&all, "FilterPolicy", "policy", "rules: [{host", open);
    assert_eq!(lost(&hole), [(LossKind::Login, "/cart/open/")], "{hole:#?}");
    for wider in ["path: /*", "path: '*'"] {
        let view = tried(&all, "FilterPolicy", "policy", "path: /cart/*", wider);
        assert_eq!(lost(&view), [], "{wider}: {view:#?}");
    }
    let view = tried(&all, "FilterPolicy", "policy", "name: key}]", "name: key, ifRequestHeader: {name: x-a}}]");
    assert_eq!(lost(&view), [(LossKind::Login, "/cart/")], "who does not send the header is not asked: {view:#?}");
}

#[test]
fn a_path_is_told_as_it_is_usually_written() {
    let all = guarded("timeout_ms: 1000", &[]).replace("path: /cart/*", "path: /account") + &mapping("all", "/", "");
    for (old, new) in [
        ("path: /account", "path: /cart/*"),
        ("filters: [{name: key}]", "filters: []"),
        ("{rules:", "{ambassador_id: [other], rules:"),
    ] {
        let view = tried(&all, "FilterPolicy", "policy", old, new);
        assert_eq!(lost(&view), [(LossKind::Login, "/account")], "{new}: {view:#?}");
        assert_eq!(view.lost[0].was, "key.default (APIKey)", "{new}: {view:#?}");
    }
}

#[test]
fn a_mapping_that_moves_away_from_its_policy_is_open() {
    let all = guarded("timeout_ms: 1000", &[]);
    let view = tried(&all, "Mapping", "cart", "prefix: /cart/", "prefix: /c/");
    assert_eq!(lost(&view), [(LossKind::Login, "/c/")], "{view:#?}");
    let within = tried(&all, "Mapping", "cart", "prefix: /cart/", "prefix: /cart/v2/");
    assert_eq!(lost(&within), [], "{within:#?}");
    let other = tried(&all, "Mapping", "open", "prefix: /open/", "prefix: /opened/");
    assert_eq!(lost(&other), [], "it was open before: {other:#?}");
    let elsewhere = tried(&all, "Mapping", "cart", "hostname: shop.example", "hostname: other.example");
    assert_eq!(lost(&elsewhere), [], "nobody serves that name: {elsewhere:#?}");
}

#[test]
fn who_is_not_asked_any_more_is_told() {
    let auth = ("AuthService", "auth", "{auth_service: auth}");
    let all = shop("timeout_ms: 1000", &[auth]);
    let view = tried(&all, "Mapping", "cart", "timeout_ms: 1000", "bypass_auth: true");
    assert_eq!(lost(&view), [(LossKind::Login, "/cart/")], "{view:#?}");
    assert!(view.lost[0].was.contains("auth"), "{view:#?}");
    let gone =
        tried(&all, "AuthService", "auth", "{auth_service: auth}", "{auth_service: auth, ambassador_id: [other]}");
    assert_eq!(lost(&gone), [(LossKind::Login, "/cart/")], "{gone:#?}");
    let elsewhere = tried(&all, "AuthService", "auth", "auth_service: auth", "auth_service: auth2");
    assert_eq!(lost(&elsewhere), [], "{elsewhere:#?}");
}

#[test]
fn limits_that_go_are_told() {
    let all = shop(LIMITED, &[("RateLimit", "rate", RATE)]);
    let other = tried(&all, "RateLimit", "rate", "generic_key: cart", "generic_key: carts");
    assert_eq!(lost(&other), [(LossKind::Limit, "/cart/")], "{other:#?}");
    let without = tried(&all, "Mapping", "cart", LIMITED, "timeout_ms: 1000");
    assert_eq!(lost(&without), [(LossKind::Limit, "/cart/")], "{without:#?}");
    let higher = tried(&all, "RateLimit", "rate", "rate: 5", "rate: 500");
    assert_eq!(lost(&higher), [], "{higher:#?}");
}

#[test]
fn protection_goes_only_with_a_confirmation_of_exactly_that() {
    let (_directory, editor, engine) = editor_of(&guarded("timeout_ms: 1000", &[]));
    let change = |digest: Option<String>, confirm: Option<String>, path: &str| {
        let [kind, namespace, name] = ["FilterPolicy", "default", "policy"].map(ToOwned::to_owned);
        let text = object("FilterPolicy", "policy", &POLICY.replace("/cart/*", path)).replace("---\n", "");
        ChangeRequest { kind, namespace, name, text: Some(text), digest, confirm, ..ChangeRequest::default() }
    };
    let view = editor.dry_run(&engine, &change(None, None, "/open/*")).unwrap();
    let digest = Some(view.manifest.digest.clone());
    let unconfirmed = Err(ChangeError::Unconfirmed(1));
    assert_eq!(editor.apply(&engine, &change(digest.clone(), None, "/open/*")), unconfirmed);
    let other = editor.dry_run(&engine, &change(None, None, "/cart/mine/*")).unwrap();
    assert_eq!(other.lost[0].path, "/cart/");
    let wrong = Some("another".to_owned());
    assert_eq!(editor.apply(&engine, &change(digest.clone(), wrong, "/open/*")), unconfirmed);
    editor.apply(&engine, &change(digest, view.confirm, "/open/*")).unwrap();
}

/// What is lost when the policy has these rules in place of others.
fn by_rules(all: &str, old: &str, new: &str) -> DryRunView {
    tried(all, "FilterPolicy", "policy", old, new)
}

#[test]
fn a_filter_after_which_none_is_asked_is_one_that_asks() {
    let token = ("Filter", "token", "{JWT: {jwksURI: 'https://idp.example/keys', issuer: 'https://idp.example'}}");
    let all = guarded("timeout_ms: 1000", &[token]);
    for (filters, is_open) in [
        ("{name: key, onDeny: continue, onAllow: break}, {name: token}", false),
        ("{name: key, ifRequestHeader: {name: x-a}, onAllow: break}, {name: token}", false),
        ("{name: key, onDeny: continue, onAllow: break}", true),
        ("{name: key, ifRequestHeader: {name: x-a}}, {name: token, ifRequestHeader: {name: x-a, negate: true}}", false),
        ("{name: key, ifRequestHeader: {name: x-a}}, {name: token, ifRequestHeader: {name: x-b, negate: true}}", true),
    ] {
        let view = by_rules(&all, "{name: key}", filters);
        let expected: &[_] = if is_open { &[(LossKind::Login, "/cart/")] } else { &[] };
        assert_eq!(lost(&view), expected, "{filters}: {view:#?}");
    }
}

#[test]
fn what_is_asked_for_less_is_told() {
    let token = (
        "Filter",
        "token",
        "{JWT: {jwksURI: 'https://idp.example/keys', issuer: 'https://idp.example', requireIssuer: true}}",
    );
    let all = guarded("timeout_ms: 1000", &[token]);
    let all =
        all.replace("filters: [{name: key}", "filters: [{name: key}, {name: token, arguments: {scope: [read, write]}}");
    let told = |view: &DryRunView| view.lost.iter().map(|loss| (loss.what, loss.was.clone())).collect::<Vec<_>>();
    let weaker = |was: &str| vec![(LossKind::Weaker, was.to_owned())];
    let scope = by_rules(&all, "read, write", "read");
    assert_eq!(told(&scope), weaker("scope write of token.default (JWT)"), "{scope:#?}");
    let more = by_rules(&all, "read, write", "read, write, admin");
    assert_eq!(told(&more), [], "{more:#?}");
    let one = by_rules(&all, "{name: key}, ", "");
    assert_eq!(told(&one), weaker("key.default (APIKey)"), "{one:#?}");
    let issuer = tried(&all, "Filter", "token", ", issuer: 'https://idp.example'", "");
    assert_eq!(told(&issuer), weaker("issuer https://idp.example of token.default (JWT)"), "{issuer:#?}");
    let required = tried(&all, "Filter", "token", "requireIssuer: true", "requireIssuer: false");
    assert_eq!(told(&required), weaker("requireIssuer of token.default (JWT)"), "{required:#?}");
}

#[test]
fn a_mapping_with_an_expression_loses_what_others_do() {
    let expression = "prefix_regex: true, timeout_ms: 1000";
    let all = guarded(expression, &[]).replace("prefix: /cart/,", "prefix: '/(cart|basket)/[a-z]+/items.*',");
    let view = by_rules(&all, "path: /cart/*", "path: /open/*");
    assert_eq!(lost(&view), [(LossKind::Login, "/cart/x/items")], "{view:#?}");
    let part =
        by_rules(&all, "rules: [{host", "rules: [{host: shop.example, path: '*/items/free', filters: []}, {host");
    assert_eq!(lost(&part), [(LossKind::Login, "/cart/x/items-/items/free")], "{part:#?}");
}

#[test]
fn some_of_the_names_of_a_host_lose_what_the_others_keep() {
    let all = guarded("timeout_ms: 1000", &[]).replace("shop.example", "'*.shop.example'");
    for rules in [
        "rules: [{host: a.shop.example, path: /cart/*, filters: []}, {host",
        "rules: [{host: '*.a.shop.example', path: /cart/*, filters: []}, {host",
    ] {
        let hole = by_rules(&all, "rules: [{host", rules);
        assert_eq!(lost(&hole), [(LossKind::Login, "/cart/")], "{rules}: {hole:#?}");
    }
    let one = by_rules(&all, "host: '*.shop.example'", "host: a.shop.example");
    assert_eq!(lost(&one), [(LossKind::Login, "/cart/")], "{one:#?}");
    let wider = by_rules(&all, "host: '*.shop.example'", "host: '*.example'");
    assert_eq!(lost(&wider), [], "{wider:#?}");
}

#[test]
fn a_limit_of_several_that_goes_is_told() {
    let both = "labels: {ambassador: [{group: [{generic_key: {value: cart}}]}, {who: [remote_address]}]}";
    let who = RATE.replace("generic_key: cart", "remote_address: '*'");
    let all = shop(both, &[("RateLimit", "rate", RATE), ("RateLimit", "who", &who)]);
    let view = tried(&all, "RateLimit", "who", "remote_address: '*'", "generic_key: carts");
    assert_eq!(lost(&view), [(LossKind::Limit, "/cart/")], "{view:#?}");
    let last = shop(LIMITED, &[("RateLimit", "rate", RATE)]);
    let view =
        tried(&last, "RateLimit", "rate", "{domain: ambassador,", "{ambassador_id: [other], domain: ambassador,");
    assert_eq!(lost(&view), [(LossKind::Limit, "/cart/")], "{view:#?}");
}

#[test]
fn clear_text_that_is_answered_is_told() {
    let all = shop("timeout_ms: 1000", &[]).replace("action: Route", "action: Redirect");
    let view = tried(&all, "Host", "shop", "action: Redirect", "action: Route");
    assert_eq!(lost(&view), [(LossKind::Tls, "/cart/"), (LossKind::Tls, "/open/")], "{view:#?}");
    let stricter = tried(&all, "Host", "shop", "action: Redirect", "action: Reject");
    assert_eq!(lost(&stricter), [], "{stricter:#?}");
}

/// A shop whose clients show certificates.
fn with_certificates() -> String {
    let pair = fallback::certificate().unwrap();
    let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: cert}}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n{}  tls.key: |\n{}---\n",
        indent(&pair.chain.0),
        indent(&pair.key.0)
    );
    let tls = "tlsSecret: {name: cert}, tls: {ca_secret: cert, cert_required: true}, requestPolicy: {insecure: {action: Reject}}}";
    let all = shop("timeout_ms: 1000", &[]).replace("requestPolicy: {insecure: {action: Route}}}", tls);
    all.replace("port: 8080, protocol: HTTP,", "port: 8443, protocol: HTTPS,") + &secret
}

#[test]
fn connections_without_a_certificate_are_told() {
    let all = with_certificates();
    for new in ["cert_required: false", "min_tls_version: v1.2"] {
        let view = tried(&all, "Host", "shop", "cert_required: true", new);
        assert_eq!(lost(&view), [(LossKind::Certificate, "/")], "{new}: {view:#?}");
        assert_eq!(view.lost[0].host, "shop.example");
    }
    let same = tried(&all, "Host", "shop", "cert_required: true", "cert_required: true, min_tls_version: v1.3");
    assert_eq!(lost(&same), [], "{same:#?}");
}

#[test]
fn addresses_that_are_let_in_are_told() {
    let module =
        |access: &str| shop("timeout_ms: 1000", &[("Module", "ambassador", &format!("{{config: {{{access}}}}}"))]);
    let change = |old: &str, new: &str| {
        let view = tried(&module(old), "Module", "ambassador", old, new);
        view.lost.iter().map(|loss| loss.what).collect::<Vec<_>>()
    };
    let allow = "ip_allow: [{remote: 10.1.0.0/16}]";
    let deny = "ip_deny: [{peer: 10.1.0.0/16}]";
    for (old, new, is_lost) in [
        (allow, "ip_allow: [{remote: 10.0.0.0/8}]", true),
        (allow, "ip_allow: [{remote: 10.1.2.0/24}]", false),
        (allow, "ip_allow: [{remote: 10.1.0.0/16}, {peer: 10.1.0.0/16}]", true),
        (allow, "diagnostics: {enabled: false}", true),
        (deny, "ip_deny: [{peer: 10.1.2.0/24}]", true),
        (deny, "ip_deny: [{peer: 10.0.0.0/8}]", false),
        (deny, "ip_allow: [{peer: 10.2.0.0/16}]", false),
    ] {
        let expected: &[_] = if is_lost { &[LossKind::Address] } else { &[] };
        assert_eq!(change(old, new), expected, "{old} to {new}");
    }
}

#[test]
fn what_too_many_requests_would_have_to_tell_is_not_taken_for_nothing() {
    let (_directory, editor, engine) = editor_of(&guarded("timeout_ms: 1000", &[]));
    let mut world = editor.copy(&engine);
    let before = world.model().clone();
    let open = crate::edit::tests::object_of(&object("FilterPolicy", "policy", &POLICY.replace("/cart/*", "/open/*")));
    world.apply([(open.id.clone(), Some(open))]);
    let looked = |most: usize| {
        let effects = super::super::between(&before, world.model(), most);
        (effects.is_bounded, effects.lost.len())
    };
    assert_eq!(looked(super::super::lost::MOST_REQUESTS), (false, 1));
    assert_eq!(looked(0), (true, 0));
}

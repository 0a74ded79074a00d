//! Chains of filters, and what leads through them.

use nuncio_ir::auth::{Filter, FilterId, FilterKind, FilterRef, Rule};
use serde_json::{Value, json};

use super::*;

fn model() -> Model {
    let keys = |sources: Value| json!({ "api_key": { "sources": sources, "keys": [] } });
    let login = json!({ "client_id": "c", "client_secret": "s", "protected_origins": [] });
    let timeout = json!({ "secs": 1, "nanos": 0 });
    let writes =
        |name: &str, value: &str| json!({ "jwt": { "inject_request_headers": [{ "name": name, "value": value }] } });
    let passes = json!({ "header": "X-Owner", "remove_credential": true });
    let kinds = [
        ("writes-user", writes("X-User", "{{ .token.Claims.sub }}")),
        ("writes-plan", writes("x-plan", "pro")),
        ("takes-key", json!({ "api_key": { "sources": [{ "header": "X-Key" }], "keys": [], "identity": passes } })),
        ("token", json!({ "jwt": { "issuer": "https://idp.example" } })),
        ("login", json!({ "oauth2": { "issuer": "https://idp.example", "grant": { "authorization_code": login } } })),
        ("keys", keys(json!([{ "header": "X-Key" }]))),
        ("any-key", keys(json!([{ "header": "X-Key" }, { "query": "key" }]))),
        ("broken", json!({ "invalid": { "reason": "zebra" } })),
        (
            "outside",
            json!({ "external": { "url": "http://127.0.0.1:9", "protocol": "grpc", "timeout": timeout, "status_on_error": 403 } }),
        ),
    ];
    let mut model = Model::default();
    for (name, kind) in kinds {
        let id = FilterId(name.into());
        let kind: FilterKind = serde_json::from_value(kind).unwrap();
        model.filters.insert(id.clone(), Filter { id, kind }.into());
    }
    model
}

fn filters(chain: &Value) -> Vec<FilterRef> {
    serde_json::from_value(chain.clone()).unwrap()
}

/// In short: the kinds of each set.
fn words(demands: Demands) -> Vec<String> {
    let kind = |credential: &CredentialView| match credential {
        CredentialView::Login { .. } => "login".to_owned(),
        CredentialView::Token { scopes, .. } => {
            format!("token{}", scopes.iter().map(|scope| format!(" {scope}")).collect::<String>())
        }
        CredentialView::Key { .. } => "key".to_owned(),
        CredentialView::Other => "other".to_owned(),
        other => format!("{other:?}"),
    };
    let mut all: Vec<_> =
        demands.into_lists().iter().map(|demand| demand.iter().map(kind).collect::<Vec<_>>().join(" and ")).collect();
    all.sort();
    all
}

fn asked() -> Request {
    let mut asked = Request::new("GET", "https", "shop.example", "/");
    asked.add_header("x-forwarded-proto", b"https");
    asked
}

#[test]
fn of_a_chain_it_is_told_what_leads_through() {
    let there = |name: &str| json!({ "name": name });
    let missing = |name: &str| json!({ "name": name, "negate": true });
    let plan = |negate: bool| json!({ "name": "x-plan", "value": { "exact": "pro" }, "negate": negate });
    let by_clear_text = json!({ "name": "x-forwarded-proto", "value": { "exact": "http" } });
    let instead =
        json!({ "if_request_header": there("Authorization"), "status": 403, "filters": [{ "filter": "token" }] });
    let model = model();
    for (what, chain, expected) in [
        ("nobody is asked", json!([]), &[""][..]),
        ("each of several", json!([{ "filter": "login" }, { "filter": "keys" }]), &["login and key"]),
        (
            "scopes of the rule",
            json!([{ "filter": "token", "arguments": { "scope": ["read", "write"] } }]),
            &["token read write"],
        ),
        (
            "one or the other",
            json!([{ "filter": "keys", "on_deny": "continue", "on_allow": "break" }, { "filter": "login" }]),
            &["key", "login"],
        ),
        ("whoever likes", json!([{ "filter": "login", "on_deny": "continue" }]), &["", "login"]),
        (
            "a token where there is one",
            json!([{ "filter": "token", "if_request_header": there("Authorization"), "on_allow": "break" }, { "filter": "login" }]),
            &["login", "token"],
        ),
        (
            "the one with the header, the other without",
            json!([{ "filter": "token", "if_request_header": there("authorization") },
                { "filter": "login", "if_request_header": missing("Authorization") }]),
            &["login", "token"],
        ),
        (
            "asked only where it is there",
            json!([{ "filter": "token", "if_request_header": there("authorization") }]),
            &["", "token"],
        ),
        (
            "asked only where it cannot be there",
            json!([{ "filter": "token", "if_request_header": missing("Authorization") }]),
            &[""],
        ),
        (
            "a key in the other place",
            json!([{ "filter": "any-key", "if_request_header": missing("x-key") }]),
            &["", "key"],
        ),
        (
            "by a value",
            json!([{ "filter": "keys", "if_request_header": plan(false) }, { "filter": "login", "if_request_header": plan(true) }]),
            &["key", "login"],
        ),
        (
            "by what is known",
            json!([{ "filter": "login", "if_request_header": by_clear_text }, { "filter": "keys" }]),
            &["key"],
        ),
        ("nobody passes", json!([{ "filter": "broken" }, { "filter": "keys" }]), &[]),
        ("nobody passes what is not there", json!([{ "filter": "gone" }]), &[]),
        ("denied in vain", json!([{ "filter": "broken", "on_deny": "continue" }, { "filter": "keys" }]), &["key"]),
        ("somebody else decides", json!([{ "filter": "outside" }, { "filter": "keys" }]), &["key and other"]),
        (
            "instead of a login",
            json!([{ "filter": "login", "arguments": { "instead_of_redirect": instead } }]),
            &["login", "token"],
        ),
    ] {
        assert_eq!(words(of_rule(&model, &chain)), expected, "{what}");
    }
}

/// Of a gate and a rule, of a client that may send these headers.
fn of_chain(model: &Model, gate: &Value, rule: &Value, may_have: &dyn Fn(&str) -> bool) -> Demands {
    let (gate, rule) = (filters(gate), Rule { origin: "r".into(), path: "*".into(), filters: filters(rule) });
    Demands::of_filters(model, Chain { gate: &gate, rule: Some(&rule) }, &asked(), may_have)
}

/// Whatever headers a client may send.
fn of_rule(model: &Model, chain: &Value) -> Demands {
    of_chain(model, &json!([]), chain, &|_| true)
}

#[test]
fn no_client_chooses_what_filters_write_or_the_entrance_takes_away() {
    let model = model();
    let by = |filter: &str, name: &str| json!({ "filter": filter, "if_request_header": { "name": name } });
    let without =
        |filter: &str, name: &str| json!({ "filter": filter, "if_request_header": { "name": name, "negate": true } });
    let plan =
        |text: &str| json!({ "filter": "keys", "if_request_header": { "name": "X-Plan", "value": { "exact": text } } });
    let one = |name: &str| json!({ "filter": name });
    for (what, chain, expected) in [
        ("written, or not", json!([one("writes-user"), by("keys", "X-User")]), &["token and key"][..]),
        (
            "by whether it is",
            json!([one("writes-user"), by("keys", "x-user"), without("login", "x-user")]),
            &["login and token and key"],
        ),
        ("in another spelling", json!([one("writes-user"), without("keys", "x_user")]), &["token and key"]),
        ("what is written is known", json!([one("writes-plan"), plan("pro")]), &["token and key"]),
        ("and is nothing else", json!([one("writes-plan"), plan("free")]), &["token"]),
        ("whose key it was", json!([one("takes-key"), by("login", "x-owner")]), &["login and key"]),
        ("a key is not there any more", json!([one("takes-key"), without("login", "x-key")]), &["login and key"]),
        ("and is shown to one alone", json!([one("takes-key"), one("keys")]), &[]),
        ("a login brings its token", json!([one("login"), one("token")]), &["login"]),
        (
            "only where it was asked",
            json!([by("writes-user", "Authorization"), without("keys", "x-user")]),
            &["", "key"],
        ),
        ("maybe by another service", json!([one("outside"), plan("pro")]), &["key and other"]),
        ("which writes none of these", json!([one("outside"), by("token", "Authorization")]), &["other"]),
        ("maybe to nobody's good", json!([one("writes-user"), by("broken", "X-User")]), &["token and other"]),
    ] {
        assert_eq!(words(of_rule(&model, &chain)), expected, "{what}");
    }
    let taken_away =
        |chain: &Value| words(of_chain(&model, &json!([]), chain, &|name| name != "x-user" && name != "x-key"));
    assert_eq!(taken_away(&json!([without("login", "X-User")])), ["login"], "nobody can be without it");
    assert_eq!(taken_away(&json!([by("login", "X-User")])), [""], "nobody can send it");
    assert_eq!(taken_away(&json!([one("keys")])), [""; 0], "nor a key in it");
}

#[test]
fn what_an_expression_takes_is_not_guessed() {
    let model = model();
    let by = |filter: &str, regex: &str, negate: bool| json!({ "filter": filter, "if_request_header": { "name": "X-Plan", "value": { "regex": regex }, "negate": negate } });
    assert_eq!(words(of_rule(&model, &json!([by("keys", "^pro", false)]))), ["", "key"]);
    assert_eq!(words(of_rule(&model, &json!([by("keys", ".*", false)]))), ["key"], "it takes whatever comes");
    let two = json!([by("keys", "pro", false), by("login", "^pro", true)]);
    assert_eq!(words(of_rule(&model, &two)), ["other"], "which of them hold together nobody says");
}

#[test]
fn a_gate_is_passed_by_nobody_whom_no_filter_lets_through() {
    let model = model();
    let told = |gate: Value, rule: Value| words(of_chain(&model, &gate, &rule, &|_| true));
    let gate = json!([{ "filter": "keys", "on_deny": "continue" }]);
    assert_eq!(told(gate.clone(), json!([])), ["key"]);
    assert_eq!(told(gate, json!([{ "filter": "login" }])), ["login and key"]);
    assert_eq!(told(json!([]), json!([])), [""]);
    let by_its_word = json!([{ "filter": "login", "if_request_header": { "name": "X-Owner", "negate": true } }]);
    assert_eq!(told(json!([{ "filter": "takes-key" }]), by_its_word), ["key"], "rules see what the gate wrote");
}

#[test]
fn what_would_be_too_much_is_something() {
    let model = model();
    let by_header = |number: usize| json!({ "filter": "keys", "if_request_header": { "name": format!("x-{number}") } });
    let many: Vec<_> = (0..12).map(by_header).collect();
    assert_eq!(words(of_rule(&model, &many.into())), ["other"]);
    let in_vain = vec![json!({ "filter": "keys", "on_deny": "continue" }); 40];
    assert_eq!(words(of_rule(&model, &in_vain.into())), ["", "key"], "and it takes no time that doubles with each");
}

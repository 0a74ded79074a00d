//! Chains of filters, and what leads through them.

use nuncio_ir::auth::{Filter, FilterId};
use serde_json::{Value, json};

use super::*;

fn model() -> Model {
    let keys = |sources: Value| json!({ "api_key": { "sources": sources, "keys": [] } });
    let login = json!({ "client_id": "c", "client_secret": "s", "protected_origins": [] });
    let timeout = json!({ "secs": 1, "nanos": 0 });
    let kinds = [
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
        assert_eq!(words(Demands::of_filters(&model, &filters(&chain), &asked())), expected, "{what}");
    }
}

#[test]
fn a_gate_is_passed_by_nobody_whom_no_filter_lets_through() {
    let model = model();
    let gate = filters(&json!([{ "filter": "keys", "on_deny": "continue" }]));
    let demands = Demands::of_gate(&model, &gate, &asked());
    let rule = filters(&json!([{ "filter": "login" }]));
    assert_eq!(words(demands.clone()), ["key"]);
    assert_eq!(words(demands.and(&Demands::of_filters(&model, &rule, &asked()))), ["login and key"]);
    assert_eq!(words(Demands::of_gate(&model, &[], &asked())), [""]);
}

#[test]
fn what_would_be_too_much_is_something() {
    let model = model();
    let by_header = |number: usize| json!({ "filter": "keys", "if_request_header": { "name": format!("x-{number}") } });
    let many: Vec<_> = (0..12).map(by_header).collect();
    assert_eq!(words(Demands::of_filters(&model, &filters(&many.into()), &asked())), ["other"]);
}

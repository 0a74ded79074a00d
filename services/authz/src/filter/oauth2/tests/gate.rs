//! What goes before the rules, and logins one after the other.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use nuncio_auth::Request;
use nuncio_auth::login::Session;
use serde_json::{Value, json};

use super::Rig;
use crate::clock::now;
use crate::engine::{Decision, Outcome};
use crate::session::Sessions;

/// Decides on a request with these cookies, where these filters go before a rule.
async fn decide(rig: &Rig, gate: &Value, rule: &Value, cookie: &str) -> Decision {
    let sets = json!([{ "id": "gated", "gate": gate, "rules": [{ "origin": "p", "path": "*", "filters": rule }] }]);
    rig.engine.active.apply(serde_json::from_value(json!({ "rule_sets": sets, "filters": [] })).unwrap()).unwrap();
    let mut request = Request::new("GET", "https", "app.test", "/");
    request.add_header("cookie", cookie.as_bytes());
    rig.engine.decide(Some("gated"), request).await
}

/// Puts one more filter into force.
fn add(rig: &Rig, id: &str, kind: &Value) {
    let filters = json!([{ "id": id, "kind": kind }]);
    rig.engine.active.apply(serde_json::from_value(json!({ "rule_sets": [], "filters": filters })).unwrap()).unwrap();
}

fn reason(decision: &Decision) -> &'static str {
    decision.outcome.in_words().1
}

#[tokio::test]
async fn nobody_passes_a_gate_of_which_no_filter_lets_him_in() {
    let rig = Rig::start(|_| {}).await;
    let skipped = json!({ "filter": "login", "if_request_header": { "name": "x-other" } });
    let passed_over = json!({ "filter": "login", "on_deny": "continue" });
    let instead =
        json!({ "status": 403, "filters": [{ "filter": "login", "if_request_header": { "name": "x-other" } }] });
    let instead = json!({ "filter": "login", "arguments": { "instead_of_redirect": instead } });
    for filters in [json!([skipped]), json!([passed_over]), json!([instead]), json!([skipped, passed_over, instead])] {
        let decision = decide(&rig, &filters, &json!([]), "").await;
        assert_eq!((reason(&decision), &*decision.rule), ("undecided", "gate"), "{filters}");
        // A rule says by them that whoever comes may come.
        let decision = decide(&rig, &json!([]), &filters, "").await;
        assert_eq!(decision.outcome.in_words(), ("allow", ""), "{filters}");
    }
    let session = format!("__Host-ambassador_session.login={}", rig.id);
    let decision = decide(&rig, &json!([skipped, passed_over]), &json!([]), &session).await;
    assert_eq!(decision.outcome.in_words(), ("allow", ""));
}

#[tokio::test]
async fn a_filter_that_is_missing_counts_as_one_that_denies() {
    let rig = Rig::start(|_| {}).await;
    add(&rig, "broken", &json!({ "invalid": { "reason": "no key" } }));
    let session = format!("__Host-ambassador_session.login={}", rig.id);
    for filter in ["missing", "broken"] {
        let rule = json!([{ "filter": filter }, { "filter": "login" }]);
        let decision = decide(&rig, &json!([]), &rule, &session).await;
        assert_eq!(decision.in_words(), ("error", "misconfigured"), "{filter}");
        // Where anybody may go on without it, so may who would have passed it; what follows decides.
        let rule = json!([{ "filter": filter, "on_deny": "continue" }, { "filter": "login" }]);
        assert_eq!(decide(&rig, &json!([]), &rule, &session).await.in_words(), ("allow", ""), "{filter}");
        assert_ne!(decide(&rig, &json!([]), &rule, "").await.in_words().0, "allow", "{filter}");
        let skipped = json!([{ "filter": filter, "if_request_header": { "name": "x-other" } }, { "filter": "login" }]);
        assert_eq!(decide(&rig, &json!([]), &skipped, &session).await.in_words(), ("allow", ""), "{filter}");
    }
}

#[tokio::test]
async fn whom_a_gate_denies_is_known() {
    let rig = Rig::start(|_| {}).await;
    let session = format!("__Host-ambassador_session.login={}", rig.id);
    let gate = json!([{ "filter": "login", "arguments": { "require": "'b' in claims.groups" } }]);
    let decision = decide(&rig, &gate, &json!([]), &session).await;
    assert_eq!(reason(&decision), "claims");
    assert_eq!(decision.identity.unwrap().subject, "ann");
}

#[tokio::test]
async fn each_login_finds_its_session_and_nobody_else_sees_one() {
    let rig = Rig::start(|_| {}).await;
    let kinds = super::rules(&rig.provider.issuer);
    add(&rig, "other", &kinds["filters"][0]["kind"]);
    let session = Session { filter: "other".to_owned(), ..Session::clone(&rig.kept().await.unwrap()) };
    let other = Sessions::new_id();
    rig.engine.services.sessions.write(&Sessions::place(&other), &session, now()).await.unwrap();

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    add(
        &rig,
        "asking",
        &json!({ "external": {
            "url": format!("http://{}", listener.local_addr().unwrap()), "timeout": { "secs": 5, "nanos": 0 },
            "protocol": { "http": { "path_prefix": "", "allowed_request_headers": [], "allowed_authorization_headers": [] } },
            "status_on_error": 403, "failure_mode_allow": false, "identity_headers": [],
        } }),
    );
    let shown = async |headers: HeaderMap| match headers.get("cookie").is_some_and(|cookie| cookie == "a=1") {
        true => StatusCode::OK,
        false => StatusCode::FORBIDDEN,
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(shown))).await.unwrap() });

    let cookie = format!("__Host-ambassador_session.login={}; a=1; __Host-ambassador_session.other={other}", rig.id);
    let filters = |names: &[&str]| names.iter().map(|name| json!({ "filter": name })).collect::<Value>();
    let gate = filters(&["asking", "login", "asking"]);
    let outcome = decide(&rig, &gate, &filters(&["login", "other", "asking"]), &cookie).await.outcome;
    let Outcome::Allow(edits, _) = outcome else { panic!("{outcome:?}") };
    assert_eq!(edits.headers["cookie"].as_ref().unwrap(), "a=1");
}

//! Tokens as providers give them, and as nobody is to take them.

use serde_json::{Map, json};

use super::*;

const NOW: u64 = 1_700_000_000;

fn token(header: &Json, claims: Json) -> Verified {
    let mut all = header.as_object().cloned().unwrap_or_else(Map::new);
    all.entry("alg").or_insert("RS256".into());
    Verified { raw: String::new(), header: all, claims }
}

fn claims(change: &Json) -> Json {
    let mut claims = json!({
        "iss": "https://idp.test", "aud": "client", "sub": "ann", "nonce": "n", "iat": NOW, "exp": NOW + 300,
    });
    for (key, value) in change.as_object().unwrap() {
        claims[key] = value.clone();
    }
    claims
}

fn check(header: &Json, change: &Json) -> Result<(), String> {
    let rules = IdTokenRules {
        issuer: "https://idp.test",
        client_id: "client",
        nonce: Some("n"),
        access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
    };
    check_id_token(&rules, &token(header, claims(change)), NOW)
}

/// Cases 33, 34 and 42.
#[test]
fn an_id_token_is_of_this_login() {
    let none = json!({});
    check(&none, &none).unwrap();
    for wrong in [
        json!({ "iss": "https://idp.test/" }),
        json!({ "aud": "other" }),
        json!({ "aud": ["client", "other"] }),
        json!({ "aud": ["client", "other"], "azp": "other" }),
        json!({ "azp": "other" }),
        json!({ "exp": NOW - 60 }),
        json!({ "iat": NOW + 61 }),
        json!({ "nbf": NOW + 61 }),
        json!({ "exp": null }),
        json!({ "nonce": "m" }),
        json!({ "nonce": null }),
        json!({ "sub": "" }),
        json!({ "at_hash": "wrong" }),
    ] {
        check(&none, &wrong).expect_err(&wrong.to_string());
    }
    // The example of OpenID Connect Core, appendix A.3.
    check(&none, &json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" })).unwrap();
    check(&none, &json!({ "aud": ["client", "other"], "azp": "client" })).unwrap();
    check(&none, &json!({ "exp": NOW - 59, "iat": NOW + 60 })).unwrap();
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        check(&json!({ "typ": typ }), &none).expect_err(typ);
    }
    let id_tokens = [(json!({ "typ": "ID" }), json!({})), (json!({}), json!({ "typ": "ID" }))];
    for (header, claims) in id_tokens.into_iter().chain([(json!({}), json!({ "at_hash": "x" }))]) {
        assert!(is_id_token(&token(&header, claims.clone())), "{header} {claims}");
    }
    assert!(!is_id_token(&token(&none, json!({ "typ": "Bearer" }))));
}

/// Case 48.
#[test]
fn a_logout_token_is_one() {
    let good = json!({ "iss": "https://idp.test", "aud": "client", "sub": "ann", "iat": NOW, "jti": "j", "events": { LOGOUT_EVENT: {} } });
    let check = |change: &Json| {
        let mut claims = good.clone();
        for (key, value) in change.as_object().unwrap() {
            claims[key] = value.clone();
        }
        check_logout_token("https://idp.test", "client", &token(&json!({}), claims), NOW)
    };
    assert_eq!(check(&json!({})).unwrap().subject.as_deref(), Some("ann"));
    for wrong in [
        json!({ "nonce": "n" }),
        json!({ "events": {} }),
        json!({ "events": { LOGOUT_EVENT: 1 } }),
        json!({ "jti": null }),
        json!({ "sub": null }),
        json!({ "iat": NOW - 601 }),
        json!({ "aud": "other" }),
        json!({ "iss": "evil" }),
    ] {
        check(&wrong).expect_err(&wrong.to_string());
    }
}

#[test]
fn an_access_token_of_a_clock_that_is_a_minute_off_is_good() {
    let check = |claims: Json| check_claims(&access_token_rules("https://idp.test"), &claims, NOW);
    check(json!({})).unwrap();
    check(json!({ "exp": NOW - 59, "iat": NOW + 60, "nbf": NOW + 60, "iss": "https://idp.test" })).unwrap();
    for wrong in [json!({ "exp": NOW - 60 }), json!({ "iat": NOW + 61 }), json!({ "nbf": NOW + 61 })] {
        check(wrong.clone()).expect_err(&wrong.to_string());
    }
    check(json!({ "iss": "https://other.test" })).unwrap_err();
}

#[test]
fn an_access_token_expires_when_the_first_to_say_so_says() {
    let expires = |access_token: &str, expires_in: Json| {
        let json = json!({ "access_token": access_token, "expires_in": expires_in }).to_string();
        TokenResponse::parse(json.as_bytes(), false).unwrap().expires_at(NOW).map(|at| at - NOW)
    };
    let jwt = |exp: u64| {
        let encode = |json: Json| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", encode(json!({ "alg": "RS256" })), encode(json!({ "exp": exp })))
    };
    assert_eq!(expires("opaque", Json::Null), None);
    assert_eq!(expires("opaque", json!(59.9)), Some(59));
    assert_eq!(expires("opaque", json!("60")), Some(60));
    assert_eq!(expires(&jwt(NOW + 30), Json::Null), Some(30));
    assert_eq!((expires(&jwt(NOW + 30), json!(60)), expires(&jwt(NOW + 90), json!(60))), (Some(30), Some(60)));
    assert_eq!(expires(&jwt(NOW - 30), json!(20)), Some(20), "the provider's clock is behind");
}

#[test]
fn answers_are_read_or_refused() {
    let parse = |json: Json| TokenResponse::parse(json.to_string().as_bytes(), false);
    let good =
        parse(json!({ "access_token": "a", "token_type": "bearer", "expires_in": "60", "scope": "a b" })).unwrap();
    assert_eq!((good.expires_at(NOW), good.granted(&[])), (Some(NOW + 60), vec!["a".to_owned(), "b".to_owned()]));
    parse(json!({ "access_token": "a", "token_type": "mac" })).unwrap_err();
    parse(json!({ "access_token": "a b" })).unwrap_err();
    parse(json!({ "error": "invalid_grant" })).unwrap_err();
    assert!(TokenResponse::parse(br#"{"access_token":"a b"}"#, true).is_ok());
}

//! Cases 31 to 35, 42 and parts of 51 of the attack suite.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair};
use base64::engine::general_purpose::STANDARD;
use nuncio_ir::auth::{Audiences, Presence};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: u64 = 1_700_000_000;

fn set(signers: &[(&Signer, &str)]) -> KeySet {
    let keys: Vec<Json> = signers
        .iter()
        .map(|(signer, id)| {
            let mut key = signer.public_key().unwrap();
            key["kid"] = (*id).into();
            key
        })
        .collect();
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn token(signer: &Signer, header: &Json, claims: &Json) -> String {
    signer.sign(header.as_object().unwrap().clone(), claims).unwrap()
}

fn filter() -> Jwt {
    serde_json::from_value(json!({ "jwks_uri": "https://idp.test/jwks" })).unwrap()
}

fn encode(json: &Json) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[test]
fn a_good_token_is_good() {
    let signer = Signer::ephemeral().unwrap();
    let token = token(&signer, &json!({ "kid": "a" }), &json!({ "sub": "ann", "exp": NOW + 10 }));
    let verified = check(&filter(), &token, &set(&[(&signer, "a")]), NOW).unwrap();
    assert_eq!(verified.text("sub"), Some("ann"));
}

/// Case 42.
#[test]
fn a_token_that_is_for_something_else_is_none() {
    let signer = Signer::ephemeral().unwrap();
    let keys = set(&[(&signer, "a")]);
    let check = |typ: &str, claims: &Json| {
        check(&filter(), &token(&signer, &json!({ "kid": "a", "typ": typ }), claims), &keys, NOW).map(|_| ())
    };
    for typ in ["JWT", "at+jwt", "application/at+jwt"] {
        assert_eq!(check(typ, &json!({ "typ": "Bearer" })), Ok(()), "{typ}");
    }
    for typ in ["ID", "logout+jwt", "application/logout+jwt", "dpop+jwt"] {
        assert_eq!(check(typ, &json!({})), Err(Invalid::Kind), "{typ}");
    }
    for typ in ["ID", "Refresh", "Logout"] {
        assert_eq!(check("JWT", &json!({ "typ": typ })), Err(Invalid::Kind), "{typ}");
        assert!(is_other_kind(&json!({ "typ": typ })), "{typ}");
    }
    assert!(!is_other_kind(&json!({ "typ": "Bearer" })) && !is_other_kind(&json!({})));
}

/// By a curve that the library does not know.
#[test]
fn es512_signs_and_is_verified_too() {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let text = STANDARD.encode(document.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let signer = Signer::new("ES512", &pem).unwrap();
    assert_eq!(Signer::new("ES256", &pem).unwrap_err(), InvalidSigner::Key("ES256".to_owned()));
    let keys = set(&[(&signer, "a")]);
    let good = token(&signer, &json!({ "kid": "a" }), &json!({ "sub": "ann" }));
    assert_eq!(check(&filter(), &good, &keys, NOW).unwrap().text("sub"), Some("ann"));
    let only_es256 = Jwt { valid_algorithms: vec![JwtAlgorithm::ES256], ..filter() };
    assert_eq!(check(&only_es256, &good, &keys, NOW).unwrap_err(), Invalid::Algorithm("ES512".to_owned()));
    let other = good.replacen(&encode(&json!({ "sub": "ann" })), &encode(&json!({ "sub": "eve" })), 1);
    assert_eq!(check(&filter(), &other, &keys, NOW).unwrap_err(), Invalid::Signature);
}

/// Case 31.
#[test]
fn nothing_but_the_issuer_s_key_signs() {
    let signer = Signer::ephemeral().unwrap();
    let keys = set(&[(&signer, "a")]);
    let claims = json!({ "sub": "evil" });
    let public = serde_json::to_string(&signer.public_key().unwrap()).unwrap();
    let with_secret = Signer::new("HS256", &public).unwrap();
    let refused = |token: &str| check(&filter(), token, &keys, NOW).unwrap_err();
    assert_eq!(refused(&token(&with_secret, &json!({ "kid": "a" }), &claims)), Invalid::Algorithm("HS256".to_owned()));
    for alg in ["none", "None", "XX256", ""] {
        let unsigned = format!("{}.{}.", encode(&json!({ "alg": alg })), encode(&claims));
        assert_eq!(refused(&unsigned), Invalid::Algorithm(alg.to_owned()));
    }
    let other = Signer::ephemeral().unwrap();
    assert_eq!(refused(&token(&other, &json!({ "kid": "a" }), &claims)), Invalid::Signature);
    let good = token(&signer, &json!({ "kid": "a" }), &claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    assert_eq!(refused(&format!("{message}.")), Invalid::Signature);
    let (header, _) = message.split_once('.').unwrap();
    assert_eq!(refused(&format!("{header}.{}.{signature}", encode(&json!({ "sub": "root" })))), Invalid::Signature);
}

/// `none` is accepted only where a filter says so, and then without a signature.
#[test]
fn none_has_to_be_asked_for() {
    let filter = Jwt { valid_algorithms: vec![JwtAlgorithm::None], ..filter() };
    let unsigned = format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(&json!({ "sub": "ann" })));
    check(&filter, &unsigned, &KeySet::default(), NOW).unwrap();
    for beside in [vec![], vec![JwtAlgorithm::RS256, JwtAlgorithm::None]] {
        let filter = Jwt { valid_algorithms: beside, ..filter.clone() };
        assert!(matches!(check(&filter, &unsigned, &KeySet::default(), NOW), Err(Invalid::Algorithm(_))));
    }
    assert_eq!(check(&filter, &format!("{unsigned}AAAA"), &KeySet::default(), NOW).unwrap_err(), Invalid::Signature);
}

/// Case 32.
#[test]
fn keys_that_a_token_brings_are_not_used() {
    let (signer, evil) = (Signer::ephemeral().unwrap(), Signer::ephemeral().unwrap());
    let keys = set(&[(&signer, "a")]);
    let own = evil.public_key().unwrap();
    for header in [json!({ "jwk": own }), json!({ "kid": "a", "jku": "http://evil/", "x5u": "http://evil/" })] {
        assert_eq!(check(&filter(), &token(&evil, &header, &json!({})), &keys, NOW).unwrap_err(), Invalid::Signature);
    }
    let critical = token(&signer, &json!({ "kid": "a", "crit": ["exp"] }), &json!({}));
    assert!(matches!(check(&filter(), &critical, &keys, NOW), Err(Invalid::Malformed(_))));
}

/// Case 33.
#[test]
fn claims_are_held_against_the_filter() {
    let leeway = |seconds| Presence { required: false, leeway: Duration::from_secs(seconds) };
    let filter = Jwt {
        issuer: Some("https://idp.test".into()),
        audiences: Audiences::Any(vec!["api".into(), "web".into()]),
        expires_at: leeway(5),
        not_before: leeway(5),
        issued_at: leeway(5),
        ..filter()
    };
    let rules = ClaimRules::from(&filter);
    let check = |claims: Json| check_claims(&rules, &claims, NOW);
    assert_eq!(check(json!({ "iss": "https://idp.test/" })), Err(Invalid::Issuer));
    assert_eq!(check(json!({ "aud": "other" })), Err(Invalid::Audience));
    assert_eq!(check(json!({ "aud": ["other", "web"] })), Ok(()));
    assert_eq!(check(json!({ "aud": [1] })), Err(Invalid::Claim("aud")));
    assert_eq!(check(json!({ "exp": NOW - 5 })), Err(Invalid::Expired));
    assert_eq!(check(json!({ "exp": NOW - 4 })), Ok(()));
    assert_eq!(check(json!({ "exp": "soon" })), Err(Invalid::Claim("exp")));
    assert_eq!(check(json!({ "exp": -1 })), Err(Invalid::Expired));
    assert_eq!(check(json!({ "nbf": NOW + 6 })), Err(Invalid::NotYetValid));
    assert_eq!(check(json!({ "nbf": NOW + 5, "iat": NOW + 5 })), Ok(()));
    assert_eq!(check(json!({ "iat": NOW + 6 })), Err(Invalid::IssuedInFuture));
    assert_eq!(check(json!({})), Ok(()), "what is absent is good unless required");
    let strict = Jwt { require_audience: true, require_issuer: true, ..filter };
    assert_eq!(check_claims(&ClaimRules::from(&strict), &json!({}), NOW), Err(Invalid::Claim("aud")));
    let all = ClaimRules { audiences: Audiences::All(vec!["a".into(), "b".into()]), ..ClaimRules::default() };
    assert_eq!(check_claims(&all, &json!({ "aud": ["b", "a"] }), NOW), Ok(()));
    assert_eq!(check_claims(&all, &json!({ "aud": "a" }), NOW), Err(Invalid::Audience));
}

/// Case 35.
#[test]
fn keys_are_tried_by_id_and_kind() {
    let (one, two) = (Signer::ephemeral().unwrap(), Signer::ephemeral().unwrap());
    let keys = set(&[(&one, "a"), (&two, "a")]);
    let good = |header: &Json| check(&filter(), &token(&two, header, &json!({})), &keys, NOW).map(drop);
    assert_eq!(good(&json!({})), Ok(()), "no id: all are tried");
    assert_eq!(good(&json!({ "kid": "a" })), Ok(()), "two of one id");
    assert_eq!(good(&json!({ "kid": "b" })), Err(Invalid::UnknownKey));
    let claimed = format!("{}.{}.AAAA", encode(&json!({ "alg": "RS256", "kid": "a" })), encode(&json!({})));
    assert_eq!(check(&filter(), &claimed, &keys, NOW).unwrap_err(), Invalid::UnknownKey, "a key of another kind");
    let odd = json!({ "keys": [
        { "kty": "oct", "k": "c2VjcmV0" }, { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" }, { "kty": "RSA" }, 7,
        { "kty": "RSA", "n": "!", "e": "AQAB" },
    ]});
    let odd = KeySet::parse(odd.to_string().as_bytes()).unwrap();
    assert!(odd.is_empty() && odd.unusable == 5, "{odd:?}");
    KeySet::parse(b"<html>").unwrap_err();
}

#[test]
fn scopes_are_words_or_a_list() {
    assert!(has_scopes(&json!({ "scope": "a b" }), &["b", "a"]) && has_scopes(&json!({ "scp": ["a"] }), &["a"]));
    assert!(!has_scopes(&json!({ "scope": "ab" }), &["a"]) && has_scopes(&json!({}), &[] as &[&str]));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(token in "\\PC{0,60}|[a-zA-Z0-9_-]{0,40}\\.[a-zA-Z0-9_-]{0,40}\\.[a-zA-Z0-9_-]{0,20}", set: Vec<u8>) {
        let keys = KeySet::parse(&set).unwrap_or_default();
        prop_assert!(check(&filter(), &token, &keys, NOW).is_err());
    }
}

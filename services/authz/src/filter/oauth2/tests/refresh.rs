//! What a refresh costs nobody.

use nuncio_auth::login::Session;
use serde_json::json;

use super::Rig;
use crate::clock::now;

/// A session whose access token has expired.
async fn expired() -> Rig {
    Rig::start(|session| session.expires_at = Some(1)).await
}

#[tokio::test]
async fn a_client_that_goes_away_takes_no_tokens_with_it() {
    let rig = expired().await;
    rig.provider.hold(true);
    tokio::select! {
        _ = rig.get() => panic!("the provider has not answered yet"),
        () = rig.provider.asked(1) => {}
    }
    rig.provider.hold(false);
    assert_eq!(rig.token().await.as_deref(), Ok("access-1"));
    assert_eq!(rig.provider.count(), 1);
}

#[tokio::test]
async fn only_a_refresh_token_that_is_not_good_ends_the_session() {
    let rig = expired().await;
    for (status, error) in [(401, "invalid_client"), (400, "invalid_request"), (500, "invalid_grant")] {
        rig.provider.refuse(status, error);
        // A refusal is remembered for a while.
        rig.engine.services.failing.invalidate_all();
        assert_eq!(rig.token().await.unwrap_err(), "unavailable", "{error}");
        assert!(rig.kept().await.is_some(), "{error}");
    }
    rig.provider.refuse(400, "invalid_grant");
    rig.engine.services.failing.invalidate_all();
    assert_eq!(rig.token().await.unwrap_err(), "no_session");
    assert!(rig.kept().await.is_none());
}

#[tokio::test]
async fn tokens_are_kept_though_the_id_token_beside_them_cannot_be_verified() {
    let rig = expired().await;
    rig.provider.add(json!({ "id_token": "nonsense" }));
    assert_eq!(rig.token().await.as_deref(), Ok("access-1"));
    let kept = rig.kept().await.unwrap();
    assert_eq!((kept.refresh_token.as_deref(), &kept.claims["groups"]), (Some("refresh-1"), &json!(["a"])));
}

/// Keys that were fetched only just now are fetched again at once: it is the provider that has signed by another.
#[tokio::test]
async fn a_key_that_changes_during_a_session_ends_none() {
    let rig = expired().await;
    for (round, groups) in [json!(["a", "b"]), json!(["c"])].into_iter().enumerate() {
        rig.provider.add(json!({ "id_token": rig.provider.id_token(&json!({ "groups": groups.clone() })) }));
        assert_eq!(rig.token().await, Ok(format!("access-{}", round + 1)));
        let kept = rig.kept().await.unwrap();
        assert_eq!(kept.claims["groups"], groups);
        let mut next = Session::clone(&kept);
        (next.revision, next.expires_at) = (kept.revision + 1, Some(1));
        assert!(rig.engine.services.sessions.write(&rig.place(), &next, now()).await.unwrap());
        rig.provider.rotate();
    }
}

#[tokio::test]
async fn claims_are_those_of_the_newer_id_token_but_for_how_the_login_was() {
    let rig = expired().await;
    rig.provider.add(json!({ "id_token": rig.provider.id_token(&json!({ "groups": [] })) }));
    rig.token().await.unwrap();
    let kept = rig.kept().await.unwrap();
    assert_eq!((&kept.claims["groups"], &kept.claims["acr"]), (&json!([]), &json!("mfa")));
}

#[tokio::test]
async fn tokens_of_another_user_are_not_used() {
    let rig = expired().await;
    rig.provider.add(json!({ "id_token": rig.provider.id_token(&json!({ "sub": "bob" })) }));
    assert_eq!(rig.token().await.unwrap_err(), "no_session");
    assert!(rig.kept().await.is_none());
}

#[tokio::test]
async fn a_token_that_the_provider_refuses_is_replaced_once() {
    let rig = Rig::start(|_| {}).await;
    rig.provider.revoke("access-0");
    assert_eq!(rig.token().await.as_deref(), Ok("access-1"));
    rig.provider.revoke("access-1");
    rig.engine.services.introspected.invalidate_all();
    assert_eq!(rig.token().await.unwrap_err(), "no_session", "not with each request");
    assert_eq!(rig.provider.count(), 1);
}

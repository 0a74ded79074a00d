use serde_json::{Value, json};

use super::*;

fn sessions() -> Sessions {
    Sessions::new(Store::Memory(MemoryStore::default()), Keys::ephemeral(), Duration::from_secs(15))
}

/// A session with these claims, written.
async fn begin(sessions: &Sessions, place: &str, claims: Value) -> Session {
    let session: Session = serde_json::from_value(json!({
        "filter": "f", "client_id": "c", "revision": 1, "access_token": "a", "asked": [], "granted": [],
        "claims": claims, "begun": 1, "idle": 60, "xsrf": "x",
    }))
    .unwrap();
    assert!(sessions.write(place, &session, 1).await.unwrap());
    session
}

#[tokio::test]
async fn a_session_that_lives_on_is_ended_with_all_of_its_user() {
    let sessions = sessions();
    let session = begin(&sessions, "s:1", json!({ "iss": "i", "sub": "ann" })).await;
    sessions.store.remove(&index("i", "sub", "ann")).await.unwrap();
    sessions.touch("s:1", &session, 1).await.unwrap();
    assert_eq!(sessions.end_all("i", "sub", "ann").await, Ok(1));
    assert!(sessions.read("s:1").await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_that_has_ended_is_listed_no_longer() {
    let sessions = sessions();
    begin(&sessions, "s:1", json!({ "iss": "i", "sub": "ann", "sid": "1" })).await;
    sessions.end("s:1").await.unwrap();
    for (claim, value) in [("sub", "ann"), ("sid", "1")] {
        assert_eq!(sessions.store.members(&index("i", claim, value)).await.unwrap(), [""; 0], "{claim}");
    }
}

#[tokio::test]
async fn a_logout_of_one_session_ends_those_that_may_be_that_one() {
    let sessions = sessions();
    begin(&sessions, "s:named", json!({ "iss": "i", "sub": "ann", "sid": "1" })).await;
    begin(&sessions, "s:other", json!({ "iss": "i", "sub": "ann", "sid": "2" })).await;
    begin(&sessions, "s:unnamed", json!({ "iss": "i", "sub": "ann" })).await;
    begin(&sessions, "s:bob", json!({ "iss": "i", "sub": "bob" })).await;
    let logout = |session: Option<&str>| LogoutToken {
        id: "j".to_owned(),
        subject: Some("ann".to_owned()),
        session: session.map(str::to_owned),
    };
    assert_eq!(sessions.end_named("i", &logout(Some("1"))).await, Ok(2));
    assert!(sessions.read("s:other").await.unwrap().is_some());
    assert_eq!(sessions.end_named("i", &logout(None)).await, Ok(1));
    assert!(sessions.read("s:bob").await.unwrap().is_some());
}

#[tokio::test]
async fn large_sessions_are_remembered_in_smaller_number() {
    let sessions = sessions();
    let mut session = begin(&sessions, "s:0", json!({})).await;
    session.access_token = "a".repeat(1 << 20);
    for number in 1..=64 {
        let place = format!("s:{number}");
        sessions.write(&place, &session, 1).await.unwrap();
        assert!(sessions.get(&place).await.unwrap().is_some());
    }
    sessions.opened.run_pending_tasks().await;
    assert!(sessions.opened.weighted_size() <= LOCAL_MOST, "{}", sessions.opened.weighted_size());
    assert!(sessions.opened.entry_count() > 16, "{}", sessions.opened.entry_count());
}

/// Of claims that take more in memory than they do in writing, and far more than as they are packed.
#[tokio::test]
async fn sessions_with_large_claims_are_remembered_in_smaller_number() {
    let sessions = sessions();
    let groups: Vec<_> = (0..10_000).map(|number| json!({ "group": number })).collect();
    let session = begin(&sessions, "s:0", json!({ "groups": groups })).await;
    for number in 1..=16 {
        let place = format!("s:{number}");
        sessions.write(&place, &session, 1).await.unwrap();
        assert!(sessions.get(&place).await.unwrap().is_some());
    }
    sessions.opened.run_pending_tasks().await;
    // A map of one field takes 600 bytes and more.
    let count = sessions.opened.entry_count();
    assert!((1..=LOCAL_MOST / 6_000_000).contains(&count), "{count}");
}

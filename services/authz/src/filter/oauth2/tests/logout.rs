//! What a provider says has ended.

use http::StatusCode;
use nuncio_auth::Request;
use serde_json::json;

use super::Rig;
use crate::clock::now;
use crate::engine::Outcome;

/// Case 48: with another site's form a browser keeps a cookie to itself that is `SameSite`. It is not taken away for that.
#[tokio::test]
async fn another_site_logs_nobody_out() {
    let rig = Rig::start(|_| {}).await;
    let mut request = Request::new("POST", "https", "app.test", "/.ambassador/oauth2/logout?realm=login");
    request.add_header("sec-fetch-site", b"cross-site");
    let Outcome::Answer(reply) = rig.engine.decide(Some("s"), request).await.outcome else { panic!() };
    assert_eq!(reply.status, StatusCode::FOUND);
    assert!(!reply.headers.iter().any(|(name, _)| name == http::header::SET_COOKIE), "{:?}", reply.headers);
}

async fn told(rig: &Rig, token: &str) -> StatusCode {
    let mut request = Request::new("POST", "https", "app.test", "/.ambassador/oauth2/backchannel-logout");
    request.body = format!("logout_token={token}").into_bytes();
    match rig.engine.decide(Some("s"), request).await.outcome {
        Outcome::Answer(reply) => reply.status,
        other => panic!("{other:?}"),
    }
}

/// Case 48: who has seen one ends no session with it that begins later.
#[tokio::test]
async fn a_logout_token_is_good_once() {
    let rig = Rig::start(|_| {}).await;
    let session = rig.kept().await.unwrap();
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let token = rig.provider.id_token(&json!({ "events": event, "jti": "1" }));
    assert_eq!(told(&rig, &token).await, StatusCode::OK);
    assert!(rig.kept().await.is_none());
    rig.engine.services.sessions.write(&rig.place(), &session, now()).await.unwrap();
    assert_eq!(told(&rig, &token).await, StatusCode::BAD_REQUEST);
    assert!(rig.kept().await.is_some());
    let another = rig.provider.id_token(&json!({ "events": event, "jti": "2" }));
    assert_eq!(told(&rig, &another).await, StatusCode::OK);
    assert!(rig.kept().await.is_none());
}

//! Opaque tokens, of which only their provider knows whether they are good.

use super::Rig;

/// Has it asked anew whose token it is.
fn forget(rig: &Rig) {
    rig.engine.services.introspected.invalidate_all();
    rig.engine.services.failing.invalidate_all();
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_nobody_out_for_whom_it_has_vouched() {
    let rig = Rig::start(|_| {}).await;
    rig.provider.go_away(true);
    assert_eq!(rig.token().await, Err("unavailable".to_owned()), "it has said nothing yet");
    rig.provider.go_away(false);
    forget(&rig);
    assert_eq!(rig.token().await.as_deref(), Ok("access-0"));
    rig.provider.go_away(true);
    forget(&rig);
    assert_eq!(rig.token().await.as_deref(), Ok("access-0"));
    // As after ten minutes.
    rig.engine.services.vouched.invalidate_all();
    assert_eq!(rig.token().await, Err("unavailable".to_owned()));
}

#[tokio::test]
async fn a_token_that_a_provider_has_refused_is_vouched_for_no_longer() {
    let rig = Rig::start(|session| session.refresh_token = None).await;
    assert_eq!(rig.token().await.as_deref(), Ok("access-0"));
    rig.provider.revoke("access-0");
    forget(&rig);
    assert_eq!(rig.token().await, Err("no_session".to_owned()));
    rig.provider.go_away(true);
    forget(&rig);
    assert_eq!(rig.token().await, Err("unavailable".to_owned()));
}

//! What becomes of who has logged in, and who comes new, while the provider does wrong: its keys are others, its answers
//! errors, its clock is not ours, its tokens are huge. What each client sees is in docs/login-faults.md.

use http::StatusCode;
use nuncio_auth::jwt::Signer;
use nuncio_authz_tests::{Browser, Evil, Gateway, Issuer, Service, Upstream};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::evil::Liar;
use crate::tokens::now;

/// Access tokens that are to be exchanged soon, by a provider that does this wrong.
fn short_lived(evil: Evil) -> Evil {
    Evil { lifetime: Some(2), ..evil }
}

async fn logged_in(rig: &Liar) -> Browser {
    let (browser, page) = rig.log_in().await;
    assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
    browser
}

/// Asks until the token has been exchanged; all the while the session is used.
async fn is_kept_by_a_refresh(rig: &Liar, browser: &mut Browser) {
    let before = rig.provider.asked().refreshes;
    eventually("the token is exchanged", async || {
        let page = browser.get(&rig.url("/x")).await;
        assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
        if rig.provider.asked().refreshes > before { Ok(()) } else { Err("not yet") }
    })
    .await;
}

async fn becomes(rig: &Liar, browser: &mut Browser, status: StatusCode) {
    eventually(&format!("the answer is {status}"), async || match browser.get(&rig.url("/x")).await {
        page if page.status == status => Ok(()),
        page => Err(page.status),
    })
    .await;
}

fn bearer(rig: &Liar) -> Browser {
    let token = rig.provider.sign(&json!({ "sub": "ann", "exp": now() + 60 }));
    Browser::api().with("authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_key_that_is_not_published_ends_no_session_and_begins_none() {
    let rig = Liar::start(&[]).await;
    rig.provider.be(short_lived(Evil::default()));
    let mut browser = logged_in(&rig).await;
    assert_eq!(bearer(&rig).get(&rig.url("/token/x")).await.status, StatusCode::OK);
    rig.provider.be(short_lived(Evil { signer: Some(Signer::ephemeral().unwrap()), ..Evil::default() }));
    is_kept_by_a_refresh(&rig, &mut browser).await;
    is_kept_by_a_refresh(&rig, &mut browser).await;
    assert_eq!(rig.log_in().await.1.status, StatusCode::BAD_REQUEST, "who comes new");
    assert_eq!(bearer(&rig).get(&rig.url("/token/x")).await.status, StatusCode::UNAUTHORIZED, "who has a token");
}

/// Keys that were fetched only just now are fetched again at once where the provider itself has signed by another.
#[tokio::test]
async fn a_provider_that_changes_its_keys_logs_nobody_out_and_lets_in_who_comes_new() {
    let rig = Liar::start(&[]).await;
    rig.provider.be(short_lived(Evil::default()));
    let mut browser = logged_in(&rig).await;
    for _ in 0..2 {
        rig.provider.rotate();
        is_kept_by_a_refresh(&rig, &mut browser).await;
        logged_in(&rig).await;
        assert_eq!(bearer(&rig).get(&rig.url("/token/x")).await.status, StatusCode::OK, "who has a token");
    }
}

/// Case 41.
#[tokio::test]
async fn an_error_instead_of_a_new_token_ends_the_session_only_where_it_says_so() {
    let rig = Liar::start(&["--idp-timeout", "3s"]).await;
    rig.provider.be(short_lived(Evil::default()));
    let mut browser = logged_in(&rig).await;
    let error = |status, error| Evil { status: Some(status), error, ..Evil::default() };
    let hangs = Evil { hangs: true, ..Evil::default() };
    for wrong in [error(500, ""), error(503, "invalid_grant"), error(401, "invalid_client"), error(302, ""), hangs] {
        rig.provider.be(short_lived(wrong.clone()));
        becomes(&rig, &mut browser, StatusCode::SERVICE_UNAVAILABLE).await;
        rig.provider.be(short_lived(Evil::default()));
        becomes(&rig, &mut browser, StatusCode::OK).await;
    }
    assert_eq!(rig.provider.asked().codes, 1, "one login");
    rig.provider.be(short_lived(error(400, "invalid_grant")));
    becomes(&rig, &mut browser, StatusCode::FOUND).await;
}

/// The provider's clock is wrong in all that it writes into its tokens.
#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    for skew in [-55, 55] {
        let rig = Liar::start(&[]).await;
        rig.provider.be(short_lived(Evil { skew, ..Evil::default() }));
        let mut browser = logged_in(&rig).await;
        let begun = std::time::Instant::now();
        is_kept_by_a_refresh(&rig, &mut browser).await;
        is_kept_by_a_refresh(&rig, &mut browser).await;
        assert!(begun.elapsed().as_secs() >= 1, "no token is exchanged before its time, by whatever clock");
        let asked = rig.provider.asked();
        assert_eq!((asked.codes, asked.refreshes), (1, 2), "one login");
    }
    let rig = Liar::start(&[]).await;
    rig.provider.be(Evil { skew: 70, ..Evil::default() });
    assert_eq!(rig.log_in().await.1.status, StatusCode::BAD_REQUEST);
}

/// Of tokens that clients bring a Filter says by how much.
#[tokio::test]
async fn clocks_may_differ_by_as_much_as_a_filter_says() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let minute = json!({ "required": true, "leeway": { "secs": 60, "nanos": 0 } });
    let jwt = |leeway: &Value| {
        let spec =
            json!({ "jwks_uri": issuer.jwks_uri, "expires_at": leeway, "not_before": leeway, "issued_at": leeway });
        json!({ "id": "jwt.default", "kind": { "jwt": spec } })
    };
    let service = Service::start(&crate::rules(&[jwt(&minute)])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let status = async |exp: u64, begins: u64| {
        let token = issuer.token(&json!({ "sub": "ann", "exp": exp, "nbf": begins, "iat": begins }));
        let mut client = Browser::api().with("authorization", &format!("Bearer {token}"));
        client.get(&gateway.origin).await.status.as_u16()
    };
    let (early, late) = (now() - 55, now() + 55);
    // Five seconds are left of the minute: where they pass before it is asked about, another is tried.
    eventually("a token that has just ended is good", async || match status(now() - 55, now() - 600).await {
        200 => Ok(()),
        other => Err(other),
    })
    .await;
    assert_eq!(status(now() + 600, late).await, 200);
    assert_eq!([status(now() - 65, now() - 600).await, status(now() + 600, now() + 75).await], [401, 401]);
    service.write_rules(&crate::rules(&[jwt(&json!({ "required": true }))])).await;
    assert_eq!([status(early, now() - 600).await, status(now() + 600, late).await], [401, 401]);
}

/// Case 29: what is kept of a login is kept here, and so is never split over cookies.
#[tokio::test]
async fn a_session_of_any_size_is_one_small_cookie() {
    let rig = Liar::start(&[]).await;
    let groups: Vec<String> = (0..1_500).map(|index| format!("/departments/{index:04}")).collect();
    rig.provider.be(short_lived(Evil { claims: json!({ "groups": groups }), ..Evil::default() }));
    let mut browser = logged_in(&rig).await;
    is_kept_by_a_refresh(&rig, &mut browser).await;
    let cookies = browser.cookies_like(rig.host(), "");
    let size: usize = cookies.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert_eq!(browser.cookies_like(rig.host(), "ambassador_session").len(), 1);
    assert!(size < 512, "{cookies:#?}");
    let who = browser.get(&rig.url("/.nuncio/userinfo")).await.json();
    assert_eq!(who["groups"].as_array().unwrap().len(), groups.len());
}

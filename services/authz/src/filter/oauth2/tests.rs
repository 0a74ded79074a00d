//! Sessions at a provider that does as it is told.

mod browser;
mod gate;
mod logout;
mod origins;
mod provider;
mod refresh;
mod validate;

use std::sync::Arc;

use nuncio_auth::login::Session;
use nuncio_auth::{Edits, Request};
use serde_json::json;

use crate::clock::now;
use crate::config::Active;
use crate::engine::{Engine, Outcome, Services};
use crate::session::Sessions;
use provider::ToldProvider;

/// Who decides on requests, and a browser's session.
struct Rig {
    provider: ToldProvider,
    engine: Engine,
    id: String,
}

impl Rig {
    /// A session as the provider's first tokens would make it, with whatever `change` makes of it.
    async fn start(change: impl FnOnce(&mut Session)) -> Self {
        let provider = ToldProvider::start().await;
        let services = Services::alone();
        let metrics = services.metrics.clone();
        let active = Active::new();
        active.apply(serde_json::from_value(rules(&provider.issuer)).unwrap()).unwrap();
        let rig = Self {
            provider,
            engine: Engine { active, services: Arc::new(services), metrics, audit: None, theme: Arc::default() },
            id: Sessions::new_id(),
        };
        let mut session = serde_json::from_value(json!({
            "filter": "login", "client_id": "edge", "revision": 1, "access_token": "access-0",
            "refresh_token": "refresh-0", "asked": ["openid"], "granted": ["openid"], "begun": now(), "idle": 3600,
            "claims": { "iss": rig.provider.issuer, "sub": "ann", "acr": "mfa", "groups": ["a"] }, "xsrf": "x",
        }))
        .unwrap();
        change(&mut session);
        rig.engine.services.sessions.write(&rig.place(), &session, now()).await.unwrap();
        rig
    }

    fn place(&self) -> String {
        Sessions::place(&self.id)
    }

    /// The session as it is kept.
    async fn kept(&self) -> Option<Arc<Session>> {
        self.engine.services.sessions.read(&self.place()).await.unwrap()
    }

    /// A page that the browser asks for.
    async fn get(&self) -> Outcome {
        let mut request = Request::new("GET", "https", "app.test", "/");
        request.add_header("accept", b"application/json");
        request.add_header("cookie", format!("__Host-ambassador_session.login={}", self.id).as_bytes());
        self.engine.decide(Some("s"), request).await.outcome
    }

    /// The access token with which the page is asked for upstream; else why it is not.
    async fn token(&self) -> Result<String, String> {
        match self.get().await {
            Outcome::Allow(edits, _) => Ok(authorization(&edits).trim_start_matches("Bearer ").to_owned()),
            Outcome::Deny(denial) => Err(denial.reason.to_owned()),
            Outcome::Answer(reply) => Err(reply.status.to_string()),
        }
    }
}

fn authorization(edits: &Edits) -> &str {
    edits.headers["authorization"].as_ref().unwrap().to_str().unwrap()
}

#[tokio::test]
async fn whoever_lets_a_request_through_no_upstream_sees_its_session() {
    let rig = Rig::start(|_| {}).await;
    let cookie = format!("a=1; __Host-ambassador_session.login={}", rig.id);
    for (set, method, more) in [("open", "GET", ""), ("s", "OPTIONS", "GET")] {
        let mut request = Request::new(method, "https", "app.test", "/");
        request.add_header("cookie", cookie.as_bytes());
        request.add_header("origin", b"https://other.test");
        request.add_header("access-control-request-method", more.as_bytes());
        let outcome = rig.engine.decide(Some(set), request).await.outcome;
        let Outcome::Allow(edits, _) = outcome else { panic!("{outcome:?}") };
        assert_eq!(edits.headers["cookie"].as_ref().unwrap(), "a=1", "{set} {method}");
    }
}

#[tokio::test]
async fn whom_a_session_is_of_is_known_by_that_login() {
    let outcome = Rig::start(|_| {}).await.get().await;
    let Outcome::Allow(_, Some(who)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((who.subject.as_str(), who.realm.as_deref()), ("ann", Some("login")));
}

#[tokio::test]
async fn a_preflight_goes_on_unasked_and_what_only_says_so_does_not() {
    let rig = Rig::start(|_| {}).await;
    let decide = async |set: &str, more: &[(&str, &str)]| {
        let mut request = Request::new("OPTIONS", "https", "app.test", "/");
        let preflight = [("origin", "https://other.test"), ("access-control-request-method", "GET")];
        for (name, value) in preflight.iter().chain(more) {
            request.add_header(name, value.as_bytes());
        }
        rig.engine.decide(Some(set), request).await
    };
    assert_eq!(decide("s", &[]).await.in_words(), ("allow", "preflight"));
    // What is behind a gate answers nobody who has not passed it.
    let gated = decide("gated", &[]).await;
    assert_eq!(gated.in_words(), ("deny", "preflight"));
    let Outcome::Deny(denial) = gated.outcome else { panic!("{gated:?}") };
    assert_eq!((denial.reply.status.as_u16(), &*denial.reply.body), (403, ""));
    for more in [("content-length", "9"), ("authorization", "Bearer x"), ("cookie", "a=1")] {
        assert_eq!(decide("s", &[more]).await.in_words(), ("deny", "no_session"), "{more:?}");
    }
}

/// Case 28.
#[tokio::test]
async fn a_session_of_another_filter_client_or_provider_is_none() {
    let changes: [fn(&mut Session); 3] = [
        |session| session.filter = "other".to_owned(),
        |session| session.client_id = "other".to_owned(),
        |session| session.claims["iss"] = json!("https://other.test"),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let rig = Rig::start(change).await;
        assert_eq!(rig.token().await.unwrap_err(), "no_session", "{index}");
        assert_eq!(rig.provider.count(), 0, "its tokens are shown to nobody");
    }
}

/// `/strict` has a cookie that is `Strict`, and `/wide` wants a scope more.
fn rules(issuer: &str) -> serde_json::Value {
    let rule = |path: &str, arguments: serde_json::Value| json!({ "origin": "p", "path": path, "filters": [{ "filter": "login", "arguments": arguments }] });
    json!({
        "rule_sets": [{ "id": "open", "rules": [] }, { "id": "gated", "gate": [{ "filter": "login" }], "rules": [] }, { "id": "s", "rules": [
            rule("/strict", json!({ "same_site": "strict" })), rule("/wide", json!({ "scope": ["wide"] })), rule("*", json!({})) ] }],
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "s", "state_expire_redirect": true,
            "protected_origins": [{ "origin": "https://app.test" }, { "origin": "https://far.test" }] } } } } }],
    })
}

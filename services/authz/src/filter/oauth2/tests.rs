//! Sessions at a provider that does as it is told.

mod browser;
mod logout;
mod origins;
mod provider;
mod refresh;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use nuncio_auth::crypto::Keys;
use nuncio_auth::login::Session;
use nuncio_auth::{Edits, Request};
use serde_json::json;

use crate::clock::now;
use crate::config::Active;
use crate::engine::{Engine, Outcome, Services};
use crate::idp::Clients;
use crate::metrics::AuthzMetrics;
use crate::session::{MemoryStore, Sessions, Store};
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
        let metrics = AuthzMetrics::new();
        let clients = Clients::new(Duration::from_secs(4), metrics.clone());
        let sessions = Sessions::new(Store::Memory(MemoryStore::default()), Keys::ephemeral(), Duration::from_secs(15));
        let services = Services::new(clients, sessions, metrics.clone());
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
async fn a_session_of_another_provider_is_none() {
    let rig = Rig::start(|session| session.claims["iss"] = json!("https://before.test")).await;
    assert_eq!(rig.token().await.unwrap_err(), "no_session");
    assert_eq!(rig.provider.count(), 0, "its tokens are shown to nobody");
}

/// `/strict` has a cookie that is `Strict`, and `/wide` wants a scope more.
fn rules(issuer: &str) -> serde_json::Value {
    let rule = |path: &str, arguments: serde_json::Value| json!({ "origin": "p", "path": path, "filters": [{ "filter": "login", "arguments": arguments }] });
    json!({
        "rule_sets": [{ "id": "s", "rules": [
            rule("/strict", json!({ "same_site": "strict" })), rule("/wide", json!({ "scope": ["wide"] })), rule("*", json!({})) ] }],
        "filters": [{ "id": "login", "kind": { "oauth2": { "issuer": issuer, "grant": { "authorization_code": {
            "client_id": "edge", "client_secret": "s", "state_expire_redirect": true,
            "protected_origins": [{ "origin": "https://app.test" }, { "origin": "https://far.test" }] } } } } }],
    })
}

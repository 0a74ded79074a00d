//! An identity provider that says what a test wants it to say: no real one signs bad tokens when asked to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use nuncio_auth::jwt::Signer;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What a provider does wrong.
#[derive(Clone, Debug, Default)]
pub struct Evil {
    /// Claims of the ID token that are other than they should be; `null` for absent.
    pub claims: Value,
    /// Parameters of its header.
    pub header: Value,
    /// Signs with another key than that of its set: this one.
    pub signer: Option<Signer>,
    /// Puts this in place of the whole token.
    pub token: Option<String>,
    /// `iss` of the answer to the browser.
    pub issuer: Option<String>,
    /// Answers so at the token endpoint.
    pub status: Option<u16>,
}

/// A running provider; ends when dropped.
#[derive(Debug)]
pub struct EvilProvider {
    /// Its name and address.
    pub issuer: String,
    state: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    issuer: String,
    signer: Signer,
    evil: Mutex<Evil>,
    nonce: Mutex<String>,
    tokens: Mutex<usize>,
}

impl EvilProvider {
    /// Starts one that does nothing wrong yet.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Shared {
            issuer: issuer.clone(),
            signer: Signer::ephemeral().unwrap(),
            evil: Mutex::default(),
            nonce: Mutex::default(),
            tokens: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/jwks", get(keys))
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, state, task }
    }

    /// Does this wrong from now on.
    pub fn be(&self, evil: Evil) {
        *self.state.evil.lock().unwrap() = evil;
    }

    /// How often it was asked for tokens.
    #[must_use]
    pub fn asked(&self) -> usize {
        *self.state.tokens.lock().unwrap()
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> Value {
        self.state.signer.public_key().unwrap()
    }
}

impl Drop for EvilProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn describe(State(state): State<Arc<Shared>>) -> axum::Json<Value> {
    let at = |path: &str| format!("{}{path}", state.issuer);
    axum::Json(json!({
        "issuer": state.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(state): State<Arc<Shared>>) -> axum::Json<Value> {
    let mut key = state.signer.public_key().unwrap();
    key["kid"] = "good".into();
    axum::Json(json!({ "keys": [key] }))
}

/// Everybody is let in at once.
async fn authorize(State(state): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Redirect {
    *state.nonce.lock().unwrap() = query["nonce"].clone();
    let issuer = state.evil.lock().unwrap().issuer.clone().unwrap_or_else(|| state.issuer.clone());
    Redirect::to(&format!("{}?code=c&state={}&iss={issuer}", query["redirect_uri"], query["state"]))
}

async fn token(State(state): State<Arc<Shared>>) -> Response {
    *state.tokens.lock().unwrap() += 1;
    let evil = state.evil.lock().unwrap().clone();
    if let Some(status) = evil.status {
        let status = StatusCode::from_u16(status).unwrap();
        return (status, [("location", "http://169.254.169.254/")], "{}").into_response();
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": state.issuer, "aud": "edge", "sub": "ann", "iat": now, "exp": now + 60, "nonce": *state.nonce.lock().unwrap(),
    });
    let mut header = json!({ "kid": "good" });
    for (target, changes) in [(&mut claims, &evil.claims), (&mut header, &evil.header)] {
        for (name, value) in changes.as_object().into_iter().flatten() {
            target[name] = value.clone();
        }
    }
    let signer = evil.signer.as_ref().unwrap_or(&state.signer);
    let signed = signer.sign(header.as_object().unwrap().clone(), &claims).unwrap();
    axum::Json(json!({
        "access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": evil.token.unwrap_or(signed),
    }))
    .into_response()
}

//! A provider that rotates refresh tokens, and does wrong when told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use nuncio_auth::jwt::Signer;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running provider; ends when dropped.
pub(super) struct ToldProvider {
    pub(super) issuer: String,
    state: Arc<Told>,
    task: JoinHandle<()>,
}

struct Told {
    issuer: String,
    signer: Mutex<Signer>,
    /// How often refresh tokens were rotated.
    rotated: Mutex<usize>,
    /// In place of tokens.
    refusal: Mutex<Option<(StatusCode, Value)>>,
    /// Beside the tokens.
    more: Mutex<Value>,
    /// Access tokens that are not good any longer.
    revoked: Mutex<Vec<String>>,
    /// UserInfo cannot be asked.
    away: AtomicBool,
    asked: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

impl ToldProvider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Told {
            issuer: issuer.clone(),
            signer: Mutex::new(Signer::ephemeral().unwrap()),
            rotated: Mutex::default(),
            refusal: Mutex::default(),
            more: Mutex::new(json!({})),
            revoked: Mutex::default(),
            away: AtomicBool::default(),
            asked: watch::Sender::default(),
            held: watch::Sender::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(state.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, state, task }
    }

    /// Keeps its answers back, or lets them go.
    pub(super) fn hold(&self, held: bool) {
        self.state.held.send_replace(held);
    }

    /// Refuses all from now on.
    pub(super) fn refuse(&self, status: u16, error: &str) {
        *self.state.refusal.lock().unwrap() = Some((StatusCode::from_u16(status).unwrap(), json!({ "error": error })));
    }

    /// Does not say whose tokens are, or does again.
    pub(super) fn go_away(&self, away: bool) {
        self.state.away.store(away, Ordering::SeqCst);
    }

    /// Does not know an access token any longer.
    pub(super) fn revoke(&self, token: &str) {
        self.state.revoked.lock().unwrap().push(token.to_owned());
    }

    /// Answers with this beside the tokens.
    pub(super) fn add(&self, more: Value) {
        *self.state.more.lock().unwrap() = more;
    }

    /// Signs with another key from now on, and has no other.
    pub(super) fn rotate(&self) {
        *self.state.signer.lock().unwrap() = Signer::ephemeral().unwrap();
    }

    /// An ID token of its own.
    pub(super) fn id_token(&self, claims: &Value) -> String {
        let now = crate::clock::now();
        let mut all = json!({ "iss": self.issuer, "aud": "edge", "sub": "ann", "iat": now, "exp": now + 60 });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.state.signer.lock().unwrap().sign(serde_json::Map::new(), &all).unwrap()
    }

    /// Waits until it was asked for tokens so often.
    pub(super) async fn asked(&self, times: usize) {
        self.state.asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
    }

    /// How often it was asked for tokens.
    pub(super) fn count(&self) -> usize {
        *self.state.asked.borrow()
    }
}

impl Drop for ToldProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn describe(State(state): State<Arc<Told>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", state.issuer);
    Json(json!({
        "issuer": state.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "userinfo_endpoint": at("/userinfo"),
    }))
}

async fn keys(State(state): State<Arc<Told>>) -> Json<Value> {
    Json(json!({ "keys": [state.signer.lock().unwrap().public_key().unwrap()] }))
}

async fn token(State(state): State<Arc<Told>>, form: String) -> Response {
    let answer = state.answer(&form);
    state.asked.send_modify(|asked| *asked += 1);
    let _ = state.held.subscribe().wait_for(|held| !held).await;
    answer.into_response()
}

async fn userinfo(State(state): State<Arc<Told>>, headers: HeaderMap) -> Response {
    let token = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    if state.away.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    match state.revoked.lock().unwrap().contains(&token) {
        true => StatusCode::UNAUTHORIZED.into_response(),
        false => Json(json!({ "sub": "ann" })).into_response(),
    }
}

impl Told {
    fn answer(&self, form: &str) -> (StatusCode, Json<Value>) {
        if let Some((status, error)) = self.refusal.lock().unwrap().clone() {
            return (status, Json(error));
        }
        let mut rotated = self.rotated.lock().unwrap();
        let is_code = form.contains("grant_type=authorization_code");
        if !is_code && !form.contains(&format!("refresh_token=refresh-{rotated}")) {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
        }
        *rotated += 1;
        let mut tokens = json!({
            "access_token": format!("access-{rotated}"), "refresh_token": format!("refresh-{rotated}"), "expires_in": 60,
        });
        for (name, value) in self.more.lock().unwrap().as_object().unwrap() {
            tokens[name] = value.clone();
        }
        (StatusCode::OK, Json(tokens))
    }
}

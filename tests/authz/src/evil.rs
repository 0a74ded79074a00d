//! An identity provider that says what a test wants it to say: no real one signs bad tokens when asked to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use nuncio_auth::jwt::Signer;
use nuncio_test_support::keep_secret;
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
    /// What its description says otherwise.
    pub description: Value,
    /// Answers so at the token endpoint.
    pub status: Option<u16>,
    /// With this error.
    pub error: &'static str,
    /// Takes what it is asked at the token endpoint, and does not answer.
    pub hangs: bool,
    /// By how many seconds its clock is wrong.
    pub skew: i64,
    /// How many seconds its access tokens live, where it is not a minute.
    pub lifetime: Option<i64>,
    /// Each login is somebody else's.
    pub is_crowd: bool,
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
    keys: Mutex<Keys>,
    evil: Mutex<Evil>,
    nonce: Mutex<String>,
    asked: Mutex<Asked>,
}

/// What it signs with, and how often that has changed.
#[derive(Debug)]
struct Keys {
    signer: Signer,
    rotated: usize,
}

/// How often it was asked for tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// For a code.
    pub codes: usize,
    /// For a refresh token.
    pub refreshes: usize,
}

impl EvilProvider {
    /// Starts one that does nothing wrong yet.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Shared {
            issuer: issuer.clone(),
            keys: Mutex::new(Keys { signer: Signer::ephemeral().unwrap(), rotated: 0 }),
            evil: Mutex::default(),
            nonce: Mutex::default(),
            asked: Mutex::default(),
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
    pub fn asked(&self) -> Asked {
        *self.state.asked.lock().unwrap()
    }

    /// Has another key from now on, and that alone.
    pub fn rotate(&self) {
        let mut keys = self.state.keys.lock().unwrap();
        *keys = Keys { signer: Signer::ephemeral().unwrap(), rotated: keys.rotated + 1 };
    }

    /// The nonce of the newest login.
    #[must_use]
    pub fn nonce(&self) -> String {
        self.state.nonce.lock().unwrap().clone()
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> Value {
        self.state.keys.lock().unwrap().signer.public_key().unwrap()
    }

    /// Where its keys are.
    #[must_use]
    pub fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.issuer)
    }

    /// A token with these claims, as it signs them.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.state.sign(&self.state.evil.lock().unwrap(), claims)
    }
}

impl Drop for EvilProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn sign(&self, evil: &Evil, claims: &Value) -> String {
        let keys = self.keys.lock().unwrap();
        let header = with(json!({ "kid": keys.kid() }), &evil.header);
        let signer = evil.signer.as_ref().unwrap_or(&keys.signer);
        let token = signer.sign(header.as_object().unwrap().clone(), claims).unwrap();
        keep_secret(&token);
        token
    }

    /// A code is the nonce of its login.
    fn tokens(&self, evil: Evil, code: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed() + evil.skew;
        let lifetime = evil.lifetime.unwrap_or(60);
        let user = if evil.is_crowd { code } else { "ann" };
        let claims = json!({ "iss": self.issuer, "sub": user, "iat": now, "exp": now + lifetime });
        let good = json!({ "aud": "edge", "exp": now + 60, "nonce": code });
        let id_token = self.sign(&evil, &with(with(claims.clone(), &good), &evil.claims));
        json!({
            "access_token": self.sign(&Evil { header: json!({}), ..evil.clone() }, &claims), "token_type": "Bearer",
            "expires_in": lifetime, "id_token": evil.token.unwrap_or(id_token),
            "refresh_token": nuncio_auth::crypto::random_text(),
        })
    }
}

impl Keys {
    fn kid(&self) -> String {
        format!("good-{}", self.rotated)
    }
}

/// An object with some of its fields changed.
fn with(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

async fn describe(State(state): State<Arc<Shared>>) -> axum::Json<Value> {
    let at = |path: &str| format!("{}{path}", state.issuer);
    let said = json!({
        "issuer": state.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "authorization_response_iss_parameter_supported": true,
    });
    axum::Json(with(said, &state.evil.lock().unwrap().description))
}

async fn keys(State(state): State<Arc<Shared>>) -> axum::Json<Value> {
    let keys = state.keys.lock().unwrap();
    let mut key = keys.signer.public_key().unwrap();
    key["kid"] = keys.kid().into();
    axum::Json(json!({ "keys": [key] }))
}

/// Everybody is let in at once.
async fn authorize(State(state): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Redirect {
    *state.nonce.lock().unwrap() = query["nonce"].clone();
    let issuer = state.evil.lock().unwrap().issuer.clone().unwrap_or_else(|| state.issuer.clone());
    let code = &query["nonce"];
    Redirect::to(&format!("{}?code={code}&state={}&iss={issuer}", query["redirect_uri"], query["state"]))
}

async fn token(State(state): State<Arc<Shared>>, form: String) -> Response {
    let code = form.split('&').find_map(|pair| pair.strip_prefix("code="));
    {
        let mut asked = state.asked.lock().unwrap();
        *(if code.is_some() { &mut asked.codes } else { &mut asked.refreshes }) += 1;
    }
    let evil = state.evil.lock().unwrap().clone();
    if evil.hangs {
        return std::future::pending().await;
    }
    if let Some(status) = evil.status {
        let status = StatusCode::from_u16(status).unwrap();
        let elsewhere = [("location", "http://169.254.169.254/")];
        return (status, elsewhere, axum::Json(json!({ "error": evil.error }))).into_response();
    }
    let tokens = state.tokens(evil, code.unwrap_or_default());
    keep_secret(tokens["refresh_token"].as_str().unwrap());
    axum::Json(tokens).into_response()
}

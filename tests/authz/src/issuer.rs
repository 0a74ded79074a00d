//! An issuer of tokens whose every answer the test decides: keys that rotate, documents that are slow, large or wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use nuncio_auth::jwt::Signer;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A running issuer; ends when dropped.
#[derive(Debug)]
pub struct Issuer {
    /// Where its keys are.
    pub jwks_uri: String,
    state: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What it answers instead of its keys.
#[derive(Clone, Debug)]
enum Answer {
    This(StatusCode, String),
    ElsewhereAt(String),
    Nothing,
}

#[derive(Debug)]
struct Shared {
    signer: Mutex<(Signer, String)>,
    answer: Mutex<Option<Answer>>,
    fetches: AtomicUsize,
}

impl Issuer {
    /// Starts one with a key of its own.
    pub async fn start() -> Self {
        let state = Arc::new(Shared {
            signer: Mutex::new((Signer::ephemeral().unwrap(), "k0".to_owned())),
            answer: Mutex::default(),
            fetches: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let jwks_uri = format!("http://{}/jwks", listener.local_addr().unwrap());
        let router = Router::new().route("/jwks", get(keys)).with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { jwks_uri, state, task }
    }

    /// A token of its present key.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let signer = self.state.signer.lock().unwrap();
        let header = json!({ "kid": signer.1, "typ": "JWT" });
        signer.0.sign(header.as_object().unwrap().clone(), claims).unwrap()
    }

    /// A token of its present key that names another.
    #[must_use]
    pub fn token_of_key(&self, key: &str, claims: &Value) -> String {
        let signer = self.state.signer.lock().unwrap();
        signer.0.sign(json!({ "kid": key }).as_object().unwrap().clone(), claims).unwrap()
    }

    /// Has another key from now on, and that alone.
    pub fn rotate(&self) {
        let mut signer = self.state.signer.lock().unwrap();
        *signer = (Signer::ephemeral().unwrap(), format!("{}'", signer.1));
    }

    /// Answers so from now on, instead of with its keys.
    pub fn answer(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        *self.state.answer.lock().unwrap() = Some(Answer::This(status, body.to_owned()));
    }

    /// Sends whoever asks to another address from now on.
    pub fn redirect(&self, to: &str) {
        *self.state.answer.lock().unwrap() = Some(Answer::ElsewhereAt(to.to_owned()));
    }

    /// Takes requests from now on, and does not answer.
    pub fn hang(&self) {
        *self.state.answer.lock().unwrap() = Some(Answer::Nothing);
    }

    /// Answers with its keys again.
    pub fn recover(&self) {
        *self.state.answer.lock().unwrap() = None;
    }

    /// Its keys, as it answers with them.
    #[must_use]
    pub fn key_set(&self) -> String {
        self.state.key_set()
    }

    /// How often its keys were fetched.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn key_set(&self) -> String {
        let signer = self.signer.lock().unwrap();
        let mut key = signer.0.public_key().unwrap();
        key["kid"] = signer.1.clone().into();
        json!({ "keys": [key] }).to_string()
    }
}

async fn keys(State(state): State<Arc<Shared>>) -> Response {
    state.fetches.fetch_add(1, Ordering::SeqCst);
    let answer = state.answer.lock().unwrap().clone();
    match answer {
        None => state.key_set().into_response(),
        Some(Answer::This(status, body)) => (status, body).into_response(),
        Some(Answer::ElsewhereAt(address)) => (StatusCode::FOUND, [(LOCATION, address)]).into_response(),
        Some(Answer::Nothing) => std::future::pending().await,
    }
}

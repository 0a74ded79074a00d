//! An upstream that answers with what it was sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::keep_secrets_of;

/// A running upstream; ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: String,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(echo).with_state(Arc::clone(&requests));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, requests, task }
    }

    /// How many requests have reached it.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Method, path with query, and headers; several lines of a header are joined by a bar.
async fn echo(State(requests): State<Arc<AtomicUsize>>, request: Request) -> impl IntoResponse {
    requests.fetch_add(1, Ordering::SeqCst);
    keep_secrets_of(request.headers());
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.to_string()).and_modify(|all| all.push_str(&format!("|{value}"))).or_insert(value);
    }
    let target = request.uri().path_and_query().map(ToString::to_string);
    axum::Json(json!({ "method": request.method().as_str(), "path": target, "headers": headers }))
}

//! A collector of spans, which keeps what it is sent as it came.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use nuncio_test_support::Authority;
use tempfile::NamedTempFile;
use tokio::task::JoinHandle;

/// A running collector; ends when dropped.
#[derive(Debug)]
pub struct Collector {
    url: String,
    /// Not asked about anything, and yet wanted: without authorities, the machine's or others, no exporter starts.
    authorities: NamedTempFile,
    sent: Arc<Mutex<Vec<Bytes>>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::<Mutex<Vec<Bytes>>>::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&sent));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let authorities = NamedTempFile::new().unwrap();
        std::fs::write(authorities.path(), Authority::new("any").pem()).unwrap();
        Self { url, authorities, sent, task }
    }

    /// What has a process send its spans here, at once.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let authorities = self.authorities.path().to_str().unwrap();
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.url.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", authorities),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        variables.map(|(name, value)| (name, value.to_owned())).to_vec()
    }

    /// Whether one message holds all of these.
    #[must_use]
    pub fn has(&self, parts: &[&[u8]]) -> bool {
        let holds = |message: &Bytes, part: &[u8]| message.windows(part.len()).any(|window| window == part);
        self.sent.lock().unwrap().iter().any(|message| parts.iter().all(|part| holds(message, part)))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(sent): State<Arc<Mutex<Vec<Bytes>>>>, message: Bytes) {
    sent.lock().unwrap().push(message);
}

//! A collector of spans.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
pub use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::task::JoinHandle;

/// A running collector; ends when dropped.
#[derive(Debug)]
pub struct Collector {
    url: String,
    sent: Arc<Mutex<Vec<Span>>>,
    task: JoinHandle<()>,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((nuncio_test_support::own_address(), 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::<Mutex<Vec<Span>>>::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&sent));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, sent, task }
    }

    /// What has a process send its spans here, at once.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.url.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        variables.map(|(name, value)| (name, value.to_owned())).to_vec()
    }

    /// The spans of a trace that it was sent so far.
    #[must_use]
    pub fn spans(&self, trace: u128) -> Vec<Span> {
        let of_trace = |span: &&Span| span.trace_id == trace.to_be_bytes();
        self.sent.lock().unwrap().iter().filter(of_trace).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(sent): State<Arc<Mutex<Vec<Span>>>>, message: Bytes) {
    let request = ExportTraceServiceRequest::decode(message).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    sent.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
}

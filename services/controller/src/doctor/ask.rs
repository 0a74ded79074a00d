//! Questions to the API server, one at a time.

use std::time::Duration;

use http::{Method, Request, header};
use kube::Client;
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The API server.
pub(super) struct Api {
    client: Client,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// HTTP status; none if nobody answers.
    pub(super) code: Option<u16>,
    /// In the server's words.
    pub(super) message: String,
}

impl Refusal {
    /// There is no such object.
    pub(super) fn is_missing(&self) -> bool {
        self.code == Some(404)
    }

    /// Whoever asks may not know.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self.code, Some(401 | 403))
    }
}

impl Api {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.send(Method::GET, path, Vec::new()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.send(Method::POST, path, body.to_string().into_bytes()).await
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, Refusal> {
        let none = |message: String| Refusal { code: None, message };
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(body).map_err(|error| none(error.to_string()))?;
        match tokio::time::timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) => {
                Err(Refusal { code: Some(status.code), message: status.message.clone() })
            }
            Ok(Err(error)) => Err(none(nuncio_telemetry::causes(&error))),
            Err(_) => Err(none(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

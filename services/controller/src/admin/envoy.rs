//! The admin interface of an Envoy on the same machine, over its Unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long a whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest reply that is read. Statistics of 10 000 clusters are about half of it.
const MAX_REPLY: usize = 64 << 20;

/// An Envoy's admin interface.
#[derive(Clone, Debug)]
pub struct EnvoyAdmin {
    socket: PathBuf,
}

/// What Envoy replied.
#[derive(Clone, Debug)]
pub struct EnvoyReply {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum EnvoyAdminError {
    /// Nobody listens on the socket: Envoy is not up (yet, or any more).
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// Envoy did not answer in time.
    #[error("no reply within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// The reply is larger than anybody here wants to read.
    #[error("a reply of more than {} MiB", MAX_REPLY >> 20)]
    TooLarge,
    /// The exchange failed half-way.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl EnvoyAdmin {
    /// The admin interface on `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks for `path`, such as `/ready`.
    ///
    /// # Errors
    /// When there is no reply. A reply of any status is a reply.
    pub async fn get(&self, path: &str) -> Result<EnvoyReply, EnvoyAdminError> {
        self.exchange(Method::GET, path).await
    }

    /// Tells Envoy to do `path`, such as `/healthcheck/fail`.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn post(&self, path: &str) -> Result<EnvoyReply, EnvoyAdminError> {
        self.exchange(Method::POST, path).await
    }

    async fn exchange(&self, method: Method, path: &str) -> Result<EnvoyReply, EnvoyAdminError> {
        timeout(TIMEOUT, self.send(method, path)).await.unwrap_or(Err(EnvoyAdminError::TimedOut))
    }

    async fn send(&self, method: Method, path: &str) -> Result<EnvoyReply, EnvoyAdminError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(EnvoyAdminError::Connect)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "envoy")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(failed)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(failed)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_REPLY).collect().await.map_err(too_large_or_failed)?;
            Ok(EnvoyReply { status, body: body.to_bytes() })
        };
        // The connection moves the bytes: it has to be polled for as long as the exchange takes, and no longer.
        let (connection, mut exchange) = (std::pin::pin!(connection), std::pin::pin!(exchange));
        tokio::select! {
            reply = &mut exchange => reply,
            _ = connection => exchange.await,
        }
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EnvoyAdminError {
    EnvoyAdminError::Failed(error.into())
}

fn too_large_or_failed(error: Box<dyn std::error::Error + Send + Sync>) -> EnvoyAdminError {
    if error.is::<LengthLimitError>() { EnvoyAdminError::TooLarge } else { EnvoyAdminError::Failed(error) }
}

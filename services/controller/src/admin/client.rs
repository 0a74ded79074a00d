//! A client for admin interfaces: Envoy's, over a Unix socket, and our own.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use nuncio_telemetry::SharedToken;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::ProblemDetails;

/// How long a whole exchange may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a reply may take that is passed on as it comes: whoever reads it may be slow.
const LONGEST: Duration = Duration::from_secs(30);

/// The largest reply that is kept.
const MAX_REPLY: usize = 64 << 20;

/// An admin interface.
#[derive(Clone, Debug)]
pub struct AdminClient {
    server: Server,
    token: Option<SharedToken>,
}

#[derive(Clone, Debug)]
enum Server {
    Unix(PathBuf),
    Tcp(String),
}

/// What the server replied.
#[derive(Clone, Debug)]
pub struct AdminReply {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody listens there (yet, or any more).
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The server did not answer in time.
    #[error("no reply within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// The reply is larger than anybody here wants to read.
    #[error("a reply of more than {} MiB", MAX_REPLY >> 20)]
    TooLarge,
    /// The exchange failed half-way.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AdminClient {
    /// The interface on the Unix socket `path`.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self { server: Server::Unix(path.into()), token: None }
    }

    /// The interface on `address`, as in `127.0.0.1:8877`.
    pub fn tcp(address: impl Into<String>) -> Self {
        Self { server: Server::Tcp(address.into()), token: None }
    }

    /// That of a gateway, which is shown the token that the environment has for it, if any.
    pub fn gateway(address: impl Into<String>) -> Self {
        Self { token: SharedToken::of_environment(), ..Self::tcp(address) }
    }

    /// The same, shown this token, if there is one.
    pub(crate) fn bearing(self, token: Option<SharedToken>) -> Self {
        Self { token, ..self }
    }

    /// Asks for `path`, such as `/ready`.
    ///
    /// # Errors
    /// When there is no reply. A reply of any status is a reply.
    pub async fn get(&self, path: &str) -> Result<AdminReply, AdminError> {
        self.exchange(Method::GET, path).await
    }

    /// Tells the server to do `path`, such as `/healthcheck/fail`.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn post(&self, path: &str) -> Result<AdminReply, AdminError> {
        self.exchange(Method::POST, path).await
    }

    /// Asks for `path`; gives the head of the reply, and its body to be read as it comes.
    ///
    /// # Errors
    /// As for [`Self::get`], as far as the head.
    pub(super) async fn stream(&self, path: &str) -> Result<Response<Incoming>, AdminError> {
        timeout(TIMEOUT, self.open(Method::GET, path)).await.unwrap_or(Err(AdminError::TimedOut))
    }

    /// Has the server do what a method means of `path`.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub(crate) async fn exchange(&self, method: Method, path: &str) -> Result<AdminReply, AdminError> {
        let exchange = async {
            let (head, body) = self.open(method, path).await?.into_parts();
            let body = Limited::new(body, MAX_REPLY).collect().await.map_err(too_large_or_failed)?;
            Ok(AdminReply { status: head.status, body: body.to_bytes() })
        };
        timeout(TIMEOUT, exchange).await.unwrap_or(Err(AdminError::TimedOut))
    }

    async fn open(&self, method: Method, path: &str) -> Result<Response<Incoming>, AdminError> {
        match &self.server {
            Server::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(AdminError::Connect)?;
                send(stream, self.request(method, path, "envoy")?).await
            }
            Server::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(AdminError::Connect)?;
                send(stream, self.request(method, path, address)?).await
            }
        }
    }

    fn request(&self, method: Method, path: &str, host: &str) -> Result<Request<Empty<Bytes>>, AdminError> {
        let mut builder = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            let token = token.shown().map_err(failed)?;
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        builder.header(header::HOST, host).header(header::CONNECTION, "close").body(Empty::new()).map_err(failed)
    }
}

impl AdminReply {
    /// What a refusal says, in words.
    pub fn why(&self) -> String {
        match serde_json::from_slice::<ProblemDetails>(&self.body) {
            Ok(problem) => format!("{}: {}", self.status, problem.detail),
            Err(_) => format!("{}: {}", self.status, String::from_utf8_lossy(&self.body).trim()),
        }
    }
}

async fn send<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, AdminError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It moves the bytes, and ends once nobody wants the reply any more.
    tokio::spawn(timeout(LONGEST, connection));
    sender.send_request(request).await.map_err(failed)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AdminError {
    AdminError::Failed(error.into())
}

fn too_large_or_failed(error: Box<dyn std::error::Error + Send + Sync>) -> AdminError {
    if error.is::<LengthLimitError>() { AdminError::TooLarge } else { AdminError::Failed(error) }
}

//! An HTTP client that says exactly what goes over the wire, and on which connection.

mod message;
mod tls;

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nuncio_test_support::eventually;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use self::message::{Ask, Reply, get};
pub use self::tls::Tls;

use crate::DEADLINE;

/// Which HTTP to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    /// No TLS on it.
    #[error("TLS handshake: {0}")]
    Tls(#[source] std::io::Error),
    /// No reply on it.
    #[error("no reply: {0:?}")]
    Http(#[from] hyper::Error),
    /// Nothing happened for too long.
    #[error("no reply in time")]
    Timeout,
}

/// Makes connections to one address.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    protocol: Protocol,
    tls: Option<Tls>,
    preface: Vec<u8>,
}

impl Client {
    /// In clear text, by HTTP/1.1.
    #[must_use]
    pub fn http(address: SocketAddr) -> Self {
        Self { address, protocol: Protocol::Http1, tls: None, preface: Vec::new() }
    }

    /// By TLS, and HTTP/1.1.
    #[must_use]
    pub fn https(address: SocketAddr, tls: Tls) -> Self {
        Self { tls: Some(tls), ..Self::http(address) }
    }

    /// By HTTP/2 instead.
    #[must_use]
    pub fn http2(self) -> Self {
        Self { protocol: Protocol::Http2, ..self }
    }

    /// Sends these bytes first, before TLS and HTTP.
    #[must_use]
    pub fn preface(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { preface: bytes.into(), ..self }
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Errors
    /// When there is no whole reply.
    pub async fn send(&self, ask: &Ask) -> Result<Reply, Failure> {
        self.connect().await?.send(ask).await
    }

    /// The reply to a request on a connection of its own.
    ///
    /// # Panics
    /// If there is none.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        self.send(ask).await.unwrap_or_else(|failure| panic!("{ask:?}: {failure}"))
    }

    /// Waits until a request is answered by `by`: a backend, or a status.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn until_by(&self, ask: &Ask, by: &str) -> Reply {
        self.until(ask, by, |reply| reply.by() == by).await
    }

    /// Waits until a request is answered with this status, whoever answers.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn until_status(&self, ask: &Ask, status: u16) -> Reply {
        self.until(ask, &status.to_string(), |reply| reply.status == status).await
    }

    async fn until(&self, ask: &Ask, wanted: &str, is_wanted: impl Fn(&Reply) -> bool) -> Reply {
        eventually(&format!("{ask:?} is answered by {wanted}"), async || {
            let reply = self.send(ask).await.map_err(|failure| failure.to_string())?;
            if is_wanted(&reply) { Ok(reply) } else { Err(format!("{}: {}", reply.status, reply.text())) }
        })
        .await
    }

    /// Connects.
    ///
    /// # Errors
    /// When that fails.
    pub async fn connect(&self) -> Result<Connection, Failure> {
        timeout(DEADLINE, self.connect_slowly()).await.map_err(|_| Failure::Timeout)?
    }

    async fn connect_slowly(&self) -> Result<Connection, Failure> {
        let mut tcp = TcpStream::connect(self.address).await.map_err(Failure::Connect)?;
        tcp.set_nodelay(true).map_err(Failure::Connect)?;
        tcp.write_all(&self.preface).await.map_err(Failure::Connect)?;
        let Some(tls) = &self.tls else { return Connection::over(tcp, self.protocol, "http").await };
        let name = ServerName::try_from(tls.sni.clone()).expect("a server name");
        let stream = TlsConnector::from(Arc::new(tls.config())).connect(name, tcp).await.map_err(Failure::Tls)?;
        let session = stream.get_ref().1;
        let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        let certificate = session.peer_certificates().and_then(|chain| chain.first()).cloned();
        let connection = Connection::over(stream, self.protocol, "https").await?;
        Ok(Connection { alpn, certificate, ..connection })
    }
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A connection that is kept for many requests.
pub struct Connection {
    sender: Sender,
    scheme: &'static str,
    /// The protocol chosen by ALPN.
    pub alpn: Option<String>,
    certificate: Option<CertificateDer<'static>>,
}

impl Connection {
    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        protocol: Protocol,
        scheme: &'static str,
    ) -> Result<Self, Failure> {
        let io = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection.with_upgrades());
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Ok(Self { sender, scheme, alpn: None, certificate: None })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no whole reply.
    pub async fn send(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        timeout(DEADLINE, self.send_slowly(ask)).await.map_err(|_| Failure::Timeout)?
    }

    async fn send_slowly(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(ask.request(Protocol::Http1, self.scheme)).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(ask.request(Protocol::Http2, self.scheme)).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Whether another request may be sent on it.
    pub async fn is_open(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// The serial number of the certificate that was shown, in hexadecimal.
    ///
    /// # Panics
    /// If there was none.
    #[must_use]
    pub fn serial(&self) -> String {
        let der = self.certificate.as_ref().expect("a certificate");
        let (_, certificate) = x509_parser::parse_x509_certificate(der).expect("a certificate that can be read");
        certificate.raw_serial().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The common name of the certificate that was shown.
    ///
    /// # Panics
    /// If there was none.
    #[must_use]
    pub fn common_name(&self) -> String {
        let der = self.certificate.as_ref().expect("a certificate");
        nuncio_test_support::common_name(der)
    }
}

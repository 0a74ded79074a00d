//! An HTTP server (HTTP/1.1, HTTP/2 with prior knowledge, WebSocket, with TLS if wanted) that answers with what it got.
//!
//! A request steers it: `x-echo-status: 503` sets the status, `x-echo-header: name=value` a header of the answer,
//! `x-echo-length: name` has a header of that name say how long the body was, in place of the body, and `x-echo-hold: 1` holds
//! the answer back until [`Backend::release`].

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::task::AbortOnDropHandle;

use crate::{Authority, Identity};

/// What a backend got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Echo {
    /// The backend's name.
    pub backend: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Host` or `:authority`.
    pub host: String,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: String,
    /// Headers, as they came.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
    /// Over TLS: the name asked for by SNI.
    pub sni: Option<String>,
    /// Over TLS: common name of the client's certificate.
    pub client: Option<String>,
}

impl Echo {
    /// A header's value; of several the first.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }
}

/// A running backend. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    requests: AtomicU64,
    released: watch::Sender<bool>,
}

/// What is known of a TLS client.
#[derive(Clone, Debug, Default)]
struct Peer {
    sni: Option<String>,
    client: Option<String>,
}

impl Backend {
    /// Starts one of this name in clear text.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(name: &str) -> Self {
        Self::start_at(name, Ipv4Addr::LOCALHOST.into()).await
    }

    /// Starts one for HTTP in clear text at an address of this machine.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start_at(name: &str, ip: IpAddr) -> Self {
        Self::serve(name, ip, None).await
    }

    /// Starts one with TLS, which asks for a client certificate by `clients` where that is given.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn tls(name: &str, identity: &Identity, clients: Option<&Authority>) -> Self {
        Self::serve(
            name,
            Ipv4Addr::LOCALHOST.into(),
            Some(TlsAcceptor::from(Arc::new(server_config(identity, clients)))),
        )
        .await
    }

    async fn serve(name: &str, ip: IpAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            requests: AtomicU64::default(),
            released: watch::Sender::new(false),
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&shared), tls));
        Self { address, shared, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that it got so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Lets answers go that are held back, and all later ones.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

fn server_config(identity: &Identity, clients: Option<&Authority>) -> rustls::ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.der()).expect("a certificate");
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let mut config = builder.with_single_cert(vec![identity.der()], identity.key_der()).expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        connections.spawn(async move {
            let _ = tcp.set_nodelay(true);
            let Some(tls) = tls else { return speak(tcp, shared, Peer::default()).await };
            let Ok(stream) = tls.accept(tcp).await else { return };
            let session = stream.get_ref().1;
            let peer = Peer {
                sni: session.server_name().map(ToOwned::to_owned),
                client: session
                    .peer_certificates()
                    .and_then(|chain| chain.first())
                    .map(nuncio_test_support::common_name),
            };
            speak(stream, shared, peer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, shared: Arc<Shared>, peer: Peer) {
    let service = service_fn(move |request| {
        let (shared, peer) = (Arc::clone(&shared), peer.clone());
        async move { Ok::<_, Infallible>(answer(request, &shared, peer).await) }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    // A client that goes away is no matter.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: &Arc<Shared>, peer: Peer) -> Response<Full<Bytes>> {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    if request.headers().get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return upgrade(request, Arc::clone(shared));
    }
    let steer = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let status = steer("x-echo-status").and_then(|text| text.parse().ok()).unwrap_or(StatusCode::OK);
    if steer("x-echo-hold").is_some() {
        let _ = shared.released.subscribe().wait_for(|released| *released).await;
    }
    let (own, length) = (steer("x-echo-header"), steer("x-echo-length"));
    let mut echo = echo(request, shared, peer).await;
    let length = length.map(|name| (name, std::mem::take(&mut echo.body).len()));
    let body = serde_json::to_vec(&echo).unwrap_or_default();
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    if let Some((name, value)) = own.as_deref().and_then(|own| own.split_once('=')) {
        response = response.header(name, value);
    }
    if let Some((name, length)) = length {
        response = response.header(name, length);
    }
    response.body(Full::new(body.into())).expect("a response")
}

async fn echo(request: Request<Incoming>, shared: &Shared, peer: Peer) -> Echo {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = head.headers.get(header::HOST).map(text);
    Echo {
        backend: shared.name.clone(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: host.or_else(|| head.uri.authority().map(ToString::to_string)).unwrap_or_default(),
        version: format!("{:?}", head.version),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        sni: peer.sni,
        client: peer.client,
    }
}

/// Accepts a WebSocket (RFC 6455) and echoes its messages, with the backend's name before them.
fn upgrade(mut request: Request<Incoming>, shared: Arc<Shared>) -> Response<Full<Bytes>> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let Ok(text) = message.to_text() else { return };
            if !message.is_text() || socket.send(format!("{}: {text}", shared.name).into()).await.is_err() {
                return;
            }
        }
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let response = response.header(header::UPGRADE, "websocket").header(header::CONNECTION, "upgrade");
    let response = response.header(header::SEC_WEBSOCKET_ACCEPT, key.unwrap_or_default());
    response.body(Full::default()).expect("a response")
}

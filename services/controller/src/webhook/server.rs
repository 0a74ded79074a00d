//! The handlers over TLS.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::{CertificateError, ServingCertificate};

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection may be silent between requests, and take for a request's headers.
const IDLE: Duration = Duration::from_secs(30);

/// How long replies that have begun may take after the end of the server.
const DRAIN: Duration = Duration::from_secs(10);

/// Connections at once. An API server keeps a few.
const CONNECTIONS: usize = 256;

/// The certificate that is shown; clones share it. Connections that are made after [`replace`](Self::replace) see the new
/// one, those that are there stay.
#[derive(Clone, Debug)]
pub struct Certificates(Arc<RwLock<Arc<CertifiedKey>>>);

impl Certificates {
    /// Shows `certificate`.
    ///
    /// # Errors
    /// When it is not PEM, or the key does not belong to it.
    pub fn new(certificate: &ServingCertificate) -> Result<Self, CertificateError> {
        Ok(Self(Arc::new(RwLock::new(certified(certificate)?))))
    }

    /// Shows `certificate` from now on.
    ///
    /// # Errors
    /// As of [`Certificates::new`]; what was shown before is shown still.
    pub fn replace(&self, certificate: &ServingCertificate) -> Result<(), CertificateError> {
        let certified = certified(certificate)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn certified(ServingCertificate(pem): &ServingCertificate) -> Result<Arc<CertifiedKey>, CertificateError> {
    let wrong = |error: rustls::pki_types::pem::Error| CertificateError::Parse(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.chain.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).map_err(wrong)?;
    Ok(Arc::new(CertifiedKey::from_der(chain.map_err(wrong)?, key, &aws_lc_rs::default_provider())?))
}

/// Serves `router` over TLS on `listener` until `shutdown`, then lets replies that have begun finish.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn serve(
    listener: TcpListener,
    certificates: Certificates,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let acceptor = acceptor(certificates)?;
    let (tasks, places) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    while let Some(place) = place(&places, &shutdown).await {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = Connection { acceptor: acceptor.clone(), router: router.clone(), _place: place };
                tasks.spawn(connection.serve(stream, shutdown.clone()));
            }
            Err(error) => {
                // Such as no file descriptor left: it may pass.
                debug!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    tasks.close();
    let _ = timeout(DRAIN, tasks.wait()).await;
    Ok(())
}

async fn place(places: &Arc<Semaphore>, shutdown: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        () = shutdown.cancelled() => None,
        place = Arc::clone(places).acquire_owned() => place.ok(),
    }
}

fn acceptor(certificates: Certificates) -> io::Result<TlsAcceptor> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

struct Connection {
    acceptor: TlsAcceptor,
    router: Router,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, shutdown: CancellationToken) {
        let handshake = tokio::select! {
            () = shutdown.cancelled() => return,
            handshake = timeout(HANDSHAKE, self.acceptor.accept(stream)) => handshake,
        };
        let stream = match handshake {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return debug!(%error, "a handshake with the webhook failed"),
            Err(_) => return debug!("a handshake with the webhook took too long"),
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection to the webhook ended");
        }
    }
}

//! TLS towards Redis.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::Reloading;

/// How to speak TLS with Redis: by the certificates that are in the files when a connection is made.
#[derive(Clone)]
pub struct Tls(Arc<Reloading<rustls::ClientConfig>>);

impl Tls {
    /// With this configuration.
    pub(crate) fn new(config: Reloading<rustls::ClientConfig>) -> Self {
        Self(Arc::new(config))
    }

    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        TlsConnector::from(self.0.get()).connect(name, stream).await.map_err(|error| error.to_string())
    }
}

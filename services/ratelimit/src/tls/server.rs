//! TLS of the gRPC server, with certificates that are read again when they change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{authorities, certificates, private_key};
use crate::settings::ServerTls;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why TLS cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{0}: {1}")]
    File(String, String),
    #[error("TLS cannot be used: {0}")]
    Unusable(String),
}

/// Accepts connections with the certificates that are in the files now. Where new ones cannot be used, the last stay.
pub(crate) struct ReloadingAcceptor {
    tls: ServerTls,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    looked: Instant,
    /// When the files were last changed.
    changed: Changed,
}

type Changed = Vec<Option<std::time::SystemTime>>;

impl ReloadingAcceptor {
    pub(crate) fn new(tls: ServerTls) -> Result<Self, TlsError> {
        let current =
            Mutex::new(Current { config: server_config(&tls)?, looked: Instant::now(), changed: changed(&tls) });
        Ok(Self { tls, current })
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let accepting = TlsAcceptor::from(self.config()).accept(stream);
        let stream = tokio::time::timeout(HANDSHAKE, accepting).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        if !self.tls.client_name.is_empty() && !has_name(&stream, &self.tls.client_name) {
            return Err(std::io::Error::other("the client's certificate is for another name"));
        }
        Ok(stream)
    }

    fn config(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK_EVERY {
            current.looked = Instant::now();
            let changed = changed(&self.tls);
            if changed != current.changed {
                match server_config(&self.tls) {
                    Ok(config) => (current.config, current.changed) = (config, changed),
                    Err(error) => tracing::warn!("the new certificate cannot be used, the last one stays: {error}"),
                }
            }
        }
        current.config.clone()
    }
}

fn changed(tls: &ServerTls) -> Changed {
    let files = [&tls.certificate, &tls.key, &tls.client_authorities];
    files.iter().map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok()).collect()
}

fn server_config(tls: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |error: String| TlsError::Unusable(error);
    let builder = ServerConfig::builder();
    let builder = if tls.client_authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(&tls.client_authorities)?))
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        builder.with_client_cert_verifier(verifier)
    };
    let mut config = builder
        .with_single_cert(certificates(&tls.certificate)?, private_key(&tls.key)?)
        .map_err(|error| unusable(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// Whether the client's certificate is for `name`: a DNS name or a URI of it.
fn has_name(stream: &TlsStream<TcpStream>, name: &str) -> bool {
    let Some(certificate) = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()) else {
        return false;
    };
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|candidate| match candidate {
        GeneralName::DNSName(dns) => dns.eq_ignore_ascii_case(name),
        GeneralName::URI(uri) => *uri == name,
        _ => false,
    })
}

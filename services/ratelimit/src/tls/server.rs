//! TLS of the gRPC server.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Reloading, TlsError, authorities, certificates, private_key};
use crate::settings::ServerTls;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections with the certificates that are in the files now. Where new ones cannot be used, the last stay.
pub(crate) struct ReloadingAcceptor {
    client_name: String,
    config: Reloading<ServerConfig>,
}

impl ReloadingAcceptor {
    pub(crate) fn new(tls: &ServerTls) -> Result<Self, TlsError> {
        let own = tls.clone();
        let files = [&tls.certificate, &tls.key, &tls.client_authorities];
        Ok(Self { client_name: tls.client_name.clone(), config: Reloading::new(files, move || server_config(&own))? })
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let accepting = TlsAcceptor::from(self.config.get()).accept(stream);
        let stream = tokio::time::timeout(HANDSHAKE, accepting).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        if !self.client_name.is_empty() && !has_name(&stream, &self.client_name) {
            return Err(std::io::Error::other("the client's certificate is for another name"));
        }
        Ok(stream)
    }
}

fn server_config(tls: &ServerTls) -> Result<ServerConfig, TlsError> {
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
    Ok(config)
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

//! TLS of the gRPC server.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Reloading, TlsError, authorities, certificates, private_key, unusable};
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
    let builder = ServerConfig::builder();
    let builder = if tls.client_authorities.is_named() {
        let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(&tls.client_authorities)?))
            .build()
            .map_err(|error| tls.client_authorities.wrong(error.to_string()))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder
        .with_single_cert(certificates(&tls.certificate)?, private_key(&tls.key)?)
        .map_err(|error| unusable(&tls.certificate, &tls.key, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Whether the client's certificate is for `name`: a DNS name, an address or a URI of it.
fn has_name(stream: &TlsStream<TcpStream>, name: &str) -> bool {
    let Some(certificate) = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()) else {
        return false;
    };
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|candidate| match candidate {
        GeneralName::DNSName(dns) => is_for(dns, name),
        GeneralName::IPAddress(bytes) => name.parse().is_ok_and(|address| is_address(bytes, address)),
        GeneralName::URI(uri) => *uri == name,
        _ => false,
    })
}

/// Whether a DNS name of a certificate is for `name`. As in Go, a wildcard stands for one label, the first.
fn is_for(dns: &str, name: &str) -> bool {
    let [dns, name] = [dns, name].map(|text| text.strip_suffix('.').unwrap_or(text));
    if dns.eq_ignore_ascii_case(name) {
        return true;
    }
    match (dns.strip_prefix("*."), name.split_once('.')) {
        (Some(domain), Some((label, rest))) => !label.is_empty() && domain.eq_ignore_ascii_case(rest),
        _ => false,
    }
}

fn is_address(bytes: &[u8], address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => bytes == address.octets(),
        IpAddr::V6(address) => bytes == address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_for_one_label() {
        for (dns, name, expected) in [
            ("envoy.example.com", "Envoy.example.com", true),
            ("envoy.example.com.", "envoy.example.com", true),
            ("*.example.com", "envoy.example.com", true),
            ("*.EXAMPLE.com", "envoy.example.com", true),
            ("*.example.com", "a.envoy.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "envoyexample.com", false),
            ("env*.example.com", "envoy.example.com", false),
            ("*", "envoy", false),
            // Of the setting itself nothing is made.
            ("envoy.example.com", "*.example.com", false),
        ] {
            assert_eq!(is_for(dns, name), expected, "{dns} for {name}");
        }
    }

    #[test]
    fn addresses_are_compared_as_such() {
        let is = |bytes: &[u8], text: &str| is_address(bytes, text.parse().unwrap());
        assert!(is(&[10, 0, 0, 1], "10.0.0.1") && !is(&[10, 0, 0, 2], "10.0.0.1"));
        assert!(is(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "::1"));
    }
}

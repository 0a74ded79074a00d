//! TLS as server and as client: rustls with certificates from files, which are read again when they change.

mod client;
mod reload;
mod server;

pub(crate) use client::client_config;
pub(crate) use reload::Reloading;
pub(crate) use server::ReloadingAcceptor;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{0}: {1}")]
    File(String, String),
    #[error("TLS cannot be used: {0}")]
    Unusable(String),
}

/// Reads the certificates in a PEM file.
fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error: rustls::pki_types::pem::Error| TlsError::File(path.to_owned(), error.to_string());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(TlsError::File(path.to_owned(), "there is no certificate in it".to_owned()));
    }
    Ok(found)
}

/// Reads the private key in a PEM file.
fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| TlsError::File(path.to_owned(), error.to_string()))
}

/// The authorities in a PEM file.
fn authorities(path: &str) -> Result<rustls::RootCertStore, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::File(path.to_owned(), error.to_string()))?;
    }
    Ok(roots)
}

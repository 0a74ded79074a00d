//! TLS as server and as client: rustls with certificates from files, which are read again when they change.

mod client;
mod reload;
mod server;

pub(crate) use client::client_config;
pub(crate) use reload::Reloading;
pub(crate) use server::ReloadingAcceptor;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::settings::{NamedFile, SettingError};

/// Why TLS cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    File(#[from] SettingError),
    #[error("TLS cannot be used: {0}")]
    Unusable(String),
}

/// Reads the certificates in a PEM file.
fn certificates(file: &NamedFile) -> Result<Vec<CertificateDer<'static>>, SettingError> {
    let unreadable = |error: rustls::pki_types::pem::Error| file.wrong(error.to_string());
    let found: Vec<_> =
        CertificateDer::pem_file_iter(&file.path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(file.wrong("there is no certificate in it"));
    }
    Ok(found)
}

/// Reads the private key in a PEM file.
fn private_key(file: &NamedFile) -> Result<PrivateKeyDer<'static>, SettingError> {
    PrivateKeyDer::from_pem_file(&file.path).map_err(|error| file.wrong(error.to_string()))
}

/// The authorities in a PEM file.
fn authorities(file: &NamedFile) -> Result<rustls::RootCertStore, SettingError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| file.wrong(error.to_string()))?;
    }
    Ok(roots)
}

/// That a certificate cannot be used, with its key or at all.
fn unusable(certificate: &NamedFile, key: &NamedFile, error: &rustls::Error) -> SettingError {
    certificate.wrong(format!("cannot be used with {}: {error}", key.variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_told_by_their_variables() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tls.pem").display().to_string();
        let file = NamedFile { variable: "GRPC_SERVER_TLS_CERT", path };
        let begin = format!("GRPC_SERVER_TLS_CERT={:?}: ", file.path);
        let missing = certificates(&file).unwrap_err().to_string();
        assert!(missing.starts_with(&begin) && missing.contains("No such file"), "{missing}");
        std::fs::write(&file.path, "nothing").unwrap();
        let empty = authorities(&file).unwrap_err().to_string();
        assert_eq!(empty, begin.clone() + "there is no certificate in it");
        assert!(private_key(&file).unwrap_err().to_string().starts_with(&begin));
    }
}

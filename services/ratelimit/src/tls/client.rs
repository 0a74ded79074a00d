//! TLS towards Redis.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::{Reloading, TlsError, authorities, certificates, private_key, unusable};
use crate::settings::ClientTls;

/// The configuration for `tls`, by its files as they are.
pub(crate) fn client_config(tls: &ClientTls) -> Result<Reloading<ClientConfig>, TlsError> {
    let own = tls.clone();
    Reloading::new([&tls.certificate, &tls.key, &tls.authorities], move || read(&own))
}

fn read(tls: &ClientTls) -> Result<ClientConfig, TlsError> {
    let roots = Arc::new(if tls.authorities.is_named() { authorities(&tls.authorities)? } else { system()? });
    let builder = ClientConfig::builder();
    let builder = if tls.skip_name {
        let verifier =
            WebPkiServerVerifier::builder(roots).build().map_err(|error| TlsError::Unusable(error.to_string()))?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
    } else {
        builder.with_root_certificates(roots)
    };
    if !tls.certificate.is_named() {
        return Ok(builder.with_no_client_auth());
    }
    builder
        .with_client_auth_cert(certificates(&tls.certificate)?, private_key(&tls.key)?)
        .map_err(|error| unusable(&tls.certificate, &tls.key, &error).into())
}

fn system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::Unusable("the system has no certificate authorities: name a file of them".to_owned()));
    }
    Ok(roots)
}

/// Verifies everything but the name (`REDIS_TLS_SKIP_HOSTNAME_VERIFICATION`).
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Names are checked last, once the chain is found good.
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

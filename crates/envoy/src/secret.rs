//! Certificates and authorities: `Secret`.

use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret as PbSecret, TlsCertificate, secret::Type,
};
use nuncio_ir::{Pem, Secret, SecretValue};

use crate::{Resource, proto};

/// An authority that was valid for one day in 1970, and whose key is not kept: no certificate that
/// names it as issuer is valid.
const NOBODY: &str = include_str!("secret/nobody.pem");

/// A secret for SDS. The body holds the private key in clear: never log it.
#[must_use]
pub fn secret(secret: &Secret) -> Resource {
    let content = match &secret.value {
        SecretValue::Certificate { chain, key } => Type::TlsCertificate(certificate(chain, key)),
        SecretValue::Validation { ca, crl } => Type::ValidationContext(validation(ca, crl.as_ref())),
    };
    let message = PbSecret { name: secret.name.to_string(), r#type: Some(content) };
    Resource::new(&secret.name.0, nuncio_ir::version(secret), &message)
}

fn certificate(chain: &Pem, key: &Pem) -> TlsCertificate {
    TlsCertificate {
        certificate_chain: Some(proto::inline(&*chain.0)),
        private_key: Some(proto::inline(&*key.0)),
        ..Default::default()
    }
}

/// Envoy verifies nothing where it has no authority, so that "none is trusted" needs one that nobody
/// has a certificate of. (Pinning the hash of no certificate would refuse clients without a
/// certificate too, even where they need none.)
fn validation(ca: &Pem, crl: Option<&Pem>) -> CertificateValidationContext {
    let (ca, crl) = if ca.0.trim().is_empty() { (NOBODY, None) } else { (&*ca.0, crl) };
    CertificateValidationContext {
        trusted_ca: Some(proto::inline(ca)),
        crl: crl.map(|crl| proto::inline(&*crl.0)),
        ..Default::default()
    }
}

//! The certificate that is shown where there is no Host: made anew at each start, trusted by nobody.

use nuncio_ir::Pem;
use nuncio_translate::Fallback;
use rcgen::{CertificateParams, DnType, KeyPair};

/// Makes the certificate.
pub(crate) fn certificate() -> Result<Fallback, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["nuncio.invalid".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "Nuncio fallback certificate");
    let certificate = params.self_signed(&key)?;
    Ok(Fallback { chain: Pem(certificate.pem().into()), key: Pem(key.serialize_pem().into()) })
}

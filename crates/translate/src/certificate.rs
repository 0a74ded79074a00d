//! Certificates and keys as Secrets hold them: looked at before a proxy is.

use nuncio_api::{Problem, Secret, SecretBytes};
use nuncio_ir::Pem;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::pattern::HostPattern;

/// Why a Secret cannot be used. Never quotes its content.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BadSecret {
    #[error("has no `{0}`")]
    Missing(&'static str),
    #[error("`{0}` is not PEM text")]
    NotPem(&'static str),
    #[error("`{0}` holds no certificate")]
    NoCertificate(&'static str),
    #[error("`{0}` holds no revocation list")]
    NoRevocationList(&'static str),
    #[error("the certificate in `tls.crt` cannot be read")]
    UnreadableCertificate,
    #[error("`tls.key` holds no private key that can be used")]
    UnusableKey,
    #[error("the key in `tls.key` does not belong to the certificate in `tls.crt`")]
    KeyMismatch,
}

/// A certificate that may be shown, with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) chain: Pem,
    pub(crate) key: Pem,
    /// Wildcard names that it is for.
    pub(crate) wildcards: Vec<HostPattern>,
}

/// What is wrong with a Secret that is meant to hold a certificate and its key, a revocation list, or authorities; `None` of
/// any other.
pub(crate) fn certificate_problem(secret: &Secret) -> Option<Problem> {
    let data = |key: &str| secret.data.get(key).map(SecretBytes::expose);
    let bad = if secret.kind.as_deref() == Some("kubernetes.io/tls") || data("tls.key").is_some() {
        certificate(data("tls.crt"), data("tls.key")).err()
    } else if data("crl.pem").is_some() {
        revocations(data("crl.pem")).err()
    } else {
        let authority = data("tls.crt").or_else(|| data("ca.crt"))?;
        authorities(Some(authority)).err()
    }?;
    let message = format!("{bad}; the last good certificate stays");
    Some(Problem::error("InvalidTLSSecret", "data", message))
}

/// Reads the certificate chain and key of a Secret.
pub(crate) fn certificate(chain: Option<&[u8]>, key: Option<&[u8]>) -> Result<Certificate, BadSecret> {
    let chain_text = pem(chain, "tls.crt")?;
    let key_text = pem(key, "tls.key")?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain_text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| BadSecret::NotPem("tls.crt"))?;
    let first = certificates.first().ok_or(BadSecret::NoCertificate("tls.crt"))?;
    let wildcards = wildcard_names(first)?;
    let key = PrivateKeyDer::from_pem_slice(key_text.as_bytes()).map_err(|_| BadSecret::UnusableKey)?;
    let signer = any_supported_type(&key).map_err(|_| BadSecret::UnusableKey)?;
    CertifiedKey::new(certificates, signer).keys_match().map_err(|_| BadSecret::KeyMismatch)?;
    Ok(Certificate { chain: Pem(chain_text.into()), key: Pem(key_text.into()), wildcards })
}

/// Reads the authorities of a Secret.
pub(crate) fn authorities(ca: Option<&[u8]>) -> Result<Pem, BadSecret> {
    let text = pem(ca, "tls.crt")?;
    let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(all) if !all.is_empty() && all.iter().all(|one| X509Certificate::from_der(one).is_ok()) => {
            Ok(Pem(text.into()))
        }
        _ => Err(BadSecret::NoCertificate("tls.crt")),
    }
}

/// Reads the revocation list of a Secret.
pub(crate) fn revocations(crl: Option<&[u8]>) -> Result<Pem, BadSecret> {
    let text = pem(crl, "crl.pem")?;
    let found = CertificateRevocationListDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(all) if !all.is_empty() && all.iter().all(|one| CertificateRevocationList::from_der(one).is_ok()) => {
            Ok(Pem(text.into()))
        }
        _ => Err(BadSecret::NoRevocationList("crl.pem")),
    }
}

fn pem<'a>(data: Option<&'a [u8]>, key: &'static str) -> Result<&'a str, BadSecret> {
    let data = data.filter(|data| !data.is_empty()).ok_or(BadSecret::Missing(key))?;
    std::str::from_utf8(data).map_err(|_| BadSecret::NotPem(key))
}

fn wildcard_names(certificate: &CertificateDer<'_>) -> Result<Vec<HostPattern>, BadSecret> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| BadSecret::UnreadableCertificate)?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    let mut wildcards: Vec<_> = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => HostPattern::parse(name),
            _ => None,
        })
        .filter(|pattern| matches!(pattern, HostPattern::Suffix(suffix) if suffix.starts_with('.')))
        .collect();
    wildcards.sort_unstable();
    wildcards.dedup();
    Ok(wildcards)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(names: &[&str]) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_pair_is_read_with_its_wildcards() {
        let (cert, key) = pair(&["*.example.com", "localhost"]);
        let read = certificate(Some(cert.as_bytes()), Some(key.as_bytes())).unwrap();
        assert_eq!(read.wildcards, [HostPattern::parse("*.example.com").unwrap()]);
    }

    #[test]
    fn well_formed_text_around_garbage_is_no_revocation_list() {
        let text = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        assert_eq!(revocations(Some(text.as_bytes())), Err(BadSecret::NoRevocationList("crl.pem")));
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_it() {
        let (cert, key) = pair(&["a.example"]);
        let (_, other) = pair(&["b.example"]);
        for (cert, key, expected) in [
            (None, Some(key.as_str()), BadSecret::Missing("tls.crt")),
            (Some(cert.as_str()), None, BadSecret::Missing("tls.key")),
            (Some("no pem"), Some(key.as_str()), BadSecret::NoCertificate("tls.crt")),
            (Some(cert.as_str()), Some("no pem"), BadSecret::UnusableKey),
            (Some(cert.as_str()), Some(other.as_str()), BadSecret::KeyMismatch),
        ] {
            let found = certificate(cert.map(str::as_bytes), key.map(str::as_bytes));
            assert_eq!(found.unwrap_err(), expected);
        }
    }
}

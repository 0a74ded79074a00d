//! Certificates, made anew for each run.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::secrets::keep_key_secret;

/// Issues certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, in PEM.
    pub cert: String,
    /// Its key, in PEM.
    pub key: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The common name.
    pub name: &'a str,
    /// The organizations, which are groups to Kubernetes.
    pub organizations: &'a [&'a str],
}

impl Authority {
    /// A new one of this name.
    ///
    /// # Panics
    /// If the library cannot make it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        Self { issuer }
    }

    /// A certificate for these names, of which the first is its common name; good for servers and clients.
    ///
    /// # Panics
    /// If the library cannot make it.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_to(Subject { name: names[0], organizations: &[] }, names)
    }

    /// A certificate for this subject at these names, which may be none; good for servers and clients.
    ///
    /// # Panics
    /// If the library cannot make it.
    #[must_use]
    pub fn issue_to(&self, subject: Subject<'_>, names: &[&str]) -> Identity {
        self.sign(subject, params(subject.name, names))
    }

    /// As [`issue`](Self::issue), but it has ended.
    ///
    /// # Panics
    /// If the library cannot make it.
    #[must_use]
    pub fn issue_expired(&self, names: &[&str]) -> Identity {
        let mut params = params(names[0], names);
        params.not_after = date_time_ymd(2024, 1, 1);
        self.sign(Subject { name: names[0], organizations: &[] }, params)
    }

    fn sign(&self, subject: Subject<'_>, mut params: CertificateParams) -> Identity {
        for organization in subject.organizations {
            params.distinguished_name.push(DnType::OrganizationName, *organization);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let serial = serial();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        keep_key_secret(&key.serialize_pem());
        Identity {
            cert: cert.pem(),
            key: key.serialize_pem(),
            serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
            der: cert.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    /// Its own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its own certificate.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The list that revokes these certificates, in PEM.
    ///
    /// # Panics
    /// If the library cannot make it.
    #[must_use]
    pub fn revoke(&self, revoked: &[&Identity]) -> String {
        let entry = |identity: &&Identity| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&bytes(&identity.serial)),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a list").pem().expect("a list in PEM")
    }
}

impl Identity {
    /// The certificate.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    /// Its key.
    ///
    /// # Panics
    /// Never: it was made here.
    #[must_use]
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key_der.clone()).expect("a key")
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// A serial number that is a positive number of eight bytes.
fn serial() -> [u8; 8] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = RandomState::new().hash_one(0).to_be_bytes();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).expect("hexadecimal");
    (0..hexadecimal.len()).step_by(2).map(pair).collect()
}

/// The common name of a certificate; empty if it has none.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn common_name(der: &CertificateDer<'_>) -> String {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).expect("a certificate that can be read");
    let mut names = certificate.subject().iter_common_name();
    names.next().and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned()
}

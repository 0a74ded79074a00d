//! Certificates by which the API server knows the webhook.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use x509_parser::pem::parse_x509_pem;

/// How long the authority is trusted.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How long a certificate is shown.
const SERVING_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// Clocks differ: certificates hold from so long before they were made.
const SKEW: Duration = Duration::from_secs(3600);

/// A certificate and its key. The key is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, PEM.
    pub chain: String,
    /// Its key, PEM (PKCS #8).
    pub key: String,
    /// From when it holds.
    pub not_before: SystemTime,
    /// Until when it holds.
    pub not_after: SystemTime,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, key: _, not_before, not_after } = self;
        f.debug_struct("Certificate")
            .field("chain", chain)
            .field("not_before", not_before)
            .field("not_after", not_after)
            .finish_non_exhaustive()
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// What was stored is none.
    #[error("no certificate: {0}")]
    Parse(String),
    /// It cannot be served.
    #[error("cannot serve the certificate: {0}")]
    Serve(#[from] rustls::Error),
}

impl Certificate {
    /// A certificate and key that were stored.
    ///
    /// # Errors
    /// When they are not PEM. Whether the key belongs to the certificate is not looked at.
    pub fn read(chain: &str, key: &str) -> Result<Self, CertificateError> {
        let wrong = |error: &dyn fmt::Display| CertificateError::Parse(error.to_string());
        let (_, block) = parse_x509_pem(chain.as_bytes()).map_err(|error| wrong(&error))?;
        let parsed = block.parse_x509().map_err(|error| wrong(&error))?;
        KeyPair::from_pem(key)?;
        let time = |seconds: i64| {
            let seconds = u64::try_from(seconds).map_err(|error| wrong(&error))?;
            Ok::<_, CertificateError>(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        };
        let validity = parsed.validity();
        let (not_before, not_after) = (time(validity.not_before.timestamp())?, time(validity.not_after.timestamp())?);
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), not_before, not_after })
    }

    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: SystemTime) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// When it is to be made anew: after two thirds of its life.
    #[must_use]
    pub fn due_at(&self) -> SystemTime {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        self.not_before + life * 2 / 3
    }

    /// Whether two thirds of its life are over at `now`, or it does not hold at all.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        now < self.not_before || now >= self.due_at()
    }
}

/// A certificate authority of the webhook's own: its certificate is the `caBundle` that the API server is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority(
    /// Its certificate and key.
    pub Certificate,
);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn make(now: SystemTime) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let (mut params, not_before, not_after) =
            (authority_params()?, whole(now - SKEW), whole(now + AUTHORITY_LIFETIME));
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        let chain = params.self_signed(&key)?.pem();
        Ok(Self(Certificate { chain, key: key.serialize_pem(), not_before, not_after }))
    }
}

/// What the certificates of the authority have in common, by which those that it issues name it.
fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Nuncio webhook CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// What the webhook shows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServingCertificate(
    /// Its certificate and key.
    pub Certificate,
);

impl ServingCertificate {
    /// A new one from `authority`, for these DNS names: `SERVICE.NAMESPACE.svc` is what the API server asks for. It does
    /// not outlive the authority.
    ///
    /// # Errors
    /// When no key can be made, a name is none, or the authority's key is broken.
    pub fn issue(authority: &Authority, names: &[String], now: SystemTime) -> Result<Self, CertificateError> {
        let issuer = Issuer::new(authority_params()?, KeyPair::from_pem(&authority.0.key)?);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        if let Some(name) = names.first().filter(|name| name.len() <= 64) {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let not_after = whole(now + SERVING_LIFETIME).min(authority.0.not_after);
        let not_before = whole(now - SKEW);
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        let chain = params.signed_by(&key, &issuer)?.pem();
        Ok(Self(Certificate { chain, key: key.serialize_pem(), not_before, not_after }))
    }
}

/// Certificates count whole seconds.
fn whole(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

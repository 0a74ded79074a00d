//! When certificates are made anew, and in which order.
//!
//! Replicas share one set of credentials. A new authority comes first, while what is shown is still from the one before:
//! both are in the bundle until no certificate of the older is left, so there is no moment at which the API server
//! trusts nobody.

use std::time::SystemTime;

use super::certificate::{Authority, CertificateError, ServingCertificate};

/// Everything that the replicas share, as a Secret would hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Issues from now on.
    pub authority: Authority,
    /// Certificates of the authority before, PEM; what is shown may still be from it.
    pub previous: Option<String>,
    /// What is shown.
    pub serving: ServingCertificate,
    /// Names that it is for.
    pub names: Vec<String>,
}

/// What has to be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The authority.
    Authority,
    /// What is shown.
    Serving,
}

impl Credentials {
    /// New ones for these DNS names.
    ///
    /// # Errors
    /// When no key can be made, or a name is none.
    pub fn make(names: &[String], now: SystemTime) -> Result<Self, CertificateError> {
        let authority = Authority::make(now)?;
        let serving = ServingCertificate::issue(&authority, names, now)?;
        Ok(Self { authority, previous: None, serving, names: names.to_vec() })
    }

    /// What is due at `now`, the first thing first: at two thirds of its life.
    #[must_use]
    pub fn due(&self, now: SystemTime) -> Option<Due> {
        if self.authority.0.is_due(now) {
            Some(Due::Authority)
        } else if self.serving.0.is_due(now) {
            Some(Due::Serving)
        } else {
            None
        }
    }

    /// Credentials in which what is due at `now` has been made anew; one thing at a time. The API server must have the
    /// [bundle](Self::bundle) of one step before the next is taken.
    ///
    /// # Errors
    /// When no key can be made, or the authority's key is broken.
    pub fn renewed(&self, now: SystemTime) -> Result<Self, CertificateError> {
        match self.due(now) {
            None => Ok(self.clone()),
            Some(Due::Authority) => {
                let previous = Some(self.authority.0.chain.clone());
                Ok(Self { authority: Authority::make(now)?, previous, ..self.clone() })
            }
            Some(Due::Serving) => {
                let serving = ServingCertificate::issue(&self.authority, &self.names, now)?;
                // Another replica may show the one before for a while: its authority stays until the next time.
                let previous = self.previous.clone().filter(|_| !self.is_served_by_current());
                Ok(Self { serving, previous, ..self.clone() })
            }
        }
    }

    /// When something is due next, if the clock goes on.
    #[must_use]
    pub fn due_at(&self) -> SystemTime {
        self.authority.0.due_at().min(self.serving.0.due_at())
    }

    /// Credentials that hold at `now`, where what is shown does not: of the same authority if that still holds, so that the API server
    /// trusts them already; else of a new one.
    ///
    /// # Errors
    /// As of [`Credentials::renewed`].
    pub fn restored(&self, now: SystemTime) -> Result<Self, CertificateError> {
        if !self.authority.0.holds(now) {
            return Self::make(&self.names, now);
        }
        let serving = ServingCertificate::issue(&self.authority, &self.names, now)?;
        Ok(Self { serving, ..self.clone() })
    }

    /// Whether what is shown was issued by the present authority, which was then there first.
    fn is_served_by_current(&self) -> bool {
        self.serving.0.not_before >= self.authority.0.not_before
    }

    /// Whom the API server has to trust: the `caBundle`, PEM.
    #[must_use]
    pub fn bundle(&self) -> String {
        format!("{}{}", self.authority.0.chain, self.previous.as_deref().unwrap_or_default())
    }
}

//! Secrets of the world, looked at when something names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use nuncio_api as api;
use nuncio_auth::basic::Users;
use nuncio_ir::{Pem, SecretName, SecretValue};

use crate::certificate::{BadSecret, Certificate, authorities, certificate, certificate_problem, revocations};
use crate::context::SecretRef;

/// What is wrong with a Secret that is meant to hold something of which the last good one is better than none: a certificate, or
/// passwords.
pub fn secret_problem(secret: &api::Secret) -> Option<api::Problem> {
    certificate_problem(secret).or_else(|| {
        let users = std::str::from_utf8(data(secret, "htpasswd")?).map_err(|_| "it is no text".to_owned());
        let error = users.and_then(|users| Users::parse(users).map_err(|error| error.to_string())).err()?;
        let message = format!("{error}; the last good passwords stay");
        Some(api::Problem::error("InvalidSecret", "data.htpasswd", message))
    })
}

/// Why a Secret that something names cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SecretError {
    #[error("there is no Secret {0}")]
    NotFound(SecretRef),
    /// It is there, and nothing of it can be read.
    #[error("{1}")]
    Invalid(SecretRef, String),
    #[error("Secret {0} was refused by Envoy: {1}")]
    Refused(SecretRef, String),
    #[error("Secret {0}: {1}")]
    Bad(SecretRef, BadSecret),
}

impl SecretError {
    /// The Secret that is missing or of no use.
    pub(crate) fn secret(&self) -> &SecretRef {
        match self {
            Self::NotFound(name) | Self::Invalid(name, _) | Self::Refused(name, _) | Self::Bad(name, _) => name,
        }
    }
}

/// Secrets by name, and those of them that were asked for, as Envoy gets them.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    by_name: BTreeMap<SecretRef, Arc<api::Secret>>,
    /// Looked at already: reading a certificate costs more than all else about a Host.
    read: Mutex<BTreeMap<SecretRef, Arc<Certificate>>>,
    /// Those that are there and out, and why.
    out: BTreeMap<SecretRef, SecretError>,
    /// Handed out so far, until a Secret that it was made of changes: whatever names it is made anew then. Kept also
    /// while no cluster in use names it: the Mapping that does is not compiled again when its cluster comes back.
    used: Mutex<BTreeMap<SecretName, Used>>,
    asked: Mutex<Asked>,
}

/// A value as Envoy gets it.
#[derive(Debug)]
struct Used {
    value: SecretValue,
    made_of: Vec<SecretRef>,
}

/// The names that were asked for, there or not: what a source has to have.
#[derive(Debug, Default)]
struct Asked {
    /// By the frame, when it was made last.
    by_frame: BTreeSet<SecretRef>,
    /// By Filters, when they were made last: by which.
    by_filters: BTreeMap<SecretRef, BTreeSet<api::ObjectId>>,
    /// By Mappings, since they were all forgotten.
    by_mappings: BTreeSet<SecretRef>,
    /// Who asks now.
    asker: Asker,
    /// What was told last, and whether it may be out of date.
    told: BTreeSet<SecretRef>,
    touched: bool,
}

/// Who asks for Secrets.
#[derive(Clone, Copy, Debug, Default)]
enum Asker {
    Frame,
    Filters,
    #[default]
    Mappings,
}

impl Secrets {
    pub(crate) fn put(&mut self, name: SecretRef, secret: Option<Arc<api::Secret>>) {
        lock(&self.read).remove(&name);
        lock(&self.used).retain(|_, used| !used.made_of.contains(&name));
        self.out.remove(&name);
        match secret {
            Some(secret) => self.by_name.insert(name, secret),
            None => self.by_name.remove(&name),
        };
    }

    /// Takes a Secret out that is there.
    pub(crate) fn take_out(&mut self, why: SecretError) {
        let name = why.secret().clone();
        self.put(name.clone(), None);
        self.out.insert(name, why);
    }

    /// From here on the frame asks, anew.
    pub(crate) fn begin_frame(&self) {
        let mut asked = lock(&self.asked);
        asked.by_frame.clear();
        (asked.asker, asked.touched) = (Asker::Frame, true);
    }

    /// From here on Filters ask, anew.
    pub(crate) fn begin_filters(&self) {
        let mut asked = lock(&self.asked);
        asked.by_filters.clear();
        (asked.asker, asked.touched) = (Asker::Filters, true);
    }

    /// From here on others ask.
    pub(crate) fn end(&self) {
        lock(&self.asked).asker = Asker::Mappings;
    }

    /// Every Mapping that can ask is about to ask anew.
    pub(crate) fn forget_mappings(&self) {
        let mut asked = lock(&self.asked);
        asked.by_mappings.clear();
        asked.touched = true;
    }

    /// The names that were asked for, if they are others than were told last.
    pub(crate) fn newly_asked(&self) -> Option<BTreeSet<SecretRef>> {
        let asked = &mut *lock(&self.asked);
        if !std::mem::take(&mut asked.touched) {
            return None;
        }
        let all: BTreeSet<_> =
            asked.by_frame.iter().chain(asked.by_filters.keys()).chain(&asked.by_mappings).cloned().collect();
        (all != asked.told).then(|| asked.told.clone_from(&all)).map(|()| all)
    }

    fn ask(&self, name: &SecretRef) {
        let asked = &mut *lock(&self.asked);
        let names = match asked.asker {
            Asker::Frame => &mut asked.by_frame,
            Asker::Filters => {
                asked.touched |= !asked.by_filters.contains_key(name);
                asked.by_filters.entry(name.clone()).or_default();
                return;
            }
            Asker::Mappings => &mut asked.by_mappings,
        };
        if !names.contains(name) {
            names.insert(name.clone());
            asked.touched = true;
        }
    }

    /// The names under which what a Secret is part of was handed out.
    pub(crate) fn made_of(&self, name: &SecretRef) -> Vec<SecretName> {
        let used = lock(&self.used);
        used.iter().filter(|(_, used)| used.made_of.contains(name)).map(|(name, _)| name.clone()).collect()
    }

    /// What was handed out under this name.
    pub(crate) fn value(&self, name: &SecretName) -> Option<SecretValue> {
        lock(&self.used).get(name).map(|used| used.value.clone())
    }

    /// A certificate with its key, by the name under which Envoy gets it.
    pub(crate) fn certificate(&self, name: &SecretRef) -> Result<(SecretName, Arc<Certificate>), SecretError> {
        self.ask(name);
        let certificate = self.read_certificate(name)?;
        let value = SecretValue::Certificate { chain: certificate.chain.clone(), key: certificate.key.clone() };
        Ok((self.use_as(name.sds_name(), value, vec![name.clone()]), certificate))
    }

    fn read_certificate(&self, name: &SecretRef) -> Result<Arc<Certificate>, SecretError> {
        let known = lock(&self.read).get(name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let secret = self.get(name)?;
        let read = certificate(data(secret, "tls.crt"), data(secret, "tls.key"));
        let read = Arc::new(read.map_err(|bad| SecretError::Bad(name.clone(), bad))?);
        lock(&self.read).insert(name.clone(), Arc::clone(&read));
        Ok(read)
    }

    /// Authorities, with a revocation list or without.
    pub(crate) fn validation(&self, ca: &SecretRef, crl: Option<&SecretRef>) -> Result<SecretName, SecretError> {
        [Some(ca), crl].into_iter().flatten().for_each(|name| self.ask(name));
        let value = self.read_validation(ca, crl)?;
        let name = match crl {
            Some(crl) => format!("{ca}#ca-crl-{crl}"),
            None => format!("{ca}#ca"),
        };
        Ok(self.use_as(SecretName(name.into()), value, std::iter::once(ca).chain(crl).cloned().collect()))
    }

    fn read_validation(&self, ca: &SecretRef, crl: Option<&SecretRef>) -> Result<SecretValue, SecretError> {
        let secret = self.get(ca)?;
        let found = authorities(data(secret, "tls.crt").or_else(|| data(secret, "ca.crt")));
        let pem = found.map_err(|bad| SecretError::Bad(ca.clone(), bad))?;
        let crl_pem = crl.map(|crl| {
            let secret = self.get(crl)?;
            revocations(data(secret, "crl.pem")).map_err(|bad| SecretError::Bad(crl.clone(), bad))
        });
        Ok(SecretValue::Validation { ca: pem, crl: crl_pem.transpose()? })
    }

    /// What is wrong with a certificate, and with authorities and their revocation list, without asking for them.
    /// That one is not there is not among it: nobody may have looked for it.
    pub(crate) fn errors(
        &self,
        name: Option<&SecretRef>,
        ca: Option<&SecretRef>,
        crl: Option<&SecretRef>,
    ) -> impl Iterator<Item = SecretError> {
        let certificate = name.and_then(|name| self.read_certificate(name).err());
        let validation = ca.and_then(|ca| self.read_validation(ca, crl).err());
        let found = certificate.into_iter().chain(validation);
        found.filter(|error| !matches!(error, SecretError::NotFound(_)))
    }

    /// Authorities that sign nobody: every client certificate is refused.
    pub(crate) fn refuse_all(&self) -> SecretName {
        let value = SecretValue::Validation { ca: Pem("".into()), crl: None };
        self.use_as(SecretName("nuncio/refuse-all#ca".into()), value, Vec::new())
    }

    /// Hands a value to Envoy under this name; `made_of` are the Secrets that it comes from.
    pub(crate) fn use_as(&self, name: SecretName, value: SecretValue, made_of: Vec<SecretRef>) -> SecretName {
        lock(&self.used).insert(name.clone(), Used { value, made_of });
        name
    }

    /// What is in a Secret.
    pub(crate) fn contents(&self, name: &SecretRef) -> Result<&api::Secret, SecretError> {
        self.ask(name);
        self.get(name)
    }

    /// The same for a Filter.
    pub(crate) fn contents_for(&self, name: &SecretRef, filter: &api::ObjectId) -> Result<&api::Secret, SecretError> {
        let contents = self.contents(name);
        lock(&self.asked).by_filters.entry(name.clone()).or_default().insert(filter.clone());
        contents
    }

    /// The Filters that name a Secret.
    pub(crate) fn filters_of(&self, name: &SecretRef) -> BTreeSet<api::ObjectId> {
        lock(&self.asked).by_filters.get(name).cloned().unwrap_or_default()
    }

    fn get(&self, name: &SecretRef) -> Result<&api::Secret, SecretError> {
        let why = || self.out.get(name).cloned().unwrap_or_else(|| SecretError::NotFound(name.clone()));
        self.by_name.get(name).map(|secret| &**secret).ok_or_else(why)
    }
}

fn data<'a>(secret: &'a api::Secret, key: &str) -> Option<&'a [u8]> {
    secret.data.get(key).map(api::SecretBytes::expose)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Keys that developers give themselves.
//!
//! They are kept as digests in a Secret, of a cluster or of a manifest that the gateway reads like any other: an `APIKey` Filter
//! that names the Secret takes a key as soon as it is there. What is shown of a key besides stands in an annotation of it, so that
//! one write changes both.

mod cluster;
mod handover;
mod manifest;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nuncio_auth::crypto;
use serde::{Deserialize, Serialize};

use self::manifest::Manifest;
pub(crate) use self::store::Place;
use self::store::Store;
use crate::access::Identity;
use crate::gateway::Admin;

/// The most keys of one developer.
pub(crate) const MOST: usize = 20;
/// The longest name of a key, in characters.
pub(crate) const LONGEST: usize = 60;

/// How long a page waits to hear how often keys were used.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// What its owner calls it.
    pub(crate) name: String,
    /// Whose it is.
    subject: String,
    issuer: String,
    /// Since when it is what it is.
    pub(crate) since: Timestamp,
    /// When there was first one, where it was rotated since then: a key keeps its place among the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<Timestamp>,
}

/// A key as only its owner ever sees it.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// Why there is no such key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The API server does not let it be read or written, or cannot be asked.
    #[error("the Secret {0}: {1}")]
    Cluster(String, String),
    /// Somebody has written something else into it.
    #[error("{0} holds no keys of this portal: {1}")]
    Unreadable(String, String),
    /// The name is none.
    #[error("a key needs a name of {LONGEST} characters at most")]
    Name,
    /// He has enough.
    #[error("nobody has more than {MOST} keys: revoke one first")]
    TooMany,
    /// It is not there, or not his.
    #[error("you have no such key")]
    Unknown,
}

/// How often a key was used, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyUse {
    /// How many requests came with it.
    pub count: u64,
    /// When the last did, in seconds since 1970.
    pub last: u64,
}

/// What the Secret is called that keys are in.
#[derive(Clone, Debug)]
struct Secret {
    /// Of a manifest that says none, it is the gateway's to say.
    namespace: Option<String>,
    name: String,
}

impl Secret {
    fn of(place: &Place, manifest: &Manifest) -> Self {
        match place {
            Place::File(_) => Self { namespace: manifest.namespace(), name: manifest::NAME.to_owned() },
            Place::Secret { namespace, name, .. } => Self { namespace: Some(namespace.clone()), name: name.clone() },
        }
    }

    fn is(&self, secret: &str) -> bool {
        let own = secret.split_once('/');
        own.is_some_and(|(of, name)| name == self.name && self.namespace.as_deref().is_none_or(|own| own == of))
    }
}

/// Tells that of the key with an id.
#[derive(Clone)]
pub struct KeyUses(pub Arc<TellKeyUse>);

/// Who counts how often keys are used.
#[derive(Clone, Debug)]
pub(crate) enum Uses {
    /// The authentication service of this process.
    Beside(KeyUses),
    /// That of the gateway whose controller is asked.
    Of(Admin),
}

impl Uses {
    async fn of(&self, ids: &[&str]) -> BTreeMap<String, KeyUse> {
        match self {
            Self::Beside(uses) => ids.iter().filter_map(|id| Some(((*id).to_owned(), uses.0(id)?))).collect(),
            // A page of keys is of use without.
            Self::Of(admin) => {
                let path = format!("/api/v1/key-uses?ids={}", ids.join(","));
                let told = tokio::time::timeout(PATIENCE, admin.get(&path)).await;
                told.ok().and_then(Result::ok).unwrap_or_default()
            }
        }
    }
}

type TellKeyUse = dyn Fn(&str) -> Option<KeyUse> + Send + Sync;

impl fmt::Debug for KeyUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyUses")
    }
}

/// All keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    store: Arc<Store>,
    secret: Secret,
    uses: Option<Uses>,
}

impl Keys {
    /// Those in a Secret, which is made if it is not there yet: a Filter that names it must find one.
    pub(crate) async fn open(place: &Place, uses: Option<Uses>) -> Result<Self, KeysError> {
        let store = Store::open(place).await?;
        store.change(|_| Ok(())).await?;
        let secret = Secret::of(place, &store.read().await?);
        Ok(Self { store: Arc::new(store), secret, uses })
    }

    /// Whether any of these Secrets, `namespace/name`, is the one that keys are in: what takes its keys takes those made here.
    pub(crate) fn are_in(&self, secrets: &[String]) -> bool {
        secrets.iter().any(|secret| self.secret.is(secret))
    }

    /// Those of a developer, the oldest first.
    pub(crate) async fn of(&self, owner: &Identity) -> Result<Vec<(String, Key)>, KeysError> {
        let keys = self.store.read().await?.keys.into_iter();
        let mut own: Vec<_> = keys.filter(|(_, key)| key.is_of(owner)).collect();
        own.sort_by(|(one_id, one), (other_id, other)| (one.made(), one_id).cmp(&(other.made(), other_id)));
        Ok(own)
    }

    /// One of them.
    pub(crate) async fn find(&self, owner: &Identity, id: &str) -> Result<Key, KeysError> {
        let own = self.of(owner).await?.into_iter();
        own.filter(|(own_id, _)| own_id == id).map(|(_, key)| key).next().ok_or(KeysError::Unknown)
    }

    /// How often each of these was used, as far as that is known.
    pub(crate) async fn used(&self, ids: &[&str]) -> BTreeMap<String, KeyUse> {
        match &self.uses {
            Some(uses) if !ids.is_empty() => uses.of(ids).await,
            _ => BTreeMap::new(),
        }
    }

    /// Gives a developer a new one.
    pub(crate) async fn create(&self, owner: &Identity, name: &str) -> Result<NewKey, KeysError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            return Err(KeysError::Name);
        }
        let change = |manifest: &mut Manifest| {
            if manifest.keys.values().filter(|key| key.is_of(owner)).count() >= MOST {
                return Err(KeysError::TooMany);
            }
            let new = NewKey { id: id(owner), secret: secret() };
            let key = Key {
                name: name.to_owned(),
                subject: owner.subject.clone(),
                issuer: owner.issuer.clone(),
                since: Timestamp::now(),
                made: None,
            };
            manifest.put(&new, key);
            Ok(new)
        };
        self.store.change(change).await
    }

    /// Puts another in the place of a key, which is good no longer.
    pub(crate) async fn rotate(&self, owner: &Identity, id: &str) -> Result<NewKey, KeysError> {
        let change = |manifest: &mut Manifest| {
            let key = manifest.keys.get(id).filter(|key| key.is_of(owner)).cloned().ok_or(KeysError::Unknown)?;
            let new = NewKey { id: id.to_owned(), secret: secret() };
            manifest.put(&new, Key { since: Timestamp::now(), made: Some(key.made()), ..key });
            Ok(new)
        };
        self.store.change(change).await
    }

    /// Ends a key.
    pub(crate) async fn revoke(&self, owner: &Identity, id: &str) -> Result<(), KeysError> {
        let change = |manifest: &mut Manifest| {
            manifest.keys.get(id).filter(|key| key.is_of(owner)).ok_or(KeysError::Unknown)?;
            manifest.remove(id);
            Ok(())
        };
        self.store.change(change).await
    }
}

impl Key {
    fn is_of(&self, owner: &Identity) -> bool {
        (&self.subject, &self.issuer) == (&owner.subject, &owner.issuer)
    }

    fn made(&self) -> Timestamp {
        self.made.unwrap_or(self.since)
    }
}

/// 256 bits that nobody can guess, and that scanners for secrets know by their beginning.
fn secret() -> String {
    format!("nuncio_{}", crypto::random_text())
}

/// What services are told whose key it was: a key of a Secret. Who is called the same elsewhere, or is spelled another way, is told
/// from him by a digest; the rest tells his keys apart.
fn id(owner: &Identity) -> String {
    let plain: String = owner.subject.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(32).collect();
    let whose = crypto::sha256_of(&[owner.issuer.as_bytes(), owner.subject.as_bytes()]);
    let (whose, random) = (crypto::hex(&whose[..4]), crypto::hex(&crypto::random::<5>()));
    format!("{}-{whose}-{random}", if plain.is_empty() { "key" } else { &plain })
}

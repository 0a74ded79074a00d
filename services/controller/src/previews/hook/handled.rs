//! What was told last of pull requests, whether they have a Preview or not: so that what comes late makes none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nuncio_api::Forge;

use super::Wanted;

/// Pull requests that are remembered; those that changed longest ago are forgotten first.
const MOST: usize = 10_000;

/// When each pull request was last changed, as far as deliveries were handled.
#[derive(Debug)]
pub(in crate::previews) struct Handled {
    updated: BTreeMap<Key, Timestamp>,
    most: usize,
    /// When that was of the last that was forgotten: what is no newer than it may be known.
    forgotten: Option<Timestamp>,
}

/// Where a pull request is, what of, its number, and where its Preview would be.
type Key = (Option<Forge>, String, String, u64, String);

impl Default for Handled {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl Handled {
    /// Remembers so many.
    pub(super) fn of(most: usize) -> Self {
        Self { updated: BTreeMap::new(), most, forgotten: None }
    }

    /// Whether a delivery says more than is known.
    pub(in crate::previews) fn is_news(&self, wanted: &Wanted) -> Result<(), String> {
        match self.updated.get(&key(wanted)) {
            Some(known) if wanted.updated < *known => {
                Err("it is older than what is known of the pull request".to_owned())
            }
            None if self.forgotten.is_some_and(|forgotten| wanted.updated <= forgotten) => {
                Err("so much has happened since that it is not known whether it is replayed".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Remembers one.
    pub(in crate::previews) fn note(&mut self, wanted: &Wanted) {
        self.updated.insert(key(wanted), wanted.updated);
        if self.updated.len() > self.most {
            let oldest = self.updated.iter().min_by_key(|(_, updated)| *updated).map(|(key, _)| key.clone());
            self.forgotten = self.forgotten.max(oldest.and_then(|key| self.updated.remove(&key)));
        }
    }
}

fn key(wanted: &Wanted) -> Key {
    let Wanted { repository: it, number, .. } = wanted;
    (it.provider, it.api().to_owned(), it.name.to_ascii_lowercase(), *number, it.namespace.clone())
}

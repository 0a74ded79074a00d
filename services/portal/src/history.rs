//! What documents were before: of each API the documents that differed for clients, and what had changed.
//!
//! It is kept in memory within bounds, and in a directory if there is one. What is kept is what services said: what the
//! gateway makes of it is another matter, and is not compared. An API may have the name of one that was for fewer: whose a
//! version was is kept with it.

mod bounds;
mod disk;
#[cfg(test)]
pub(crate) mod tests;
mod version;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::bounds::Bounds;
use self::disk::Disk;
pub(crate) use self::disk::DiskError;
pub(crate) use self::version::Version;
use crate::api::ApiId;
use crate::document::Document;
use crate::reference::Reference;

/// The versions of an API, the oldest first.
type Versions = Vec<Arc<Version>>;
/// Those of all APIs.
type Kept = BTreeMap<ApiId, Versions>;

/// The versions of all APIs.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: Mutex<Kept>,
    bounds: Bounds,
    disk: Option<Disk>,
}

impl History {
    /// That of a directory, which is made if it is not there yet; otherwise one of memory alone.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, DiskError> {
        let Some(directory) = directory else { return Ok(Self::default()) };
        let disk = Disk::open(directory)?;
        let mut kept = Kept::new();
        for (id, version) in disk.load()? {
            kept.entry(id).or_default().push(Arc::new(version));
        }
        kept.values_mut().for_each(|versions| versions.sort_by_key(|version| version.number));
        let bounds = Bounds::default();
        disk.remove(&bounds.enforce(&mut kept));
        Ok(Self { kept: Mutex::new(kept), bounds, disk: Some(disk) })
    }

    /// The versions of an API, the newest first.
    pub(crate) fn of(&self, id: &ApiId) -> Versions {
        self.lock().get(id).into_iter().flatten().rev().cloned().collect()
    }

    /// Takes the newest document of an API, one at a time. It takes long where that is another than before.
    pub(crate) fn record(&self, reference: &Reference) {
        let (id, document) = (&reference.api.id, &reference.document);
        let groups = reference.api.served.visible_to();
        let mut versions = self.lock().get(id).cloned().unwrap_or_default();
        let number = match versions.last() {
            Some(newest) if newest.document == document.original && newest.visible_to.as_deref() == groups => return,
            newest => newest.map_or(1, |newest| newest.number + 1),
        };
        let twice = once_to_and_fro(&mut versions, document);
        let version = match versions.last().map(|newest| (newest, newest.changes_to(reference))) {
            None => Version::first(number, reference),
            // It is shown to others now: what was before is not theirs.
            Some((newest, changes)) if !newest.is_for_all_of(groups) => match changes.is_empty() {
                true => {
                    let number = newest.number;
                    versions.pop();
                    Version::first(number, reference)
                }
                false => Version::first(number, reference),
            },
            // For clients it is the same, in other words.
            Some((newest, changes)) if changes.is_empty() => {
                let version = Version {
                    document: document.original.clone(),
                    visible_to: groups.map(<[String]>::to_vec),
                    ..(**newest).clone()
                };
                versions.pop();
                version
            }
            Some((_, changes)) => Version::next(number, reference, changes),
        };
        tracing::info!("a document of {id} is new: {}", version.words());
        let version = Arc::new(version);
        versions.push(Arc::clone(&version));
        let mut dropped: Vec<_> = twice.into_iter().map(|number| (id.clone(), number)).collect();
        let mut kept = self.lock();
        // In the meantime another API may have needed the place of older ones.
        let known = kept.get(id).map(Vec::as_slice).unwrap_or_default();
        versions.retain(|one| one.number == version.number || known.iter().any(|known| known.number == one.number));
        kept.insert(id.clone(), versions);
        dropped.extend(self.bounds.enforce(&mut kept));
        drop(kept);
        if let Some(disk) = &self.disk {
            disk.write(id, &version);
            disk.remove(&dropped);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing is left half done under it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While two releases are served side by side, a document goes to and fro: that is told once. Gives the numbers of the
/// versions that are not needed any more.
fn once_to_and_fro(versions: &mut Versions, document: &Document) -> Vec<u64> {
    match &versions[..] {
        [.., first, other, again] if first.document == again.document && other.document == document.original => {
            versions.split_off(versions.len() - 2).iter().map(|version| version.number).collect()
        }
        _ => Vec::new(),
    }
}

//! What documents were before: of each API the documents that differed for clients, and what had changed.
//!
//! It is kept in memory within bounds; in a directory as well if there is one, or in a Redis, where portals share it. What is
//! kept is what services said: what the gateway makes of it is another matter, and is not compared. An API may have the name
//! of one that was for fewer: whose a version was is kept with it.

mod bounds;
mod disk;
mod merge;
mod shared;
mod step;
mod stored;
#[cfg(test)]
pub(crate) mod tests;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use self::bounds::Bounds;
use self::disk::Disk;
pub(crate) use self::disk::DiskError;
pub(crate) use self::shared::Shared;
pub(crate) use self::version::Version;
use crate::api::{Api, ApiId};
use crate::catalog::Outage;
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
    /// What other portals have to be told, where there are some.
    news: Option<News>,
}

/// What other portals do not know yet.
#[derive(Debug, Default)]
struct News {
    /// Of these APIs something is another.
    touched: Mutex<BTreeSet<ApiId>>,
    /// As they were recorded last; of those that versions are kept of.
    apis: Mutex<BTreeMap<ApiId, Arc<Api>>>,
    /// Told when there is something.
    wake: Notify,
    /// Why they cannot be told.
    outage: ArcSwapOption<Outage>,
}

impl News {
    fn touch(&self, ids: impl IntoIterator<Item = ApiId>) {
        lock(&self.touched).extend(ids);
        self.wake.notify_one();
    }
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
        Ok(Self { kept: Mutex::new(kept), bounds, disk: Some(disk), ..Self::default() })
    }

    /// One that other portals are told of, by [`Shared`].
    pub(crate) fn sharing() -> Self {
        Self { news: Some(News::default()), ..Self::default() }
    }

    /// The versions of an API, the newest first.
    pub(crate) fn of(&self, id: &ApiId) -> Versions {
        self.known(id).into_iter().rev().collect()
    }

    /// Why what is recorded is in memory alone, though portals are to share it.
    pub(crate) fn outage(&self) -> Option<Arc<Outage>> {
        self.news.as_ref()?.outage.load_full()
    }

    /// Takes the newest document of an API. It takes long where that is another than before.
    pub(crate) fn record(&self, reference: &Reference) {
        let (id, groups) = (&reference.api.id, reference.api.served.visible_to());
        loop {
            let before = self.known(id);
            // Before its versions are there: others are told of these with what it was.
            if let Some(news) = &self.news {
                lock(&news.apis).insert(id.clone(), Arc::clone(&reference.api));
            }
            let mut versions = before.clone();
            step::step(&mut versions, reference, groups);
            let newest =
                versions.last().filter(|newest| !before.iter().any(|known| Arc::ptr_eq(known, newest))).cloned();
            // In the meantime another API may have needed the place of older ones, or another portal have told something.
            if self.replace(id, &before, versions) {
                if let Some(newest) = newest {
                    tracing::info!("a document of {id} is new: {}", newest.words());
                }
                return;
            }
        }
    }

    /// The versions of an API, the oldest first.
    fn known(&self, id: &ApiId) -> Versions {
        self.lock().get(id).cloned().unwrap_or_default()
    }

    /// Puts others in the place of these versions; `false` where it is not these any more that are known.
    fn replace(&self, id: &ApiId, before: &[Arc<Version>], after: Versions) -> bool {
        let mut kept = self.lock();
        if !is_same(kept.get(id).map(Vec::as_slice).unwrap_or_default(), before) {
            return false;
        }
        if is_same(before, &after) {
            return true;
        }
        let written: Versions =
            after.iter().filter(|new| !before.iter().any(|old| Arc::ptr_eq(old, new))).cloned().collect();
        let gone = before.iter().map(|old| old.number).filter(|number| !after.iter().any(|new| new.number == *number));
        let mut dropped: Vec<_> = gone.map(|number| (id.clone(), number)).collect();
        kept.insert(id.clone(), after);
        dropped.extend(self.bounds.enforce(&mut kept));
        // No others: of one that is not kept yet the first version may be about to come.
        if let Some(news) = &self.news {
            let mut apis = lock(&news.apis);
            for (id, _) in dropped.iter().filter(|(id, _)| !kept.contains_key(id)) {
                apis.remove(id);
            }
        }
        drop(kept);
        if let Some(disk) = &self.disk {
            written.iter().for_each(|version| disk.write(id, version));
            disk.remove(&dropped);
        }
        if let Some(news) = &self.news {
            news.touch(dropped.into_iter().map(|(id, _)| id).chain([id.clone()]));
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether two lists are one.
fn is_same(one: &[Arc<Version>], other: &[Arc<Version>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}

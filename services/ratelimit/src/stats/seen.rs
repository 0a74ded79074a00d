//! Counters under names that requests make: what clients send must not make them grow for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many names there may be. Each takes about 400 bytes here, and a series at whoever collects them.
pub(super) const ROOM: usize = 10_000;
/// How long a name may be: a value may be as long as a request allows.
pub(super) const LONGEST: usize = 256;
/// Where there is no room, names that were not used for so long give theirs: by then whoever collects has what they
/// counted. No sooner, or a storm of names would be a storm of series.
pub(super) const IDLE: Duration = Duration::from_secs(600);

/// Up to [`ROOM`] names with what is counted under each.
#[derive(Debug)]
pub(super) struct Seen<T> {
    names: HashMap<Box<str>, Entry<T>>,
    /// When names were last told whether they were used since.
    swept: Option<Instant>,
    /// How often names were told so far.
    pub(super) sweeps: usize,
}

#[derive(Debug)]
struct Entry<T> {
    counted: Arc<T>,
    used: AtomicBool,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { names: HashMap::new(), swept: None, sweeps: 0 }
    }
}

impl<T> Seen<T> {
    /// What is counted under a name that there is.
    pub(super) fn get(&self, name: &str) -> Option<Arc<T>> {
        let entry = self.names.get(name)?;
        // Written only once: all cores read it.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        Some(entry.counted.clone())
    }

    /// Whether there may be room for a name that there is not.
    pub(super) fn admits(&self, name: &str, now: Instant) -> bool {
        name.len() <= LONGEST && (self.names.len() < ROOM || self.may_sweep(now))
    }

    /// What is counted under a name; none where there is no room for it.
    pub(super) fn insert(&mut self, name: &str, now: Instant, new: impl FnOnce() -> Arc<T>) -> Option<Arc<T>> {
        if let Some(found) = self.get(name) {
            return Some(found);
        }
        if self.names.len() >= ROOM && self.may_sweep(now) {
            self.swept = Some(now);
            self.sweeps += 1;
            self.names.retain(|_, entry| std::mem::take(entry.used.get_mut()));
        }
        if self.names.len() >= ROOM {
            return None;
        }
        let counted = new();
        self.names.insert(name.into(), Entry { counted: counted.clone(), used: AtomicBool::new(true) });
        Some(counted)
    }

    /// Takes a name out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<T>> {
        self.names.remove(name).map(|entry| entry.counted)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<T>)> {
        self.names.iter().map(|(name, entry)| (&**name, &entry.counted))
    }

    fn may_sweep(&self, now: Instant) -> bool {
        self.swept.is_none_or(|swept| now.duration_since(swept) >= IDLE)
    }
}

//! The names that requests of this thread made last, so that their counters are found without asking others.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::registry::RuleStats;
use super::seen::ROOM;

/// Tells threads that what they keep may be somebody's no more. No number is of two registries.
#[derive(Debug)]
pub(super) struct Version(AtomicU64);

/// As many as requests may make.
#[derive(Default)]
struct Recent {
    version: u64,
    names: HashMap<Box<str>, Arc<RuleStats>>,
}

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

impl Default for Version {
    fn default() -> Self {
        Self(AtomicU64::new(next()))
    }
}

/// A number that there was not yet; 0 is none.
fn next() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Version {
    /// Names were let go, or told apart by whether they are used: threads forget theirs, and ask again, which is use.
    pub(super) fn renew(&self) {
        self.0.store(next(), Ordering::Release);
    }

    /// What this thread keeps under a name, else what `find` gives, which it then keeps.
    pub(super) fn recent(&self, name: &str, find: impl FnOnce() -> Option<Arc<RuleStats>>) -> Option<Arc<RuleStats>> {
        RECENT.with_borrow_mut(|recent| {
            let version = self.0.load(Ordering::Acquire);
            if recent.version != version || recent.names.len() >= ROOM {
                recent.names.clear();
                recent.version = version;
            }
            if let Some(found) = recent.names.get(name) {
                return Some(found.clone());
            }
            let found = find()?;
            recent.names.insert(name.into(), found.clone());
            Some(found)
        })
    }
}

//! In this process: for one replica, and gone when it ends.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many changes, and what is over is cleared away.
const SWEEP_EVERY: usize = 1_024;

#[derive(Default)]
pub(crate) struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    changes: usize,
}

struct Entry {
    value: Value,
    until: Instant,
}

enum Value {
    Bytes { revision: u64, bytes: Arc<[u8]> },
    Set(BTreeSet<String>),
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl State {
    fn live(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.get_mut(key).filter(|entry| entry.until > Instant::now())
    }

    fn insert(&mut self, key: &str, value: Value, life: Duration) {
        self.changes += 1;
        if self.changes.is_multiple_of(SWEEP_EVERY) {
            let now = Instant::now();
            self.entries.retain(|_, entry| entry.until > now);
        }
        self.entries.insert(key.to_owned(), Entry { value, until: Instant::now() + life });
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        match &self.state().live(key)?.value {
            Value::Bytes { bytes, .. } => Some(bytes.clone()),
            Value::Set(_) => None,
        }
    }

    pub(super) fn put(&self, key: &str, revision: u64, bytes: &[u8], life: Duration) -> bool {
        let mut state = self.state();
        let before = match state.live(key).map(|entry| &entry.value) {
            Some(Value::Bytes { revision, .. }) => Some(*revision),
            _ => None,
        };
        let is_next = revision == 1 || before == Some(revision - 1);
        if is_next {
            state.insert(key, Value::Bytes { revision, bytes: bytes.into() }, life);
        }
        is_next
    }

    pub(super) fn put_new(&self, key: &str, bytes: &[u8], life: Duration) -> bool {
        let mut state = self.state();
        if state.live(key).is_some() {
            return false;
        }
        state.insert(key, Value::Bytes { revision: 1, bytes: bytes.into() }, life);
        true
    }

    pub(super) fn expire(&self, key: &str, life: Duration) {
        if let Some(entry) = self.state().live(key) {
            entry.until = Instant::now() + life;
        }
    }

    pub(super) fn remove(&self, key: &str) {
        self.state().entries.remove(key);
    }

    pub(super) fn remove_if(&self, key: &str, value: &[u8]) {
        let mut state = self.state();
        if matches!(state.live(key).map(|entry| &entry.value), Some(Value::Bytes { bytes, .. }) if **bytes == *value) {
            state.entries.remove(key);
        }
    }

    pub(super) fn add(&self, key: &str, member: &str, life: Duration) {
        let mut state = self.state();
        if let Some(Entry { value: Value::Set(members), until }) = state.live(key) {
            members.insert(member.to_owned());
            *until = (*until).max(Instant::now() + life);
            return;
        }
        state.insert(key, Value::Set(BTreeSet::from([member.to_owned()])), life);
    }

    pub(super) fn remove_member(&self, key: &str, member: &str) {
        if let Some(Entry { value: Value::Set(members), .. }) = self.state().live(key) {
            members.remove(member);
        }
    }

    pub(super) fn members(&self, key: &str) -> Vec<String> {
        match self.state().live(key).map(|entry| &entry.value) {
            Some(Value::Set(members)) => members.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn who_was_overtaken_changes_nothing() {
        let store = MemoryStore::default();
        assert!(!store.put("k", 2, b"2", LONG), "it has ended");
        assert!(store.put("k", 1, b"1", LONG) && store.put("k", 2, b"2", LONG));
        assert!(!store.put("k", 2, b"x", LONG));
        assert_eq!(store.get("k").as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn what_is_over_is_not_there() {
        let store = MemoryStore::default();
        assert!(
            store.put_new("k", b"1", Duration::ZERO)
                && store.put_new("k", b"2", LONG)
                && !store.put_new("k", b"3", LONG)
        );
        store.remove_if("k", b"other");
        assert!(store.get("k").is_some());
        store.remove_if("k", b"2");
        assert!(store.get("k").is_none());
        store.add("s", "a", LONG);
        store.add("s", "b", LONG);
        assert_eq!(store.members("s"), ["a", "b"]);
    }
}

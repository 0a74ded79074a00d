//! In this process: for one replica, and gone when it ends. There may be a hundred thousand sessions, each with what is known
//! of its login and its user: entries are small.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nuncio_auth::crypto::sha256;

/// So many changes, and what is over is cleared away.
const SWEEP_EVERY: usize = 1_024;

pub(crate) struct MemoryStore {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<Name, Entry>,
    changes: usize,
    /// Milliseconds since the beginning.
    now: u64,
}

/// Of a key, half of its digest. Nobody finds another key for one that is there; nor does what is sealed open under another.
pub(crate) type Name = [u8; 16];

struct Entry {
    value: Value,
    until: u64,
}

enum Value {
    Bytes {
        revision: u32,
        bytes: Arc<[u8]>,
    },
    /// A set, of one as a rule.
    One(Box<str>),
    #[allow(clippy::box_collection, reason = "it is rare, and would make all entries larger")]
    Many(Box<BTreeSet<Box<str>>>),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { begun: Instant::now(), state: Mutex::default() }
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl State {
    fn live(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.get_mut(&name(key)).filter(|entry| entry.until > self.now)
    }

    fn insert(&mut self, key: &str, value: Value, life: Duration) {
        self.changes += 1;
        if self.changes.is_multiple_of(SWEEP_EVERY) {
            let now = self.now;
            self.entries.retain(|_, entry| entry.until > now);
        }
        let until = self.after(life);
        self.entries.insert(name(key), Entry { value, until });
    }

    fn after(&self, life: Duration) -> u64 {
        self.now.saturating_add(milliseconds(life))
    }
}

impl Value {
    fn bytes(revision: u64, bytes: &[u8]) -> Self {
        Self::Bytes { revision: u32::try_from(revision).unwrap_or(u32::MAX), bytes: bytes.into() }
    }

    fn revision(&self) -> Option<u64> {
        match self {
            Self::Bytes { revision, .. } => Some((*revision).into()),
            Self::One(_) | Self::Many(_) => None,
        }
    }

    /// Adds to a set.
    fn add(&mut self, member: &str) {
        match self {
            Self::Many(members) => _ = members.insert(member.into()),
            Self::One(one) if **one == *member => {}
            Self::One(one) => {
                let members = BTreeSet::from([std::mem::take(one), member.into()]);
                *self = Self::Many(Box::new(members));
            }
            Self::Bytes { .. } => *self = Self::One(member.into()),
        }
    }
}

pub(crate) fn name(key: &str) -> Name {
    let mut name = Name::default();
    name.copy_from_slice(&sha256(key.as_bytes())[..size_of::<Name>()]);
    name
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl MemoryStore {
    /// As it is now.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = milliseconds(self.begun.elapsed());
        state
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        match &self.state().live(key)?.value {
            Value::Bytes { bytes, .. } => Some(bytes.clone()),
            Value::One(_) | Value::Many(_) => None,
        }
    }

    pub(super) fn put(&self, key: &str, revision: u64, bytes: &[u8], life: Duration) -> bool {
        let mut state = self.state();
        let before = state.live(key).and_then(|entry| entry.value.revision());
        let is_next = revision == 1 || before == Some(revision - 1);
        if is_next {
            state.insert(key, Value::bytes(revision, bytes), life);
        }
        is_next
    }

    pub(super) fn put_new(&self, key: &str, bytes: &[u8], life: Duration) -> bool {
        let mut state = self.state();
        if state.live(key).is_some() {
            return false;
        }
        state.insert(key, Value::bytes(1, bytes), life);
        true
    }

    pub(super) fn expire(&self, key: &str, life: Duration) {
        let mut state = self.state();
        let until = state.after(life);
        if let Some(entry) = state.live(key) {
            entry.until = until;
        }
    }

    pub(super) fn remove(&self, key: &str) {
        self.state().entries.remove(&name(key));
    }

    pub(super) fn remove_if(&self, key: &str, value: &[u8]) {
        let mut state = self.state();
        if matches!(state.live(key).map(|entry| &entry.value), Some(Value::Bytes { bytes, .. }) if **bytes == *value) {
            state.entries.remove(&name(key));
        }
    }

    pub(super) fn add(&self, key: &str, member: &str, life: Duration) {
        let mut state = self.state();
        let until = state.after(life);
        if let Some(entry) = state.live(key) {
            entry.value.add(member);
            entry.until = entry.until.max(until);
            return;
        }
        state.insert(key, Value::One(member.into()), life);
    }

    pub(super) fn remove_member(&self, key: &str, member: &str) {
        let mut state = self.state();
        let is_empty = match state.live(key).map(|entry| &mut entry.value) {
            Some(Value::One(one)) => **one == *member,
            Some(Value::Many(members)) => {
                members.remove(member);
                members.is_empty()
            }
            Some(Value::Bytes { .. }) | None => false,
        };
        if is_empty {
            state.entries.remove(&name(key));
        }
    }

    pub(super) fn members(&self, key: &str) -> Vec<String> {
        match self.state().live(key).map(|entry| &entry.value) {
            Some(Value::One(member)) => vec![member.as_ref().to_owned()],
            Some(Value::Many(members)) => members.iter().map(|member| member.as_ref().to_owned()).collect(),
            Some(Value::Bytes { .. }) | None => Vec::new(),
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
    }

    #[test]
    fn a_set_holds_each_once_and_ends_with_the_last() {
        let store = MemoryStore::default();
        for (member, all) in [("b", &["b"][..]), ("b", &["b"]), ("a", &["a", "b"]), ("c", &["a", "b", "c"])] {
            store.add("s", member, LONG);
            assert_eq!(store.members("s"), all);
        }
        for (member, all) in [("x", &["a", "b", "c"][..]), ("b", &["a", "c"]), ("a", &["c"]), ("c", &[])] {
            store.remove_member("s", member);
            assert_eq!(store.members("s"), all);
        }
        store.add("one", "a", LONG);
        store.remove_member("one", "b");
        assert_eq!(store.members("one"), ["a"]);
        store.remove_member("one", "a");
        assert!(store.state().entries.is_empty(), "nothing is kept of what is over");
    }

    /// Of a session there are an entry for itself, one for its user, and for a while one for its state.
    #[test]
    fn entries_are_small() {
        assert!(size_of::<(Name, Entry)>() <= 48, "{}", size_of::<(Name, Entry)>());
    }
}

//! Counters in this process: exact, and forgotten when it ends.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::{Action, Counts, Op, Ops, Store, StoreError};
use crate::clock;

/// Enough that cores seldom meet at one.
const SHARDS: usize = 64;
/// Below this many counters a shard is not swept.
const SWEEP_AT_LEAST: usize = 1_024;

/// Counters by key, in shards with a lock each.
#[derive(Debug)]
pub struct MemoryStore {
    // Values come from clients: the hash is keyed, so that they cannot make them collide.
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    counters: HashMap<Bytes, Counter>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Counter {
    value: u64,
    /// When it may be forgotten, in seconds since 1970.
    ends: u64,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Store for MemoryStore {
    async fn run(&self, ops: Ops) -> Result<Counts, StoreError> {
        let now = clock::now();
        Ok(ops.into_iter().map(|op| self.apply(op, now)).collect())
    }
}

impl MemoryStore {
    fn apply(&self, op: Op, now: u64) -> u64 {
        // The remainder is below the number of shards.
        let shard = (self.hasher.hash_one(&op.key) % SHARDS as u64) as usize;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner).apply(op, now)
    }

    /// How many counters are kept.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).counters.len()).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shard {
    fn apply(&mut self, op: Op, now: u64) -> u64 {
        match op.action {
            Action::Read => self.counters.get(&op.key).map_or(0, |counter| counter.value),
            Action::Refund(hits) => self.counters.get_mut(&op.key).map_or(0, |counter| {
                counter.value = counter.value.saturating_sub(hits);
                counter.value
            }),
            Action::Add(hits) => {
                self.sweep(now);
                // The window began at `now` or before: a whole one more is long enough.
                let counter = self.counters.entry(op.key).or_insert(Counter { value: 0, ends: now + op.window });
                counter.value = counter.value.saturating_add(hits);
                counter.value
            }
        }
    }

    /// Forgets windows that are over, whenever as many counters were added as there were: a constant price for each.
    fn sweep(&mut self, now: u64) {
        if self.counters.len() < self.sweep_at.max(SWEEP_AT_LEAST) {
            return;
        }
        self.counters.retain(|_, counter| counter.ends >= now);
        self.counters.shrink_to(2 * SWEEP_AT_LEAST);
        self.sweep_at = 2 * self.counters.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(key: &'static str, action: Action) -> Op {
        Op { key: Bytes::from_static(key.as_bytes()), action, window: 1 }
    }

    #[test]
    fn counts_and_refunds() {
        let store = MemoryStore::default();
        assert_eq!(store.apply(op("a", Action::Add(3)), 0), 3);
        assert_eq!(store.apply(op("a", Action::Add(2)), 0), 5);
        assert_eq!(store.apply(op("a", Action::Refund(1)), 0), 4);
        assert_eq!(store.apply(op("a", Action::Refund(9)), 0), 0);
        assert_eq!(store.apply(op("b", Action::Refund(9)), 0), 0);
        assert_eq!(store.apply(op("b", Action::Read), 0), 0);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn windows_that_are_over_are_forgotten() {
        let store = MemoryStore::default();
        for index in 0..SHARDS * SWEEP_AT_LEAST * 4 {
            let key = Bytes::from(index.to_string());
            store.apply(Op { key, action: Action::Add(1), window: 1 }, index as u64 / 100);
        }
        assert!(store.len() < SHARDS * SWEEP_AT_LEAST * 2, "{}", store.len());
    }
}

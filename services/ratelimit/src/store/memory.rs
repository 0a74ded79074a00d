//! Counters in this process: exact, and forgotten when it ends.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::{Action, Count, Counts, Meter, Op, Ops, Store, StoreError};
use crate::algorithm::{GcraState, SlidingState};
use crate::clock::Now;

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
    /// What gives way next, where there is room for so many only.
    older: HashMap<Bytes, Counter>,
    room: Option<usize>,
}

#[derive(Debug)]
struct Counter {
    state: State,
    /// When it may be forgotten, in seconds since 1970.
    ends: u64,
}

#[derive(Debug)]
enum State {
    Number(u64),
    Sliding(Box<SlidingState>),
    Gcra(Box<GcraState>),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl MemoryStore {
    /// Keeps about `room` counters. Those that were used least recently give way: what they counted is forgotten.
    pub(crate) fn bounded(room: usize) -> Self {
        let shard = || Mutex::new(Shard { room: Some(room / SHARDS), ..Shard::default() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), ..Self::default() }
    }
}

impl Store for MemoryStore {
    async fn run(&self, ops: Ops) -> Result<Counts, StoreError> {
        let now = Now::read().seconds();
        Ok(ops.into_iter().map(|op| self.apply(op, now)).collect())
    }
}

impl MemoryStore {
    /// Does one operation now.
    pub(crate) fn apply_now(&self, op: Op) -> Count {
        self.apply(op, Now::read().seconds())
    }

    fn apply(&self, op: Op, now: u64) -> Count {
        // The remainder is below the number of shards.
        let shard = (self.hasher.hash_one(&op.key) % SHARDS as u64) as usize;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner).apply(op, now)
    }

    /// Forgets all windows that are over, and what held them: for a store that is used only at times.
    pub(crate) fn sweep(&self) {
        let now = Now::read().seconds();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if shard.len() > 0 {
                shard.forget(now);
            }
        }
    }

    /// How many counters are kept.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shard {
    fn len(&self) -> usize {
        self.counters.len() + self.older.len()
    }

    fn apply(&mut self, op: Op, now: u64) -> Count {
        self.renew(&op.key);
        match op.action {
            Action::Add(_) => {
                self.sweep(now);
                self.make_room(&op.key);
                let counter = self.counters.entry(op.key).or_insert_with(|| Counter::new(op.meter));
                counter.apply(op.meter, op.action, now)
            }
            // What is not there is not made.
            Action::Read | Action::Refund(_) => match self.counters.get_mut(&op.key) {
                Some(counter) => counter.apply(op.meter, op.action, now),
                None => Count::from(0),
            },
        }
    }

    /// Keeps a counter that is used from giving way.
    fn renew(&mut self, key: &Bytes) {
        if self.older.is_empty() {
            return;
        }
        if let Some(counter) = self.older.remove(key) {
            self.make_room(key);
            self.counters.insert(key.clone(), counter);
        }
    }

    /// Forgets windows that are over, whenever as many counters were added as there were: a constant price for each.
    fn sweep(&mut self, now: u64) {
        if self.counters.len() >= self.sweep_at.max(SWEEP_AT_LEAST) {
            self.forget(now);
            self.sweep_at = 2 * self.counters.len();
        }
    }

    fn forget(&mut self, now: u64) {
        for counters in [&mut self.counters, &mut self.older] {
            counters.retain(|_, counter| counter.ends >= now);
            counters.shrink_to(2 * counters.len());
        }
    }

    /// Half of the room is for what was used since it was full last.
    fn make_room(&mut self, key: &Bytes) {
        let full = self.room.is_some_and(|room| self.counters.len() >= room.div_ceil(2));
        if full && !self.counters.contains_key(key) {
            self.older = std::mem::take(&mut self.counters);
        }
    }
}

impl Counter {
    fn new(meter: Meter) -> Self {
        let state = match meter {
            Meter::Number(_) => State::Number(0),
            Meter::Sliding(..) => State::Sliding(Box::default()),
            Meter::Gcra(..) => State::Gcra(Box::default()),
        };
        Self { state, ends: 0 }
    }

    fn apply(&mut self, meter: Meter, action: Action, now: u64) -> Count {
        match (&mut self.state, meter) {
            (State::Number(value), Meter::Number(window)) => {
                *value = match action {
                    Action::Add(hits) => value.saturating_add(hits),
                    Action::Refund(hits) => value.saturating_sub(hits),
                    Action::Read => *value,
                };
                if self.ends == 0 {
                    // The window began at `now` or before: a whole one more is long enough.
                    self.ends = now + window;
                }
                Count::from(*value)
            }
            (State::Sliding(state), Meter::Sliding(sliding, at)) => {
                self.ends = now + (sliding.part * u64::from(sliding.parts + 1)).div_ceil(1_000);
                sliding.apply(state, at, action)
            }
            (State::Gcra(state), Meter::Gcra(gcra, at)) => {
                let count = gcra.apply(state, at, action);
                let empty = state.level.div_ceil(u128::from(gcra.rate) * 1_000);
                self.ends = now.saturating_add(u64::try_from(empty).unwrap_or(u64::MAX));
                count
            }
            // Keys of different kinds differ.
            (_, meter) => {
                *self = Self::new(meter);
                self.apply(meter, action, now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(key: &'static str, action: Action) -> Op {
        Op { key: Bytes::from_static(key.as_bytes()), action, meter: Meter::Number(1) }
    }

    #[test]
    fn counts_and_refunds() {
        let store = MemoryStore::default();
        let apply = |key, action| store.apply(op(key, action), 0).value;
        assert_eq!(apply("a", Action::Add(3)), 3);
        assert_eq!(apply("a", Action::Add(2)), 5);
        assert_eq!(apply("a", Action::Refund(1)), 4);
        assert_eq!(apply("a", Action::Refund(9)), 0);
        assert_eq!(apply("b", Action::Refund(9)), 0);
        assert_eq!(apply("b", Action::Read), 0);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn where_room_is_little_what_is_in_use_stays() {
        let store = MemoryStore::bounded(10_000);
        for index in 0..100_000_u64 {
            let key = Bytes::from(index.to_string());
            store.apply(Op { key, action: Action::Add(1), meter: Meter::Number(60) }, 0);
            let used = store.apply(Op { meter: Meter::Number(60), ..op("used", Action::Add(1)) }, 0);
            assert_eq!(used.value, index + 1);
        }
        assert!((4_000..=10_000 + SHARDS).contains(&store.len()), "{}", store.len());
        store.apply(op("later", Action::Add(1)), 1_000);
        store.shards.iter().for_each(|shard| shard.lock().unwrap().forget(1_000));
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn windows_that_are_over_are_forgotten() {
        let store = MemoryStore::default();
        for index in 0..SHARDS * SWEEP_AT_LEAST * 4 {
            let key = Bytes::from(index.to_string());
            store.apply(Op { key, action: Action::Add(1), meter: Meter::Number(1) }, index as u64 / 100);
        }
        assert!(store.len() < SHARDS * SWEEP_AT_LEAST * 2, "{}", store.len());
    }
}

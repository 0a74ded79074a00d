//! Counters in this process: exact, and forgotten when it ends.

mod room;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Action, Count, Counts, Meter, Op, Ops, Store};
use crate::algorithm::{GcraState, SlidingState};
use crate::clock::Now;

/// Enough that cores seldom meet at one.
const SHARDS: usize = 64;
/// Below this many counters a shard is not swept.
const SWEEP_AT_LEAST: usize = 1_024;
/// What a counter takes beside its key, in bytes: its place in the table, which may be half empty, and what the allocator
/// adds.
const ENTRY: usize = 144;

/// Counters by key, in shards with a lock each. What all take is bounded: windows that are over give way first, then those
/// that were used least recently, whose counts are forgotten.
#[derive(Debug)]
pub struct MemoryStore {
    // Values come from clients: the hash is keyed, so that they cannot make them collide.
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    counters: HashMap<Bytes, Counter>,
    /// What those take.
    bytes: usize,
    sweep_at: usize,
    /// What gives way next; at most half of the room.
    older: HashMap<Bytes, Counter>,
    /// What both may take.
    room: usize,
}

#[derive(Debug)]
struct Counter {
    state: State,
    /// When it may be forgotten, in seconds since 1970.
    ends: u64,
    /// What it takes, with its key.
    bytes: usize,
}

#[derive(Debug)]
enum State {
    Number(u64),
    Sliding(Box<SlidingState>),
    Gcra(Box<GcraState>),
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(room::usual())
    }
}

impl MemoryStore {
    /// A store of about so many bytes.
    pub fn new(room: usize) -> Self {
        let shard = || Mutex::new(Shard { room: room / SHARDS, ..Shard::default() });
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| shard()).collect() }
    }
}

impl Store for MemoryStore {
    async fn run(&self, ops: Ops, _: Option<Instant>) -> Counts {
        let now = Now::read().seconds();
        ops.into_iter().map(|op| Ok(self.apply(op, now))).collect()
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
        self.renew(&op.key, now);
        if let Some(counter) = self.counters.get_mut(&op.key) {
            return counter.apply(op.meter, op.action, now);
        }
        match op.action {
            Action::Add(_) => {
                let mut counter = Counter::new(op.meter, op.key.len());
                let count = counter.apply(op.meter, op.action, now);
                self.sweep(now);
                self.make_room(counter.bytes, now);
                self.counters.insert(op.key, counter);
                count
            }
            // What is not there is not made.
            Action::Read | Action::Refund(_) => Count::from(0),
        }
    }

    /// Keeps a counter that is used from giving way.
    fn renew(&mut self, key: &Bytes, now: u64) {
        if self.older.is_empty() {
            return;
        }
        if let Some((key, counter)) = self.older.remove_entry(key) {
            self.make_room(counter.bytes, now);
            self.counters.insert(key, counter);
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
        self.bytes = self.counters.values().map(|counter| counter.bytes).sum();
    }

    /// Counts what is added. Half of the room is for what was used since it was full last.
    fn make_room(&mut self, bytes: usize, now: u64) {
        if self.bytes + bytes > self.room / 2 {
            self.forget(now);
            // Else so much is free again that looking through all was worth it.
            if self.bytes > self.room / 4 {
                self.older = std::mem::take(&mut self.counters);
                self.bytes = 0;
            }
        }
        self.bytes += bytes;
    }
}

impl Counter {
    fn new(meter: Meter, key: usize) -> Self {
        let (state, beside) = match meter {
            Meter::Number(_) => (State::Number(0), 0),
            Meter::Sliding(sliding, _) => (State::Sliding(Box::default()), sliding.room()),
            Meter::Gcra(..) => (State::Gcra(Box::default()), size_of::<GcraState>()),
        };
        Self { state, ends: 0, bytes: ENTRY + key + beside }
    }

    fn apply(&mut self, meter: Meter, action: Action, now: u64) -> Count {
        match (&mut self.state, meter) {
            (State::Number(value), Meter::Number(window)) => {
                *value = match action {
                    Action::Add(hits) => value.saturating_add(hits),
                    Action::Refund(hits) => value.saturating_sub(hits),
                    Action::Read => *value,
                };
                // Windows of other lengths that begin together have the same key: it is kept until the last is over.
                self.ends = self.ends.max((now / window + 1) * window);
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
                self.state = Self::new(meter, 0).state;
                self.apply(meter, action, now)
            }
        }
    }
}

#[cfg(test)]
mod tests;

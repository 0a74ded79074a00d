//! Counters that are known to be over their limit: while they only grow, nobody need be asked.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

const SHARDS: usize = 16;
/// The least size in bytes; smaller ones count as this, as with the original's library.
const AT_LEAST: usize = 512 * 1024;
/// What an entry takes beside its key.
const ENTRY: usize = 64;

/// Keys of counters over their limit, each until its window ends.
#[derive(Debug)]
pub struct LocalCache {
    hasher: RandomState,
    shards: Vec<Mutex<Generations>>,
    /// Bytes of a generation of a shard.
    room: usize,
}

/// What is full becomes old, and what was old is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Bytes, u64>,
    bytes: usize,
    old: HashMap<Bytes, u64>,
}

impl LocalCache {
    /// A cache of about so many bytes (`LOCAL_CACHE_SIZE_IN_BYTES`).
    pub fn new(bytes: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            room: bytes.max(AT_LEAST) / SHARDS / 2,
        }
    }

    /// Until when the counter is over its limit for certain; none where that is not known at `now`. Both in seconds
    /// since 1970.
    pub(crate) fn over_until(&self, key: &Bytes, now: u64) -> Option<u64> {
        let shard = self.shard(key);
        shard.young.get(key).or_else(|| shard.old.get(key)).copied().filter(|ends| *ends > now)
    }

    /// Notes that the counter is over its limit until `ends`.
    pub(crate) fn note(&self, key: &Bytes, ends: u64) {
        let mut shard = self.shard(key);
        if shard.bytes > self.room {
            shard.old = std::mem::take(&mut shard.young);
            shard.bytes = 0;
        }
        shard.bytes += key.len() + ENTRY;
        // A copy: the key may share its memory with more.
        shard.young.insert(Bytes::copy_from_slice(key), ends);
    }

    /// Forgets a counter that went down.
    pub(crate) fn forget(&self, key: &Bytes) {
        let mut shard = self.shard(key);
        shard.young.remove(key);
        shard.old.remove(key);
    }

    fn shard(&self, key: &Bytes) -> std::sync::MutexGuard<'_, Generations> {
        let shard = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_until_the_window_ends() {
        let cache = LocalCache::new(0);
        let key = Bytes::from_static(b"k");
        cache.note(&key, 10);
        assert_eq!(cache.over_until(&key, 9), Some(10));
        assert_eq!(cache.over_until(&key, 10), None);
        cache.forget(&key);
        assert_eq!(cache.over_until(&key, 9), None);
    }

    #[test]
    fn stays_within_its_size() {
        let cache = LocalCache::new(AT_LEAST);
        for index in 0..100_000 {
            cache.note(&Bytes::from(format!("key-{index:026}")), u64::MAX);
        }
        let count = |shard: &Mutex<Generations>| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        };
        let entries: usize = cache.shards.iter().map(count).sum();
        assert!(entries * (30 + ENTRY) < 2 * AT_LEAST, "{entries}");
        assert!(cache.over_until(&Bytes::from(format!("key-{:026}", 99_999)), 0).is_some());
    }
}

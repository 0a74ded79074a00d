//! Hits that a replica has counted ahead, to answer from without asking the store.
//!
//! A lease is part of the counter: replicas together never let more through than the limit. What is not used for a
//! while is given back, and may be used by others.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::clock::Now;
use crate::limiter::Limiter;
use crate::window::Window;

const SHARDS: usize = 16;
/// How many leases a shard holds; beyond, hits are counted one by one. Each takes about 200 bytes, and its key.
const MOST: usize = 8_192;
/// How long a key may be: values of requests stand in it.
const LONGEST: usize = 512;
/// What is not used for so long is given back.
const IDLE: Duration = Duration::from_secs(1);

/// The leases of a replica.
#[derive(Debug)]
pub struct Leases {
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Bytes, Lease>>>,
}

#[derive(Debug)]
struct Lease {
    /// Hits that may still be used.
    free: u64,
    /// What the counter came to, with all hits of the lease.
    counted: u64,
    /// Others have used up the limit: no more is to be had.
    spent: bool,
    /// Somebody has asked for more and has no answer yet: enough for one replica.
    asked: Option<Now>,
    /// Length of the window in seconds.
    window: u64,
    /// When the window ends, in seconds since 1970.
    ends: u64,
    used: Now,
}

/// Hits that are not needed any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unused {
    pub(crate) key: Bytes,
    pub(crate) hits: u64,
    /// Length of the window in seconds.
    pub(crate) window: u64,
}

/// What a lease says to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The hits are of the lease: what the counter came to with them.
    Counted(u64),
    /// So many are; the store is to be asked for the rest, and for `more` to come.
    Ask { covered: u64, more: bool },
}

/// What the store counted for a lease.
#[derive(Debug)]
pub(crate) struct Grant {
    /// What the counter came to with all of the lease.
    pub(crate) counted: u64,
    /// Hits that may be used here.
    pub(crate) free: u64,
    /// More are not to be had in this window.
    pub(crate) spent: bool,
}

impl Lease {
    /// Without any hits yet.
    fn new(window: Window, now: Now) -> Self {
        let ends = window.start(now.seconds()) + window.seconds();
        Self { free: 0, counted: 0, spent: false, asked: None, window: window.seconds(), ends, used: now }
    }
}

impl Default for Leases {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Leases {
    /// Takes hits from the lease for `key`, as far as it has them.
    pub(crate) fn take(&self, key: &Bytes, hits: u64, window: Window, now: Now) -> Answer {
        let mut shard = self.shard(key);
        let room = shard.len() < MOST && key.len() <= LONGEST;
        if !room && !shard.contains_key(key) {
            return Answer::Ask { covered: 0, more: false };
        }
        let lease = match shard.get_mut(key) {
            Some(lease) => lease,
            None => shard.entry(Bytes::copy_from_slice(key)).or_insert(Lease::new(window, now)),
        };
        lease.used = now;
        let covered = lease.free.min(hits);
        lease.free -= covered;
        if covered == hits {
            return Answer::Counted(lease.counted.saturating_sub(lease.free));
        }
        let waits = lease.asked.is_some_and(|asked| u128::from(now.0.saturating_sub(asked.0)) < IDLE.as_millis());
        let more = !lease.spent && !waits;
        if more {
            lease.asked = Some(now);
        }
        Answer::Ask { covered, more }
    }

    /// Hits that are counted for `key` and not used.
    pub(crate) fn free(&self, key: &Bytes) -> u64 {
        self.shard(key).get(key).map_or(0, |lease| lease.free)
    }

    /// Notes what was counted for `key`; false where nobody waits for it any more.
    pub(crate) fn grant(&self, key: &Bytes, grant: &Grant, now: Now) -> bool {
        let mut shard = self.shard(key);
        // Gone where the answer took longer than a lease is kept without use.
        let Some(lease) = shard.get_mut(key) else { return false };
        lease.asked = None;
        lease.free += grant.free;
        // An answer may come before an earlier one.
        lease.counted = lease.counted.max(grant.counted);
        lease.spent |= grant.spent;
        lease.used = now;
        true
    }

    /// Ends leases that are not used, and says what is to be given back: all of it `at_once`, or what was not used for a
    /// second.
    pub(crate) fn unused(&self, now: Now, at_once: bool) -> Vec<Unused> {
        let mut unused = Vec::new();
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, lease| {
                let is_over = lease.ends <= now.seconds();
                let idle = u128::from(now.0.saturating_sub(lease.used.0)) >= IDLE.as_millis();
                // That the limit is used up is worth to be known until the window ends.
                let keep = !is_over && !at_once && (!idle || (lease.spent && lease.free == 0));
                if !keep && !is_over && lease.free > 0 {
                    unused.push(Unused { key: key.clone(), hits: lease.free, window: lease.window });
                }
                keep
            });
        }
        unused
    }

    fn shard(&self, key: &Bytes) -> std::sync::MutexGuard<'_, HashMap<Bytes, Lease>> {
        let shard = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives back what is not used, every second, and all of it when no call can come any more. What was counted here while the store was away is forgotten
/// with its windows.
pub(crate) async fn keep(limiter: Arc<Limiter>, drained: CancellationToken) {
    loop {
        let last = tokio::select! {
            () = drained.cancelled() => true,
            () = tokio::time::sleep(IDLE) => false,
        };
        limiter.give_back(last).await;
        limiter.shared().fallback.sweep();
        if last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_are_not_kept() {
        let (leases, window) = (Leases::default(), Window::from_name("minute").unwrap());
        let asks = |length| leases.take(&Bytes::from(vec![b'k'; length]), 1, window, Now::read());
        assert_eq!(asks(LONGEST), Answer::Ask { covered: 0, more: true });
        assert_eq!(asks(LONGEST + 1), Answer::Ask { covered: 0, more: false });
    }
}

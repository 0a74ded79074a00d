//! Where counters are kept.

mod local_cache;
mod memory;
mod redis;

use bytes::Bytes;
use smallvec::SmallVec;

pub use local_cache::LocalCache;
pub use memory::MemoryStore;
pub use redis::{RedisOptions, RedisStore, ServerKind, Tls as RedisTls};

/// What to do to one counter.
#[derive(Clone, Debug)]
pub struct Op {
    /// The counter's key, with the window in it.
    pub key: Bytes,
    /// What to do.
    pub action: Action,
    /// Length of the window in seconds: how long the counter must be kept at least.
    pub window: u64,
}

/// What to do to a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Add so many; 0 makes the counter if there is none.
    Add(u64),
    /// Take so many back, but never below 0, and only where there is a counter.
    Refund(u64),
    /// Only look.
    Read,
}

/// Few enough for most requests that no list is allocated.
pub type Ops = SmallVec<[Op; 2]>;
/// What each counter came to, in the order of the operations.
pub type Counts = SmallVec<[u64; 4]>;

/// Why counters could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Redis answered with an error.
    #[error("{0}")]
    Reply(String),
    /// There is no connection; what was in flight may have been counted.
    #[error("redis is not available: {0}")]
    Unavailable(String),
    /// More waits than may: Redis is too slow.
    #[error("redis is too slow: too many requests wait for it")]
    Overloaded,
}

/// A place for counters. Operations on one counter are done in an order that is the same for all; those of one call
/// need not be done together.
pub trait Store: Send + Sync {
    /// Does all `ops`.
    fn run(&self, ops: Ops) -> impl Future<Output = Result<Counts, StoreError>> + Send;
}

/// The store in use: one type, so that calls need no allocation.
#[derive(Debug)]
pub enum Backend {
    /// In this process.
    Memory(std::sync::Arc<MemoryStore>),
    /// In Redis.
    Redis(RedisStore),
}

impl Store for Backend {
    async fn run(&self, ops: Ops) -> Result<Counts, StoreError> {
        match self {
            Self::Memory(store) => store.run(ops).await,
            Self::Redis(store) => store.run(ops).await,
        }
    }
}

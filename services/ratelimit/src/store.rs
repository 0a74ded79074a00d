//! Where counters are kept.

mod local_cache;
mod memory;
mod outage;
mod redis;

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::algorithm::{Gcra, Sliding};

pub use local_cache::LocalCache;
pub use memory::MemoryStore;
pub use outage::{Outage, Reason};
pub(crate) use redis::servers as redis_servers;
pub use redis::{Pool as RedisPool, RedisOptions, RedisStore, ServerKind, Tls as RedisTls};

/// What to do to one counter.
#[derive(Clone, Debug)]
pub struct Op {
    /// The counter's key; that of a fixed window has its begin in it.
    pub key: Bytes,
    /// What to do.
    pub action: Action,
    /// What kind of counter it is.
    pub meter: Meter,
}

/// A kind of counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// A number, that must be kept for so many seconds at least.
    Number(u64),
    /// A window that ends at the time given, in milliseconds since 1970.
    Sliding(Sliding, u64),
    /// A bucket, at the time given.
    Gcra(Gcra, u64),
}

impl Meter {
    /// The share of one of so many replicas, rounded up.
    pub(crate) fn share(self, replicas: u32) -> Self {
        match self {
            Self::Number(window) => Self::Number(window),
            Self::Sliding(sliding, now) => {
                Self::Sliding(Sliding { limit: sliding.limit.div_ceil(replicas), ..sliding }, now)
            }
            Self::Gcra(gcra, now) => {
                let cost = gcra.cost.saturating_mul(u64::from(replicas));
                Self::Gcra(Gcra { cost, burst: gcra.burst.div_ceil(replicas), ..gcra }, now)
            }
        }
    }
}

/// What a counter came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many hits, with those of the operation even where they were refused.
    pub value: u64,
    /// Milliseconds until it is worth trying again, or until all is free again; 0 for a plain number, whose window
    /// says.
    pub reset: u64,
}

impl From<u64> for Count {
    fn from(value: u64) -> Self {
        Self { value, reset: 0 }
    }
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
/// What each counter came to, in the order of the operations: each by itself, as one may be had where another may not.
pub type Counts = SmallVec<[Result<Count, StoreError>; 2]>;

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
    /// Does all `ops`. What is not done `by` then is given up.
    fn run(&self, ops: Ops, by: Option<Instant>) -> impl Future<Output = Counts> + Send;
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
    async fn run(&self, ops: Ops, by: Option<Instant>) -> Counts {
        match self {
            Self::Memory(store) => store.run(ops, by).await,
            Self::Redis(store) => store.run(ops, by).await,
        }
    }
}

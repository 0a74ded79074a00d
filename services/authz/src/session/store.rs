//! A store of keys with values that are forgotten after a while.

use std::sync::Arc;
use std::time::Duration;

use super::{MemoryStore, RedisStore};

/// The store cannot be reached, or does not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session store: {0}")]
pub(crate) struct StoreError(pub(crate) String);

/// The kinds of stores.
#[derive(Debug)]
pub(crate) enum Store {
    Memory(MemoryStore),
    Redis(Box<RedisStore>),
}

/// Does the same with whatever store there is.
macro_rules! each {
    ($self:expr, $store:ident => $call:expr) => {
        match $self {
            Store::Memory($store) => Ok($call),
            Store::Redis($store) => $call.await,
        }
    };
}

impl Store {
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        each!(self, store => store.get(key))
    }

    /// Writes revision 1 in any case, and a later one only over the one before it.
    pub(crate) async fn put(&self, key: &str, revision: u64, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        each!(self, store => store.put(key, revision, value, life))
    }

    /// Writes what is not there yet.
    pub(crate) async fn put_new(&self, key: &str, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        each!(self, store => store.put_new(key, value, life))
    }

    pub(crate) async fn expire(&self, key: &str, life: Duration) -> Result<(), StoreError> {
        each!(self, store => store.expire(key, life))
    }

    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        each!(self, store => store.remove(key))
    }

    /// Tells whoever shares the store that something has ended.
    pub(crate) async fn tell_ended(&self, key: &str) -> Result<(), StoreError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(store) => store.tell_ended(key).await,
        }
    }

    /// Removes what still has this value.
    pub(crate) async fn remove_if(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        each!(self, store => store.remove_if(key, value))
    }

    /// Adds to a set, which lives so long at least.
    pub(crate) async fn add(&self, key: &str, member: &str, life: Duration) -> Result<(), StoreError> {
        each!(self, store => store.add(key, member, life))
    }

    /// Takes out of a set.
    pub(crate) async fn remove_member(&self, key: &str, member: &str) -> Result<(), StoreError> {
        each!(self, store => store.remove_member(key, member))
    }

    /// What is in a set.
    pub(crate) async fn members(&self, key: &str) -> Result<Vec<String>, StoreError> {
        each!(self, store => store.members(key))
    }
}

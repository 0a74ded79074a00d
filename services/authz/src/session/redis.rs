//! In Redis. What is read there is sealed.

use std::sync::Arc;
use std::time::Duration;

use nuncio_redis::{Error, Link, Place};
use redis::Script;

use super::StoreError;

/// How long Redis may take to answer, connecting included.
pub(crate) const STORE_PATIENCE: Duration = Duration::from_millis(800);

/// What all keys begin with.
const PREFIX: &str = "nuncio:authz:";
/// The channel on which is told what has ended.
pub(super) const ENDED: &str = "nuncio:authz:ended";
/// A revision and the value behind it; the revision is ten digits, so that a script can read it.
const DIGITS: usize = 10;

/// Writes a revision over the one before it.
const PUT: &str = "local old = redis.call('GETRANGE', KEYS[1], 0, 9)
if old == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1 end return 0";
/// Removes what still has a value.
const REMOVE_IF: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
/// Adds to a set, which others may need for longer.
const ADD: &str = "redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 1";

pub(crate) struct RedisStore {
    link: Link,
    add: Script,
    put: Script,
    remove_if: Script,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl From<Error> for StoreError {
    fn from(Error(why): Error) -> Self {
        Self(why)
    }
}

impl RedisStore {
    pub(crate) fn new(place: &Place) -> Result<Self, StoreError> {
        Ok(Self {
            link: Link::new(place, STORE_PATIENCE)?,
            add: Script::new(ADD),
            put: Script::new(PUT),
            remove_if: Script::new(REMOVE_IF),
        })
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(name(key));
        let value: Option<Vec<u8>> = self.link.run(&command).await?;
        Ok(value.and_then(|value| value.get(DIGITS..).map(Arc::from)))
    }

    pub(super) async fn put(&self, key: &str, revision: u64, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        if revision == 1 {
            let mut command = redis::cmd("SET");
            command.arg(name(key)).arg(framed(revision, value)).arg("PX").arg(milliseconds(life));
            self.link.run::<()>(&command).await?;
            return Ok(true);
        }
        let mut call = self.put.prepare_invoke();
        call.key(name(key)).arg(digits(revision - 1)).arg(framed(revision, value)).arg(milliseconds(life));
        Ok(self.link.invoke::<u8>(&call).await? == 1)
    }

    pub(super) async fn put_new(&self, key: &str, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        let mut command = redis::cmd("SET");
        command.arg(name(key)).arg(framed(1, value)).arg("PX").arg(milliseconds(life)).arg("NX");
        Ok(self.link.run::<Option<String>>(&command).await?.is_some())
    }

    pub(super) async fn expire(&self, key: &str, life: Duration) -> Result<(), StoreError> {
        let mut command = redis::cmd("PEXPIRE");
        command.arg(name(key)).arg(milliseconds(life));
        Ok(self.link.run(&command).await?)
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(name(key));
        Ok(self.link.run(&command).await?)
    }

    /// Tells whoever shares the store that something has ended.
    pub(super) async fn tell_ended(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(ENDED).arg(key);
        Ok(self.link.run(&command).await?)
    }

    pub(super) async fn remove_if(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut call = self.remove_if.prepare_invoke();
        call.key(name(key)).arg(framed(1, value));
        Ok(self.link.invoke(&call).await?)
    }

    pub(super) async fn add(&self, key: &str, member: &str, life: Duration) -> Result<(), StoreError> {
        let mut call = self.add.prepare_invoke();
        call.key(name(key)).arg(member).arg(milliseconds(life));
        Ok(self.link.invoke(&call).await?)
    }

    pub(super) async fn remove_member(&self, key: &str, member: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("SREM");
        command.arg(name(key)).arg(member);
        Ok(self.link.run(&command).await?)
    }

    pub(super) async fn members(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(name(key));
        Ok(self.link.run(&command).await?)
    }
}

fn name(key: &str) -> String {
    format!("{PREFIX}{key}")
}

fn digits(revision: u64) -> String {
    format!("{revision:010}")
}

fn framed(revision: u64, value: &[u8]) -> Vec<u8> {
    [digits(revision).as_bytes(), value].concat()
}

fn milliseconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}

//! In Redis: one server, one that Sentinels know, or a cluster. What is read there is sealed.

mod link;

use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use tracing::{Instrument, Span, debug_span};

pub(crate) use self::link::Subscriber;
use self::link::{Link, ask, in_time};
use super::StoreError;
use crate::settings::RedisKind;

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

impl From<redis::RedisError> for StoreError {
    fn from(error: redis::RedisError) -> Self {
        // Without details, which may name what was written.
        Self(format!("{:?}", error.kind()))
    }
}

impl RedisStore {
    /// Of these addresses; Sentinels know the server by its name.
    pub(crate) fn new(kind: RedisKind, urls: &[String], master: &str) -> Result<Self, StoreError> {
        Ok(Self {
            link: Link::new(kind, urls, master)?,
            add: Script::new(ADD),
            put: Script::new(PUT),
            remove_if: Script::new(REMOVE_IF),
        })
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(name(key));
        let value: Option<Vec<u8>> = self.run(&command).await?;
        Ok(value.and_then(|value| value.get(DIGITS..).map(Arc::from)))
    }

    pub(super) async fn put(&self, key: &str, revision: u64, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        if revision == 1 {
            let mut command = redis::cmd("SET");
            command.arg(name(key)).arg(framed(revision, value)).arg("PX").arg(milliseconds(life));
            return self.run::<()>(&command).await.map(|()| true);
        }
        let mut call = self.put.prepare_invoke();
        call.key(name(key)).arg(digits(revision - 1)).arg(framed(revision, value)).arg(milliseconds(life));
        self.invoke::<u8>(&call).await.map(|done| done == 1)
    }

    pub(super) async fn put_new(&self, key: &str, value: &[u8], life: Duration) -> Result<bool, StoreError> {
        let mut command = redis::cmd("SET");
        command.arg(name(key)).arg(framed(1, value)).arg("PX").arg(milliseconds(life)).arg("NX");
        self.run::<Option<String>>(&command).await.map(|done| done.is_some())
    }

    pub(super) async fn expire(&self, key: &str, life: Duration) -> Result<(), StoreError> {
        let mut command = redis::cmd("PEXPIRE");
        command.arg(name(key)).arg(milliseconds(life));
        self.run(&command).await
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(name(key));
        self.run(&command).await
    }

    /// Tells whoever shares the store that something has ended.
    pub(super) async fn tell_ended(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(ENDED).arg(key);
        self.run(&command).await
    }

    pub(super) async fn remove_if(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut call = self.remove_if.prepare_invoke();
        call.key(name(key)).arg(framed(1, value));
        self.invoke(&call).await
    }

    pub(super) async fn add(&self, key: &str, member: &str, life: Duration) -> Result<(), StoreError> {
        let mut call = self.add.prepare_invoke();
        call.key(name(key)).arg(member).arg(milliseconds(life));
        self.invoke(&call).await
    }

    pub(super) async fn remove_member(&self, key: &str, member: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("SREM");
        command.arg(name(key)).arg(member);
        self.run(&command).await
    }

    pub(super) async fn members(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(name(key));
        self.run(&command).await
    }

    async fn run<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, StoreError> {
        let asked = async { ask!(&self.link, connection => command.query_async(connection)) };
        Box::pin(asked.instrument(span(operation(command)))).await
    }

    async fn invoke<T: redis::FromRedisValue>(&self, call: &redis::ScriptInvocation<'_>) -> Result<T, StoreError> {
        let asked = async { ask!(&self.link, connection => call.invoke_async(connection)) };
        Box::pin(asked.instrument(span("EVALSHA"))).await
    }
}

/// Below whatever asks; without keys and values.
fn span(operation: &str) -> Span {
    debug_span!("redis", otel.kind = "client", db.system.name = "redis", db.operation.name = operation)
}

/// What a command begins with.
fn operation(command: &redis::Cmd) -> &str {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(word)) => std::str::from_utf8(word).unwrap_or_default(),
        _ => "",
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

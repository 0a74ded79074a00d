//! In Redis: one server, one that Sentinels know, or a cluster. What is read there is sealed.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Client, Script};
use tokio::sync::Mutex;

use super::StoreError;
use crate::settings::RedisKind;

/// How long Redis may take to answer, connecting included.
const PATIENCE: Duration = Duration::from_millis(800);
/// What all keys begin with.
const PREFIX: &str = "nuncio:authz:";
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

enum Link {
    Single(ConnectionManager),
    Sentinel(Box<Mutex<Sentinel>>),
    Cluster(ClusterConnection),
}

/// Asks Sentinels where the server is, and again when it is not there any longer.
struct Sentinel {
    client: SentinelClient,
    connection: Option<MultiplexedConnection>,
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
    /// Connects when first used: a Redis that is down keeps nothing else from working. A cluster alone must be there at the
    /// start, to say which of its servers has what.
    pub(crate) async fn new(kind: RedisKind, urls: &[String], master: &str) -> Result<Self, StoreError> {
        let first = urls.first().ok_or_else(|| StoreError("no address".to_owned()))?;
        let wrong = |error: redis::RedisError| StoreError(format!("the address cannot be used: {:?}", error.kind()));
        let link = match kind {
            RedisKind::Single => {
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE))
                    .set_number_of_retries(1);
                let client = Client::open(first.as_str()).map_err(wrong)?;
                Link::Single(ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?)
            }
            RedisKind::Sentinel => {
                let client =
                    SentinelClient::build(urls.to_vec(), master, None, SentinelServerType::Master).map_err(wrong)?;
                Link::Sentinel(Box::new(Mutex::new(Sentinel { client, connection: None })))
            }
            RedisKind::Cluster => {
                let client = ClusterClientBuilder::new(urls.to_vec())
                    .connection_timeout(PATIENCE)
                    .response_timeout(PATIENCE)
                    .build()
                    .map_err(wrong)?;
                Link::Cluster(client.get_async_connection().await.map_err(wrong)?)
            }
        };
        Ok(Self { link, add: Script::new(ADD), put: Script::new(PUT), remove_if: Script::new(REMOVE_IF) })
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(name(key));
        let value: Option<Vec<u8>> = self.run(&command).await?;
        Ok(value.and_then(|value| value.get(DIGITS..).map(<[u8]>::to_vec)))
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
        match &self.link {
            Link::Single(manager) => in_time(command.query_async(&mut manager.clone())).await,
            Link::Cluster(cluster) => in_time(command.query_async(&mut cluster.clone())).await,
            Link::Sentinel(sentinel) => {
                let mut connection = sentinel.lock().await.connection().await?;
                let result = in_time(command.query_async(&mut connection)).await;
                sentinel.lock().await.forget_on_error(result)
            }
        }
    }

    async fn invoke<T: redis::FromRedisValue>(&self, call: &redis::ScriptInvocation<'_>) -> Result<T, StoreError> {
        match &self.link {
            Link::Single(manager) => in_time(call.invoke_async(&mut manager.clone())).await,
            Link::Cluster(cluster) => in_time(call.invoke_async(&mut cluster.clone())).await,
            Link::Sentinel(sentinel) => {
                let mut connection = sentinel.lock().await.connection().await?;
                let result = in_time(call.invoke_async(&mut connection)).await;
                sentinel.lock().await.forget_on_error(result)
            }
        }
    }
}

impl Sentinel {
    async fn connection(&mut self) -> Result<MultiplexedConnection, StoreError> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let connection = in_time(self.client.get_async_connection()).await?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// The server may be another one by now.
    fn forget_on_error<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.connection = None;
        }
        result
    }
}

async fn in_time<T>(work: impl Future<Output = redis::RedisResult<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(2 * PATIENCE, work).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError("no answer in time".to_owned())),
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

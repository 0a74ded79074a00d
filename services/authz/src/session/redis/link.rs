//! Connections to Redis: to one server, to one that Sentinels know, or to a cluster.

use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection, PubSub};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult, TlsMode};
use tokio::sync::Mutex;

use super::StoreError;
use crate::settings::RedisKind;

/// How long Redis may take to answer, connecting included.
const PATIENCE: Duration = Duration::from_millis(800);
/// How long after a failure nobody tries to connect again: who waits waits once.
const REST: Duration = Duration::from_millis(500);

/// A connection, made when it is first used: a Redis that is down keeps nothing else from working.
pub(super) enum Link {
    Single(ConnectionManager),
    Sentinel(Box<Kept<SentinelClient>>),
    Cluster(Box<Kept<ClusterClient>>),
}

/// Asks over whatever connection there is.
macro_rules! ask {
    ($link:expr, $connection:ident => $call:expr) => {
        match $link {
            Link::Single(manager) => {
                let $connection = &mut manager.clone();
                in_time($call).await
            }
            Link::Sentinel(kept) => {
                let $connection = &mut kept.connection().await?;
                kept.noting(in_time($call).await).await
            }
            Link::Cluster(kept) => {
                let $connection = &mut kept.connection().await?;
                kept.noting(in_time($call).await).await
            }
        }
    };
}
pub(super) use ask;

impl Link {
    pub(super) fn new(kind: RedisKind, urls: &[String], master: &str) -> Result<Self, StoreError> {
        Self::of(kind, urls, master).map_err(|error| wrong(&error))
    }

    fn of(kind: RedisKind, urls: &[String], master: &str) -> RedisResult<Self> {
        Ok(match kind {
            RedisKind::Single => {
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE))
                    .set_number_of_retries(1);
                Self::Single(ConnectionManager::new_lazy_with_config(single(urls)?, config)?)
            }
            RedisKind::Sentinel => Self::Sentinel(Box::new(Kept::new(sentinel(urls, master)?))),
            RedisKind::Cluster => {
                let builder = ClusterClientBuilder::new(urls.to_vec());
                let client = builder.connection_timeout(PATIENCE).response_timeout(PATIENCE).build()?;
                Self::Cluster(Box::new(Kept::new(client)))
            }
        })
    }
}

/// Where news come from. Any server of a cluster has all of it.
pub(crate) enum Subscriber {
    Server(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

impl Subscriber {
    /// Of these addresses; Sentinels know the server by its name.
    pub(crate) fn new(kind: RedisKind, urls: &[String], master: &str) -> Result<Self, StoreError> {
        let subscriber = match kind {
            RedisKind::Single | RedisKind::Cluster => single(urls).map(|client| Self::Server(Box::new(client))),
            RedisKind::Sentinel => sentinel(urls, master).map(|client| Self::Sentinel(Box::new(client))),
        };
        subscriber.map_err(|error| wrong(&error))
    }

    /// A connection that is subscribed to a channel.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<PubSub, StoreError> {
        in_time(async {
            let mut connection = match self {
                Self::Server(client) => client.get_async_pubsub().await?,
                Self::Sentinel(sentinel) => sentinel.async_get_client().await?.get_async_pubsub().await?,
            };
            connection.subscribe(channel).await?;
            Ok(connection)
        })
        .await
    }
}

fn wrong(error: &redis::RedisError) -> StoreError {
    StoreError(format!("the address cannot be used: {:?}", error.kind()))
}

fn single(urls: &[String]) -> RedisResult<Client> {
    Client::open(urls.first().map(String::as_str).unwrap_or_default())
}

/// Sentinels are asked as their addresses say, and the server that they name as the URL with its name says.
fn sentinel(urls: &[String], master: &str) -> RedisResult<SentinelClient> {
    let (name, node) = node(master)?;
    SentinelClient::build(urls.to_vec(), name, Some(node), SentinelServerType::Master)
}

/// A name, or a URL in which it stands where the host does.
fn node(master: &str) -> RedisResult<(String, SentinelNodeConnectionInfo)> {
    let node = SentinelNodeConnectionInfo::default();
    if !master.contains("://") {
        return Ok((master.to_owned(), node));
    }
    let info = master.into_connection_info()?;
    let node = node.set_redis_connection_info(info.redis_settings().clone());
    Ok(match info.addr() {
        ConnectionAddr::TcpTls { host, .. } => (host.clone(), node.set_tls_mode(TlsMode::Secure)),
        ConnectionAddr::Tcp(host, _) => (host.clone(), node),
        other => (other.to_string(), node),
    })
}

/// What can find a connection.
pub(super) trait Find {
    type Connection: Clone;

    fn find(&mut self) -> impl Future<Output = RedisResult<Self::Connection>> + Send;
}

impl Find for SentinelClient {
    type Connection = MultiplexedConnection;

    fn find(&mut self) -> impl Future<Output = RedisResult<MultiplexedConnection>> + Send {
        self.get_async_connection()
    }
}

impl Find for ClusterClient {
    type Connection = ClusterConnection;

    fn find(&mut self) -> impl Future<Output = RedisResult<ClusterConnection>> + Send {
        self.get_async_connection()
    }
}

/// A connection that is kept until it fails: then the server may be another one.
pub(super) struct Kept<F: Find>(Mutex<State<F>>);

struct State<F: Find> {
    finder: F,
    connection: Option<F::Connection>,
    failed: Option<(Instant, StoreError)>,
}

impl<F: Find> Kept<F> {
    fn new(finder: F) -> Self {
        Self(Mutex::new(State { finder, connection: None, failed: None }))
    }

    /// Found once for all who wait.
    pub(super) async fn connection(&self) -> Result<F::Connection, StoreError> {
        let mut state = self.0.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < REST
        {
            return Err(error.clone());
        }
        let found = in_time(state.finder.find()).await;
        state.connection = found.as_ref().ok().cloned();
        state.failed = found.as_ref().err().map(|error| (Instant::now(), error.clone()));
        found
    }

    /// Gives the connection up where it has failed.
    pub(super) async fn noting<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.0.lock().await.connection = None;
        }
        result
    }
}

pub(super) async fn in_time<T>(work: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(2 * PATIENCE, work).await {
        Ok(result) => result.map_err(StoreError::from),
        Err(_) => Err(StoreError("no answer in time".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_sentinels_know_is_a_name_or_a_url() {
        let named = |master: &str| node(master).map(|(name, _)| name).ok();
        assert_eq!(named("mymaster").as_deref(), Some("mymaster"));
        assert_eq!(named("redis://ann:pw@mymaster/2").as_deref(), Some("mymaster"));
        assert_eq!(named("rediss://:pw@mymaster").as_deref(), Some("mymaster"));
        assert_eq!(named("http://mymaster"), None);
    }
}

//! A connection that is found, and kept until it fails.

use std::time::{Duration, Instant};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use tokio::sync::Mutex;

use crate::{Error, in_time};

/// How long after a failure nobody tries to connect again: who waits waits once.
const REST: Duration = Duration::from_millis(500);

/// What can find a connection.
pub(crate) trait Find {
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
pub(crate) struct Kept<F: Find>(Mutex<State<F>>);

struct State<F: Find> {
    finder: F,
    connection: Option<F::Connection>,
    failed: Option<(Instant, Error)>,
}

impl<F: Find> Kept<F> {
    pub(crate) fn new(finder: F) -> Self {
        Self(Mutex::new(State { finder, connection: None, failed: None }))
    }

    /// Found once for all who wait.
    pub(crate) async fn connection(&self, patience: Duration) -> Result<F::Connection, Error> {
        let mut state = self.0.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < REST
        {
            return Err(error.clone());
        }
        let found = in_time(patience, state.finder.find()).await;
        state.connection = found.as_ref().ok().cloned();
        state.failed = found.as_ref().err().map(|error| (Instant::now(), error.clone()));
        found
    }

    /// Gives the connection up where it has failed.
    pub(crate) async fn noting<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.0.lock().await.connection = None;
        }
        result
    }
}

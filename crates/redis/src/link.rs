//! What commands are sent over.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::SentinelClient;
use redis::{Arg, Cmd, FromRedisValue, RedisResult, ScriptInvocation};
use tracing::{Instrument, Span, debug_span};

use crate::kept::Kept;
use crate::{Error, Kind, Place, in_time, sentinel, single, wrong};

/// A connection, or what finds one.
pub struct Link {
    ways: Ways,
    patience: Duration,
}

enum Ways {
    Single(ConnectionManager),
    Sentinel(Box<Kept<SentinelClient>>),
    Cluster(Box<Kept<ClusterClient>>),
}

/// Asks over whatever connection there is.
macro_rules! ask {
    ($link:expr, $connection:ident => $call:expr) => {
        match &$link.ways {
            Ways::Single(manager) => {
                let $connection = &mut manager.clone();
                in_time($link.patience, $call).await
            }
            Ways::Sentinel(kept) => {
                let $connection = &mut kept.connection($link.patience).await?;
                kept.noting(in_time($link.patience, $call).await).await
            }
            Ways::Cluster(kept) => {
                let $connection = &mut kept.connection($link.patience).await?;
                kept.noting(in_time($link.patience, $call).await).await
            }
        }
    };
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// To that Redis, which may take so long to answer, connecting included.
    ///
    /// # Errors
    /// When its addresses cannot be understood.
    pub fn new(place: &Place, patience: Duration) -> Result<Self, Error> {
        let ways = Ways::new(place, patience).map_err(|error| wrong(&error))?;
        Ok(Self { ways, patience })
    }

    /// What it answers to a command.
    ///
    /// # Errors
    /// When it does not.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let asked = async { ask!(self, connection => command.query_async(connection)) };
        Box::pin(asked.instrument(span(operation(command)))).await
    }

    /// What it answers to a script.
    ///
    /// # Errors
    /// When it does not.
    pub async fn invoke<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Error> {
        let asked = async { ask!(self, connection => call.invoke_async(connection)) };
        Box::pin(asked.instrument(span("EVALSHA"))).await
    }
}

impl Ways {
    fn new(place: &Place, patience: Duration) -> RedisResult<Self> {
        Ok(match place.kind {
            Kind::Single => {
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(patience))
                    .set_response_timeout(Some(patience))
                    .set_number_of_retries(1);
                Self::Single(ConnectionManager::new_lazy_with_config(single(place)?, config)?)
            }
            Kind::Sentinel => Self::Sentinel(Box::new(Kept::new(sentinel(place)?))),
            Kind::Cluster => {
                let builder = ClusterClientBuilder::new(place.urls.0.clone());
                let client = builder.connection_timeout(patience).response_timeout(patience).build()?;
                Self::Cluster(Box::new(Kept::new(client)))
            }
        })
    }
}

/// Below whatever asks; without keys and values.
fn span(operation: &str) -> Span {
    debug_span!("redis", otel.kind = "client", db.system.name = "redis", db.operation.name = operation)
}

/// What a command begins with.
fn operation(command: &Cmd) -> &str {
    match command.args_iter().next() {
        Some(Arg::Simple(word)) => std::str::from_utf8(word).unwrap_or_default(),
        _ => "",
    }
}

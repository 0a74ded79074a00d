//! Connections to Redis: to one server, to one that Sentinels know, or to a cluster; and how operators say which.
//!
//! A connection is made when it is first used: a Redis that is down keeps nothing else from working.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod address;
mod kept;
mod link;
mod subscriber;

use std::time::Duration;

use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult, TlsMode};

pub use address::{Kind, Master, Place, Urls};
pub use link::Link;
pub use subscriber::Subscriber;

/// Redis cannot be reached, or does not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        // Without details, which may name what was written.
        Self(format!("{:?}", error.kind()))
    }
}

fn wrong(error: &redis::RedisError) -> Error {
    Error(format!("the address cannot be used: {:?}", error.kind()))
}

fn single(place: &Place) -> RedisResult<Client> {
    Client::open(place.urls.0.first().map(String::as_str).unwrap_or_default())
}

/// Sentinels are asked as their addresses say, and the server that they name as the URL with its name says.
fn sentinel(place: &Place) -> RedisResult<SentinelClient> {
    let (name, node) = node(&place.master.0)?;
    SentinelClient::build(place.urls.0.clone(), name, Some(node), SentinelServerType::Master)
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

/// An answer takes so long twice at most: once for the connection.
async fn in_time<T>(patience: Duration, work: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
    match tokio::time::timeout(2 * patience, work).await {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error("no answer in time".to_owned())),
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

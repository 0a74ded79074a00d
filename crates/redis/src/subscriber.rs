//! Where news come from.

use std::time::Duration;

use redis::Client;
use redis::aio::PubSub;
use redis::sentinel::SentinelClient;

use crate::{Error, Kind, Place, in_time, sentinel, single, wrong};

/// Hears what is told on a channel. Any server of a cluster has all of it.
pub struct Subscriber {
    server: Server,
    patience: Duration,
}

enum Server {
    Single(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

impl Subscriber {
    /// At that Redis, which may take so long to answer.
    ///
    /// # Errors
    /// When its addresses cannot be understood.
    pub fn new(place: &Place, patience: Duration) -> Result<Self, Error> {
        let server = match place.kind {
            Kind::Single | Kind::Cluster => single(place).map(|client| Server::Single(Box::new(client))),
            Kind::Sentinel => sentinel(place).map(|client| Server::Sentinel(Box::new(client))),
        };
        Ok(Self { server: server.map_err(|error| wrong(&error))?, patience })
    }

    /// A connection that is subscribed to a channel.
    ///
    /// # Errors
    /// When there is none.
    pub async fn subscribe(&mut self, channel: &str) -> Result<PubSub, Error> {
        in_time(self.patience, async {
            let mut connection = match &mut self.server {
                Server::Single(client) => client.get_async_pubsub().await?,
                Server::Sentinel(sentinel) => sentinel.async_get_client().await?.get_async_pubsub().await?,
            };
            connection.subscribe(channel).await?;
            Ok(connection)
        })
        .await
    }
}

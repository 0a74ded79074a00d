//! What other replicas end, this one does not remember any longer.

use std::time::Duration;

use moka::future::Cache;
use nuncio_redis::{Error, Subscriber};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

use super::redis::ENDED;
use super::{Opened, StoreError};

/// How long after a failure it is listened again. Until then sessions are remembered for as long as ever.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens until stopped.
pub(super) async fn follow(opened: Cache<String, Opened>, mut subscriber: Subscriber, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let heard = async {
            let Err(error) = listen(&opened, &mut subscriber).await else { return };
            tracing::debug!("logouts of other replicas are heard of late: {error}");
            tokio::time::sleep(AGAIN).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = heard => {}
        }
    }
}

async fn listen(opened: &Cache<String, Opened>, subscriber: &mut Subscriber) -> Result<(), StoreError> {
    let mut messages = subscriber.subscribe(ENDED).await?.into_on_message();
    // What was said before is not said again.
    opened.invalidate_all();
    while let Some(message) = messages.next().await {
        opened.invalidate(&message.get_payload::<String>().map_err(Error::from)?).await;
    }
    Err(StoreError("the connection has ended".to_owned()))
}

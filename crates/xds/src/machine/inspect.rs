//! What a stream tells of itself.

use std::sync::Arc;

use super::slot::Slot;
use super::stream::Stream;
use crate::event::{Delivery, StreamInfo, StreamState};
use crate::resource::Key;
use crate::store::Store;

impl Stream {
    pub(crate) fn info(&self) -> StreamInfo {
        StreamInfo {
            id: self.id,
            protocol: self.protocol,
            node: Arc::clone(&self.node),
            asks: self.asks,
            connected: self.connected,
            acked: self.progress.reported(),
            resources: self.types.iter().map(|state| state.had).sum(),
            responses: self.stats.responses,
            nacks: self.stats.nacks,
            unknown_types: self.stats.unknown_types,
        }
    }

    pub(crate) fn state(&self, key: &Key, store: &Store) -> StreamState {
        StreamState { stream: self.id, node: Arc::clone(&self.node), delivery: self.delivery(key, store) }
    }

    /// Whether the client certainly has some version.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.slot(key).is_some_and(Slot::is_had)
    }

    pub(crate) fn delivery(&self, key: &Key, store: &Store) -> Delivery {
        let newest = store.get(key);
        let subscribed = self.of(key.kind).subscription.includes(&key.name);
        let Some(slot) = self.slot(key).filter(|_| subscribed) else {
            return if newest.is_some() { Delivery::NotSubscribed } else { Delivery::Acked };
        };
        let arrived = match newest {
            Some(newest) => slot.is_at(&newest.version),
            None => !slot.may_be_had(),
        };
        if arrived {
            return Delivery::Acked;
        }
        if let Some(rejected) =
            slot.rejected.as_ref().filter(|rejected| newest.is_some_and(|n| n.version == rejected.version))
        {
            return Delivery::Nacked { message: Arc::clone(&rejected.message) };
        }
        match &slot.held {
            Some(held) => Delivery::Held(held.why.clone()),
            None if slot.sending && !slot.queued => Delivery::Sent,
            None => Delivery::Pending,
        }
    }
}

//! Processes that come to stand in for services of Previews, and go.

use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{ObjectId, ServiceRef};
use nuncio_xds::Revision;
use tokio::sync::oneshot;

use super::Engine;
use super::hear::everywhere;
use crate::event::Event;

/// A process that came or went.
#[derive(Debug)]
pub(crate) struct TunnelChange {
    pub(crate) id: ObjectId,
    pub(crate) service: ServiceRef,
    pub(crate) turn: Turn,
    pub(crate) event: Event,
    /// Told when the change is on its way to the Envoys: the revision that holds it.
    pub(crate) done: oneshot::Sender<Revision>,
}

/// Which of the two.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is behind this socket.
    Came(Arc<str>),
    Went,
    /// It went, and another has taken its place already.
    Gave,
}

impl Engine {
    /// Has requests go to a process, or no longer.
    pub(crate) fn note_tunnel(&mut self, change: TunnelChange) -> Vec<Event> {
        let TunnelChange { id, service, turn, event, done } = change;
        let mut events = vec![event];
        let socket = match turn {
            Turn::Came(socket) => Some(Some(socket)),
            Turn::Went => Some(None),
            Turn::Gave => None,
        };
        if let Some(socket) = socket {
            self.world.set_tunnel(&id, &service, socket);
            // What is not sent yet takes it along.
            if self.loaded && self.staged.is_none() {
                self.stage_objects(Vec::new(), Instant::now());
                events.extend(self.send_staged());
            }
        }
        // Nobody waits for it whose connection is gone.
        _ = done.send(self.revision);
        events
    }

    /// Whether every Envoy has a revision.
    pub(crate) fn is_everywhere(&self, revision: Revision) -> bool {
        everywhere(&self.synced).is_some_and(|synced| synced >= revision)
    }
}

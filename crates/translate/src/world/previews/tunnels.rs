//! Processes that stand in for services and connect to the gateway themselves: they come and go without any object changing.

use std::sync::Arc;

use nuncio_api::{ObjectId, ServiceRef};

use crate::world::World;

impl World {
    /// Has requests for a service of a Preview go to the Unix socket behind which a process stands in for it, or no longer.
    /// [`World::apply`] does that, also where nothing else changes.
    pub fn set_tunnel(&mut self, id: &ObjectId, service: &ServiceRef, socket: Option<Arc<str>>) {
        let previews = &mut self.previews;
        let sockets = previews.sockets.entry(id.clone()).or_default();
        match socket {
            Some(socket) => sockets.insert(service.clone(), socket),
            None => sockets.remove(service),
        };
        if sockets.is_empty() {
            previews.sockets.remove(id);
        }
        previews.time.due.insert(id.clone());
    }
}

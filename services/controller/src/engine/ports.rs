//! Ports that somebody else has: what asks for one stays as it was until the port is free.
//!
//! Envoy would not tell. It binds with `SO_REUSEPORT`, so that each of its threads has a socket of its own; beside another
//! that does the same it silently gets a share of that one's connections, and where it is refused the old port has been
//! given up already. So an address is tried before any Envoy hears of it, as long as the Envoy is on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Kind, Object, ObjectId, Problem, Remains, Spec};
use nuncio_ir::Delta;

use super::Engine;
use crate::event::Event;
use crate::files::ObjectChange;

/// Says why an address cannot be had.
pub(crate) type Probe = fn(SocketAddr) -> Result<(), String>;

/// Listeners and TCPMappings that wait for a port.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    /// Nothing is tried where Envoys run elsewhere.
    probe: Option<Probe>,
    waiting: BTreeMap<ObjectId, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wanted: Arc<Object>,
    address: SocketAddr,
    why: String,
}

impl Ports {
    /// For an Envoy on this machine.
    pub(crate) fn tried_by(probe: Probe) -> Self {
        Self { probe: Some(probe), waiting: BTreeMap::new() }
    }

    /// Whether something waits for a port.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What an object waits for.
    pub(super) fn problem_of(&self, id: &ObjectId) -> Option<Problem> {
        let Waiting { address, why, .. } = self.waiting.get(id)?;
        let message = format!("cannot listen on {address}: {why}; what was served before stays until it is free");
        Some(Problem::error("PortConflict", "spec.port", message))
    }
}

impl Engine {
    /// Takes objects into the world, ahead of previews that only follow; those that would open a port which somebody else has go
    /// in as they were before.
    pub(super) fn take_into_world(&mut self, objects: Vec<ObjectChange>) -> Delta {
        for (id, _) in &objects {
            self.ports.waiting.remove(id);
        }
        // At the start it is for the caller to look at all of them, and to give up.
        let Some(probe) = self.ports.probe.filter(|_| self.loaded) else { return self.world.apply_ahead(objects) };
        let own: BTreeSet<u16> = self.world.model().listeners.values().map(|it| it.address.port()).collect();
        let listens = |id: &&ObjectId| matches!(id.kind, Kind::Listener | Kind::TCPMapping);
        let changed = objects.iter().map(|(id, _)| id).filter(listens);
        let before: BTreeMap<_, _> =
            changed.filter_map(|id| Some((id.clone(), self.world.object(id)?.spec.clone()))).collect();
        let mut delta = self.world.apply_ahead(objects);
        // What was there before may want the port too, and have been kept from it by something else.
        for before in [before, BTreeMap::new()] {
            let held = self.hold(probe, &own, &before);
            if held.is_empty() {
                break;
            }
            delta.merge(self.world.apply_ahead(held));
        }
        delta
    }

    /// The objects that open ports of others, with what they said `before`.
    fn hold(&mut self, probe: Probe, own: &BTreeSet<u16>, before: &BTreeMap<ObjectId, Spec>) -> Vec<ObjectChange> {
        let mut held = Vec::new();
        for listener in self.world.model().listeners.values().filter(|it| !own.contains(&it.address.port())) {
            let Err(why) = probe(listener.address) else { continue };
            for id in &listener.origins {
                let Some(object) = self.world.object(id) else { continue };
                let spec = before.get(id).cloned().unwrap_or(Spec::Invalid(Remains::Nothing));
                held.push((id.clone(), Some(Arc::new(Object { spec, ..(**object).clone() }))));
                let waiting = Waiting { wanted: Arc::clone(object), address: listener.address, why: why.clone() };
                self.ports.waiting.entry(id.clone()).or_insert(waiting);
            }
        }
        held
    }

    /// Takes in what waited for ports that are free now.
    pub(crate) fn take_freed_ports(&mut self) -> Vec<Event> {
        let Some(probe) = self.ports.probe else { return Vec::new() };
        let freed = self.ports.waiting.iter().filter(|(_, waiting)| probe(waiting.address).is_ok());
        let freed: Vec<_> = freed.map(|(id, waiting)| (id.clone(), Some(Arc::clone(&waiting.wanted)))).collect();
        if freed.is_empty() {
            return Vec::new();
        }
        self.stage_objects(freed, Instant::now());
        self.send_staged()
    }
}

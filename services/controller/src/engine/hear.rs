//! What Envoys and the services beside them say: who has which changes by now.

use std::collections::BTreeMap;

use nuncio_api::{Kind, ObjectId};
use nuncio_xds::{self as xds, ResourceType, Revision, StreamId};

use super::Engine;
use crate::event::Event;

impl Engine {
    /// Hears what Envoys say.
    pub(crate) fn hear(&mut self, event: xds::Event) -> Vec<Event> {
        let was_open = self.refusals.is_open();
        let mut events = match event {
            xds::Event::Connected { stream, node, asks: Some(ResourceType::Limits) } => {
                tracing::info!("the rate limit service {} connected", node.id);
                self.limiters.insert(stream, None);
                Vec::new()
            }
            xds::Event::Connected { stream, node, asks: Some(ResourceType::AuthFilter | ResourceType::RuleSet) } => {
                tracing::info!("the authentication service {} connected", node.id);
                self.deciders.insert(stream, None);
                Vec::new()
            }
            xds::Event::Connected { stream, node, .. } => {
                self.synced.insert(stream, None);
                vec![Event::EnvoyConnected { node: node.id.clone(), version: node.agent.clone() }]
            }
            xds::Event::Disconnected { stream, node } if self.limiters.remove(&stream).is_some() => {
                tracing::warn!("the rate limit service {} disconnected", node.id);
                self.lost(stream)
            }
            xds::Event::Disconnected { stream, node } if self.deciders.remove(&stream).is_some() => {
                tracing::warn!("the authentication service {} disconnected", node.id);
                let mut events = self.note_troubles(stream, Vec::new());
                events.extend(self.lost(stream));
                events
            }
            xds::Event::Told { stream, says } => self.told(stream, &says),
            xds::Event::Disconnected { stream, node } => {
                self.synced.remove(&stream);
                if self.synced.is_empty() {
                    // Nobody is left for whom a change could arrive.
                    self.on_its_way.clear();
                }
                let mut events = vec![Event::EnvoyDisconnected { node: node.id.clone() }];
                events.extend(self.lost(stream));
                events
            }
            xds::Event::Synced { stream, revision } => {
                let service = self.limiters.get_mut(&stream).or_else(|| self.deciders.get_mut(&stream));
                match service {
                    Some(synced) => *synced = Some(revision),
                    None => drop(self.synced.insert(stream, Some(revision))),
                }
                self.look_at_trial()
            }
            xds::Event::Nacked { stream, key, version, message, .. } => self.nacked(stream, &key, &version, &message),
            xds::Event::HoldTimedOut { key, need, .. } if need.kind == ResourceType::RuleSet => {
                tracing::warn!(
                    "no authentication service has {need} yet; {key} is sent all the same, and refuses until one has"
                );
                Vec::new()
            }
            xds::Event::HoldTimedOut { node, key, need, sent, .. } => {
                let then = if sent { "is sent all the same" } else { "waits on, and its old version stays" };
                tracing::warn!("Envoy {} did not acknowledge {need} in time; {key} {then}", node.id);
                Vec::new()
            }
        };
        self.arrive();
        self.note_arrived_previews();
        self.touched.delivery();
        if was_open && !self.refusals.is_open() {
            self.touched.everything();
        }
        events.extend(self.live());
        events
    }

    /// Notes which changes have arrived everywhere.
    fn arrive(&mut self) {
        let Some(everywhere) = everywhere(&self.synced) else { return };
        // What only other services have to do with is live when they have it.
        let services = self.limiters.values().chain(self.deciders.values());
        let everywhere = services.flatten().copied().fold(everywhere, Ord::min);
        let later = self.on_its_way.split_off(&Revision(everywhere.0 + 1));
        let arrived = std::mem::replace(&mut self.on_its_way, later);
        if !self.refusals.is_open() {
            self.changed.retain(|_, revision| *revision > everywhere);
        }
        self.arrived.extend(arrived.into_iter().map(|(revision, change)| (revision, change.noticed.elapsed())));
    }

    /// Whether everybody whom an object is for has it as it is now, or refused it. What is not sent yet has nobody.
    pub(crate) fn has_arrived(&self, id: &ObjectId) -> bool {
        if self.is_staged(id) {
            return false;
        }
        let arrived = |everywhere| self.changed.get(id).is_none_or(|revision| *revision <= everywhere);
        // Routes name what policies say.
        let by_routes = !id.kind.is_filter_policy() || everywhere(&self.synced).is_some_and(arrived);
        by_routes && everywhere(self.audience(id)).is_some_and(arrived)
    }

    /// Whom an object is for, each with the newest revision that it has: Envoys, rate limit services or
    /// authentication services.
    pub(crate) fn audience(&self, id: &ObjectId) -> &BTreeMap<StreamId, Option<Revision>> {
        match id.kind {
            Kind::RateLimit => &self.limiters,
            kind if kind.is_filter() || kind.is_filter_policy() => &self.deciders,
            Kind::Secret if self.is_of_filters_alone(id) => &self.deciders,
            _ => &self.synced,
        }
    }

    /// Whether no Envoy is sent a Secret, and Filters name it.
    fn is_of_filters_alone(&self, secret: &ObjectId) -> bool {
        let resources = self.world.resources_of(secret);
        resources.secrets.is_empty() && resources.tables.is_empty() && !resources.filters.is_empty()
    }

    /// Says what has arrived: not before it is known whose change an Envoy refused.
    fn live(&mut self) -> Vec<Event> {
        if self.refusals.is_searching() {
            return Vec::new();
        }
        let live = self.arrived.drain(..).map(|(revision, elapsed)| {
            self.metrics.live(elapsed);
            Event::Live { revision: revision.0, envoys: self.synced.len(), elapsed }
        });
        live.collect()
    }
}

/// The newest revision that every Envoy has.
pub(super) fn everywhere(synced: &BTreeMap<StreamId, Option<Revision>>) -> Option<Revision> {
    synced.values().copied().min().flatten()
}

//! Who may be at fault for a refused resource, and in which order that is tried.

use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{ClusterName, SecretName, Slot, TableName};
use nuncio_xds::{Key, ResourceType, StreamId};

use super::search::{Nothing, Search};
use super::trial::Subject;
use super::{Refusal, Running};
use crate::engine::Engine;
use crate::event::Event;

/// What Envoy says of an address that it cannot have.
const CANNOT_BIND: &str = "cannot bind";

impl Engine {
    /// Begins to search whoever is at fault for this, or knows already.
    pub(super) fn look_into(&mut self, key: Key, refusal: Refusal) -> Vec<Event> {
        let of_secret = || {
            let model = self.world.model();
            model.listeners.values().find(|listener| listener.secrets().any(|secret| *secret.0 == *key.name))
        };
        let subject = match key.kind {
            ResourceType::Route | ResourceType::ScopedRoute => Subject::Table(TableName(Arc::clone(&key.name))),
            // On trial it is bound to nothing.
            ResourceType::Listener if refusal.message.contains(CANNOT_BIND) => return self.nobody(key, refusal),
            ResourceType::Limits => Subject::Limits(Arc::clone(&key.name)),
            // An authentication service keeps what it had, or denies.
            ResourceType::AuthFilter | ResourceType::RuleSet => return self.nobody(key, refusal),
            ResourceType::Listener => Subject::Listener(Arc::clone(&key.name)),
            // An Envoy makes a TLS context when it has the certificate, and then finds fault with the settings.
            ResourceType::Secret => match of_secret() {
                Some(listener) => Subject::Listener(Arc::clone(&listener.name)),
                None => {
                    let guilty = self.world.users_of_secret(&SecretName(Arc::clone(&key.name)));
                    return self.take_out(&guilty, key, refusal);
                }
            },
            // What is asked as one is equal in all that Envoy is told of it.
            ResourceType::Extension => {
                let slot = Slot::from_name(&key.name).and_then(|slot| self.world.model().extensions.get(&slot));
                let guilty = slot.map(|extension| extension.origins.clone()).unwrap_or_default();
                return self.take_out(&guilty, key, refusal);
            }
            // What shares a cluster is equal in all that the cluster is made of.
            ResourceType::Cluster | ResourceType::Endpoints => {
                let guilty = self.world.users_of_cluster(&ClusterName(Arc::clone(&key.name)));
                return self.take_out(&guilty, key, refusal);
            }
        };
        let search = self.search(&subject, &refusal);
        self.refusals.running = Some(Running { key, refusal, subject, search });
        self.go_on()
    }

    fn search(&self, subject: &Subject, refusal: &Refusal) -> Search {
        let (everyone, nothing) = match subject {
            Subject::Table(name) => {
                let table = self.world.model().tables.get(name);
                (table.map(|table| table.origins()).unwrap_or_default(), Nothing::IsAccepted)
            }
            Subject::Limits(domain) => {
                let rules = self.world.model().limits.get(domain);
                (rules.map(|rules| rules.origins.clone()).unwrap_or_default(), Nothing::IsAccepted)
            }
            Subject::Listener(_) => {
                let shapes =
                    [Kind::Module, Kind::Host, Kind::Ingress, Kind::TCPMapping, Kind::TLSContext, Kind::AuthService];
                let objects = self.world.objects().map(|object| &object.id);
                let mut shaping: Vec<_> = objects.filter(|id| shapes.contains(&id.kind)).cloned().collect();
                shaping.retain(|id| !self.world.is_out(id));
                shaping.sort_by_key(|id| shapes.iter().position(|kind| *kind == id.kind));
                (shaping, Nothing::IsNotKnown)
            }
        };
        // Those first that changed since one of these Envoys last accepted everything.
        let synced = |stream: &StreamId| self.synced.get(stream).or_else(|| self.limiters.get(stream)).copied();
        let of_stream = |stream: &StreamId| synced(stream).flatten().unwrap_or_default();
        let accepted = refusal.by.iter().map(of_stream).min().unwrap_or_default();
        let changed = |id: &&ObjectId| self.changed.get(*id).is_some_and(|revision| *revision > accepted);
        let newly: Vec<_> = everyone.iter().filter(changed).cloned().collect();
        if newly.is_empty() {
            return Search::new(everyone.clone(), everyone, nothing);
        }
        Search::new(newly, everyone, nothing)
    }
}

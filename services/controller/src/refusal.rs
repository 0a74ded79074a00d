//! What is done when an Envoy refuses a resource: the object at fault is found and taken out until it
//! changes. What serves goes on serving: an Envoy keeps the version that it had.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{ClusterName, Delta, SecretName, TableName};
use nuncio_xds::{Key, ResourceType, Revision, StreamId};
use tracing::info_span;

use crate::engine::{Engine, merge};
use crate::event::Event;
use crate::resources;
use crate::search::{Search, TRIAL_TABLE, Verdict};

/// Refusals that are looked into.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    search: Option<Search>,
    /// Refused tables that wait for the search to end.
    waiting: BTreeMap<Key, (StreamId, String)>,
    /// For each refused listener the object that is out on suspicion, and those that were found innocent.
    listeners: BTreeMap<Arc<str>, OnSuspicion>,
}

/// An object that is out because a listener was refused.
#[derive(Debug)]
struct OnSuspicion {
    out: ObjectId,
    /// Those that were out before, without making it better.
    innocent: BTreeSet<ObjectId>,
    /// The first without it: accepted, it is guilty.
    revision: Revision,
}

impl Engine {
    /// Whether a refusal is of what is served now. Another Envoy may have refused an older version before,
    /// and it has been mended.
    pub(crate) fn is_current(&self, key: &Key, version: &str) -> bool {
        match &self.refusals.search {
            Some(search) if *key.name == *TRIAL_TABLE => *search.version == *version,
            _ => resources::version(key, self.world.model()).is_some_and(|current| current == version),
        }
    }

    /// Hears of a refusal.
    pub(crate) fn refused(&mut self, stream: StreamId, key: &Key, message: &str) -> Vec<Event> {
        self.metrics.nacked();
        tracing::debug!(resource = %key, "Envoy refused {key}: {message}");
        match key.kind {
            ResourceType::Route | ResourceType::ScopedRoute => self.refused_table(stream, key, message),
            ResourceType::Listener => self.refused_listener(stream, key, message),
            // What shares a cluster is equal in all that the cluster is made of.
            ResourceType::Cluster | ResourceType::Endpoints => {
                let guilty = self.world.users_of_cluster(&ClusterName(Arc::clone(&key.name)));
                self.take_out(&guilty, key, message)
            }
            ResourceType::Secret => {
                let guilty = self.world.users_of_secret(&SecretName(Arc::clone(&key.name)));
                self.take_out(&guilty, key, message)
            }
        }
    }

    /// Envoys have everything up to a revision: if that includes a trial, nobody refused it.
    pub(crate) fn trial_ended(&mut self, everywhere: Option<Revision>) -> Vec<Event> {
        self.refusals
            .listeners
            .retain(|_, suspicion| everywhere.is_none_or(|everywhere| everywhere < suspicion.revision));
        match &mut self.refusals.search {
            Some(search) if everywhere.is_some_and(|everywhere| everywhere >= search.revision) => {
                let verdict = search.accepted();
                self.go_on(&verdict)
            }
            _ => Vec::new(),
        }
    }

    /// These objects changed: what was held against them counts no more.
    pub(crate) fn forget_refusals(&mut self, ids: &[ObjectId]) {
        let Refusals { search, listeners, .. } = &mut self.refusals;
        listeners.retain(|_, suspicion| {
            suspicion.innocent.retain(|id| !ids.contains(id));
            !ids.contains(&suspicion.out)
        });
        if search.take_if(|search| search.concerns(ids)).is_some() {
            self.revision = self.server.update(resources::no_table(TRIAL_TABLE));
        }
    }

    // Tables: nothing is taken out before the guilty one is known.

    fn refused_table(&mut self, stream: StreamId, key: &Key, message: &str) -> Vec<Event> {
        if &*key.name == TRIAL_TABLE {
            let Some(search) = &mut self.refusals.search else { return Vec::new() };
            let verdict = search.refused(message);
            return self.go_on(&verdict);
        }
        if self.refusals.search.is_some() {
            self.refusals.waiting.insert(key.clone(), (stream, message.to_owned()));
            return Vec::new();
        }
        let name = TableName(Arc::clone(&key.name));
        let origins = self.world.model().tables.get(&name).map(|table| table.origins()).unwrap_or_default();
        let suspects = self.newly_changed(stream, origins);
        if suspects.len() < 2 {
            return self.take_out(&suspects, key, message);
        }
        self.refusals.search = Some(Search::new(name, suspects, message));
        self.go_on(&Verdict::GoOn)
    }

    /// Takes the guilty object out, or begins the next trial.
    fn go_on(&mut self, verdict: &Verdict) -> Vec<Event> {
        let Some(search) = &mut self.refusals.search else { return Vec::new() };
        let table = self.world.model().tables.get(&search.table);
        if let (Verdict::GoOn, Some(table)) = (verdict, table) {
            let update = resources::table(&search.trial(table), self.world.model());
            let route = update.set.iter().find(|resource| resource.key.kind == ResourceType::Route);
            search.version = route.map(|route| Arc::clone(&route.version)).unwrap_or_default();
            self.revision = self.server.update(update);
            search.revision = self.revision;
            return Vec::new();
        }
        let (key, message) = (Key::new(ResourceType::Route, Arc::clone(&search.table.0)), search.message.clone());
        self.refusals.search = None;
        self.revision = self.server.update(resources::no_table(TRIAL_TABLE));
        let mut events = match verdict {
            Verdict::Guilty(guilty) => self.take_out(std::slice::from_ref(guilty), &key, &message),
            Verdict::Nobody | Verdict::GoOn => Vec::new(),
        };
        if let Some((key, (stream, message))) = self.refusals.waiting.pop_first() {
            events.extend(self.refused_table(stream, &key, &message));
        }
        events
    }

    /// Those of these objects that changed since the Envoy last accepted everything; all, if none did.
    fn newly_changed(&self, stream: StreamId, origins: Vec<ObjectId>) -> Vec<ObjectId> {
        let accepted = self.synced.get(&stream).copied().flatten().unwrap_or_default();
        let changed = |id: &&ObjectId| self.changed.get(*id).is_some_and(|revision| *revision > accepted);
        let newly: Vec<_> = origins.iter().filter(changed).cloned().collect();
        if newly.is_empty() { origins } else { newly }
    }

    // Listeners: the Module first, whose texts may be at fault; the Listener itself, which would close the
    // port, last.

    fn refused_listener(&mut self, stream: StreamId, key: &Key, message: &str) -> Vec<Event> {
        let mut delta = Delta::default();
        let mut innocent = BTreeSet::new();
        if let Some(suspicion) = self.refusals.listeners.remove(&key.name) {
            merge(&mut delta, self.world.release(&suspicion.out));
            innocent = suspicion.innocent;
            innocent.insert(suspicion.out);
        }
        let shapes = |id: &ObjectId| matches!(id.kind, Kind::Module | Kind::Host);
        let shaping = self.world.objects().map(|object| &object.id).filter(|id| shapes(id)).cloned();
        let listener = self.world.model().listeners.get(&key.name);
        let own = listener.map(|listener| listener.origins.clone()).unwrap_or_default();
        let mut suspects = self.newly_changed(stream, shaping.chain(own).collect());
        suspects.retain(|id| !innocent.contains(id));
        suspects.sort_by_key(|id| match id.kind {
            Kind::Module => 0,
            Kind::Listener => 2,
            _ => 1,
        });
        let Some(suspect) = suspects.into_iter().next() else {
            self.publish(&delta, Instant::now(), &info_span!("quarantine", resource = %key));
            return Vec::new();
        };
        merge(&mut delta, self.world.quarantine(&suspect, message));
        let events = self.announce(&delta, std::slice::from_ref(&suspect), key, message);
        let suspicion = OnSuspicion { out: suspect, innocent, revision: self.revision };
        self.refusals.listeners.insert(Arc::clone(&key.name), suspicion);
        events
    }

    // Both

    fn take_out(&mut self, guilty: &[ObjectId], key: &Key, message: &str) -> Vec<Event> {
        let mut delta = Delta::default();
        for id in guilty {
            merge(&mut delta, self.world.quarantine(id, message));
        }
        self.announce(&delta, guilty, key, message)
    }

    fn announce(&mut self, delta: &Delta, guilty: &[ObjectId], key: &Key, message: &str) -> Vec<Event> {
        self.publish(delta, Instant::now(), &info_span!("quarantine", resource = %key));
        let (objects, message) = (guilty.to_vec(), message.to_owned());
        let mut events = vec![Event::Nacked { resource: key.to_string(), objects, message }];
        events.extend(self.new_problems(&[], guilty));
        events
    }
}

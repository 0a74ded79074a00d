//! The engine: files to objects, objects to model, model to Envoys, and what Envoys answer back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{Delta, Handler};
use nuncio_translate::World;
use nuncio_xds::{self as xds, Key, ResourceType, Revision, Server, StreamId};
use tracing::{Span, info_span};

use crate::event::{ChangeKind, Event, LocatedProblem, ServedListener};
use crate::files::{Files, Found};
use crate::metrics::Metrics;
use crate::probation::Probation;
use crate::resources;
use crate::source::FileChange;

/// A change on its way to the Envoys.
#[derive(Debug)]
struct OnItsWay {
    noticed: Instant,
    /// Ends when the last Envoy has it.
    _span: Span,
}

/// All of the controller's state.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) files: Files,
    pub(crate) world: World,
    pub(crate) server: Server,
    pub(crate) metrics: Metrics,
    revision: Revision,
    loaded: bool,
    on_its_way: BTreeMap<Revision, OnItsWay>,
    /// The newest revision that each Envoy has.
    synced: BTreeMap<StreamId, Option<Revision>>,
    /// When each object last changed, until every Envoy has it: who may be to blame for a refusal.
    changed: BTreeMap<ObjectId, Revision>,
    probation: Probation,
    known_problems: BTreeSet<(Option<ObjectId>, String)>,
}

impl Engine {
    pub(crate) fn new(files: Files, world: World, server: Server, metrics: Metrics) -> Self {
        Self {
            files,
            world,
            server,
            metrics,
            revision: Revision(0),
            loaded: false,
            on_its_way: BTreeMap::new(),
            synced: BTreeMap::new(),
            changed: BTreeMap::new(),
            probation: Probation::default(),
            known_problems: BTreeSet::new(),
        }
    }

    /// The newest revision that there is.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether some Envoy has all of some revision.
    pub(crate) fn is_served(&self) -> bool {
        self.synced.values().any(Option::is_some)
    }

    /// Takes changed files in and sends what they change.
    pub(crate) fn ingest(&mut self, changes: Vec<FileChange>, noticed: Instant) -> Vec<Event> {
        let span = info_span!("change", files = changes.len(), revision = tracing::field::Empty);
        let _entered = span.clone().entered();
        let names: Vec<_> = changes.iter().map(|change| Arc::clone(&change.file)).collect();
        let objects = info_span!("parse").in_scope(|| self.files.apply(changes));
        let kinds: Vec<_> = objects
            .iter()
            .filter_map(|(id, object)| {
                let old = self.world.object(id);
                let same = |old: &nuncio_api::Object| {
                    object.as_ref().is_some_and(|new| new.spec == old.spec && new.labels == old.labels)
                };
                match (old, object) {
                    (None, Some(_)) => Some((id.clone(), ChangeKind::Added)),
                    (Some(old), Some(_)) if !same(old) => Some((id.clone(), ChangeKind::Changed)),
                    (Some(_), None) => Some((id.clone(), ChangeKind::Removed)),
                    _ => None,
                }
            })
            .collect();
        let ids: Vec<_> = objects.iter().map(|(id, _)| id.clone()).collect();
        let delta = info_span!("compile").in_scope(|| self.world.apply(objects));
        self.probation.forget(ids.iter());
        let revision = self.publish(&delta, noticed, &span);
        for (id, _) in &kinds {
            self.changed.insert(id.clone(), self.revision);
        }
        let mut events = self.new_problems(&names, &ids);
        if self.loaded {
            if !kinds.is_empty() {
                events.insert(0, Event::Changed { objects: kinds, revision: revision.map(|revision| revision.0) });
            }
        } else {
            self.loaded = true;
            events.insert(0, self.serving());
        }
        events
    }

    /// Sends a delta. The first is sent even if empty: until then the server keeps Envoys waiting.
    fn publish(&mut self, delta: &Delta, noticed: Instant, span: &Span) -> Option<Revision> {
        if delta.is_empty() && self.loaded {
            return None;
        }
        let update = info_span!("encode").in_scope(|| resources::update(delta, self.world.model()));
        self.metrics.sent(&update);
        self.revision = self.server.update(update);
        self.metrics.compiled(noticed.elapsed());
        span.record("revision", self.revision.0);
        self.on_its_way.insert(self.revision, OnItsWay { noticed, _span: span.clone() });
        Some(self.revision)
    }

    /// Hears what Envoys say.
    pub(crate) fn hear(&mut self, event: xds::Event) -> Vec<Event> {
        match event {
            xds::Event::Connected { stream, node } => {
                self.synced.insert(stream, None);
                vec![Event::EnvoyConnected { node: node.id.clone(), version: node.agent.clone() }]
            }
            xds::Event::Disconnected { stream, node } => {
                self.synced.remove(&stream);
                let mut events = vec![Event::EnvoyDisconnected { node: node.id.clone() }];
                events.extend(self.live());
                events
            }
            xds::Event::Synced { stream, revision } => {
                self.synced.insert(stream, Some(revision));
                let mut events = self.live();
                events.extend(self.next_on_probation());
                events
            }
            xds::Event::Nacked { stream, key, message, .. } => self.refused(stream, &key, &message),
            xds::Event::HoldTimedOut { node, key, need, .. } => {
                tracing::warn!("Envoy {} did not acknowledge {need} in time; {key} is sent all the same", node.id);
                Vec::new()
            }
        }
    }

    /// Says which change has arrived everywhere.
    fn live(&mut self) -> Vec<Event> {
        let Some(everywhere) = self.synced.values().copied().min().flatten() else { return Vec::new() };
        let later = self.on_its_way.split_off(&Revision(everywhere.0 + 1));
        let arrived = std::mem::replace(&mut self.on_its_way, later);
        self.changed.retain(|_, revision| *revision > everywhere);
        let live = arrived.into_iter().map(|(revision, change)| {
            let elapsed = change.noticed.elapsed();
            self.metrics.live(elapsed);
            Event::Live { revision: revision.0, envoys: self.synced.len(), elapsed }
        });
        live.collect()
    }

    // Refusals

    fn refused(&mut self, stream: StreamId, key: &Key, message: &str) -> Vec<Event> {
        self.metrics.nacked();
        let suspects = self.suspects(stream, key);
        tracing::debug!(resource = %key, ?suspects, "Envoy refused {key}: {message}");
        let guilty = self.probation.blame(&suspects);
        let noticed = Instant::now();
        let span = info_span!("quarantine", resource = %key);
        let mut delta = Delta::default();
        for id in &guilty {
            merge(&mut delta, self.world.quarantine(id, message));
        }
        self.publish(&delta, noticed, &span);
        let mut events =
            vec![Event::Nacked { resource: key.to_string(), objects: guilty.clone(), message: message.to_owned() }];
        events.extend(self.new_problems(&[], &guilty));
        events
    }

    /// The objects that a refused resource was made of; of those the ones that changed since the Envoy last
    /// accepted everything, if any did.
    fn suspects(&self, stream: StreamId, key: &Key) -> Vec<ObjectId> {
        let origins = self.origins(key);
        let accepted = self.synced.get(&stream).copied().flatten().unwrap_or_default();
        let changed = |id: &&ObjectId| self.changed.get(*id).is_some_and(|revision| *revision > accepted);
        let newly: Vec<_> = origins.iter().filter(changed).cloned().collect();
        if newly.is_empty() { origins } else { newly }
    }

    fn origins(&self, key: &Key) -> Vec<ObjectId> {
        let model = self.world.model();
        let mut origins: Vec<ObjectId> = match key.kind {
            ResourceType::Route | ResourceType::ScopedRoute => {
                let table = model.tables.get(&nuncio_ir::TableName(Arc::clone(&key.name)));
                table.map(|table| table.origins()).unwrap_or_default()
            }
            ResourceType::Cluster | ResourceType::Endpoints => {
                self.world.users_of_cluster(&nuncio_ir::ClusterName(Arc::clone(&key.name)))
            }
            ResourceType::Listener => {
                let listener = model.listeners.get(&key.name);
                let own = listener.map(|listener| listener.origins.clone()).unwrap_or_default();
                let module = self.world.objects().filter(|object| object.id.kind == Kind::Module);
                own.into_iter().chain(module.map(|object| object.id.clone())).collect()
            }
            ResourceType::Secret => self.world.users_of_secret(&nuncio_ir::SecretName(Arc::clone(&key.name))),
        };
        origins.sort_unstable();
        origins.dedup();
        origins
    }

    /// Lets the next suspect in again, now that all Envoys accepted what there is.
    fn next_on_probation(&mut self) -> Option<Event> {
        let everywhere = self.synced.values().copied().min().flatten()?;
        if everywhere < self.revision {
            return None;
        }
        let id = self.probation.next()?;
        tracing::info!("{id} is tried again");
        let noticed = Instant::now();
        let delta = self.world.release(&id);
        self.changed.insert(id, Revision(self.revision.0 + 1));
        self.publish(&delta, noticed, &info_span!("probation"));
        None
    }

    // Reports

    fn serving(&self) -> Event {
        let model = self.world.model();
        let listeners = model.listeners.values().map(|listener| served(listener)).collect();
        let hosts = model.tables.values().flat_map(|table| &table.hosts);
        let (hosts, routes) = hosts.fold((0, 0), |(hosts, routes), host| (hosts + 1, routes + host.routes.len()));
        Event::Serving { listeners, hosts, routes, problems: self.known_problems.len() }
    }

    /// Problems of these files and objects that were not there before.
    fn new_problems(&mut self, files: &[Arc<str>], ids: &[ObjectId]) -> Vec<Event> {
        let of_files = files.iter().flat_map(|file| self.files.problems_in(file));
        let of_objects = ids.iter().flat_map(|id| self.object_problems(id));
        let found: Vec<_> = of_files.map(located).chain(of_objects).collect();
        let mut events = Vec::new();
        self.known_problems.retain(|(id, _)| id.as_ref().is_none_or(|id| !ids.contains(id)));
        for problem in found {
            if self.known_problems.insert((problem.object.clone(), problem.problem.to_string())) {
                events.push(Event::Problem(problem));
            }
        }
        events
    }

    /// What is wrong with one object: with its text, and with it among the others.
    pub(crate) fn object_problems(&self, id: &ObjectId) -> Vec<LocatedProblem> {
        let location = self.world.object(id).map(|object| object.location.clone());
        let of_world = self.world.problems(id).into_iter().map(|problem| LocatedProblem {
            object: Some(id.clone()),
            problem,
            location: location.clone(),
            snippet: String::new(),
        });
        self.files.problems_of(id).into_iter().map(located).chain(of_world).collect()
    }
}

pub(crate) fn located(found: Found) -> LocatedProblem {
    let Found { object, problem, location, snippet } = found;
    LocatedProblem { object, problem, location: Some(location), snippet }
}

fn served(listener: &nuncio_ir::Listener) -> ServedListener {
    let scheme = |chain: &nuncio_ir::FilterChain| match (&chain.handler, &chain.tls) {
        (Handler::Http(_), None) => "http",
        (Handler::Http(_), Some(_)) => "https",
        (Handler::Tcp(_), None) => "tcp",
        (Handler::Tcp(_), Some(_)) => "tls",
    };
    let schemes: BTreeSet<_> = listener.chains.iter().map(scheme).collect();
    ServedListener { address: listener.address, schemes: schemes.into_iter().collect() }
}

/// Joins two deltas; of two changes of one node the later counts.
fn merge(into: &mut Delta, from: Delta) {
    fn join<K: PartialEq, V>(into: &mut Vec<(K, V)>, from: Vec<(K, V)>) {
        for (key, value) in from {
            into.retain(|(other, _)| *other != key);
            into.push((key, value));
        }
    }
    join(&mut into.listeners, from.listeners);
    join(&mut into.tables, from.tables);
    join(&mut into.clusters, from.clusters);
    join(&mut into.endpoints, from.endpoints);
    join(&mut into.secrets, from.secrets);
}

//! A client that behaves as Envoy does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use nuncio_xds::machine::{Interest, Request, Response};
use nuncio_xds::{Key, Protocol, Resource, ResourceType, StreamId};
use proptest::prelude::*;

use crate::rig::*;

const WILDCARDS: [ResourceType; 3] = [Cluster, Listener, ScopedRoute];
/// The order in which Envoy asks when it reconnects.
const ORDER: [ResourceType; 5] = [Cluster, Endpoints, Listener, ScopedRoute, Route];

pub(super) type Names = BTreeSet<Arc<str>>;

/// A client that behaves as Envoy does.
pub(super) struct Client {
    pub(super) id: StreamId,
    pub(super) protocol: Protocol,
    pub(super) cache: BTreeMap<Key, Arc<Resource>>,
    pub(super) inbox: VecDeque<Response>,
    pub(super) named: BTreeMap<ResourceType, Names>,
    nonces: BTreeMap<ResourceType, u64>,
    /// Whether good resources of a rejected response are applied.
    partial: bool,
    /// What it had when it reconnected, in the state-of-the-world protocol: the server cannot know it, so
    /// its clusters may go if they are gone from the store.
    unprotected: Vec<Arc<Resource>>,
}

impl Client {
    pub(super) fn connect(rig: &mut Rig, protocol: Protocol, partial: bool) -> Self {
        let id = rig.connect(protocol);
        let mut client = Self {
            id,
            protocol,
            cache: BTreeMap::new(),
            inbox: VecDeque::new(),
            named: BTreeMap::new(),
            nonces: BTreeMap::new(),
            partial,
            unprotected: vec![],
        };
        client.start(rig);
        client
    }

    pub(super) fn reconnect(&mut self, rig: &mut Rig) {
        let outputs = rig.machine.disconnect(self.id, rig.now);
        rig.take(outputs);
        self.inbox.clear();
        self.nonces.clear();
        self.named.clear();
        self.id = rig.connect(self.protocol);
        if self.protocol == Protocol::StateOfTheWorld {
            self.unprotected = self.cache.values().cloned().collect();
        }
        self.start(rig);
    }

    fn start(&mut self, rig: &mut Rig) {
        for kind in ORDER {
            let names = self.wanted(kind);
            if WILDCARDS.contains(&kind) || !names.is_empty() {
                let versions = self.cache.range(Key::new(kind, "")..).take_while(|(key, _)| key.kind == kind);
                let versions: Vec<_> = versions.map(|(key, had)| (&*key.name, &*had.version)).collect();
                let list: Vec<&str> = names.iter().map(|name| &**name).collect();
                let resuming = resume(kind, &list, &versions);
                self.named.insert(kind, names.clone());
                let request = match self.protocol {
                    Protocol::Delta => resuming,
                    Protocol::StateOfTheWorld => self.request(kind, &[], &[]),
                };
                rig.request(self.id, request);
            }
        }
    }

    /// The names to subscribe to: the clusters' endpoints and the scopes' routes.
    fn wanted(&self, kind: ResourceType) -> Names {
        let from = match kind {
            Endpoints => Cluster,
            Route => ScopedRoute,
            _ => return Names::new(),
        };
        self.cache.keys().filter(|key| key.kind == from).map(|key| Arc::clone(&key.name)).collect()
    }

    /// Handles one response.
    pub(super) fn step(&mut self, rig: &mut Rig) {
        let Some(response) = self.inbox.pop_front() else { return };
        let is_bad = |resource: &&Arc<Resource>| resource.version.starts_with("bad");
        let bad = response.resources.iter().any(|resource| is_bad(&resource));
        if !bad || self.partial {
            self.apply(&response);
        }
        self.nonces.insert(response.kind, response.nonce);
        let error = bad.then(|| Arc::from("bad version"));
        let answer = Request { nonce: Some(response.nonce), error, ..self.request(response.kind, &[], &[]) };
        rig.request(self.id, answer);
        self.follow(Endpoints, rig);
        self.follow(Route, rig);
    }

    fn apply(&mut self, response: &Response) {
        let whole = self.protocol == Protocol::StateOfTheWorld && WILDCARDS.contains(&response.kind);
        if whole {
            let present: Names = response.resources.iter().map(|resource| Arc::clone(&resource.key.name)).collect();
            self.cache.retain(|key, _| key.kind != response.kind || present.contains(&key.name));
        }
        for resource in response.resources.iter().filter(|resource| !resource.version.starts_with("bad")) {
            // What it has unsubscribed from meanwhile is of no interest.
            let interested = WILDCARDS.contains(&response.kind)
                || self.named.get(&response.kind).is_some_and(|names| names.contains(&resource.key.name));
            if interested {
                self.cache.insert(resource.key.clone(), Arc::clone(resource));
            }
        }
        for name in &response.removed {
            self.cache.remove(&Key { kind: response.kind, name: Arc::clone(name) });
        }
    }

    /// Subscribes to what has become known, and unsubscribes from what has gone.
    fn follow(&mut self, kind: ResourceType, rig: &mut Rig) {
        let wanted = self.wanted(kind);
        let before = self.named.insert(kind, wanted.clone()).unwrap_or_default();
        let added: Vec<&str> = wanted.difference(&before).map(|name| &**name).collect();
        let dropped: Vec<&str> = before.difference(&wanted).map(|name| &**name).collect();
        if added.is_empty() && dropped.is_empty() {
            return;
        }
        self.cache.retain(|key, _| key.kind != kind || wanted.contains(&key.name));
        rig.request(self.id, self.request(kind, &added, &dropped));
    }

    fn request(&self, kind: ResourceType, subscribe: &[&str], unsubscribe: &[&str]) -> Request {
        match self.protocol {
            Protocol::Delta => delta(kind, subscribe, unsubscribe),
            Protocol::StateOfTheWorld => {
                let names = self.named.get(&kind).into_iter().flatten().cloned().collect();
                let nonce = self.nonces.get(&kind).copied();
                let has_version = self.cache.keys().any(|key| key.kind == kind);
                Request { nonce, interest: Interest::Names { names, has_version }, ..delta(kind, &[], &[]) }
            }
        }
    }

    /// What is broken, if anything.
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        for (key, resource) in &self.cache {
            if self.unprotected.iter().any(|had| Arc::ptr_eq(had, resource)) {
                continue;
            }
            for need in &resource.needs {
                prop_assert!(self.cache.contains_key(need), "{key}@{} without {need}", resource.version);
            }
        }
        Ok(())
    }
}

//! One stream: one client's subscriptions, what it has, and what it is still to get.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::class::Classes;
use super::progress::Progress;
use super::slot::{Have, Slot};
use super::subscription::Subscription;
use super::turn::Turns;
use super::usage::Usage;
use super::{Context, Interest, Output, Request};
use crate::event::{Event, Node, Protocol, StreamId};
use crate::resource::{Key, Resource, ResourceType, Revision};

/// The state of a stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) id: StreamId,
    pub(super) protocol: Protocol,
    pub(super) node: Arc<Node>,
    /// What its first message asked for.
    pub(super) asks: Option<ResourceType>,
    pub(super) connected: Instant,
    pub(super) types: [TypeState; ResourceType::ALL.len()],
    /// By what they wait for: the resources that are held back.
    pub(super) waiters: HashMap<Key, Vec<Key>>,
    /// Endpoints of clusters that were sent before the client named the endpoints that it has.
    pub(super) warming: HashSet<Arc<str>>,
    pub(super) usage: Usage,
    pub(super) classes: Classes,
    pub(super) turns: Turns,
    pub(super) progress: Progress,
    pub(super) nonce: u64,
    /// The client has asked for listeners: an Envoy does so when its first clusters are warm.
    pub(super) warm: bool,
    pub(super) stats: Stats,
    timers: BinaryHeap<Reverse<(Instant, Key)>>,
    /// The time last given out as [`Output::Timer`].
    announced: Option<Instant>,
    greeted: bool,
    loaded: bool,
    /// When the client counts as loaded whatever it has asked for.
    load_ends: Option<Instant>,
}

/// The state of one type on a stream.
#[derive(Debug, Default)]
pub(super) struct TypeState {
    pub(super) subscription: Subscription,
    pub(super) slots: HashMap<Arc<str>, Slot>,
    /// Names to look at, each once.
    pub(super) queue: VecDeque<Arc<str>>,
    /// Parts of a rejected response, to be sent apart until the culprit stands alone.
    pub(super) suspects: VecDeque<Vec<Arc<str>>>,
    /// Removals that wait for other types.
    pub(super) deferred: Vec<Arc<str>>,
    pub(super) in_flight: Option<InFlight>,
    /// The nonce of the last response.
    pub(super) last_nonce: Option<u64>,
    /// The client waits for a first response, be it empty.
    pub(super) owes_reply: bool,
    /// How many resources the client has.
    pub(super) had: usize,
}

/// A response that is not answered yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) nonce: u64,
    /// The revision at which it was made.
    pub(super) revision: Revision,
    pub(super) items: Vec<Item>,
}

/// One change within a response.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: Arc<str>,
    /// `None` for a removal.
    pub(super) resource: Option<Arc<Resource>>,
    pub(super) due: Option<Revision>,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) responses: u64,
    pub(super) nacks: u64,
    pub(super) unknown_types: u64,
}

impl TypeState {
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.queue.is_empty() && self.suspects.is_empty()
    }
}

impl Stream {
    pub(crate) fn new(id: StreamId, protocol: Protocol, now: Instant) -> Self {
        Self {
            id,
            protocol,
            node: Arc::default(),
            asks: None,
            connected: now,
            types: Default::default(),
            waiters: HashMap::new(),
            warming: HashSet::new(),
            usage: Usage::default(),
            classes: Classes::default(),
            turns: Turns::default(),
            progress: Progress::default(),
            nonce: 0,
            warm: false,
            stats: Stats::default(),
            timers: BinaryHeap::new(),
            announced: None,
            greeted: false,
            loaded: false,
            load_ends: None,
        }
    }

    /// What to report when the stream ends.
    pub(crate) fn farewell(self) -> Option<Event> {
        self.greeted.then_some(Event::Disconnected { stream: self.id, node: self.node })
    }

    pub(super) fn of(&self, kind: ResourceType) -> &TypeState {
        &self.types[kind.index()]
    }

    pub(super) fn of_mut(&mut self, kind: ResourceType) -> &mut TypeState {
        &mut self.types[kind.index()]
    }

    pub(super) fn slot(&self, key: &Key) -> Option<&Slot> {
        self.of(key.kind).slots.get(&key.name)
    }

    pub(super) fn slot_mut(&mut self, key: &Key) -> Option<&mut Slot> {
        self.of_mut(key.kind).slots.get_mut(&key.name)
    }

    /// Takes a message in: first the answer that it may hold, then the subscription.
    pub(crate) fn request(&mut self, request: Request, context: &mut Context<'_>) {
        self.greet(request.node, request.kind, context);
        let Some(kind) = request.kind else {
            self.stats.unknown_types += 1;
            return;
        };
        if matches!(request.interest, Interest::Names { .. }) && self.is_stale(kind, request.nonce) {
            return;
        }
        if let Some(nonce) = request.nonce {
            self.answer(kind, nonce, request.error, context);
        }
        self.subscribe(kind, request.interest, context);
    }

    /// State of the world: a request that answers an older response says what the client wanted before it
    /// saw the last one; it will ask again.
    fn is_stale(&self, kind: ResourceType, nonce: Option<u64>) -> bool {
        let state = self.of(kind);
        state.subscription.is_requested() && state.last_nonce != nonce
    }

    fn greet(&mut self, node: Option<Node>, asks: Option<ResourceType>, context: &mut Context<'_>) {
        let mut node = node.unwrap_or_default();
        let says = std::mem::take(&mut node.says);
        if !std::mem::replace(&mut self.greeted, true) {
            self.node = Arc::new(node);
            self.asks = asks;
            context.out.push(Output::Event(Event::Connected { stream: self.id, node: Arc::clone(&self.node), asks }));
        }
        if !says.is_empty() {
            context.out.push(Output::Event(Event::Told { stream: self.id, says }));
        }
    }

    /// Looks again at whatever has reached its time.
    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        while let Some(Reverse((at, _))) = self.timers.peek()
            && *at <= context.now
        {
            let Some(Reverse((at, key))) = self.timers.pop() else { return };
            if let Some(slot) = self.slot_mut(&key)
                && slot.timer == Some(at)
            {
                slot.timer = None;
                self.touch(&key, None);
            }
        }
    }

    /// Has a resource looked at at a later time.
    pub(super) fn set_timer(&mut self, key: &Key, at: Instant) {
        if let Some(slot) = self.slot_mut(key)
            && slot.timer != Some(at)
        {
            slot.timer = Some(at);
            self.timers.push(Reverse((at, key.clone())));
        }
    }

    /// Queues a resource for a look; `due` makes it count for that revision until it has arrived.
    pub(super) fn touch(&mut self, key: &Key, due: Option<Revision>) {
        let state = &mut self.types[key.kind.index()];
        let Some(slot) = state.slots.get_mut(&key.name) else { return };
        if let Some(revision) = due
            && slot.due.is_none()
        {
            slot.due = Some(revision);
            self.progress.add(revision);
        }
        if !slot.queued {
            slot.queued = true;
            state.queue.push_back(Arc::clone(&key.name));
        }
    }

    /// Resources have changed.
    pub(crate) fn changed(&mut self, keys: &[Key], context: &mut Context<'_>) {
        let revision = Some(context.store.revision());
        for key in keys {
            let exists = context.store.contains(key);
            if !exists {
                self.wake(key, revision);
                self.arrived(key, None);
            }
            let state = self.of_mut(key.kind);
            if state.subscription.includes(&key.name) {
                if exists {
                    state.slots.entry(Arc::clone(&key.name)).or_default();
                }
                self.touch(key, revision);
            } else if exists && state.subscription.is_requested() && key.kind.is_by_reference() {
                self.expect(key, context);
            }
        }
        self.give_turns(keys, context);
    }

    /// A new resource which the client will ask for when it has what refers to it.
    fn expect(&mut self, key: &Key, context: &mut Context<'_>) {
        let revision = context.store.revision();
        let slot = self.of_mut(key.kind).slots.entry(Arc::clone(&key.name)).or_default();
        if slot.due.is_none() {
            slot.due = Some(revision);
            self.progress.add(revision);
        }
        self.set_timer(key, context.now + context.options.subscribe_wait);
    }

    /// Looks again at what waited for this.
    pub(super) fn wake(&mut self, key: &Key, due: Option<Revision>) {
        for waiter in self.waiters.remove(key).unwrap_or_default() {
            let held = self.slot_mut(&waiter).and_then(|slot| slot.held.as_mut());
            if let Some(held) = held.filter(|held| held.waits_for.as_ref() == Some(key)) {
                held.waits_for = None;
                self.touch(&waiter, due);
            }
        }
    }

    /// Looks again at what waited for anything of a kind that other clients have.
    pub(super) fn wake_all(&mut self, kind: ResourceType) {
        let waited_for: Vec<_> = self.waiters.keys().filter(|key| key.kind == kind).cloned().collect();
        waited_for.iter().for_each(|key| self.wake(key, None));
    }

    /// The client no longer has this version: what only it referred to may be due for removal.
    pub(super) fn release(&mut self, resource: &Arc<Resource>, context: &Context<'_>) {
        if resource.key.kind == ResourceType::Listener {
            self.end_class(Some(resource), context);
        }
        for key in self.usage.remove(resource, context.now) {
            if context.store.contains(&key) {
                continue;
            }
            if self.slot(&key).is_some() {
                self.touch(&key, None);
            } else {
                self.usage.forget(&key);
            }
        }
    }

    /// As [`Self::release`], of what the client was known or said to have.
    pub(super) fn release_have(&mut self, kind: ResourceType, have: Have, context: &Context<'_>) {
        match have.resource {
            Some(resource) => self.release(&resource, context),
            None => {
                self.release_unknown(kind, context);
                if kind == ResourceType::Listener {
                    self.end_class(None, context);
                }
            }
        }
    }

    pub(super) fn release_unknown(&mut self, kind: ResourceType, context: &Context<'_>) {
        if !kind.is_looked_up() {
            for key in self.usage.remove_unknown(context.now) {
                self.touch(&key, None);
            }
        }
    }

    /// Forgets a resource that the client no longer subscribes to, or that is gone.
    pub(super) fn drop_slot(&mut self, key: &Key, context: &Context<'_>) {
        let state = self.of_mut(key.kind);
        let Some(slot) = state.slots.remove(&key.name) else { return };
        state.had -= usize::from(slot.have.is_some());
        // One that exists may be asked for again: a scope that came back has the client ask for its routes anew.
        if !context.store.contains(key) {
            self.arrived(key, None);
        }
        if let Some(revision) = slot.due {
            self.progress.release(revision);
        }
        if let Some(have) = slot.have {
            self.release_have(key.kind, have, context);
        }
        for resource in &slot.doubt {
            self.release(resource, context);
        }
        if !context.store.contains(key) {
            self.usage.forget(key);
        }
    }

    /// Ends the handling of an input: sends what can be sent and reports what was reached.
    pub(crate) fn finish(&mut self, context: &mut Context<'_>) {
        self.pump(context);
        self.watch_load(context);
        if self.loaded
            && let Some(revision) = self.progress.report(context.store.revision())
        {
            context.out.push(Output::Event(Event::Synced { stream: self.id, revision }));
        }
        let next = self.next_timer();
        if next != self.announced {
            self.announced = next;
            context.out.push(Output::Timer(self.id, next));
        }
    }

    /// A client is loaded when it has asked for all types that it will ask for: those that there is
    /// something of. One that leaves some out counts as loaded after the ACK timeout.
    fn watch_load(&mut self, context: &Context<'_>) {
        use ResourceType::{Cluster, Listener, Route, ScopedRoute};
        if self.loaded || !self.greeted || !context.store.is_ready() {
            return;
        }
        let until = *self.load_ends.get_or_insert(context.now + context.options.ack_timeout);
        // Whoever is no Envoy asks for nothing else.
        self.loaded = self.asks.is_some_and(ResourceType::is_for_services)
            || context.now >= until
            || [Cluster, Listener, ScopedRoute, Route]
                .into_iter()
                .all(|kind| self.of(kind).subscription.is_requested() || !context.store.has_any(kind));
    }

    fn next_timer(&self) -> Option<Instant> {
        let load_ends = self.load_ends.filter(|_| !self.loaded);
        let next = self.timers.peek().map(|Reverse((at, _))| *at);
        next.into_iter().chain(load_ends).min()
    }
}

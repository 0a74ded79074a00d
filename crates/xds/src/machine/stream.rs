//! One stream: one client's subscriptions, what it has, and what it is still to get.

mod again;
mod release;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::class::Classes;
use super::progress::Progress;
use super::slot::Slot;
use super::subscription::Subscription;
use super::turn::Turns;
use super::usage::Usage;
use super::{Context, Interest, Output, Request};
use crate::event::{Event, Node, Protocol, StreamId};
use crate::resource::{Key, Resource, ResourceType, Revision};

/// An update of so many resources goes before what is left of larger ones: who changes one route waits for nobody who changes
/// a thousand.
const FEW: usize = 16;

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

    /// Resources have changed. What else is on its way may go before them, or not where they are few.
    pub(crate) fn changed(&mut self, keys: &[Key], may_wait: bool, context: &mut Context<'_>) {
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
        if keys.len() <= FEW && !may_wait {
            keys.iter().rev().for_each(|key| self.put_first(key));
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
}

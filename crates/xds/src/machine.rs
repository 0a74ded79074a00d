//! The subscription machine: requests, updates and time in; responses, events and timers out. It does no
//! I/O and reads no clock, so that every order of things can be tested.
//!
//! Each stream has its own state; the resources are shared. A change costs a stream what the
//! changed resources cost, however many there are.

mod answer;
mod class;
mod inspect;
mod judge;
mod others;
mod progress;
mod pump;
mod slot;
mod stream;
mod subscribe;
mod subscription;
mod turn;
mod usage;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::event::{Counts, Delivery, Event, Node, Protocol, StreamId, StreamInfo, StreamState};
use crate::options::Options;
use crate::resource::{Key, Resource, ResourceType, Revision, Update};
use crate::store::Store;
use stream::Stream;

/// All resources and all streams.
#[derive(Debug)]
pub struct Machine {
    options: Options,
    store: Store,
    streams: BTreeMap<StreamId, Stream>,
    next_stream: u64,
}

/// A message of a client.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who it is: counts in the first message of a stream. What it says counts in every one.
    pub node: Option<Node>,
    /// The type; `None` if it is not one that is served.
    pub kind: Option<ResourceType>,
    /// The nonce of the response that this answers.
    pub nonce: Option<u64>,
    /// Why that response was rejected; `None` accepts it.
    pub error: Option<Arc<str>>,
    /// What the client wants.
    pub interest: Interest,
}

/// The subscription part of a request.
#[derive(Debug, Clone)]
pub enum Interest {
    /// Delta: changes of the subscription.
    Delta {
        /// Names to add; `*` stands for all.
        subscribe: Vec<Arc<str>>,
        /// Names to take away.
        unsubscribe: Vec<Arc<str>>,
        /// What the client has from an earlier stream, with its versions.
        initial_versions: HashMap<Arc<str>, Arc<str>>,
    },
    /// State of the world: the whole subscription.
    Names {
        /// The names; `*`, or none at all so far, stands for all.
        names: Vec<Arc<str>>,
        /// The client has accepted a version before, on this stream or an earlier one.
        has_version: bool,
    },
}

/// A message to a client.
#[derive(Debug, Clone)]
pub struct Response {
    /// The type of all its resources.
    pub kind: ResourceType,
    /// To be repeated by the client in its answer.
    pub nonce: u64,
    /// The revision at which it was made.
    pub revision: Revision,
    /// The resources; in the state-of-the-world protocol all there are, for types that want it so.
    pub resources: Vec<Arc<Resource>>,
    /// What does not exist (delta only).
    pub removed: Vec<Arc<str>>,
}

/// What an input leads to.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send this on the stream.
    Response(StreamId, Response),
    /// Report this.
    Event(Event),
    /// Call [`Machine::tick`] for the stream at this time; replaces the time asked for before.
    Timer(StreamId, Option<Instant>),
}

/// What the handling of one input works with.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Store,
    pub(crate) options: &'a Options,
    /// All streams but the one that is concerned.
    pub(crate) others: &'a BTreeMap<StreamId, Stream>,
    pub(crate) now: Instant,
    pub(crate) out: Vec<Output>,
}

impl Machine {
    /// A machine without resources, which answers nothing until the first update.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, store: Store::default(), streams: BTreeMap::new(), next_stream: 0 }
    }

    /// A stream was opened.
    pub fn connect(&mut self, protocol: Protocol, now: Instant) -> StreamId {
        self.next_stream += 1;
        let id = StreamId(self.next_stream);
        self.streams.insert(id, Stream::new(id, protocol, now));
        id
    }

    /// A stream was closed.
    pub fn disconnect(&mut self, id: StreamId, now: Instant) -> Vec<Output> {
        let Some(stream) = self.streams.remove(&id) else { return Vec::new() };
        let decided = stream.decides();
        let mut out: Vec<_> = stream.farewell().map(Output::Event).into_iter().collect();
        if decided {
            self.look_again(id, now, &mut out);
        }
        out
    }

    /// A message came in.
    pub fn request(&mut self, id: StreamId, request: Request, now: Instant) -> Vec<Output> {
        self.on_stream(id, now, |stream, context| stream.request(request, context))
    }

    /// The time of a timer has come.
    pub fn tick(&mut self, id: StreamId, now: Instant) -> Vec<Output> {
        self.on_stream(id, now, Stream::tick)
    }

    /// What is served changes.
    pub fn update(&mut self, update: Update, now: Instant) -> (Revision, Vec<Output>) {
        let may_wait = update.may_wait;
        let changed = self.store.apply(update);
        let mut out = Vec::new();
        for id in self.streams.keys().copied().collect::<Vec<_>>() {
            out.extend(self.on_one(id, now, |stream, context| stream.changed(&changed, may_wait, context)));
        }
        (self.store.revision(), out)
    }

    /// The connected streams, in the order of their connection.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamInfo> {
        self.streams.values().map(Stream::info).collect()
    }

    /// How far the newest version of a resource, or its removal, has come on each stream.
    #[must_use]
    pub fn state(&self, key: &Key) -> Vec<StreamState> {
        self.streams.values().map(|stream| stream.state(key, &self.store)).collect()
    }

    /// On how many streams a resource has arrived.
    #[must_use]
    pub fn counts(&self, key: &Key) -> Counts {
        let mut counts = Counts { streams: self.streams.len(), ..Counts::default() };
        for stream in self.streams.values() {
            let delivery = stream.delivery(key, &self.store);
            let arrived = delivery == Delivery::Acked;
            counts.acked += usize::from(arrived);
            counts.nacked += usize::from(matches!(delivery, Delivery::Nacked { .. }));
            counts.older += usize::from(!arrived && stream.has(key));
        }
        counts
    }

    /// Handles an input of a stream, and what follows for others.
    fn on_stream(
        &mut self,
        id: StreamId,
        now: Instant,
        handle: impl FnOnce(&mut Stream, &mut Context<'_>),
    ) -> Vec<Output> {
        let mut out = self.on_one(id, now, handle);
        if self.streams.get(&id).is_some_and(Stream::decides) {
            self.look_again(id, now, &mut out);
        }
        out
    }

    /// Has all streams but this one look again at what waits for sets of rules.
    fn look_again(&mut self, id: StreamId, now: Instant, out: &mut Vec<Output>) {
        for other in self.streams.keys().copied().filter(|other| *other != id).collect::<Vec<_>>() {
            out.extend(self.on_one(other, now, |stream, _| stream.wake_all(ResourceType::RuleSet)));
        }
    }

    fn on_one(
        &mut self,
        id: StreamId,
        now: Instant,
        handle: impl FnOnce(&mut Stream, &mut Context<'_>),
    ) -> Vec<Output> {
        let Some(mut stream) = self.streams.remove(&id) else { return Vec::new() };
        let mut context =
            Context { store: &self.store, options: &self.options, others: &self.streams, now, out: Vec::new() };
        handle(&mut stream, &mut context);
        stream.finish(&mut context);
        let out = context.out;
        self.streams.insert(id, stream);
        out
    }
}

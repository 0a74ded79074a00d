//! A machine with a clock that is set by hand, and short ways to write messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nuncio_xds::machine::{Interest, Machine, Output, Request, Response};
use nuncio_xds::{Event, Key, Options, Protocol, Resource, ResourceType, StreamId, Update};

pub(crate) use ResourceType::{AuthFilter, Cluster, Endpoints, Extension, Listener, Route, RuleSet, ScopedRoute};

/// A resource whose body is its version.
pub(crate) fn resource(kind: ResourceType, name: &str, version: &str, needs: &[Key]) -> Resource {
    Resource {
        key: Key::new(kind, name),
        version: version.into(),
        body: version.as_bytes().into(),
        needs: needs.to_vec(),
        settle: Duration::ZERO,
        class: None,
    }
}

pub(crate) fn key(kind: ResourceType, name: &str) -> Key {
    Key::new(kind, name)
}

pub(crate) fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

/// A delta request without an answer.
pub(crate) fn delta(kind: ResourceType, subscribe: &[&str], unsubscribe: &[&str]) -> Request {
    let interest =
        Interest::Delta { subscribe: names(subscribe), unsubscribe: names(unsubscribe), initial_versions: [].into() };
    Request { node: None, kind: Some(kind), nonce: None, error: None, interest }
}

/// The first delta request of a client that has something from before.
pub(crate) fn resume(kind: ResourceType, subscribe: &[&str], versions: &[(&str, &str)]) -> Request {
    let interest = Interest::Delta {
        subscribe: names(subscribe),
        unsubscribe: vec![],
        initial_versions: versions.iter().map(|&(name, version)| (name.into(), version.into())).collect(),
    };
    Request { interest, ..delta(kind, &[], &[]) }
}

/// A state-of-the-world request.
pub(crate) fn want(kind: ResourceType, wanted: &[&str], nonce: Option<u64>) -> Request {
    Request { nonce, interest: Interest::Names { names: names(wanted), has_version: false }, ..delta(kind, &[], &[]) }
}

/// A machine, its clock, and what came out of it.
pub(crate) struct Rig {
    pub(crate) machine: Machine,
    pub(crate) now: Instant,
    pub(crate) sent: VecDeque<(StreamId, Response)>,
    pub(crate) events: Vec<Event>,
    timers: Vec<(StreamId, Instant)>,
}

impl Rig {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            machine: Machine::new(options),
            now: Instant::now(),
            sent: VecDeque::new(),
            events: vec![],
            timers: vec![],
        }
    }

    /// A machine that serves these, and a delta stream.
    pub(crate) fn serving(resources: Vec<Resource>) -> (Self, StreamId) {
        let mut rig = Self::new(Options::default());
        rig.set(resources);
        let id = rig.connect(Protocol::Delta);
        (rig, id)
    }

    pub(crate) fn connect(&mut self, protocol: Protocol) -> StreamId {
        self.machine.connect(protocol, self.now)
    }

    pub(crate) fn update(&mut self, set: Vec<Resource>, remove: Vec<Key>) {
        self.send(Update { set, remove, may_wait: false });
    }

    pub(crate) fn send(&mut self, update: Update) {
        let (_, outputs) = self.machine.update(update, self.now);
        self.take(outputs);
    }

    pub(crate) fn set(&mut self, resources: Vec<Resource>) {
        self.update(resources, vec![]);
    }

    pub(crate) fn remove(&mut self, keys: Vec<Key>) {
        self.update(vec![], keys);
    }

    pub(crate) fn request(&mut self, id: StreamId, request: Request) {
        let outputs = self.machine.request(id, request, self.now);
        self.take(outputs);
    }

    /// Lets time pass, with all timers on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(&(id, at)) = self.timers.iter().min_by_key(|(_, at)| *at).filter(|(_, at)| *at <= end) {
            self.now = self.now.max(at);
            self.timers.retain(|(stream, _)| *stream != id);
            let outputs = self.machine.tick(id, self.now);
            self.take(outputs);
        }
        self.now = end;
    }

    /// The next response.
    pub(crate) fn next(&mut self) -> Option<Response> {
        self.sent.pop_front().map(|(_, response)| response)
    }

    /// The next response, accepted, as a line: `CDS a@1 b@2 -c`.
    pub(crate) fn ack(&mut self, id: StreamId) -> String {
        self.answer(id, None)
    }

    /// The next response, rejected, as a line.
    pub(crate) fn nack(&mut self, id: StreamId, message: &str) -> String {
        self.answer(id, Some(message.into()))
    }

    fn answer(&mut self, id: StreamId, error: Option<Arc<str>>) -> String {
        let Some(response) = self.next() else { return String::new() };
        let line = line(&response);
        self.request(id, Request { nonce: Some(response.nonce), error, ..delta(response.kind, &[], &[]) });
        line
    }

    /// Accepts responses until there are none.
    pub(crate) fn ack_all(&mut self, id: StreamId) -> Vec<String> {
        std::iter::from_fn(|| Some(self.ack(id)).filter(|line| !line.is_empty())).collect()
    }

    pub(crate) fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Response(id, response) => self.sent.push_back((id, response)),
                Output::Event(event) => self.events.push(event),
                Output::Timer(id, at) => {
                    self.timers.retain(|(stream, _)| *stream != id);
                    self.timers.extend(at.map(|at| (id, at)));
                }
            }
        }
    }
}

/// A response in a line.
pub(crate) fn line(response: &Response) -> String {
    let kind = match response.kind {
        Cluster => "CDS",
        Endpoints => "EDS",
        ResourceType::Secret => "SDS",
        ResourceType::Limits => "RLS",
        Listener => "LDS",
        ScopedRoute => "SRDS",
        Extension => "ECDS",
        Route => "RDS",
        AuthFilter => "FILTER",
        RuleSet => "RULES",
    };
    let mut items: Vec<_> = response.resources.iter().map(|r| format!("{}@{}", r.key.name, r.version)).collect();
    items.extend(response.removed.iter().map(|name| format!("-{name}")));
    items.sort();
    format!("{kind} {}", items.join(" ")).trim_end().to_owned()
}

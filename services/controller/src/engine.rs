//! The engine: files to objects, objects to model, model to Envoys, and what Envoys answer back.

mod asked;
mod changes;
#[cfg(test)]
pub(crate) mod fixture;
mod hear;
mod ingest;
mod limits;
mod ports;
mod problems;
mod troubles;
mod tunnels;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nuncio_api::{Object, ObjectId};
use nuncio_ir::{Delta, Handler};
use nuncio_translate::World;
use nuncio_xds::{Revision, Server, StreamId, Update};
use tracing::{Span, info_span};

use self::asked::Unasked;
pub(crate) use self::asked::follow_asked;
use self::ingest::Staged;
pub(crate) use self::ports::{Ports, Probe};
use self::problems::KnownProblem;
pub(crate) use self::problems::located;
use self::troubles::Troubles;
pub(crate) use self::tunnels::{TunnelChange, Turn};
use crate::event::{Event, ServedListener, Subject};
use crate::files::Files;
use crate::metrics::Metrics;
use crate::previews::events::Events;
use crate::previews::traffic::Traffic;
use crate::refusal::Refusals;
use crate::resources;
use crate::status::Touched;

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
    pub(crate) revision: Revision,
    /// Another whenever objects or what is made of them may be others. It begins by chance, so that it is none of an
    /// engine before.
    pub(crate) edition: u64,
    loaded: bool,
    staged: Option<Staged>,
    /// Objects for other instances, by which their changes are told.
    foreign: BTreeMap<ObjectId, Arc<Object>>,
    on_its_way: BTreeMap<Revision, OnItsWay>,
    /// What has arrived everywhere and is not told yet.
    arrived: Vec<(Revision, Duration)>,
    /// The newest revision that each Envoy has.
    pub(crate) synced: BTreeMap<StreamId, Option<Revision>>,
    /// The same of each rate limit service: these have the rules, and nothing else.
    pub(crate) limiters: BTreeMap<StreamId, Option<Revision>>,
    /// The same of each authentication service.
    pub(crate) deciders: BTreeMap<StreamId, Option<Revision>>,
    /// When each object last changed, until every Envoy has it: who may be to blame for a refusal.
    pub(crate) changed: BTreeMap<ObjectId, Revision>,
    pub(crate) refusals: Refusals,
    pub(crate) ports: Ports,
    /// No service elsewhere can fetch what RateLimits say.
    limits_are_private: bool,
    /// Why the Redis of our own rate limit service cannot be used.
    redis: Option<Arc<str>>,
    /// Services that cannot be asked.
    unasked: Vec<Unasked>,
    /// What filters cannot have.
    troubles: Troubles,
    known_problems: BTreeMap<Subject, BTreeSet<KnownProblem>>,
    /// What previews get of requests.
    pub(crate) traffic: Traffic,
    /// What has happened to them.
    pub(crate) events: Events,
    /// What has no problem any more, and is not told yet.
    mended: Vec<Event>,
    /// Objects with which something is wrong that passes by itself.
    passing: BTreeSet<ObjectId>,
    /// Whose status may be another.
    pub(crate) touched: Touched,
}

impl Engine {
    pub(crate) fn new(files: Files, world: World, server: Server, metrics: Metrics) -> Self {
        Self {
            files,
            world,
            server,
            metrics,
            revision: Revision(0),
            edition: fastrand::u64(..),
            loaded: false,
            staged: None,
            foreign: BTreeMap::new(),
            on_its_way: BTreeMap::new(),
            arrived: Vec::new(),
            synced: BTreeMap::new(),
            limiters: BTreeMap::new(),
            deciders: BTreeMap::new(),
            changed: BTreeMap::new(),
            refusals: Refusals::default(),
            ports: Ports::default(),
            limits_are_private: false,
            redis: None,
            unasked: Vec::new(),
            troubles: Troubles::new(),
            known_problems: BTreeMap::new(),
            traffic: Traffic::default(),
            events: Events::default(),
            mended: Vec::new(),
            passing: BTreeSet::new(),
            touched: Touched::default(),
        }
    }

    /// Tries ports of Listeners before an Envoy hears of them: it is on this machine.
    pub(crate) fn trying_ports(self, probe: Probe) -> Self {
        Self { ports: Ports::tried_by(probe), ..self }
    }

    /// Whether some Envoy has all of some revision.
    pub(crate) fn is_served(&self) -> bool {
        self.synced.values().any(Option::is_some)
    }

    /// Sends a delta, then what previews of its routes follow it with: nobody waits for those who asks for no preview. The
    /// first is sent even if empty: until then the server keeps Envoys waiting. Gives the revision that has all of it.
    pub(crate) fn publish(&mut self, delta: &Delta, noticed: Instant, span: &Span) -> Option<Revision> {
        let before = self.revision;
        if !self.loaded || !delta.is_empty() {
            self.send(delta, false);
        }
        let followers = info_span!("follow").in_scope(|| self.world.follow());
        if !followers.is_empty() {
            self.send(&followers, true);
        }
        if self.revision == before {
            return None;
        }
        self.edition = self.edition.wrapping_add(1);
        self.metrics.compiled(noticed.elapsed());
        span.record("revision", self.revision.0);
        // Later there may be nobody for whom a change could arrive.
        if !self.loaded || !self.synced.is_empty() {
            self.on_its_way.insert(self.revision, OnItsWay { noticed, _span: span.clone() });
        }
        Some(self.revision)
    }

    fn send(&mut self, delta: &Delta, may_wait: bool) {
        let update = info_span!("encode").in_scope(|| resources::update(delta, self.world.model()));
        let update = Update { may_wait, ..update };
        self.metrics.sent(&update);
        self.revision = self.server.update(update);
    }

    /// What is served at first. Problems that pass by themselves are not counted: nobody is told of them.
    fn serving(&self, told: &[Event]) -> Event {
        let model = self.world.model();
        let listeners = model.listeners.values().map(|listener| served(listener)).collect();
        let hosts = model.tables.values().flat_map(|table| &table.hosts);
        let is_passing = |event: &&Event| matches!(event, Event::Problem(located) if located.is_passing());
        let known: usize = self.known_problems.values().map(BTreeSet::len).sum();
        let problems = known.saturating_sub(told.iter().filter(is_passing).count());
        let (hosts, routes) =
            hosts.fold((0, 0), |(hosts, routes), host| (hosts + 1, routes + host.known_routes().count()));
        Event::Serving { listeners, hosts, routes, problems }
    }
}

/// A listener, as it is told of.
pub(crate) fn served(listener: &nuncio_ir::Listener) -> ServedListener {
    let scheme = |chain: &nuncio_ir::FilterChain| match (&chain.handler, &chain.tls) {
        (Handler::Http(_), None) => Some("http"),
        (Handler::Http(_), Some(_)) => Some("https"),
        (Handler::Tcp(_), None) => Some("tcp"),
        (Handler::Tcp(_), Some(_)) => Some("tls"),
        (Handler::Close, _) => None,
    };
    let schemes: BTreeSet<_> = listener.chains.iter().filter_map(scheme).collect();
    ServedListener { address: listener.address, schemes: schemes.into_iter().collect() }
}

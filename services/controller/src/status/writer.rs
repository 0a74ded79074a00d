//! The task that writes statuses: only while it leads, only what differs, and a few at a time.

mod limits;
mod outcome;
mod shared;
mod tell;
mod withdraw;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use nuncio_api::{Kind, ObjectId};

pub(super) use self::limits::Limits;
use self::limits::Room;
use super::api::{self, Target, WriteError};
use super::condition::{Seen, Status};
use super::events::Recorder;
use super::held::Held;
use super::look::{Subject, has_status, look};
use super::published::Published;
use super::queue::Queue;
use super::rules::keep_times;
use crate::engine::Engine;
use crate::leader::{Leadership, Standing};
use crate::metrics::Metrics;
use crate::run::lock;
use crate::source::kubernetes::backoff::Backoff;
use crate::source::kubernetes::object::file_of;
use crate::source::kubernetes::resources::{CORE, api_kind};

/// Statuses that are written at the same time. Each costs the API server a millisecond or two of a core.
const WRITES: usize = 8;
/// Objects that are looked at before others have their turn.
const LOOKS: usize = 64;

/// Writes statuses.
pub(super) struct Writer {
    pub(super) engine: Arc<Mutex<Engine>>,
    pub(super) held: Arc<Held>,
    pub(super) client: Client,
    /// Statuses of these are none of our business.
    pub(super) except: Option<Kind>,
    pub(super) metrics: Metrics,
    pub(super) queue: Queue,
    /// Objects that are another instance's from now on, and how often it was tried to take back what was said of them.
    pub(super) given_away: BTreeMap<ObjectId, Backoff>,
    pub(super) recorder: Recorder,
    pub(super) backoff: Backoff,
    /// Nothing is written before then: the API server does not answer.
    pub(super) paused: Option<Instant>,
    /// What can be written of each kind.
    pub(super) limits: Limits,
    /// What Ingresses say of where they are reached.
    pub(super) published: Published,
    /// What was last told of an object whose status has no room for it, by an event.
    pub(super) told: BTreeMap<ObjectId, String>,
    /// What was last said of objects that are for other instances too.
    pub(super) said: BTreeMap<ObjectId, Seen>,
}

/// The status that an object is to have.
struct Wanted {
    target: Target,
    status: Status,
    /// The API server has another.
    differs: bool,
    /// What is wrong has no place in it.
    by_event: bool,
}

/// A status that was written, or was not.
struct Written {
    id: ObjectId,
    target: Target,
    status: Status,
    /// What the object had when the write began.
    before: Seen,
    /// What it has now.
    seen: Result<Seen, WriteError>,
}

/// A write that has ended.
enum Done {
    Status(Box<Written>),
    Event {
        /// The object, if nothing else says what is wrong with it.
        alone: Option<ObjectId>,
        /// The name of the event, if it could not be written.
        lost: Option<String>,
    },
    Withdrawal {
        id: ObjectId,
        result: Result<(), WriteError>,
    },
}

type Writes = FuturesUnordered<BoxFuture<'static, Done>>;

impl Writer {
    /// Writes whenever this replica leads and has something to say; what is under way when that ends is broken off.
    pub(super) async fn run(mut self, mut leadership: Leadership, mut standing: Standing) {
        loop {
            standing.speaks().await;
            leadership.gained().await;
            self.queue = Queue::default();
            self.given_away.keys().for_each(|id| self.queue.put(id.clone()));
            lock(&self.engine).touched.everything();
            tokio::select! {
                () = leadership.lost() => {}
                () = standing.is_left() => {}
                () = self.lead() => {}
            }
        }
    }

    async fn lead(&mut self) {
        let wakes = (Arc::clone(&lock(&self.engine).touched.wake), Arc::clone(&self.held.wake));
        let mut writes = Writes::new();
        loop {
            self.gather();
            let more = self.begin(&mut writes);
            if more {
                // Others want the engine too.
                tokio::task::yield_now().await;
            }
            // What is due has to wait for a write that ends.
            let wake = if writes.len() < WRITES { self.wake() } else { None };
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = writes.next() => self.done(done, &mut writes),
                () = wakes.0.notified() => {}
                () = wakes.1.notified() => {}
                () = sleep => {}
                () = std::future::ready(()), if more => {}
            }
        }
    }

    /// When to go on if nothing happens.
    fn wake(&self) -> Option<Instant> {
        match self.paused {
            Some(until) => Some(until),
            None => self.queue.due(),
        }
    }

    /// Takes in what was touched.
    fn gather(&mut self) {
        let now = Instant::now();
        let mut engine = lock(&self.engine);
        let what = engine.touched.take();
        if what.neighbours {
            self.queue.neighbours(now);
        }
        let changed: Vec<_> = self.held.take_changed().iter().filter_map(|file| id_of(file)).collect();
        let services = changed.iter().chain(&what.ids).any(|id| id.kind == Kind::Service);
        if (services || what.everything) && self.published.look(&self.held.balanced(), |id| engine.world.object(id)) {
            let ingresses = engine.world.objects().filter(|object| object.id.kind == Kind::Ingress);
            ingresses.for_each(|ingress| self.queue.put(ingress.id.clone()));
        }
        if self.queue.take_sweep(now) || what.everything {
            engine.world.objects().filter(|it| has_status(it)).for_each(|it| self.queue.put(it.id.clone()));
        }
        drop(engine);
        for id in what.given_away {
            self.given_away.insert(id.clone(), Backoff::default());
            self.queue.put(id);
        }
        what.ids.into_iter().for_each(|id| self.queue.put(id));
        if what.delivery {
            self.queue.delivered();
        }
        changed.into_iter().for_each(|id| self.queue.put(id));
    }

    /// Begins as many writes as may run; says whether there is more to look at right away.
    fn begin(&mut self, writes: &mut Writes) -> bool {
        let now = Instant::now();
        if self.paused.is_some_and(|until| now < until) {
            return false;
        }
        self.paused = None;
        for _ in 0..LOOKS {
            if writes.len() >= WRITES {
                return false;
            }
            let Some(id) = self.queue.take(now) else { return false };
            if let Some(withdrawal) = self.withdraw(&id) {
                self.queue.begins(id);
                writes.push(withdrawal);
                continue;
            }
            let Some(Wanted { target, status, differs, by_event }) = self.wanted(&id, now) else { continue };
            if by_event {
                writes.extend(self.tell(&id, &target, &status));
            }
            if differs {
                self.queue.begins(id.clone());
                writes.push(self.write(id, target, status));
            }
        }
        !self.queue.is_idle()
    }

    /// The status that an object is to have, if there is something to do about it.
    fn wanted(&mut self, id: &ObjectId, now: Instant) -> Option<Wanted> {
        let subject = look(&lock(&self.engine), id, self.published.status()).filter(|_| self.except != Some(id.kind));
        let held = subject.as_ref().and_then(|subject| self.held.get(&subject.file));
        let (Some(Subject { file, uid, mut facts }), Some(held)) = (subject, held) else {
            self.queue.forget(id);
            self.told.remove(id);
            self.said.remove(id);
            return None;
        };
        if held.generation > facts.generation {
            // It changed again, and what was taken in is old. The change is on its way here.
            return None;
        }
        if !facts.is_on_its_way() {
            self.queue.is_settled(id);
        } else if !self.queue.is_on_its_way(id, now) {
            return None;
        }
        // What a replica has said that led before stays until there is something newer.
        let said = self.held.traffic(&file);
        facts.preview.traffic = facts.preview.traffic.map(|used| used.after(said.clone())).or(said);
        let (room, until) = self.limits.room(id.kind, now);
        if let Some(until) = until {
            self.queue.put_later(id.clone(), until);
        }
        let status = Status { legacy_only: room == Room::Legacy, ..facts.status() };
        let wanted = Seen::read(id.kind, &status.render(&held.seen, Timestamp::UNIX_EPOCH));
        // Without an address there is nothing to say of an Ingress; one that it has may be somebody's DNS record.
        let nothing = id.kind == Kind::Ingress && status.ingress.is_none();
        let by_event = id.kind == Kind::Ingress || room == Room::None;
        let differs = if room == Room::None {
            false
        } else if nothing || wanted.says(&held.seen) {
            self.note_said(id, &status, held.seen);
            self.queue.is_equal(id, now);
            false
        } else if status.yields && self.is_anothers(id, status.generation, held.seen) {
            false
        } else {
            self.queue.may_write(id, wanted, held.seen, now)
        };
        let target =
            Target { api: api_kind(id.kind)?, namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name), uid };
        (differs || by_event).then_some(Wanted { target, status, differs, by_event })
    }

    fn write(&self, id: ObjectId, target: Target, status: Status) -> BoxFuture<'static, Done> {
        let file = file_of(&target.api, &target.namespace, &target.name);
        let before = self.held.get(&file).unwrap_or_default().seen;
        let (client, mut body) = (self.client.clone(), status.render(&before, Timestamp::now()));
        if let (Some(rules), Some(known)) = (body.get_mut("rules"), self.held.rules(&file)) {
            keep_times(rules, &known);
        }
        Box::pin(async move {
            let written = api::apply_status(&client, &target, &body).await;
            let seen = written.map(|status| Seen::read(id.kind, &status));
            Done::Status(Box::new(Written { id, target, status, before, seen }))
        })
    }
}

/// The object that is the file of this name.
pub(super) fn id_of(file: &str) -> Option<ObjectId> {
    let mut parts = file.splitn(4, '/');
    let (group, kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let group = if group == CORE { "" } else { group };
    Some(ObjectId::new(Kind::of_group(group, kind)?, namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_an_object() {
        assert_eq!(id_of("getambassador.io/Mapping/shop/cart"), Some(ObjectId::new(Kind::Mapping, "shop", "cart")));
        assert_eq!(id_of("core/Service/shop/cart"), Some(ObjectId::new(Kind::Service, "shop", "cart")));
        let filter = id_of("gateway.getambassador.io/Filter/shop/keys");
        assert_eq!(filter, Some(ObjectId::new(Kind::GatewayFilter, "shop", "keys")));
        assert_eq!(id_of("networking.k8s.io/NetworkPolicy/shop/cart"), None);
        assert_eq!(id_of("shop/cart.yaml"), None);
    }
}

//! What is done when an Envoy refuses a resource: the object at fault is found by trials and taken out until it
//! changes. What serves goes on serving: an Envoy keeps the version that it had, and while nobody is proved to
//! be at fault nothing is taken out.

mod look;
mod search;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{ObjectId, Problem, Spec};
use nuncio_ir::{Delta, SecretName};
use nuncio_xds::{Delivery, Key, ResourceType, StreamId};
use tracing::info_span;

use self::search::{Search, Verdict};
use self::trial::{Subject, TRIAL};
use crate::engine::Engine;
use crate::event::Event;
use crate::resources;

/// Refusals that are looked into, and those that led to nobody.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    running: Option<Running>,
    /// Refused resources that wait for the search to end.
    waiting: BTreeMap<Key, Refusal>,
    /// Refused resources for which nobody was found guilty, in the version that was refused.
    unresolved: BTreeMap<Key, Unresolved>,
}

/// A version that Envoys refused.
#[derive(Debug)]
struct Refusal {
    version: Arc<str>,
    /// In the words of the last that refused it, or a part of it.
    message: String,
    /// The Envoys that refused it. What others think of its parts proves nothing, and may take long to learn.
    by: BTreeSet<StreamId>,
}

/// A search in progress.
#[derive(Debug)]
struct Running {
    key: Key,
    refusal: Refusal,
    subject: Subject,
    search: Search,
}

#[derive(Debug)]
struct Unresolved {
    version: Arc<str>,
    message: String,
    /// The objects that are this resource; they stay in.
    objects: Vec<ObjectId>,
}

impl Refusals {
    /// Whether somebody is being looked for.
    pub(crate) fn is_searching(&self) -> bool {
        self.running.is_some()
    }

    /// Whether somebody is being looked for, or will be.
    pub(crate) fn is_open(&self) -> bool {
        self.running.is_some() || !self.waiting.is_empty()
    }

    /// Whether anything is refused that nobody was taken out for.
    pub(crate) fn is_any(&self) -> bool {
        self.is_open() || !self.unresolved.is_empty()
    }

    /// What is refused without anybody's fault: as problems of `id`, or (`None`) of no object.
    pub(crate) fn problems_of(&self, id: Option<&ObjectId>) -> Vec<Problem> {
        let concerned = self.unresolved.iter().filter(|(_, unresolved)| match id {
            Some(id) => unresolved.objects.contains(id),
            None => unresolved.objects.is_empty(),
        });
        let problem = |(key, unresolved): (&Key, &Unresolved)| {
            let message = format!(
                "{} refused {key}: {}; no single object is to blame, and what was in force before stays",
                refuser(key.kind),
                unresolved.message
            );
            Problem::error("RefusedByProxy", "", message)
        };
        concerned.map(problem).collect()
    }
}

impl Engine {
    /// Hears of a refusal.
    pub(crate) fn nacked(&mut self, stream: StreamId, key: &Key, version: &Arc<str>, message: &str) -> Vec<Event> {
        if *key.name == *TRIAL {
            return self.look_at_trial();
        }
        let unresolved = self.refusals.unresolved.get(key).is_some_and(|known| known.version == *version);
        if unresolved || !self.is_current(key, version) {
            return Vec::new();
        }
        self.metrics.nacked();
        tracing::debug!(resource = %key, "Envoy refused {key}: {message}");
        let new =
            || Refusal { version: Arc::clone(version), message: message.to_owned(), by: BTreeSet::from([stream]) };
        match &mut self.refusals.running {
            Some(running) if running.key == *key => drop(running.refusal.by.insert(stream)),
            Some(_) => drop(self.refusals.waiting.entry(key.clone()).or_insert_with(new).by.insert(stream)),
            None => return self.look_into(key.clone(), new()),
        }
        Vec::new()
    }

    /// An Envoy has gone: another that refused the same may help on.
    pub(crate) fn lost(&mut self, stream: StreamId) -> Vec<Event> {
        self.refusals.waiting.retain(|_, refusal| {
            refusal.by.remove(&stream);
            !refusal.by.is_empty()
        });
        if let Some(running) = &mut self.refusals.running {
            running.refusal.by.remove(&stream);
        }
        if self.refusals.running.as_ref().is_some_and(|running| running.refusal.by.is_empty()) {
            self.end_search();
        }
        self.next_search()
    }

    /// What is served has changed: what was said of older versions counts no more.
    pub(crate) fn forget_refusals(&mut self) -> Vec<Event> {
        let mut refusals = std::mem::take(&mut self.refusals);
        refusals.unresolved.retain(|key, unresolved| self.is_current(key, &unresolved.version));
        refusals.waiting.retain(|key, refusal| self.is_current(key, &refusal.version));
        self.refusals = refusals;
        let running = self.refusals.running.as_ref();
        if running.is_some_and(|running| !self.is_current(&running.key, &running.refusal.version)) {
            self.end_search();
        }
        self.next_search()
    }

    /// Whether a version is what is served now. Another Envoy may have refused an older one before, and it has
    /// been mended.
    fn is_current(&self, key: &Key, version: &str) -> bool {
        resources::version(key, self.world.model()).is_some_and(|current| current == version)
    }

    fn go_on(&mut self) -> Vec<Event> {
        match &mut self.refusals.running {
            Some(running) => {
                let verdict = running.search.step();
                self.follow(verdict)
            }
            None => Vec::new(),
        }
    }

    /// Takes the guilty object out, or begins the next trial. One that changes nothing is judged at once: nobody
    /// is sent anything, and nobody answers.
    fn follow(&mut self, verdict: Verdict) -> Vec<Event> {
        if verdict == Verdict::GoOn {
            let Some(running) = &mut self.refusals.running else { return Vec::new() };
            let Some(update) = running.subject.trial(&running.search, &self.world) else {
                let verdict = running.search.accepted();
                return self.follow(verdict);
            };
            self.revision = self.server.update(update);
            return self.look_at_trial();
        }
        let Some(Running { key, refusal, .. }) = self.end_search() else { return Vec::new() };
        let mut events = match verdict {
            Verdict::Guilty(guilty) => {
                let guilty = self.in_the_end(guilty, &key);
                self.take_out(&guilty, key, refusal)
            }
            Verdict::Nobody | Verdict::GoOn => self.nobody(key, refusal),
        };
        events.extend(self.next_search());
        events
    }

    /// Whether the trial that runs has come to an end.
    pub(crate) fn look_at_trial(&mut self) -> Vec<Event> {
        let Some(running) = &mut self.refusals.running else { return Vec::new() };
        let states = self.server.state(&running.subject.trial_key());
        let asked = states.into_iter().filter(|state| running.refusal.by.contains(&state.stream));
        let answer =
            asked.map(|state| state.delivery).find(|it| matches!(it, Delivery::Acked | Delivery::Nacked { .. }));
        let verdict = match answer {
            Some(Delivery::Acked) => running.search.accepted(),
            Some(Delivery::Nacked { message }) => {
                running.refusal.message = running.subject.unmask(&message);
                running.search.refused()
            }
            _ => return Vec::new(),
        };
        self.follow(verdict)
    }

    /// A Secret that was refused because of a Host without settings of its own is itself at fault.
    fn in_the_end(&self, found: ObjectId, key: &Key) -> Vec<ObjectId> {
        let plain = self.world.object(&found).is_some_and(|object| match &object.spec {
            Spec::Host(host) => host.tls.is_none() && host.tls_context.is_none(),
            Spec::Ingress(_) => true,
            _ => false,
        });
        if key.kind == ResourceType::Secret && plain {
            return self.world.users_of_secret(&SecretName(Arc::clone(&key.name)));
        }
        vec![found]
    }

    fn end_search(&mut self) -> Option<Running> {
        let running = self.refusals.running.take()?;
        self.revision = self.server.update(running.subject.no_trial());
        Some(running)
    }

    /// Looks into what waited, if it is still what is served.
    fn next_search(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while self.refusals.running.is_none() {
            let Some((key, refusal)) = self.refusals.waiting.pop_first() else { break };
            let unresolved = self.refusals.unresolved.get(&key).is_some_and(|known| known.version == refusal.version);
            if !unresolved && self.is_current(&key, &refusal.version) {
                events.extend(self.look_into(key, refusal));
            }
        }
        events
    }

    fn take_out(&mut self, guilty: &[ObjectId], key: Key, refusal: Refusal) -> Vec<Event> {
        if guilty.is_empty() {
            return self.nobody(key, refusal);
        }
        let mut delta = Delta::default();
        for id in guilty {
            delta.merge(self.world.quarantine(id, &refusal.message));
        }
        if let Some(revision) = self.publish(&delta, Instant::now(), &info_span!("quarantine", resource = %key)) {
            // What changed with the guilty was refused with them, and comes only now.
            self.changed.values_mut().for_each(|changed| *changed = revision);
        }
        self.note_previews();
        let (objects, message) = (guilty.to_vec(), refusal.message);
        let mut events = vec![Event::Nacked { resource: key.to_string(), objects, message }];
        events.extend(self.new_problems(&[], guilty));
        events
    }

    /// Nobody is proved guilty: all stays as it is, and that is said.
    fn nobody(&mut self, key: Key, refusal: Refusal) -> Vec<Event> {
        let model = self.world.model();
        let objects = match key.kind {
            ResourceType::Listener => model.listeners.get(&key.name).map(|listener| listener.origins.clone()),
            ResourceType::Limits => model.limits.get(&key.name).map(|rules| rules.origins.clone()),
            ResourceType::AuthFilter | ResourceType::RuleSet => Some(self.world.users_in_authentication(&key.name)),
            _ => None,
        };
        let objects = objects.unwrap_or_default();
        let Refusal { version, message, .. } = refusal;
        let event = Event::Nacked { resource: key.to_string(), objects: Vec::new(), message: message.clone() };
        self.refusals.unresolved.insert(key, Unresolved { version, message, objects });
        vec![event]
    }
}

fn refuser(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Limits => "a rate limit service",
        ResourceType::AuthFilter | ResourceType::RuleSet => "an authentication service",
        _ => "Envoy",
    }
}

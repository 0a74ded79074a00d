//! Composes responses: one in flight for each type, so that whatever changes meanwhile is sent together.

use std::collections::HashSet;
use std::sync::Arc;

use super::judge::Verdict;
use super::slot::Held;
use super::stream::{InFlight, Item, Stream};
use super::{Context, Output, Response};
use crate::event::{Event, Hold, Protocol};
use crate::resource::{Key, Resource, ResourceType};

/// A response that is being filled.
#[derive(Debug, Default)]
struct Batch {
    items: Vec<Item>,
    bytes: usize,
}

impl Batch {
    /// Of secrets each goes alone: Envoy 1.40 keeps one whose use it refuses, and accepts it when it comes again, so
    /// that nobody would learn which of several it was.
    fn is_full(&self, kind: ResourceType, context: &Context<'_>) -> bool {
        kind == ResourceType::Secret && !self.items.is_empty()
            || self.bytes >= context.options.max_response_bytes
            || self.items.len() >= context.options.max_response_resources
    }
}

impl Stream {
    /// Sends what can be sent.
    pub(super) fn pump(&mut self, context: &mut Context<'_>) {
        if !context.store.is_ready() {
            return;
        }
        loop {
            for kind in ResourceType::ALL {
                if self.of(kind).in_flight.is_none() {
                    self.compose(kind, context);
                }
            }
            // What is done for one type may give work to one before it.
            if !ResourceType::ALL.into_iter().any(|kind| self.can_send(kind)) {
                return;
            }
        }
    }

    fn can_send(&self, kind: ResourceType) -> bool {
        let state = self.of(kind);
        state.in_flight.is_none()
            && (!(state.queue.is_empty() && state.suspects.is_empty())
                || (!state.deferred.is_empty() && self.may_remove(kind)))
    }

    fn compose(&mut self, kind: ResourceType, context: &mut Context<'_>) {
        self.queue_deferred(kind);
        let mut batch = Batch::default();
        self.fill_from_suspects(kind, &mut batch, context);
        if batch.items.is_empty() {
            self.fill_from_queue(kind, &mut batch, context);
        }
        let state = self.of_mut(kind);
        if batch.items.is_empty() && !(state.owes_reply && state.slots.values().all(|slot| slot.held.is_none())) {
            return;
        }
        state.owes_reply = false;
        self.send(kind, batch.items, context);
    }

    fn queue_deferred(&mut self, kind: ResourceType) {
        if !self.of(kind).deferred.is_empty() && self.may_remove(kind) {
            for name in std::mem::take(&mut self.of_mut(kind).deferred) {
                self.touch(&Key { kind, name }, None);
            }
        }
    }

    fn fill_from_suspects(&mut self, kind: ResourceType, batch: &mut Batch, context: &mut Context<'_>) {
        while batch.items.is_empty() {
            let Some(group) = self.of_mut(kind).suspects.pop_front() else { return };
            for name in group {
                self.look(Key { kind, name }, batch, context);
            }
        }
    }

    fn fill_from_queue(&mut self, kind: ResourceType, batch: &mut Batch, context: &mut Context<'_>) {
        let whole = self.protocol == Protocol::StateOfTheWorld && kind.is_full_state();
        while whole || !batch.is_full(kind, context) {
            let state = self.of_mut(kind);
            let Some(name) = state.queue.pop_front() else { return };
            if let Some(slot) = state.slots.get_mut(&name) {
                slot.queued = false;
                self.look(Key { kind, name }, batch, context);
            }
        }
    }

    /// Does what is to be done about a resource.
    fn look(&mut self, key: Key, batch: &mut Batch, context: &mut Context<'_>) {
        self.adopt(&key, context);
        let Some(slot) = self.slot(&key) else { return };
        let verdict = self.judge(&key, slot, context);
        match self.in_turn(&key, verdict, context) {
            Verdict::Nothing => self.settle(&key, context),
            Verdict::Send(resource) => self.add(key, Some(resource), batch),
            Verdict::Remove => self.add(key, None, batch),
            Verdict::GiveUp(resource, need) => {
                self.give_up(&key, &resource, need, context);
                self.add(key, Some(resource), batch);
            }
            Verdict::Hold(why, until) => {
                if matches!(why, Hold::NeedsRejected(_)) {
                    self.arrived(&key, None);
                }
                self.hold(&key, why, context);
                if let Some(at) = until {
                    self.set_timer(&key, at);
                }
            }
            Verdict::Overdue(need) => {
                self.report_overdue(&key, &need, context);
                self.hold(&key, Hold::Needs(need), context);
                self.set_timer(&key, context.now + context.options.ack_timeout);
            }
            Verdict::Defer => self.of_mut(key.kind).deferred.push(key.name),
        }
    }

    /// What the client has is what is served: what that needs may have changed all the same, or have been
    /// unknown, where the client has it from an earlier stream.
    fn adopt(&mut self, key: &Key, context: &Context<'_>) {
        let Some(newest) = context.store.get(key) else { return };
        let have = self.slot_mut(key).and_then(|slot| slot.have.as_mut());
        let Some(have) = have.filter(|have| have.version == newest.version) else { return };
        if have.resource.as_ref().is_some_and(|known| Arc::ptr_eq(known, newest)) {
            return;
        }
        let known = have.resource.replace(Arc::clone(newest));
        self.usage.add(newest);
        match known {
            Some(known) => self.release(&known, context),
            None => {
                self.release_unknown(key.kind, context);
                self.wake_class();
            }
        }
    }

    /// Nothing is to be done: what does not exist is forgotten, unless the client asks for it by name.
    fn settle(&mut self, key: &Key, context: &Context<'_>) {
        self.arrived(key, None);
        let state = &mut self.types[key.kind.index()];
        let includes = state.subscription.includes(&key.name);
        let named = state.subscription.is_named(&key.name);
        let Some(slot) = state.slots.get_mut(&key.name) else { return };
        let remembered = slot.may_be_had() || named || context.store.contains(key);
        if !includes || !remembered {
            return self.drop_slot(key, context);
        }
        slot.held = None;
        slot.force = false;
        slot.hurried = false;
        if let Some(revision) = slot.due.take() {
            self.progress.release(revision);
        }
    }

    fn add(&mut self, key: Key, resource: Option<Arc<Resource>>, batch: &mut Batch) {
        if let Some(resource) = &resource {
            self.usage.add(resource);
            self.warm_up(resource);
            batch.bytes += resource.body.len();
        }
        let Some(slot) = self.slot_mut(&key) else { return };
        slot.held = None;
        slot.force = false;
        slot.hurried = false;
        slot.sending = true;
        slot.told_absent = resource.is_none();
        slot.leaving |= resource.is_none() && slot.have.is_some();
        batch.items.push(Item { name: key.name, resource, due: slot.due.take() });
    }

    /// A cluster that is sent becomes warm when its endpoints arrive, changed or not; Envoy asks for them
    /// only if it has not subscribed to them yet. It acknowledges the cluster when that is warm.
    fn warm_up(&mut self, resource: &Resource) {
        if resource.key.kind != ResourceType::Cluster {
            return;
        }
        let same_name = Key { kind: ResourceType::Endpoints, name: Arc::clone(&resource.key.name) };
        let named = resource.needs.iter().filter(|need| need.kind == ResourceType::Endpoints && **need != same_name);
        for key in named.chain([&same_name]) {
            if !self.of(key.kind).subscription.is_requested() {
                self.warming.insert(Arc::clone(&key.name));
            } else if let Some(slot) = self.slot_mut(key).filter(|slot| slot.may_be_had() || slot.sending) {
                slot.force = true;
                self.touch(key, None);
            }
        }
    }

    fn give_up(&mut self, key: &Key, resource: &Resource, need: Key, context: &mut Context<'_>) {
        if let Some(slot) = self.slot_mut(key) {
            slot.waived = Some(Arc::clone(&resource.version));
        }
        self.report_timeout(key, need, true, context);
    }

    fn report_overdue(&mut self, key: &Key, need: &Key, context: &mut Context<'_>) {
        let version = context.store.get(key).map(|newest| Arc::clone(&newest.version));
        let Some(slot) = self.slot_mut(key).filter(|slot| slot.overdue != version) else { return };
        slot.overdue = version;
        self.report_timeout(key, need.clone(), false, context);
    }

    fn report_timeout(&self, key: &Key, need: Key, sent: bool, context: &mut Context<'_>) {
        let node = Arc::clone(&self.node);
        let event = Event::HoldTimedOut { stream: self.id, node, key: key.clone(), need, sent };
        context.out.push(Output::Event(event));
    }

    fn hold(&mut self, key: &Key, why: Hold, context: &Context<'_>) {
        let Some(slot) = self.types[key.kind.index()].slots.get_mut(&key.name) else { return };
        let (since, parked) = match slot.held.take() {
            Some(held) => (held.since, held.waits_for),
            None => (context.now, None),
        };
        let waits_for = match &why {
            Hold::Needs(need) | Hold::NeedsRejected(need) => Some(need.clone()),
            Hold::Settling | Hold::InUse => None,
        };
        // What waits for something rejected waits for the next revision; removals are not waited for.
        let counts = matches!(why, Hold::Needs(_) | Hold::Settling);
        if let Some(revision) = slot.due.take_if(|_| !counts) {
            self.progress.release(revision);
        }
        if why == Hold::InUse && key.kind.is_looked_up() {
            self.usage.wait(key.clone());
        } else if why == Hold::InUse {
            self.classes.wait(key.clone());
        }
        if let Some(need) = &waits_for
            && parked.as_ref() != Some(need)
        {
            self.waiters.entry(need.clone()).or_default().push(key.clone());
        }
        slot.held = Some(Held { why, since, waits_for });
    }

    fn send(&mut self, kind: ResourceType, items: Vec<Item>, context: &mut Context<'_>) {
        self.nonce += 1;
        self.stats.responses += 1;
        let nonce = self.nonce;
        let mut resources: Vec<_> = items.iter().filter_map(|item| item.resource.clone()).collect();
        let mut removed = Vec::new();
        if self.protocol == Protocol::Delta {
            removed.extend(items.iter().filter(|item| item.resource.is_none()).map(|item| Arc::clone(&item.name)));
        } else if kind.is_full_state() {
            resources.extend(self.background(kind, &items));
        }
        let revision = context.store.revision();
        let state = self.of_mut(kind);
        state.last_nonce = Some(nonce);
        state.in_flight = Some(InFlight { nonce, revision, items });
        context.out.push(Output::Response(self.id, Response { kind, nonce, revision, resources, removed }));
    }

    /// State of the world: what the client has and keeps.
    fn background(&self, kind: ResourceType, items: &[Item]) -> Vec<Arc<Resource>> {
        let changed: HashSet<&str> = items.iter().map(|item| &*item.name).collect();
        let slots = self.of(kind).slots.iter();
        slots.filter(|(name, _)| !changed.contains(&***name)).filter_map(|(_, slot)| slot.known().cloned()).collect()
    }
}

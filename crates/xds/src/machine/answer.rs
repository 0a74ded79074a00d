//! ACK and NACK.
//!
//! A delta NACK rejects a whole response, though Envoy applies its good resources. So the parts of a
//! rejected response are sent again in halves, until what is rejected stands alone: that is the culprit.
//! It is not sent again in the same version, and whatever needs it waits.

use std::sync::Arc;

use super::slot::{Have, Rejected};
use super::stream::{InFlight, Item, Stream};
use super::{Context, Output};
use crate::event::{Event, Protocol};
use crate::resource::{Key, Resource, ResourceType, Revision};

impl Stream {
    /// Takes the answer to the response in flight; an answer to an older one says nothing.
    pub(super) fn answer(
        &mut self,
        kind: ResourceType,
        nonce: u64,
        error: Option<Arc<str>>,
        context: &mut Context<'_>,
    ) {
        let state = self.of_mut(kind);
        let Some(response) = state.in_flight.take_if(|response| response.nonce == nonce) else { return };
        match error {
            None => response.items.into_iter().for_each(|item| self.accept(kind, item, response.revision, context)),
            Some(message) => self.reject(kind, response, &message, context),
        }
    }

    fn accept(&mut self, kind: ResourceType, item: Item, made: Revision, context: &mut Context<'_>) {
        if let Some(revision) = item.due {
            self.progress.release(revision);
        }
        let key = Key { kind, name: item.name };
        match item.resource {
            Some(resource) => {
                let had = self.slot(&key).and_then(|slot| slot.have.as_ref());
                let is_change = had.is_none_or(|had| had.version != resource.version);
                self.accept_resource(&key, &resource, context);
                if is_change {
                    self.arrived(&key, Some(made));
                }
            }
            None => self.accept_removal(&key, context),
        }
    }

    fn accept_resource(&mut self, key: &Key, resource: &Arc<Resource>, context: &Context<'_>) {
        let warm = self.warm;
        let state = self.of_mut(key.kind);
        let Some(slot) = state.slots.get_mut(&key.name).filter(|slot| slot.sending) else {
            // The client has unsubscribed meanwhile; if it has subscribed again, it is sent it again.
            self.release(resource, context);
            return;
        };
        let was_had = slot.is_had();
        let old = slot.have.take();
        let settled = match &old {
            Some(old) if was_had => old.settled,
            _ if warm => context.now + resource.settle,
            _ => context.now,
        };
        slot.sending = false;
        slot.leaving = false;
        slot.have =
            Some(Have { version: Arc::clone(&resource.version), resource: Some(Arc::clone(resource)), settled });
        state.had += usize::from(old.is_none());
        let doubt = std::mem::take(&mut slot.doubt);
        if let Some(have) = old {
            self.release_have(key.kind, have, context);
        }
        for resource in &doubt {
            self.release(resource, context);
        }
        // An older version is sent when the client asks again while the newest is held back; and there may
        // be a newer one meanwhile.
        if context.store.get(key).is_none_or(|newest| !Arc::ptr_eq(newest, resource)) {
            self.touch(key, None);
        }
        if !was_had {
            self.wake(key, Some(context.store.revision()));
        }
    }

    fn accept_removal(&mut self, key: &Key, context: &Context<'_>) {
        let state = self.of_mut(key.kind);
        let Some(slot) = state.slots.get_mut(&key.name).filter(|slot| slot.sending) else { return };
        slot.sending = false;
        slot.leaving = false;
        let old = slot.have.take();
        let doubt = std::mem::take(&mut slot.doubt);
        state.had -= usize::from(old.is_some());
        if let Some(have) = old {
            self.release_have(key.kind, have, context);
        }
        for resource in &doubt {
            self.release(resource, context);
        }
        // It may have come back meanwhile, or have to be forgotten.
        self.touch(key, None);
    }

    fn reject(&mut self, kind: ResourceType, response: InFlight, message: &Arc<str>, context: &mut Context<'_>) {
        self.stats.nacks += 1;
        if response.items.len() > 1 {
            return self.suspect(kind, response.items, context);
        }
        for item in response.items {
            match item.resource {
                Some(_) => self.convict(kind, item, message, context),
                // Nobody can be made to keep what no longer exists.
                None => self.accept(kind, item, response.revision, context),
            }
        }
    }

    /// The one resource of the response is the culprit.
    fn convict(&mut self, kind: ResourceType, item: Item, message: &Arc<str>, context: &mut Context<'_>) {
        let Item { name, resource: Some(resource), due } = item else { return };
        if let Some(revision) = due {
            self.progress.release(revision);
        }
        let key = Key { kind, name };
        let mut unused = vec![Arc::clone(&resource)];
        let whole = self.protocol == Protocol::StateOfTheWorld && kind.is_full_state();
        if let Some(slot) = self.slot_mut(&key) {
            slot.sending = false;
            // What it keeps after it rejected even what it had is anybody's guess: let it be.
            let at_a_loss = slot.have.as_ref().is_some_and(|have| have.version == resource.version);
            unused.extend(slot.doubt.extract_if(.., |doubt| at_a_loss || doubt.version == resource.version));
            if whole && slot.have.is_none() {
                // It may have a version from an earlier stream: only a response without it says it is gone.
                slot.doubt.extend(unused.pop());
            }
            if !at_a_loss || slot.rejected.is_none() {
                slot.rejected = Some(Rejected { version: Arc::clone(&resource.version), message: Arc::clone(message) });
            }
        }
        for resource in &unused {
            self.release(resource, context);
        }
        self.touch(&key, None);
        // If nothing newer is there, the look finds nothing to do: then it counts as arrived.
        self.wake(&key, Some(context.store.revision()));
        context.out.push(Output::Event(Event::Nacked {
            stream: self.id,
            node: Arc::clone(&self.node),
            key,
            version: Arc::clone(&resource.version),
            message: Arc::clone(message),
        }));
    }

    /// Puts the resources of a rejected response back, to be sent again in halves.
    fn suspect(&mut self, kind: ResourceType, items: Vec<Item>, context: &Context<'_>) {
        let mut names: Vec<_> = items.iter().map(|item| Arc::clone(&item.name)).collect();
        for item in items {
            self.put_back(&Key { kind, name: item.name }, item.resource, context);
            if let Some(revision) = item.due {
                self.progress.release(revision);
            }
        }
        let second = names.split_off(names.len() / 2);
        let suspects = &mut self.of_mut(kind).suspects;
        suspects.push_front(second);
        suspects.push_front(names);
    }

    fn put_back(&mut self, key: &Key, resource: Option<Arc<Resource>>, context: &Context<'_>) {
        let revision = context.store.revision();
        let Some(slot) = self.types[key.kind.index()].slots.get_mut(&key.name) else {
            return resource.into_iter().for_each(|resource| self.release(&resource, context));
        };
        slot.sending = false;
        slot.doubt.extend(resource);
        if slot.due.is_none() {
            slot.due = Some(revision);
            self.progress.add(revision);
        }
    }
}

//! What a client has no more, and what may go because of that.

use std::sync::Arc;

use super::Stream;
use crate::machine::Context;
use crate::machine::slot::Have;
use crate::resource::{Key, Resource, ResourceType};

impl Stream {
    /// The client no longer has this version: what only it referred to may be due for removal.
    pub(in crate::machine) fn release(&mut self, resource: &Arc<Resource>, context: &Context<'_>) {
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
    pub(in crate::machine) fn release_have(&mut self, kind: ResourceType, have: Have, context: &Context<'_>) {
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

    pub(in crate::machine) fn release_unknown(&mut self, kind: ResourceType, context: &Context<'_>) {
        if !kind.is_looked_up() {
            for key in self.usage.remove_unknown(context.now) {
                self.touch(&key, None);
            }
        }
    }

    /// Forgets a resource that the client no longer subscribes to, or that is gone.
    pub(in crate::machine) fn drop_slot(&mut self, key: &Key, context: &Context<'_>) {
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
}

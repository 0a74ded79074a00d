//! Listeners, and what they look requests up in: the scopes and route configurations of their class.
//!
//! A listener that changes its class sees other scopes from one moment to the next. So it is not sent before the client
//! has those, and the old ones stay until its connections have had time to end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::Context;
use super::slot::Slot;
use super::stream::Stream;
use super::usage::Free;
use crate::resource::{Key, Resource, ResourceType};

/// A class; `None` stands for that of a version from an earlier connection, which is not known.
type Class = Option<Arc<str>>;

/// Classes that a client has seen.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// When the client let go of a listener of the class.
    ended: HashMap<Class, Instant>,
    /// Removals that wait for a listener to change or go.
    waiting: HashSet<Key>,
}

impl Classes {
    /// Has `key` looked at again when the client lets go of a listener.
    pub(super) fn wait(&mut self, key: Key) {
        self.waiting.insert(key);
    }
}

/// The class of a version; nothing if it is known and has none.
fn class_of(resource: Option<&Resource>) -> Option<Class> {
    match resource {
        Some(resource) => resource.class.clone().map(Some),
        None => Some(None),
    }
}

impl Stream {
    /// What a listener needs of its class.
    pub(super) fn class_needs<'a>(
        &self,
        resource: &Resource,
        context: &'a Context<'_>,
    ) -> impl Iterator<Item = &'a Key> + use<'a> {
        let class = resource.class.clone().filter(|class| {
            resource.key.kind == ResourceType::Listener && self.expects_scopes() && !self.serves(class)
        });
        class.into_iter().flat_map(|class| context.store.tables(class))
    }

    /// Whether the client asks for scopes already. It does so when it has the first listener that needs them; when it
    /// reconnects, it may ask for listeners first.
    fn expects_scopes(&self) -> bool {
        let scopes = &self.of(ResourceType::ScopedRoute).subscription;
        scopes.is_wildcard() || (!scopes.is_requested() && self.listener_classes().next().is_some())
    }

    fn serves(&self, class: &Arc<str>) -> bool {
        let mut slots = self.of(ResourceType::Listener).slots.values();
        slots.any(|slot| slot.known().is_some_and(|listener| listener.class.as_ref() == Some(class)))
    }

    /// The classes of all listeners that the client has or may have.
    fn listener_classes(&self) -> impl Iterator<Item = Class> {
        let state = self.of(ResourceType::Listener);
        let had = state.slots.values().filter_map(|slot| slot.have.as_ref()).map(|have| have.resource.as_deref());
        let doubt = state.slots.values().flat_map(|slot| &slot.doubt).map(|resource| Some(&**resource));
        let sent = state.in_flight.iter().flat_map(|response| &response.items);
        let sent = sent.filter_map(|item| item.resource.as_deref()).map(Some);
        had.chain(doubt).chain(sent).filter_map(class_of)
    }

    /// When a scope or a route configuration may be removed as far as listeners go. One of a class that is still
    /// served is gone for a reason of its own: that waits for none.
    pub(super) fn free_of_class(&self, slot: &Slot, context: &Context<'_>) -> Free {
        let version = slot.have.as_ref().map(|have| have.resource.as_deref());
        let version = version.or_else(|| slot.doubt.last().map(|resource| Some(&**resource)));
        let Some(class) = version.and_then(class_of) else { return Free::Now };
        if class.as_ref().is_some_and(|class| context.store.has_listener(class)) {
            return Free::Now;
        }
        if self.listener_classes().any(|used| used.is_none() || used == class) {
            return Free::InUse;
        }
        match self.classes.ended.get(&class).map(|ended| *ended + context.options.linger) {
            Some(at) if at > context.now => Free::At(at),
            _ => Free::Now,
        }
    }

    /// The client has let go of a version of a listener.
    pub(super) fn end_class(&mut self, resource: Option<&Resource>, context: &Context<'_>) {
        if let Some(class) = class_of(resource) {
            let linger = context.options.linger;
            self.classes.ended.retain(|_, ended| *ended + linger > context.now);
            self.classes.ended.insert(class, context.now);
            self.wake_class();
        }
    }

    /// Looks again at what waits for listeners.
    pub(super) fn wake_class(&mut self) {
        for key in std::mem::take(&mut self.classes.waiting) {
            self.touch(&key, None);
        }
    }
}

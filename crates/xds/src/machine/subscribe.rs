//! The subscription half of a request, applied to a stream.

use std::collections::HashMap;
use std::sync::Arc;

use super::slot::{Have, Slot};
use super::stream::Stream;
use super::subscription::Change;
use super::{Context, Interest};
use crate::resource::{Key, ResourceType};

type Versions = HashMap<Arc<str>, Arc<str>>;

impl Stream {
    /// Applies what a client wants of a type.
    pub(super) fn subscribe(&mut self, kind: ResourceType, interest: Interest, context: &mut Context<'_>) {
        self.warm |= kind == ResourceType::Listener;
        let subscription = &mut self.of_mut(kind).subscription;
        let (change, versions) = match interest {
            Interest::Delta { subscribe, unsubscribe, initial_versions } => {
                (subscription.apply_delta(subscribe, unsubscribe), initial_versions)
            }
            Interest::Names { names, has_version } => {
                let versions = if has_version { versions_unknown(kind, &names) } else { Versions::new() };
                (subscription.apply_names(names), versions)
            }
        };
        // Versions count in the first request for a type only: later the server knows better.
        let resumes = change.first && !versions.is_empty();
        if resumes {
            self.resume(kind, versions, context);
        }
        self.drop_names(kind, &change, context);
        self.add_names(kind, change, resumes, context);
    }

    /// The client says what it has from an earlier stream.
    fn resume(&mut self, kind: ResourceType, versions: Versions, context: &Context<'_>) {
        self.usage.resumed(context.now);
        for (name, version) in versions {
            let state = &mut self.types[kind.index()];
            if !state.subscription.includes(&name) {
                continue;
            }
            let have = Have { version, resource: None, settled: context.now };
            state.slots.entry(name).or_default().have = Some(have);
            state.had += 1;
            if !kind.is_looked_up() {
                self.usage.add_unknown();
            }
        }
    }

    fn drop_names(&mut self, kind: ResourceType, change: &Change, context: &Context<'_>) {
        let wildcard = self.of(kind).subscription.is_wildcard();
        for name in &change.dropped {
            let key = Key { kind, name: Arc::clone(name) };
            self.drop_slot(&key, context);
            if wildcard {
                // The client has dropped it, but wants everything: it gets it again, or its removal.
                self.want(&key, context);
            }
        }
        if change.wildcard_ended {
            let state = self.of(kind);
            let names = state.slots.keys().filter(|name| !state.subscription.is_named(name));
            for name in names.cloned().collect::<Vec<_>>() {
                self.drop_slot(&Key { kind, name }, context);
            }
        }
    }

    fn add_names(&mut self, kind: ResourceType, change: Change, resumes: bool, context: &Context<'_>) {
        if change.wildcard_began {
            self.of_mut(kind).owes_reply = change.first && !resumes;
            self.queue_all(kind, context);
        }
        for name in change.wanted {
            let key = Key { kind, name };
            let has = resumes && self.slot(&key).is_some_and(|slot| slot.have.is_some());
            if has && !(kind == ResourceType::Endpoints && self.warming.contains(&key.name)) {
                self.touch(&key, Some(context.store.revision()));
            } else {
                self.want(&key, context);
            }
        }
        if kind == ResourceType::Endpoints {
            self.warming.clear();
        }
    }

    /// Everything is subscribed to: queues what there is, and what the client has but no longer is.
    fn queue_all(&mut self, kind: ResourceType, context: &Context<'_>) {
        let mut names = context.store.names(kind);
        let slots = &mut self.of_mut(kind).slots;
        names.extend(
            slots.keys().filter(|name| !context.store.contains(&Key { kind, name: Arc::clone(name) })).cloned(),
        );
        for name in &names {
            slots.entry(Arc::clone(name)).or_default();
        }
        for name in names {
            self.touch(&Key { kind, name }, Some(context.store.revision()));
        }
    }

    /// Has a resource sent whether or not the client was sent it before.
    fn want(&mut self, key: &Key, context: &Context<'_>) {
        let slot: &mut Slot = self.of_mut(key.kind).slots.entry(Arc::clone(&key.name)).or_default();
        slot.force = true;
        self.touch(key, Some(context.store.revision()));
    }
}

/// State of the world: a client that reconnects says which routes and filters it asks for, not which versions it has.
/// It may have any, so whatever those refer to must stay for the time being. Of what others need it cannot
/// be assumed to have anything.
fn versions_unknown(kind: ResourceType, names: &[Arc<str>]) -> Versions {
    let names = names.iter().filter(|_| matches!(kind, ResourceType::Route | ResourceType::Extension));
    names.map(|name| (Arc::clone(name), Arc::default())).collect()
}

//! The resources served: the one state that all streams follow.

use std::collections::HashMap;
use std::sync::Arc;

use crate::resource::{Key, Resource, ResourceType, Revision, Update};

type Named = HashMap<Arc<str>, Arc<Resource>>;

/// All resources, by type and name.
#[derive(Debug, Default)]
pub(crate) struct Store {
    types: [Named; ResourceType::ALL.len()],
    revision: Revision,
}

impl Store {
    /// Applies an update; gives the keys that changed, each once, in the order of sending.
    pub(crate) fn apply(&mut self, update: Update) -> Vec<Key> {
        self.revision.0 += 1;
        let mut changed = Vec::with_capacity(update.set.len() + update.remove.len());
        for key in update.remove {
            if self.types[key.kind.index()].remove(&key.name).is_some() {
                changed.push(key);
            }
        }
        for resource in update.set {
            let named = &mut self.types[resource.key.kind.index()];
            if !named.get(&resource.key.name).is_some_and(|old| is_same(old, &resource)) {
                changed.push(resource.key.clone());
                named.insert(Arc::clone(&resource.key.name), Arc::new(resource));
            }
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The current revision; 0 before the first update.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether there was an update: nothing is served before, since an empty first response would make a
    /// client drop all it has.
    pub(crate) fn is_ready(&self) -> bool {
        self.revision.0 > 0
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Resource>> {
        self.named(key.kind).get(&key.name)
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.named(key.kind).contains_key(&key.name)
    }

    pub(crate) fn has_any(&self, kind: ResourceType) -> bool {
        !self.named(kind).is_empty()
    }

    /// The names of a type, sorted.
    pub(crate) fn names(&self, kind: ResourceType) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.named(kind).keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The scopes and route configurations of a class.
    pub(crate) fn tables(&self, class: Arc<str>) -> impl Iterator<Item = &Key> {
        let kinds = [ResourceType::ScopedRoute, ResourceType::Route];
        let tables = kinds.into_iter().flat_map(|kind| self.named(kind).values());
        tables.filter(move |table| table.class.as_ref() == Some(&class)).map(|table| &table.key)
    }

    /// Whether there is a listener of a class.
    pub(crate) fn has_listener(&self, class: &Arc<str>) -> bool {
        self.named(ResourceType::Listener).values().any(|listener| listener.class.as_ref() == Some(class))
    }

    fn named(&self, kind: ResourceType) -> &Named {
        &self.types[kind.index()]
    }
}

/// Whether nothing changes. The same content may come to need something else: a cluster that a route names
/// gets a secret.
fn is_same(old: &Resource, new: &Resource) -> bool {
    old.version == new.version && old.needs == new.needs && old.settle == new.settle && old.class == new.class
}

//! The objects of one file. Most files of a cluster are one object, so that a map for each would cost more than what it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Object, ObjectId};

/// Objects, ordered by what they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects(Box<[Arc<Object>]>);

impl Objects {
    pub(super) fn get(&self, id: &ObjectId) -> Option<&Arc<Object>> {
        let at = self.0.binary_search_by(|object| object.id.cmp(id)).ok()?;
        self.0.get(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.iter()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.0.iter().map(|object| &object.id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same with this one, in place of what was called so.
    pub(super) fn and(self, object: Object) -> Self {
        let mut objects: BTreeMap<_, _> = self.0.into_iter().map(|object| (object.id.clone(), object)).collect();
        objects.insert(object.id.clone(), Arc::new(object));
        objects.into()
    }
}

impl From<BTreeMap<ObjectId, Arc<Object>>> for Objects {
    fn from(objects: BTreeMap<ObjectId, Arc<Object>>) -> Self {
        Self(objects.into_values().collect())
    }
}

//! What the API server has of every status, as the watches tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nuncio_api::Kind;
use serde_json::Value;
use tokio::sync::Notify;

use super::condition::Seen;

/// The statuses of a cluster's objects, by the names that the objects have as files. Of each little more is kept than a digest.
#[derive(Debug, Default)]
pub(crate) struct Held {
    inner: Mutex<Inner>,
    pub(super) wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: BTreeMap<Arc<str>, Entry>,
    /// Those that are other than when they were last asked for.
    changed: BTreeSet<Arc<str>>,
}

/// The status of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The newest `metadata.generation`, taken in or not.
    pub(super) generation: i64,
    pub(super) seen: Seen,
}

impl Held {
    /// An object is there, with this status. Kinds that have none of ours are passed over.
    pub(crate) fn put(&self, file: &Arc<str>, kind: &str, generation: i64, status: &Value) {
        let Some(kind) = Kind::from_name(kind).filter(|kind| kind.is_ours()) else { return };
        let entry = Entry { generation, seen: Seen::read(kind, status) };
        let mut inner = self.lock();
        if inner.seen.insert(Arc::clone(file), entry) != Some(entry) {
            inner.changed.insert(Arc::clone(file));
            self.wake.notify_one();
        }
    }

    /// An object is gone.
    pub(crate) fn remove(&self, file: &str) {
        let mut inner = self.lock();
        inner.seen.remove(file);
        inner.changed.remove(file);
    }

    /// What is known of an object.
    pub(super) fn get(&self, file: &str) -> Option<Entry> {
        self.lock().seen.get(file).copied()
    }

    /// What a write made of a status. If the object is gone meanwhile, it stays so.
    pub(super) fn written(&self, file: &str, seen: Seen) {
        if let Some(entry) = self.lock().seen.get_mut(file) {
            entry.seen = seen;
        }
    }

    /// Objects whose status is another than when this was last asked.
    pub(super) fn take_changed(&self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.lock().changed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_is_no_news_when_it_comes_back() {
        let (held, file) = (Held::default(), Arc::from("getambassador.io/Mapping/shop/cart"));
        let status = json!({"state": "Running", "reason": ""});
        held.put(&file, "Mapping", 1, &Value::Null);
        assert_eq!(held.take_changed().len(), 1);
        held.written(&file, Seen::read(Kind::Mapping, &status));
        held.put(&file, "Mapping", 1, &status);
        assert_eq!(held.take_changed().len(), 0);
        held.put(&file, "Mapping", 1, &json!({"state": "Inactive"}));
        assert_eq!(held.take_changed().len(), 1, "somebody else wrote it");
        held.remove(&file);
        assert_eq!(held.get(&file), None);
    }

    #[test]
    fn kinds_of_kubernetes_are_passed_over() {
        let held = Held::default();
        held.put(&"core/Service/shop/cart".into(), "Service", 1, &Value::Null);
        held.put(&"networking.k8s.io/Ingress/shop/cart".into(), "Ingress", 1, &Value::Null);
        assert_eq!(held.take_changed().len(), 0);
    }
}

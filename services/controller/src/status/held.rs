//! What the API server has of every status, as the watches tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nuncio_api::{Kind, ObjectId};
use serde_json::Value;
use tokio::sync::Notify;

use super::condition::Seen;
use super::published::load_balancer_status;
use super::writer::id_of;
use crate::previews::usage::Used;

/// The statuses of a cluster's objects, by the names that the objects have as files. Of each little more is kept than a digest.
#[derive(Debug, Default)]
pub(crate) struct Held {
    inner: Mutex<Inner>,
    pub(super) wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: BTreeMap<Arc<str>, Entry>,
    /// Of policies: what is said of their rules.
    rules: BTreeMap<Arc<str>, Value>,
    /// Of previews: what is said of how they are used.
    traffic: BTreeMap<Arc<str>, Used>,
    /// Those that are other than when they were last asked for.
    changed: BTreeSet<Arc<str>>,
    /// What Ingresses are to say that are reached by a Service: of each Service that has addresses.
    balanced: BTreeMap<ObjectId, Value>,
}

/// The status of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The newest `metadata.generation`, taken in or not.
    pub(super) generation: i64,
    pub(super) seen: Seen,
}

impl Held {
    /// An object is there, with this status. Kinds whose statuses are neither written nor read are passed over.
    pub(crate) fn put(&self, file: &Arc<str>, generation: i64, status: &Value) {
        let Some(ObjectId { kind, .. }) = id_of(file) else { return };
        if kind == Kind::Service {
            return self.balance(file, load_balancer_status(status).as_ref());
        }
        if !kind.is_ours() && kind != Kind::Ingress {
            return;
        }
        let entry = Entry { generation, seen: Seen::read(kind, status) };
        let mut inner = self.lock();
        if let Some(rules) = status.get("rules").filter(|_| kind.is_filter_policy()) {
            inner.rules.insert(Arc::clone(file), rules.clone());
        }
        let used = status.get("traffic").filter(|_| kind == Kind::Preview).cloned();
        if let Some(used) = used.and_then(|used| serde_json::from_value(used).ok()) {
            inner.traffic.insert(Arc::clone(file), used);
        }
        if inner.seen.insert(Arc::clone(file), entry) != Some(entry) {
            inner.changed.insert(Arc::clone(file));
            self.wake.notify_one();
        }
    }

    /// An object is gone.
    pub(crate) fn remove(&self, file: &str) {
        let mut inner = self.lock();
        inner.seen.remove(file);
        inner.rules.remove(file);
        inner.traffic.remove(file);
        inner.changed.remove(file);
        drop(inner);
        self.balance(file, None);
    }

    /// A Service has these addresses.
    fn balance(&self, file: &str, status: Option<&Value>) {
        let Some(id) = id_of(file).filter(|id| id.kind == Kind::Service) else { return };
        let mut inner = self.lock();
        let before = match status {
            Some(status) => inner.balanced.insert(id, status.clone()),
            None => inner.balanced.remove(&id),
        };
        if before.as_ref() != status {
            inner.changed.insert(file.into());
            self.wake.notify_one();
        }
    }

    /// What Ingresses are to say, by the Service that they are reached by.
    pub(super) fn balanced(&self) -> BTreeMap<ObjectId, Value> {
        self.lock().balanced.clone()
    }

    /// What is known of an object.
    pub(super) fn get(&self, file: &str) -> Option<Entry> {
        self.lock().seen.get(file).copied()
    }

    /// What is said of the rules of a policy.
    pub(super) fn rules(&self, file: &str) -> Option<Value> {
        self.lock().rules.get(file).cloned()
    }

    /// What is said of how a preview is used.
    pub(super) fn traffic(&self, file: &str) -> Option<Used> {
        self.lock().traffic.get(file).cloned()
    }

    /// What a write made of a status that it found as it was `before`. Whatever the watch has told meanwhile goes before: it is
    /// newer than the write, or the write is still to be told of. If the object is gone, it stays so.
    pub(super) fn written(&self, file: &str, before: Seen, seen: Seen) {
        if let Some(entry) = self.lock().seen.get_mut(file).filter(|entry| entry.seen == before) {
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
        held.put(&file, 1, &Value::Null);
        assert_eq!(held.take_changed().len(), 1);
        let before = held.get(&file).unwrap().seen;
        held.written(&file, before, Seen::read(Kind::Mapping, &status));
        held.put(&file, 1, &status);
        assert_eq!(held.take_changed().len(), 0);
        held.put(&file, 1, &json!({"state": "Inactive"}));
        assert_eq!(held.take_changed().len(), 1, "somebody else wrote it");
        held.remove(&file);
        assert_eq!(held.get(&file), None);
    }

    #[test]
    fn the_answer_to_a_write_does_not_hide_what_the_watch_told_since() {
        let (held, file) = (Held::default(), Arc::from("getambassador.io/Mapping/shop/cart"));
        let seen = |state: &str| Seen::read(Kind::Mapping, &json!({ "state": state }));
        held.put(&file, 1, &Value::Null);
        let before = held.get(&file).unwrap().seen;
        held.put(&file, 1, &json!({"state": "theirs"}));
        held.written(&file, before, seen("ours"));
        assert_eq!(held.get(&file).unwrap().seen, seen("theirs"));
    }

    #[test]
    fn of_other_kinds_only_addresses_matter() {
        let held = Held::default();
        let (service, slice) = ("core/Service/shop/cart".into(), "discovery.k8s.io/EndpointSlice/shop/cart".into());
        held.put(&slice, 1, &Value::Null);
        held.put(&service, 0, &json!({"loadBalancer": {}}));
        assert_eq!(held.take_changed().len(), 0);
        let status = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}});
        for news in [1, 0] {
            held.put(&service, 0, &status);
            assert_eq!(held.take_changed().len(), news);
        }
        let id = ObjectId::new(Kind::Service, "shop", "cart");
        assert_eq!(held.balanced(), BTreeMap::from([(id, status)]));
        held.remove(&service);
        assert_eq!((held.take_changed().len(), held.balanced().len()), (1, 0));
    }
}

//! What the resources that a client has, or may have, refer to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::resource::{Key, Resource};

/// References of one client's listeners, scopes and routes to clusters, endpoints and secrets.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    uses: HashMap<Key, Use>,
    /// How many resources the client has in a version whose references are not known: it had them from an
    /// earlier connection.
    unknown: usize,
    /// When the last of those was replaced; before that, when the client named them.
    unknown_since: Option<Instant>,
    /// What is to be removed when no unknown version is left.
    waiting: Vec<Key>,
}

#[derive(Debug)]
struct Use {
    count: usize,
    /// When the count fell to zero.
    ended: Option<Instant>,
}

/// Whether something may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Free {
    /// At once.
    Now,
    /// At this time.
    At(Instant),
    /// When its last user is gone.
    InUse,
}

impl Usage {
    /// The client may have this version from now on.
    pub(crate) fn add(&mut self, resource: &Resource) {
        for need in &resource.needs {
            let entry = self.uses.entry(need.clone()).or_insert(Use { count: 0, ended: None });
            entry.count += 1;
            entry.ended = None;
        }
    }

    /// The client no longer has this version. Gives what it was the last to refer to.
    pub(crate) fn remove(&mut self, resource: &Arc<Resource>, now: Instant) -> Vec<Key> {
        let mut freed = Vec::new();
        for need in &resource.needs {
            let Some(entry) = self.uses.get_mut(need) else { continue };
            entry.count = entry.count.saturating_sub(1);
            if entry.count == 0 {
                entry.ended = Some(now);
                freed.push(need.clone());
            }
        }
        freed
    }

    /// Forgets when this was used last.
    pub(crate) fn forget(&mut self, key: &Key) {
        if self.uses.get(key).is_some_and(|entry| entry.count == 0) {
            self.uses.remove(key);
        }
    }

    /// The client named what it has from an earlier connection.
    pub(crate) fn resumed(&mut self, now: Instant) {
        self.unknown_since = Some(now);
    }

    pub(crate) fn add_unknown(&mut self) {
        self.unknown += 1;
    }

    /// One unknown version is gone, or turned out to be known. Gives what waited for the last of them.
    pub(crate) fn remove_unknown(&mut self, now: Instant) -> Vec<Key> {
        self.unknown = self.unknown.saturating_sub(1);
        self.unknown_since = Some(now);
        if self.unknown == 0 { std::mem::take(&mut self.waiting) } else { Vec::new() }
    }

    /// Has `key` given by [`Self::remove_unknown`] when it returns a list.
    pub(crate) fn wait(&mut self, key: Key) {
        if self.unknown > 0 && !self.waiting.contains(&key) {
            self.waiting.push(key);
        }
    }

    /// When this may be removed, `linger` after its last use.
    pub(crate) fn free(&self, key: &Key, linger: Duration, now: Instant) -> Free {
        let entry = self.uses.get(key);
        if self.unknown > 0 || entry.is_some_and(|entry| entry.count > 0) {
            return Free::InUse;
        }
        let last = entry.and_then(|entry| entry.ended).max(self.unknown_since);
        match last.map(|last| last + linger) {
            Some(at) if at > now => Free::At(at),
            _ => Free::Now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ResourceType;

    fn route(needs: &[&Key]) -> Arc<Resource> {
        Arc::new(Resource {
            key: Key::new(ResourceType::Route, "r"),
            version: "1".into(),
            body: Vec::new().into(),
            needs: needs.iter().map(|&key| key.clone()).collect(),
            settle: Duration::ZERO,
            class: None,
        })
    }

    #[test]
    fn a_cluster_is_free_a_while_after_its_last_use() {
        let (mut usage, start, linger) = (Usage::default(), Instant::now(), Duration::from_secs(10));
        let cluster = Key::new(ResourceType::Cluster, "c");
        assert_eq!(usage.free(&cluster, linger, start), Free::Now, "it was never used");
        usage.add(&route(&[&cluster]));
        usage.add(&route(&[&cluster]));
        assert_eq!(usage.remove(&route(&[&cluster]), start), []);
        assert_eq!(usage.free(&cluster, linger, start), Free::InUse);
        assert_eq!(usage.remove(&route(&[&cluster]), start), std::slice::from_ref(&cluster));
        assert_eq!(usage.free(&cluster, linger, start), Free::At(start + linger));
        assert_eq!(usage.free(&cluster, linger, start + linger), Free::Now);
    }

    #[test]
    fn unknown_versions_may_use_anything() {
        let (mut usage, start, linger) = (Usage::default(), Instant::now(), Duration::from_secs(10));
        let cluster = Key::new(ResourceType::Cluster, "c");
        usage.resumed(start);
        assert_eq!(usage.free(&cluster, linger, start), Free::At(start + linger), "its routes are yet to be named");
        usage.add_unknown();
        assert_eq!(usage.free(&cluster, linger, start + linger), Free::InUse);
        usage.wait(cluster.clone());
        assert_eq!(usage.remove_unknown(start + linger), std::slice::from_ref(&cluster));
        assert_eq!(usage.free(&cluster, linger, start + linger), Free::At(start + 2 * linger));
    }
}

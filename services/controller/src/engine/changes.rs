//! How objects changed, for those who changed them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Problem, Spec};
use nuncio_xds::Revision;

use super::Engine;
use crate::event::{ChangeKind, Event, Subject};

/// An object as it was before a change.
#[derive(Debug)]
pub(super) struct Before {
    object: Option<Arc<Object>>,
    /// It was one of this instance.
    own: bool,
}

/// What changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Objects that take part in what is served, or did.
    pub(super) effective: Vec<(ObjectId, ChangeKind)>,
    /// Objects that do not: for other instances, or for no Host.
    idle: Vec<(ObjectId, ChangeKind)>,
}

impl Changes {
    /// Whether all is as it was.
    fn is_empty(&self) -> bool {
        self.effective.is_empty() && self.idle.is_empty()
    }

    /// Whether what is told of the changes says that nothing is wrong any more with this: with an object that changed, or with a
    /// file, whose objects did.
    pub(super) fn say_mended(&self, subject: &Subject) -> bool {
        let mut changed = self.effective.iter().chain(&self.idle);
        match subject {
            Subject::Object(id) => changed.any(|(changed, _)| changed == id),
            Subject::File(_) | Subject::Redis => !self.is_empty(),
        }
    }

    /// What is to be told of changes that this revision, if any, holds.
    pub(super) fn events(mut self, revision: Option<Revision>) -> impl Iterator<Item = Event> {
        if revision.is_none() {
            // Pods come and go all the time in a cluster, most of them behind Services that nobody here names.
            self.effective.retain(|(id, _)| !matches!(id.kind, Kind::Service | Kind::EndpointSlice));
            self.idle.append(&mut self.effective);
        }
        let event = |objects: Vec<_>, revision| (!objects.is_empty()).then_some(Event::Changed { objects, revision });
        [event(self.effective, revision.map(|revision| revision.0)), event(self.idle, None)].into_iter().flatten()
    }
}

impl Engine {
    pub(super) fn before(&self, id: &ObjectId) -> Before {
        let own = self.world.object(id);
        Before { object: own.or_else(|| self.foreign.get(id)).cloned(), own: own.is_some() }
    }

    /// Remembers those of the given objects that the world passed over.
    pub(super) fn know_foreign(&mut self, given: Vec<(ObjectId, Option<Arc<Object>>)>) {
        for (id, object) in given {
            match object.filter(|_| self.world.object(&id).is_none()) {
                Some(object) => drop(self.foreign.insert(id, object)),
                None => drop(self.foreign.remove(&id)),
            }
        }
    }

    /// Objects that were this instance's and are another's.
    pub(super) fn given_away(&self, before: &BTreeMap<ObjectId, Before>) -> Vec<ObjectId> {
        let is_given_away = |(id, before): &(&ObjectId, &Before)| before.own && self.foreign.contains_key(*id);
        before.iter().filter(is_given_away).map(|(id, _)| id.clone()).collect()
    }

    /// An object of another instance.
    pub(crate) fn foreign(&self, id: &ObjectId) -> Option<&Object> {
        self.foreign.get(id).map(|object| &**object)
    }

    /// Whether an object is another than before, or something else is wrong with it, which others may repeat.
    pub(super) fn differs(&self, id: &ObjectId, before: &Before) -> bool {
        let now = self.world.object(id).or_else(|| self.foreign.get(id));
        match (&before.object, now) {
            (Some(old), Some(new)) => !(Arc::ptr_eq(old, new) || is_same(old, new) && problems(old).eq(problems(new))),
            (old, new) => old.is_some() || new.is_some(),
        }
    }

    /// How objects changed. What came and is not valid is not told here but as a problem.
    pub(super) fn changes(&self, before: BTreeMap<ObjectId, Before>) -> Changes {
        let mut changes = Changes::default();
        for (id, Before { object: old, own: was_own }) in before {
            let own = self.world.object(&id);
            let new = own.or_else(|| self.foreign.get(&id));
            let kind = match (&old, new) {
                (None, Some(_)) => ChangeKind::Added,
                (Some(old), Some(new)) if !is_same(old, new) => ChangeKind::Changed,
                (Some(_), None) => ChangeKind::Removed,
                _ => continue,
            };
            if new.is_some_and(|new| matches!(new.spec, Spec::Invalid(_))) {
                continue;
            }
            let is_idle = !was_own && own.is_none_or(|own| self.serves_nobody(own));
            if is_idle { &mut changes.idle } else { &mut changes.effective }.push((id, kind));
        }
        changes
    }

    /// Whether no Host takes the object, or it is not for this gateway. It is not asked of each when they all come at once at the start.
    fn serves_nobody(&self, object: &Object) -> bool {
        let is_idle = || match &object.spec {
            Spec::Mapping(_) => {
                self.world.problems(&object.id).iter().any(|problem| problem.reason == "NoMatchingHost")
            }
            // Most Ingresses of a cluster may be another controller's.
            Spec::Ingress(_) => self.world.resources_of(&object.id).tables.is_empty(),
            _ => false,
        };
        self.loaded && is_idle()
    }
}

fn is_same(a: &Object, b: &Object) -> bool {
    a.spec == b.spec && a.labels == b.labels && a.ambassador_id == b.ambassador_id
}

/// What is wrong with an object's text, wherever it stands.
fn problems(object: &Object) -> impl Iterator<Item = &Problem> {
    object.problems.iter().map(|(problem, _)| problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_object_mended_is_not_said_by_its_change() {
        let id = |name: &str| ObjectId::new(Kind::Host, "default", name);
        let subject = |name: &str| Subject::Object(id(name));
        let changes = Changes {
            effective: vec![(id("changed"), ChangeKind::Changed)],
            idle: vec![(id("idle"), ChangeKind::Added)],
        };
        let said: Vec<_> = ["changed", "idle", "other"].iter().map(|name| changes.say_mended(&subject(name))).collect();
        assert_eq!(said, [true, true, false]);
        let file = Subject::File("a.yaml".into());
        assert!(changes.say_mended(&file) && !Changes::default().say_mended(&file));
        assert!(!Changes::default().say_mended(&subject("changed")));
    }
}

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

/// An object that changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: ObjectId,
    kind: ChangeKind,
    /// Where it stood, and stands.
    files: [Option<Arc<str>>; 2],
}

/// What changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Objects that take part in what is served, or did.
    pub(super) effective: Vec<Change>,
    /// Objects that do not: for other instances, or for no Host.
    idle: Vec<Change>,
}

impl Changes {
    /// Leaves out what nobody is told of where no revision holds the changes.
    pub(super) fn keep_told(&mut self, revision: Option<Revision>) {
        if revision.is_none() {
            // Pods come and go all the time in a cluster, most of them behind Services that nobody here names.
            self.effective.retain(|change| !matches!(change.id.kind, Kind::Service | Kind::EndpointSlice));
            self.idle.append(&mut self.effective);
        }
    }

    /// Whether what is told of the changes says that nothing is wrong any more with this: with an object that changed, or with a
    /// file, of which an object did.
    pub(super) fn say_mended(&self, subject: &Subject) -> bool {
        let mut told = self.effective.iter().chain(&self.idle);
        match subject {
            Subject::Object(id) => told.any(|change| change.id == *id),
            Subject::File(file) => told.any(|change| change.files.iter().flatten().any(|of| of == file)),
            Subject::Redis => false,
        }
    }

    /// What is to be told of changes that this revision, if any, holds.
    pub(super) fn events(self, revision: Option<Revision>) -> impl Iterator<Item = Event> {
        let event = |changes: Vec<Change>, revision| {
            let objects: Vec<_> = changes.into_iter().map(|change| (change.id, change.kind)).collect();
            (!objects.is_empty()).then_some(Event::Changed { objects, revision })
        };
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
            let files = [old.as_ref(), new].map(|object| object.map(|object| Arc::clone(&object.location.file)));
            if is_idle { &mut changes.idle } else { &mut changes.effective }.push(Change { id, kind, files });
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
    use std::time::Instant;

    use super::*;
    use crate::engine::fixture;
    use crate::source::{Content, FileChange};

    fn change(kind: Kind, name: &str) -> Change {
        let files = [None, Some(format!("{name}.yaml").into())];
        Change { id: ObjectId::new(kind, "default", name), kind: ChangeKind::Changed, files }
    }

    #[test]
    fn what_another_object_mended_is_not_said_by_its_change() {
        let changes =
            Changes { effective: vec![change(Kind::Host, "changed")], idle: vec![change(Kind::Host, "idle")] };
        for (name, is_said) in [("changed", true), ("idle", true), ("other", false)] {
            let object = Subject::Object(ObjectId::new(Kind::Host, "default", name));
            let file = Subject::File(format!("{name}.yaml").into());
            for subject in [object, file] {
                assert_eq!(changes.say_mended(&subject), is_said, "{subject}");
                assert!(!Changes::default().say_mended(&subject), "{subject}");
            }
        }
    }

    #[test]
    fn what_is_not_told_says_of_nothing_that_it_is_mended() {
        let mended = |revision, kind| {
            let mut changes = Changes { effective: vec![change(kind, "a")], ..Changes::default() };
            let object = Subject::Object(ObjectId::new(kind, "default", "a"));
            changes.keep_told(revision);
            let said = [object, Subject::File("a.yaml".into())].map(|subject| changes.say_mended(&subject));
            (said, changes.events(revision).count())
        };
        for kind in [Kind::Service, Kind::EndpointSlice] {
            assert_eq!(mended(None, kind), ([false; 2], 0), "{kind}: nobody names it");
            assert_eq!(mended(Some(Revision(2)), kind), ([true; 2], 1), "{kind}");
        }
        assert_eq!(mended(None, Kind::Mapping), ([true; 2], 1));
    }

    #[test]
    fn a_file_is_told_to_be_mended_beside_another_that_changed() {
        let mut engine = fixture::engine();
        let file = |name: &str, path: &str, more: &str| {
            let text = format!(
                "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\n\
                 spec: {{hostname: a.example, prefix: {path}, service: s}}\n{more}"
            );
            FileChange { file: format!("{name}.yaml").into(), content: Content::Bytes(text.into()) }
        };
        let mut mended = |changes: Vec<FileChange>| -> Vec<Subject> {
            let is_mended = |event| if let Event::Mended(subject) = event { Some(subject) } else { None };
            engine.ingest(changes, Instant::now()).into_iter().filter_map(is_mended).collect()
        };
        let (broken, nothing) = ("---\n[\n", [] as [Subject; 0]);
        assert_eq!(mended(vec![file("a", "/a/", ""), file("b", "/b/", "")]), nothing);
        assert_eq!(mended(vec![file("a", "/a/", broken)]), nothing);
        let beside = vec![file("a", "/a/", ""), file("b", "/c/", "")];
        assert_eq!(mended(beside), [Subject::File("a.yaml".into())], "what is told of b says nothing of it");
        assert_eq!(mended(vec![file("a", "/a/", broken)]), nothing);
        assert_eq!(mended(vec![file("a", "/d/", "")]), nothing, "its own change says so");
    }
}

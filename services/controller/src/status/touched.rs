//! Which objects may have another status than before: written by the engine, read by the writer of statuses.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use tokio::sync::Notify;

/// Objects by name beyond which all are looked at. Nobody may be listening, so this bounds what is kept.
const MOST: usize = 4096;

/// What was touched since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(super) what: What,
    pub(super) wake: Arc<Notify>,
}

/// The objects that may have another status.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct What {
    pub(super) ids: BTreeSet<ObjectId>,
    /// Objects that are another instance's from now on.
    pub(super) given_away: BTreeSet<ObjectId>,
    /// Any object, since something changed that many hang on.
    pub(super) everything: bool,
    /// Any object, but there is no hurry: something changed that others may have a part in.
    pub(super) neighbours: bool,
    /// Envoys have acknowledged or refused something, or came or went.
    pub(super) delivery: bool,
}

impl Touched {
    /// These changed, or something is wrong with them that was not before, or the other way round.
    pub(crate) fn objects<'a>(&mut self, ids: impl IntoIterator<Item = &'a ObjectId>) {
        for id in ids {
            // Whoever has a part in these is named with them. Pods come and go all the time, and most concern nobody.
            self.what.neighbours |= !matches!(id.kind, Kind::Service | Kind::EndpointSlice);
            self.what.ids.insert(id.clone());
        }
        if self.what.ids.len() > MOST {
            return self.everything();
        }
        self.wake.notify_one();
    }

    /// More is known of these, which is nobody's business but theirs.
    pub(crate) fn alone(&mut self, ids: Vec<ObjectId>) {
        if self.what.ids.len() + ids.len() > MOST {
            return self.everything();
        }
        if !ids.is_empty() {
            self.what.ids.extend(ids);
            self.wake.notify_one();
        }
    }

    /// These are another instance's from now on.
    pub(crate) fn given_away(&mut self, ids: impl IntoIterator<Item = ObjectId>) {
        let room = MOST.saturating_sub(self.what.given_away.len());
        self.what.given_away.extend(ids.into_iter().take(room));
        self.wake.notify_one();
    }

    /// Something changed that many hang on.
    pub(crate) fn everything(&mut self) {
        self.what.ids.clear();
        self.what.everything = true;
        self.wake.notify_one();
    }

    /// An Envoy was heard.
    pub(crate) fn delivery(&mut self) {
        self.what.delivery = true;
        self.wake.notify_one();
    }

    pub(super) fn take(&mut self) -> What {
        std::mem::take(&mut self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_nobodys_neighbours() {
        let mut touched = Touched::default();
        touched.objects(&[ObjectId::new(Kind::EndpointSlice, "shop", "a"), ObjectId::new(Kind::Service, "shop", "a")]);
        assert!(!touched.take().neighbours);
        touched.alone(vec![ObjectId::new(Kind::Preview, "shop", "a")]);
        let what = touched.take();
        assert!(!what.neighbours && what.ids.len() == 1);
        touched.objects(&[ObjectId::new(Kind::Mapping, "shop", "a")]);
        assert!(touched.take().neighbours);
    }

    #[test]
    fn many_objects_are_all_of_them() {
        let mut touched = Touched::default();
        let id = |n: usize| ObjectId::new(Kind::Mapping, "shop", n.to_string());
        touched.objects(&[id(1)]);
        assert_eq!(touched.take().ids, BTreeSet::from([id(1)]));
        touched.objects((0..=MOST).map(id).collect::<Vec<_>>().iter());
        let what = touched.take();
        assert!(what.everything && what.ids.is_empty());
        assert_eq!(touched.take(), What::default());
    }
}

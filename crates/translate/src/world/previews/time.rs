//! The time, and what it does to previews.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{Kind, Object, ObjectId};

use super::Previews;
use crate::preview::{Compiled, Entrance, Phase, REMEMBERED};
use crate::world::World;

/// When things began, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Time {
    now: u64,
    /// When a Preview of which nobody says when it was created was last seen to change.
    seen: BTreeMap<ObjectId, u64>,
    /// Previews that went, whose hosts still say so.
    gone: BTreeMap<ObjectId, Gone>,
    /// Those for which it is time.
    pub(super) due: BTreeSet<ObjectId>,
}

/// A Preview that went.
#[derive(Debug)]
struct Gone {
    entrances: Vec<Entrance>,
    until: u64,
}

impl Time {
    /// When a Preview began, and what the time is.
    pub(super) fn of(&mut self, object: &Object) -> (u64, u64) {
        self.gone.remove(&object.id);
        let seen = *self.seen.entry(object.id.clone()).or_insert(self.now);
        (object.created.unwrap_or(seen), self.now)
    }

    /// The hosts of a Preview that went.
    pub(super) fn entrances_of_gone(&self, id: &ObjectId) -> &[Entrance] {
        self.gone.get(id).filter(|gone| self.now < gone.until).map_or(&[], |gone| &gone.entrances)
    }

    pub(super) fn forget_gone(&mut self) {
        self.gone.clear();
    }
}

impl Previews {
    /// Has the hosts of a Preview that went say so for a while: of as many in a namespace as there may be Previews.
    pub(super) fn remember(&mut self, id: &ObjectId, old: Option<Compiled>, most: usize) {
        self.time.seen.remove(id);
        let now = self.time.now;
        self.time.gone.retain(|_, gone| now < gone.until);
        let there = self.time.gone.keys().filter(|other| other.namespace == id.namespace).count();
        if let Some(old) = old.filter(|old| old.phase != Phase::Forgotten && there < most) {
            let until = old.life.expires.unwrap_or(now).min(now).saturating_add(REMEMBERED);
            self.time.gone.insert(id.clone(), Gone { entrances: old.entrances, until });
        }
    }
}

impl World {
    /// Tells the time, in seconds since 1970. Gives whether something is to change by it: [`World::apply`] does that, also
    /// where nothing else changes.
    pub fn set_time(&mut self, now: u64) -> bool {
        let previews = &mut self.previews;
        let before = std::mem::replace(&mut previews.time.now, now);
        let turned = previews.compiled.iter().filter(|(_, it)| it.life.phase(before) != it.life.phase(now));
        let over = previews.time.gone.iter().filter(|(_, gone)| gone.until <= now);
        let due: Vec<_> = turned.map(|(id, _)| id).chain(over.map(|(id, _)| id)).cloned().collect();
        previews.time.due.extend(due);
        !previews.time.due.is_empty()
    }

    /// A Preview says something else, so that its time counts anew where nobody says when it was created.
    pub(in crate::world) fn note_changed_preview(&mut self, id: &ObjectId) {
        if id.kind == Kind::Preview {
            self.previews.time.seen.remove(id);
        }
    }
}

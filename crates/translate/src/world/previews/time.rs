//! The time, and what it does to previews.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId};

use super::Previews;
use crate::preview::{self, Begun, Compiled, Entrance, Phase, REMEMBERED};
use crate::world::World;

/// When things began, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Time {
    now: u64,
    /// When a Preview was last seen to change: of some nobody says when they were created or changed.
    seen: BTreeMap<ObjectId, u64>,
    /// When somebody last asked for one, as far as it was noticed here.
    asked: BTreeMap<ObjectId, u64>,
    /// When the object was seen to say when somebody last asked for it.
    told: BTreeMap<ObjectId, u64>,
    /// It is noticed here.
    counts: bool,
    /// Previews that went, whose hosts still say so.
    gone: BTreeMap<ObjectId, Gone>,
    /// Of each, the services for which nobody stands in, and since when.
    missing: BTreeMap<ObjectId, BTreeMap<Service, u64>>,
    /// Those for which it is time.
    pub(super) due: BTreeSet<ObjectId>,
}

/// The times of a Preview, in seconds since 1970, as far as it has any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreviewTimes {
    /// When it ends.
    pub ends: Option<u64>,
    /// The same, however many ask for it.
    pub fixed: Option<u64>,
    /// When it ends at the latest by the policy, whatever it says.
    pub latest: Option<u64>,
    /// Whether its time is over.
    pub has_ended: bool,
    /// And nothing is said of that any more either.
    pub is_forgotten: bool,
}

/// A Preview that went, and the hosts that say so until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GonePreview {
    /// What it was.
    pub id: ObjectId,
    /// Its hosts, each with the one whose routes it had.
    pub hosts: Vec<(Arc<str>, Arc<str>)>,
    /// In seconds since 1970.
    pub until: u64,
    /// Its time was over before it went.
    pub expired: bool,
}

/// A service, by the Preview that says that it is replaced.
type Service = (ObjectId, String);

/// A Preview that went.
#[derive(Debug)]
struct Gone {
    entrances: Vec<Entrance>,
    until: u64,
    expired: bool,
}

impl Time {
    /// What the time is.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// When the life of a Preview began. Nothing of that is later than when it was seen to say so: with a time to come it
    /// would be shown for longer than the policy lets it be.
    pub(super) fn begun(&self, object: &Object) -> Begun {
        let seen = self.seen.get(&object.id).copied().unwrap_or(self.now);
        let told = self.told.get(&object.id).copied().unwrap_or(seen);
        let by_then = |time: Option<u64>| time.map(|time| time.min(seen));
        let changed = by_then(object.changed()).unwrap_or(seen);
        let noticed = self.counts.then(|| self.asked.get(&object.id).copied().max(Some(seen))).flatten();
        let asked = noticed.max(object.asked().map(|asked| asked.min(told)));
        let created = by_then(object.created).unwrap_or(changed);
        Begun { created, changed, asked, ended: object.ended() }
    }

    /// Notes for which services nobody stands in, and has them know since when.
    pub(super) fn note_missing(&mut self, compiled: &mut Compiled) {
        let old = self.missing.remove(&compiled.id).unwrap_or_default();
        let mut new = BTreeMap::new();
        for replacement in compiled.replacements.iter_mut().filter(|it| it.missing.is_some()) {
            let service = (replacement.owner.clone(), replacement.backend.baseline.to_string());
            let since = old.get(&service).copied().unwrap_or(self.now);
            // Before anybody has told the time it is not known.
            replacement.since = Some(since).filter(|since| *since > 0);
            new.insert(service, since);
        }
        if !new.is_empty() {
            self.missing.insert(compiled.id.clone(), new);
        }
    }

    /// A Preview that went is there again.
    pub(super) fn is_back(&mut self, id: &ObjectId) {
        self.gone.remove(id);
    }

    /// The hosts of a Preview that went, and whether somebody deleted it before its time was over.
    pub(super) fn entrances_of_gone(&self, id: &ObjectId) -> (&[Entrance], bool) {
        let gone = self.gone.get(id).filter(|gone| self.now < gone.until);
        gone.map_or((&[][..], false), |gone| (&gone.entrances[..], !gone.expired))
    }

    pub(super) fn forget_gone(&mut self) {
        self.gone.clear();
    }
}

impl Previews {
    /// Has the hosts of a Preview that went say so for a while: of as many in a namespace as there may be Previews, those that
    /// went last.
    pub(super) fn remember(&mut self, id: &ObjectId, old: Option<Compiled>, most: usize) {
        let now = self.time.now;
        if let Some(old) = old.filter(|old| old.phase != Phase::Forgotten) {
            let until = old.life.expires.unwrap_or(now).min(now).saturating_add(REMEMBERED);
            let expired = old.phase == Phase::Ended && !old.life.is_deleted;
            self.bury(id, Gone { entrances: old.entrances, until, expired }, most);
        }
    }

    fn bury(&mut self, id: &ObjectId, gone: Gone, most: usize) {
        let now = self.time.now;
        self.time.gone.retain(|_, gone| now < gone.until);
        if now >= gone.until {
            return;
        }
        self.turns.put(id, Some(gone.until));
        self.time.gone.insert(id.clone(), gone);
        let of_namespace = self.time.gone.iter().filter(|(other, _)| other.namespace == id.namespace);
        let mut of_namespace: Vec<_> = of_namespace.map(|(other, gone)| (gone.until, other.clone())).collect();
        of_namespace.sort_unstable();
        let beyond = of_namespace.len().saturating_sub(most);
        for (_, first) in of_namespace.drain(..beyond) {
            self.time.gone.remove(&first);
            self.turns.put(&first, None);
            self.time.due.insert(first);
        }
    }
}

impl World {
    /// Tells the time, in seconds since 1970. Gives whether something is to change by it: [`World::apply`] does that, also
    /// where nothing else changes.
    pub fn set_time(&mut self, now: u64) -> bool {
        let previews = &mut self.previews;
        let before = std::mem::replace(&mut previews.time.now, now);
        while let Some(id) = previews.turns.take(now) {
            previews.time.due.insert(id);
        }
        if now < before {
            // Somebody has put the clock back.
            let turned = previews.compiled.iter().filter(|(_, it)| it.life.phase(before) != it.life.phase(now));
            previews.time.due.extend(turned.map(|(id, _)| id.clone()));
        }
        !previews.time.due.is_empty()
    }

    /// The times of a Preview as this object says them, whether it is the one that is served or not.
    #[must_use]
    pub fn preview_times(&self, object: &Object) -> PreviewTimes {
        let life = self.previews.policy().and_then(|policy| self.life_of(policy, object));
        life.map_or_else(PreviewTimes::default, |life| {
            let phase = life.phase(self.previews.time.now);
            let (has_ended, is_forgotten) = (phase.is_over(), phase == Phase::Forgotten);
            PreviewTimes { ends: life.expires, fixed: life.fixed, latest: life.longest, has_ended, is_forgotten }
        })
    }

    /// Previews that went, whose hosts say so still: for who keeps that beyond the end of this process.
    #[must_use]
    pub fn gone_previews(&self) -> Vec<GonePreview> {
        let Time { now, gone, .. } = &self.previews.time;
        let host = |it: &Entrance| (Arc::clone(&it.name), Arc::clone(&it.baseline));
        let told = gone.iter().filter(|(_, gone)| *now < gone.until).map(|(id, gone)| GonePreview {
            id: id.clone(),
            hosts: gone.entrances.iter().map(host).collect(),
            until: gone.until,
            expired: gone.expired,
        });
        told.collect()
    }

    /// What somebody has kept of Previews that went: but for those that are there again, their hosts say so from the next change
    /// or turn on. Nothing where no policy is in force.
    pub fn recall_gone_previews(&mut self, all: Vec<GonePreview>) {
        let Some(policy) = self.previews.policy().cloned() else { return };
        let latest = self.previews.time.now.saturating_add(REMEMBERED);
        for GonePreview { id, hosts, until, expired } in all {
            if self.objects.contains_key(&id) || self.previews.time.gone.contains_key(&id) || until > latest {
                continue;
            }
            let own = hosts.into_iter().filter(|(name, _)| preview::is_below(&policy.domain, name)).enumerate();
            let entrances = own.map(|(index, (name, baseline))| {
                let origin = policy.origin(&name).into();
                Entrance { index, name, origin, baseline }
            });
            let gone = Gone { entrances: entrances.collect(), until, expired };
            self.previews.bury(&id, gone, policy.max_previews());
            self.previews.time.due.insert(id);
        }
    }

    /// From here on it is noticed who asks for Previews. Where it never is, none ends because nobody does.
    pub fn count_previews(&mut self) {
        if !std::mem::replace(&mut self.previews.time.counts, true) {
            let all: Vec<_> = self.ids_of(Kind::Preview).cloned().collect();
            self.previews.time.due.extend(all);
        }
    }

    /// Somebody has asked for a Preview by now. Where that is to change something, [`World::set_time`] tells.
    pub fn note_preview_asked(&mut self, id: &ObjectId) {
        let now = self.previews.time.now;
        self.previews.time.asked.insert(id.clone(), now);
        let life = self.previews.policy().and_then(|policy| self.life_by(policy, id));
        let (Some(life), Some(compiled)) = (life, self.previews.compiled.get_mut(id)) else { return };
        compiled.life = life;
        let is_due = life.phase(now) != compiled.phase;
        self.previews.turns.put(id, life.next_turn(now));
        self.previews.time.due.extend(is_due.then(|| id.clone()));
    }

    /// A Preview says something else, so that its time counts anew where nobody says when it was created.
    pub(in crate::world) fn note_changed_preview(&mut self, id: &ObjectId, is_there: bool) {
        let Time { now, seen, asked, told, missing, .. } = &mut self.previews.time;
        match (id.kind, is_there) {
            (Kind::Preview, true) => {
                seen.insert(id.clone(), *now);
                told.insert(id.clone(), *now);
            }
            (Kind::Preview, false) => {
                seen.remove(id);
                asked.remove(id);
                told.remove(id);
                missing.remove(id);
            }
            _ => {}
        }
    }

    /// A Preview says anew when somebody last asked for it, and nothing else.
    pub(in crate::world) fn note_told_preview(&mut self, id: &ObjectId) {
        let now = self.previews.time.now;
        self.previews.time.told.insert(id.clone(), now);
    }
}

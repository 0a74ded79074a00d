//! Whose status is to be looked at, and when: a book without I/O.
//!
//! What keeps it from ever running hot: an object stands in it once however often it is touched; what is on its way waits a
//! moment, since an ACK most often makes a write needless; and of an object that was written and came out otherwise, or is
//! written by somebody else too, the waits grow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use nuncio_api::ObjectId;

use super::condition::Seen;

/// How long an object may be on its way to the Envoys before that is said. Most arrive within milliseconds.
const GRACE: Duration = Duration::from_secs(2);
/// Time between looks at all objects, while there are changes.
const SWEEP: Duration = Duration::from_secs(10);
/// Wait before an object is written again that did not become what was written.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// And the longest.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The book.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: VecDeque<ObjectId>,
    queued: BTreeSet<ObjectId>,
    /// Not before then.
    later: BTreeSet<(Instant, ObjectId)>,
    /// Objects that some Envoy does not have yet, and since when: an ACK may change that.
    on_their_way: BTreeMap<ObjectId, Instant>,
    /// Objects that are being written, and whether they are to be looked at again after that: a second write could overtake
    /// the first.
    under_way: BTreeMap<ObjectId, bool>,
    /// Objects that were written and did not become it, or could not be.
    stubborn: BTreeMap<ObjectId, Stubborn>,
    /// When all are to be looked at.
    sweep: Option<Instant>,
    swept: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Stubborn {
    /// What was to be.
    wanted: Seen,
    /// What came of it, if anything did: a definition without the fields drops them, for one.
    became: Option<Seen>,
    tries: u32,
    /// How long it is left alone since the last try.
    wait: Duration,
    not_before: Instant,
}

impl Queue {
    /// To be looked at as soon as its turn comes.
    pub(super) fn put(&mut self, id: ObjectId) {
        if self.queued.insert(id.clone()) {
            self.order.push_back(id);
        }
    }

    /// Some Envoy said something: whatever was on its way may have arrived.
    pub(super) fn delivered(&mut self) {
        for id in self.on_their_way.keys().cloned().collect::<Vec<_>>() {
            self.put(id);
        }
    }

    /// Some object changed that others may have a part in: those are looked at in a while.
    pub(super) fn neighbours(&mut self, now: Instant) {
        let earliest = self.swept.map_or(now, |swept| swept + SWEEP);
        self.sweep.get_or_insert(earliest.max(now + GRACE));
    }

    /// Whether all objects are to be looked at now.
    pub(super) fn take_sweep(&mut self, now: Instant) -> bool {
        let due = self.sweep.is_some_and(|at| at <= now);
        if due {
            self.sweep = None;
            self.swept = Some(now);
        }
        due
    }

    /// To be looked at then.
    pub(super) fn put_later(&mut self, id: ObjectId, at: Instant) {
        self.later.insert((at, id));
    }

    /// The next object to look at.
    pub(super) fn take(&mut self, now: Instant) -> Option<ObjectId> {
        while let Some((at, _)) = self.later.first()
            && *at <= now
        {
            if let Some((_, id)) = self.later.pop_first() {
                self.put(id);
            }
        }
        loop {
            let id = self.order.pop_front()?;
            self.queued.remove(&id);
            match self.under_way.get_mut(&id) {
                Some(again) => *again = true,
                None => return Some(id),
            }
        }
    }

    /// A write of it has begun.
    pub(super) fn begins(&mut self, id: ObjectId) {
        self.under_way.insert(id, false);
    }

    /// The write of it has ended.
    pub(super) fn ends(&mut self, id: &ObjectId) {
        if let Some((id, true)) = self.under_way.remove_entry(id) {
            self.put(id);
        }
    }

    /// When there is something to do again, if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at).into_iter().chain(self.sweep).min()
    }

    /// It is on its way. Says whether that has taken long enough to be told.
    pub(super) fn is_on_its_way(&mut self, id: &ObjectId, now: Instant) -> bool {
        let since = *self.on_their_way.entry(id.clone()).or_insert(now);
        let told = since + GRACE <= now;
        if !told {
            self.later.insert((since + GRACE, id.clone()));
        }
        told
    }

    /// It is not on its way, be it because it has arrived.
    pub(super) fn is_settled(&mut self, id: &ObjectId) {
        self.on_their_way.remove(id);
    }

    /// The API server has what it should. Earlier tries are forgotten only once that has lasted: a write's own echo says the
    /// same where somebody else is about to write it over again.
    pub(super) fn is_equal(&mut self, id: &ObjectId, now: Instant) {
        if self.stubborn.get(id).is_some_and(|known| known.not_before + known.wait <= now) {
            self.stubborn.remove(id);
        }
    }

    /// It is gone.
    pub(super) fn forget(&mut self, id: &ObjectId) {
        self.on_their_way.remove(id);
        self.stubborn.remove(id);
    }

    /// Whether this may be written now, where the API server `has` something else; if not now, its turn may come again. To be
    /// asked once for each write.
    pub(super) fn may_write(&mut self, id: &ObjectId, wanted: Seen, has: Seen, now: Instant) -> bool {
        let known = self.stubborn.get(id).copied().filter(|known| known.wanted.says(&wanted));
        if known.and_then(|known| known.became).is_some_and(|became| became.says(&has)) {
            return false;
        }
        if let Some(known) = known.filter(|known| now < known.not_before) {
            self.later.insert((known.not_before, id.clone()));
            return false;
        }
        let tries = known.map_or(0, |known| known.tries);
        let wait = FIRST_WAIT.saturating_mul(1 << tries.min(16)).min(LONGEST_WAIT);
        let (tries, not_before) = (tries.saturating_add(1), now + wait);
        self.stubborn.insert(id.clone(), Stubborn { wanted, became: None, tries, wait, not_before });
        true
    }

    /// It was written, and the API server has something else now.
    pub(super) fn was_written(&mut self, id: &ObjectId, has: Seen) {
        if let Some(known) = self.stubborn.get_mut(id) {
            known.became = Some(has);
        }
    }

    /// The API server would not have it: another try, in a while.
    pub(super) fn was_refused(&mut self, id: &ObjectId) {
        if let Some(known) = self.stubborn.get(id) {
            self.later.insert((known.not_before, id.clone()));
        }
    }

    /// The write did not come about, through no fault of the object: it is no try.
    pub(super) fn was_not_written(&mut self, id: ObjectId) {
        self.stubborn.remove(&id);
        self.put(id);
    }

    /// Objects that wait to be looked at at once.
    pub(super) fn is_idle(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests;

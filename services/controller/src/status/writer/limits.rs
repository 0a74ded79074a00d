//! What of a kind's statuses can be written, as far as the API server has shown: its definition may be another product's, and
//! permissions may be missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nuncio_api::Kind;

/// Time between tries for a kind whose statuses we may not write: permissions come while somebody waits for them.
const DENIED: Duration = Duration::from_secs(10);
/// Longest time between tries for a kind whose definition has no room for what is to be said.
const LONGEST: Duration = Duration::from_secs(300);

/// How much of a status has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    All,
    /// Only what the original says of the kind.
    Legacy,
    /// None: what is wrong is told by events.
    None,
}

/// The book, without I/O.
#[derive(Debug, Default)]
pub(in crate::status) struct Limits {
    limited: BTreeMap<Kind, Limit>,
    /// Kinds of which it was said that statuses cannot be written, or do not become what was written.
    complained: BTreeSet<Kind>,
}

#[derive(Debug)]
struct Limit {
    room: Room,
    until: Instant,
    tries: u32,
}

impl Limits {
    /// How much can be written of this kind, and until when that is so if it is not all.
    pub(super) fn room(&self, kind: Kind, now: Instant) -> (Room, Option<Instant>) {
        let limit = self.limited.get(&kind).filter(|limit| now < limit.until);
        limit.map_or((Room::All, None), |limit| (limit.room, Some(limit.until)))
    }

    /// We may not write these, for now.
    pub(super) fn denied(&mut self, kind: Kind, now: Instant) {
        self.limited.insert(kind, Limit { room: Room::None, until: now + DENIED, tries: 0 });
    }

    /// The definition has only that room. Writes that were under way together are one try.
    pub(super) fn has_room(&mut self, kind: Kind, room: Room, now: Instant) {
        let before = self.limited.get(&kind);
        if before.is_some_and(|limit| limit.room == room && now < limit.until) {
            return;
        }
        let tries = before.map_or(0, |limit| limit.tries);
        let wait = DENIED.saturating_mul(1 << tries.min(16)).min(LONGEST);
        self.limited.insert(kind, Limit { room, until: now + wait, tries: tries.saturating_add(1) });
    }

    /// All of a status was written and became what it should.
    pub(super) fn are_gone(&mut self, kind: Kind) {
        self.limited.remove(&kind);
        self.complained.remove(&kind);
    }

    /// Says once for each kind what is wrong, until it is well again.
    pub(super) fn complain(&mut self, kind: Kind, message: &str) {
        if self.complained.insert(kind) {
            tracing::warn!("the status of a {kind} cannot be written as it should be: {message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_without_room_is_asked_ever_less_often() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let (mut now, mut tries) = (start, 0);
        while now < start + Duration::from_secs(3600) {
            if limits.room(Kind::Host, now).0 == Room::All {
                tries += 1;
                // Eight writes at once.
                (0..8).for_each(|_| limits.has_room(Kind::Host, Room::Legacy, now));
                assert_eq!(limits.room(Kind::Host, now).0, Room::Legacy);
            }
            now += Duration::from_secs(1);
        }
        assert!((10..20).contains(&tries), "{tries}");
        assert_eq!(limits.room(Kind::Mapping, now), (Room::All, None), "each kind by itself");
        limits.are_gone(Kind::Host);
        limits.has_room(Kind::Host, Room::None, now);
        assert_eq!(limits.room(Kind::Host, now), (Room::None, Some(now + DENIED)), "the waits begin anew");
    }
}

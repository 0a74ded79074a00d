//! When previews become something else by time alone, the next first: nobody has to look at all of them each second.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::ObjectId;

/// One time for each that has one, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Turns {
    next: BTreeSet<(u64, ObjectId)>,
    times: BTreeMap<ObjectId, u64>,
}

impl Turns {
    /// It is time for this one then, and at no other time.
    pub(super) fn put(&mut self, id: &ObjectId, at: Option<u64>) {
        let old = match at {
            Some(at) => self.times.insert(id.clone(), at),
            None => self.times.remove(id),
        };
        if let Some(old) = old {
            self.next.remove(&(old, id.clone()));
        }
        self.next.extend(at.map(|at| (at, id.clone())));
    }

    /// One for which it is time by now, once.
    pub(super) fn take(&mut self, now: u64) -> Option<ObjectId> {
        self.next.first().filter(|(at, _)| *at <= now)?;
        let (_, id) = self.next.pop_first()?;
        self.times.remove(&id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn each_has_its_turn_once_and_at_the_time_that_was_said_last() {
        let id = |name: &str| ObjectId::new(Kind::Preview, "shop", name);
        let mut turns = Turns::default();
        for (name, at) in [("a", Some(7)), ("b", Some(5)), ("c", Some(6)), ("a", Some(9)), ("c", None), ("d", None)] {
            turns.put(&id(name), at);
        }
        assert_eq!((turns.take(4), turns.take(5), turns.take(8)), (None, Some(id("b")), None));
        assert_eq!((turns.take(20), turns.take(20)), (Some(id("a")), None));
        turns.put(&id("a"), Some(30));
        assert_eq!(turns.take(30), Some(id("a")));
    }
}

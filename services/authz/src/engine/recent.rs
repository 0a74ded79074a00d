//! What was done not long ago, in few bytes: of each session that is used it is known when it was last told to live on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::session::{Name, name};

/// So many are remembered at least, and for so many seconds where they are no more than that.
const AT_LEAST: usize = 100_000;
const LIFE: u64 = 3_600;

/// When things were last done.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Times>);

/// In two generations: the older is forgotten as a whole.
#[derive(Debug, Default)]
struct Times {
    begun: u64,
    young: HashMap<Name, u64>,
    old: HashMap<Name, u64>,
}

impl Recent {
    /// Whether this has not been done for so many seconds; from now on it has.
    pub(super) fn is_due(&self, what: &str, every: u64, now: u64) -> bool {
        let name = name(what);
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.young.len() >= AT_LEAST || now.saturating_sub(times.begun) >= LIFE {
            times.old = std::mem::take(&mut times.young);
            times.begun = now;
        }
        let last = times.young.get(&name).or_else(|| times.old.get(&name));
        let is_due = last.is_none_or(|at| now.saturating_sub(*at) >= every);
        if is_due {
            times.young.insert(name, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_due_once_in_a_while() {
        let recent = Recent::default();
        assert!(recent.is_due("a", 60, 1_000) && !recent.is_due("a", 60, 1_059), "just now");
        assert!(recent.is_due("b", 60, 1_059) && recent.is_due("a", 60, 1_060));
        assert!(!recent.is_due("a", LIFE, 1_000 + LIFE), "it is of the old generation");
    }

    #[test]
    fn as_many_as_there_may_be_are_remembered_and_no_more_than_twice_that() {
        let recent = Recent::default();
        for index in 0..3 * AT_LEAST {
            assert!(recent.is_due(&index.to_string(), 60, 1_000));
        }
        let mut newest = 2 * AT_LEAST + 1..3 * AT_LEAST;
        assert!(newest.all(|index| !recent.is_due(&index.to_string(), 60, 1_000)));
        let times = recent.0.lock().unwrap();
        assert!(times.young.len() + times.old.len() <= 2 * AT_LEAST, "{}", times.young.len());
    }
}

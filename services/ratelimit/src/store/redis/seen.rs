//! Keys whose time to live is set.

use crate::unit::Unit;

/// How many pairs of keys are kept: 2 MiB on each core, whatever comes.
const PAIRS: usize = 1 << 17;

/// Keys that were given a time to live over this connection, by their hash, with the longest window that they had. One that
/// gives way to others is given a time to live again; one that is taken for another lacks it, which its first reply shows.
#[derive(Debug)]
pub(super) struct Seen {
    /// In each pair the last one that came is first. The upper half of each is of the hash, the lower is the window.
    pairs: Box<[[u64; 2]]>,
}

/// The half that is the window.
const WINDOW: u64 = u32::MAX as u64;

impl Default for Seen {
    fn default() -> Self {
        // Pages that nothing is written to take no memory.
        Self { pairs: vec![[0; 2]; PAIRS].into_boxed_slice() }
    }
}

impl Seen {
    /// Notes the key of a window of so many seconds; true where it was not known, or lives too short for this window.
    /// Windows that begin together have one key, and another replica may have made its life shorter since: whenever such a
    /// window can be over, its key is as one that was not known.
    pub(super) fn insert(&mut self, key: &[u8], window: u64, now: u64) -> bool {
        let over = Unit::ALL.iter().filter(|unit| u64::from(unit.seconds()) <= now % window).count();
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(key, over as u64);
        // The remainder is below the number of pairs.
        let pair = &mut self.pairs[(hash % PAIRS as u64) as usize];
        // None is 0, which stands for no key: no window is.
        let is_key = |known: &u64| *known != 0 && (known ^ hash) & !WINDOW == 0;
        let longest = pair.iter().copied().find(is_key).map_or(0, |known| known & WINDOW);
        let this = hash & !WINDOW | longest.max(window);
        *pair = if is_key(&pair[0]) { [this, pair[1]] } else { [this, pair[0]] };
        longest < window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const DAY: u64 = 86_400;

    #[test]
    fn knows_what_it_has_seen_and_forgets_what_came_before_many_others() {
        let mut seen = Seen::default();
        let mut insert = |key: &[u8]| seen.insert(key, MINUTE, 0);
        assert!(insert(b"a"));
        assert!(!insert(b"a"));
        let again = (0..10_000_u64).filter(|key| !insert(&key.to_le_bytes())).count();
        assert_eq!(again, 0, "all are new");
        let forgotten = (0..10_000_u64).filter(|key| insert(&key.to_le_bytes())).count();
        assert!(forgotten < 100, "{forgotten} of 10 000 gave way to each other");
        for key in 10_000..20 * PAIRS as u64 {
            insert(&key.to_le_bytes());
        }
        assert!(insert(b"a"));
    }

    #[test]
    fn a_longer_window_that_begins_together_is_not_known() {
        let mut seen = Seen::default();
        assert!(seen.insert(b"a", MINUTE, 0));
        assert!(seen.insert(b"a", DAY, 0));
        assert!(!seen.insert(b"a", MINUTE, 0), "it would live shorter");
        assert!(!seen.insert(b"a", DAY, 0));
    }

    #[test]
    fn what_others_may_have_shortened_is_not_known_when_that_is_over() {
        let mut seen = Seen::default();
        assert!(seen.insert(b"a", DAY, 10 * DAY + 5));
        assert!(!seen.insert(b"a", DAY, 10 * DAY + 59));
        assert!(seen.insert(b"a", DAY, 10 * DAY + 60));
        assert!(!seen.insert(b"a", DAY, 10 * DAY + 3_599));
        assert!(seen.insert(b"a", DAY, 10 * DAY + 3_600));
        assert!(!seen.insert(b"a", DAY, 11 * DAY - 1));
    }
}

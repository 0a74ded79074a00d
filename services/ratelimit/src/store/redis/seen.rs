//! Keys whose time to live is set.

use std::collections::HashSet;

/// How many keys a generation holds: 16 MB for both, on each core.
const GENERATION: usize = 250_000;

/// Keys that were given a time to live over this connection, by their 128-bit hash. What is forgotten is only given one
/// again.
#[derive(Debug, Default)]
pub(super) struct Seen {
    young: HashSet<u128>,
    old: HashSet<u128>,
}

impl Seen {
    /// Notes a key; true where it was not known.
    pub(super) fn insert(&mut self, key: &[u8]) -> bool {
        let hash = xxhash_rust::xxh3::xxh3_128(key);
        if self.young.contains(&hash) || self.old.contains(&hash) {
            return false;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_it_has_seen_and_forgets_the_oldest() {
        let mut seen = Seen::default();
        assert!(seen.insert(b"a"));
        assert!(!seen.insert(b"a"));
        for index in 0..2 * GENERATION {
            seen.insert(&index.to_le_bytes());
        }
        assert!(seen.insert(b"a"));
    }
}

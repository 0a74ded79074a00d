//! Keys whose time to live is set.

/// How many pairs of keys are kept: 2 MiB on each core, whatever comes.
const PAIRS: usize = 1 << 17;

/// Keys that were given a time to live over this connection, by their hash. One that gives way to others is given a time
/// to live again; one that is taken for another lacks it, which its first reply shows.
#[derive(Debug)]
pub(super) struct Seen {
    /// In each pair the last one that came is first.
    pairs: Box<[[u64; 2]]>,
}

impl Default for Seen {
    fn default() -> Self {
        // Pages that nothing is written to take no memory.
        Self { pairs: vec![[0; 2]; PAIRS].into_boxed_slice() }
    }
}

impl Seen {
    /// Notes a key; true where it was not known.
    pub(super) fn insert(&mut self, key: &[u8]) -> bool {
        // None is 0, which stands for no key.
        let hash = xxhash_rust::xxh3::xxh3_64(key) | 1;
        // The remainder is below the number of pairs.
        let pair = &mut self.pairs[((hash >> 1) % PAIRS as u64) as usize];
        let known = pair.contains(&hash);
        if pair[0] != hash {
            *pair = [hash, pair[0]];
        }
        !known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_it_has_seen_and_forgets_what_came_before_many_others() {
        let mut seen = Seen::default();
        assert!(seen.insert(b"a"));
        assert!(!seen.insert(b"a"));
        let again = (0..10_000_u64).filter(|key| !seen.insert(&key.to_le_bytes())).count();
        assert_eq!(again, 0, "all are new");
        let forgotten = (0..10_000_u64).filter(|key| seen.insert(&key.to_le_bytes())).count();
        assert!(forgotten < 100, "{forgotten} of 10 000 gave way to each other");
        for key in 10_000..20 * PAIRS as u64 {
            seen.insert(&key.to_le_bytes());
        }
        assert!(seen.insert(b"a"));
    }
}

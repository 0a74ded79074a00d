//! How long to wait before the next try.

use std::time::Duration;

/// First wait. Short, because a closed connection is most often a server that another stands in for.
const FIRST: Duration = Duration::from_millis(100);

/// Longest wait: how late, at worst, a server that is back is noticed.
const LONGEST: Duration = Duration::from_secs(8);

/// Waits that double, each with jitter: between half of it and the whole.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        self.next_up_to(LONGEST)
    }

    /// The next wait, where the longest is another.
    pub(crate) fn next_up_to(&mut self, longest: Duration) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.tries.min(16)).min(longest);
        self.tries = self.tries.saturating_add(1);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// How often it failed in a row.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// It went well.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_limit_with_jitter() {
        let mut backoff = Backoff::default();
        let first = backoff.next();
        assert!(first >= FIRST / 2 && first <= FIRST);
        let last = (0..40).map(|_| backoff.next()).last().unwrap();
        assert!(last >= LONGEST / 2 && last <= LONGEST);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}

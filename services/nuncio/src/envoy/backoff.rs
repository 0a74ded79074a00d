//! How long to wait before a program that died is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// A program that ran for this long was well: whatever killed it starts a new count.
const GOOD: Duration = Duration::from_secs(30);

/// Waits that double from 100 ms to 5 s.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait after a run that lasted for `ran`.
    pub(crate) fn after(&mut self, ran: Duration) -> Duration {
        let wait = if ran >= GOOD { FIRST } else { self.next };
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_limit_and_starts_again_after_a_good_run() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.after(GOOD), FIRST);
        assert_eq!(backoff.after(Duration::ZERO), FIRST * 2);
    }
}

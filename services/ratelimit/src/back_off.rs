//! How long to wait before something is tried again.

use std::time::Duration;

/// Waits as `github.com/jpillora/backoff` has them, which the original uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackOff {
    /// The first wait, and the shortest.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
    /// What each is to the one before it. At 1 or less all are as long as the first.
    pub factor: f64,
    /// Each is any between the first and what the factor makes of it.
    pub jitter: bool,
}

impl BackOff {
    /// The wait after so many that were in vain.
    pub(crate) fn wait(&self, before: u32) -> Duration {
        let first = self.first.as_secs_f64();
        let grown = first * self.factor.powf(f64::from(before));
        let any = if self.jitter { first + fastrand::f64() * (grown - first) } else { grown };
        let longest = self.longest.as_secs_f64();
        Duration::from_secs_f64(any.max(first).min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(factor: f64, jitter: bool) -> Vec<f64> {
        let back_off = BackOff { first: Duration::from_secs(10), longest: Duration::from_secs(60), factor, jitter };
        [0, 1, 2, 3, 9_999].map(|before| back_off.wait(before).as_secs_f64()).to_vec()
    }

    #[test]
    fn waits_grow_by_the_factor_up_to_the_longest() {
        assert_eq!(seconds(2.0, false), [10.0, 20.0, 40.0, 60.0, 60.0]);
        // The original's default.
        assert_eq!(seconds(0.5, true), [10.0; 5]);
        for _ in 0..100 {
            let waits = seconds(2.0, true);
            assert!(waits[0] == 10.0 && (10.0..=20.0).contains(&waits[1]) && (10.0..=60.0).contains(&waits[4]));
        }
        let inverted =
            BackOff { first: Duration::from_secs(9), longest: Duration::from_secs(5), factor: 2.0, jitter: true };
        assert_eq!(inverted.wait(0), Duration::from_secs(5));
    }
}

//! How long calls take.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets of [`Timing`], in microseconds; those of the Prometheus client for Go.
pub(super) const BUCKETS: [u64; 11] =
    [5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000];
/// How many calls of an interval are told of one by one.
pub(super) const SAMPLE: usize = 1_000;

/// How often something was done and how long it took.
#[derive(Debug)]
pub struct Timing {
    /// How often.
    pub count: AtomicU64,
    /// In all, in microseconds.
    pub micros: AtomicU64,
    pub(super) buckets: [AtomicU64; BUCKETS.len()],
    /// Milliseconds of some calls since [`Timing::take`], each as likely to be of them as another.
    sample: Box<[AtomicU32]>,
    taken: AtomicU64,
}

/// Calls of an interval.
pub(super) struct Taken {
    /// How many there were.
    pub(super) calls: u64,
    /// Milliseconds of each, or of some.
    pub(super) sample: Vec<u32>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            count: AtomicU64::default(),
            micros: AtomicU64::default(),
            buckets: Default::default(),
            sample: (0..SAMPLE).map(|_| AtomicU32::default()).collect(),
            taken: AtomicU64::default(),
        }
    }
}

impl Timing {
    /// Counts one that took so long.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if let Some(bucket) = BUCKETS.iter().position(|bound| micros <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        // The place of one that is there already is taken as often as makes all equally likely.
        let before = before.saturating_sub(self.taken.load(Ordering::Relaxed));
        let place = if before < SAMPLE as u64 { before } else { fastrand::u64(0..=before) };
        if let Some(slot) = usize::try_from(place).ok().and_then(|place| self.sample.get(place)) {
            slot.store(u32::try_from(took.as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }

    /// The calls since this was asked last. One that ends meanwhile may be told of with another's time.
    pub(super) fn take(&self) -> Taken {
        let count = self.count.load(Ordering::Relaxed);
        let calls = count.saturating_sub(self.taken.swap(count, Ordering::Relaxed));
        let sampled = usize::try_from(calls).unwrap_or(SAMPLE).min(SAMPLE);
        Taken { calls, sample: self.sample[..sampled].iter().map(|slot| slot.load(Ordering::Relaxed)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_calls_are_told_of_one_by_one_and_many_by_a_sample() {
        let timing = Timing::default();
        for _ in 0..2 {
            for millis in [7, 1, 300] {
                timing.record(Duration::from_millis(millis));
            }
            let taken = timing.take();
            assert_eq!((taken.calls, taken.sample.as_slice()), (3, &[7, 1, 300][..]));
        }
        for millis in 0..10_000 {
            timing.record(Duration::from_millis(millis));
        }
        let taken = timing.take();
        assert_eq!((taken.calls, taken.sample.len()), (10_000, SAMPLE));
        let mean = taken.sample.iter().map(|millis| u64::from(*millis)).sum::<u64>() / SAMPLE as u64;
        // Of a fair sample it is within six times its standard deviation of 91.
        assert!((4_450..=5_550).contains(&mean), "{mean} of 4999.5");
    }
}

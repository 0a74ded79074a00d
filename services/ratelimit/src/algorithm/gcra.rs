//! The generic cell rate algorithm, as a bucket that leaks.

use super::{LARGEST, hits, reported};
use crate::store::{Action, Count};
use crate::window::Window;

/// A bucket for `burst` hits that drains at the limit's rate. A hit that does not fit is refused and fills nothing.
///
/// The level is counted in parts of a hit so that each millisecond drains a whole number of them: nothing is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    /// Parts of a hit.
    pub(crate) cost: u64,
    /// Parts that drain in a millisecond.
    pub(crate) rate: u64,
    /// Hits that fit.
    pub(crate) burst: u32,
}

/// How full a bucket is, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcraState {
    pub(crate) level: u128,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

impl Gcra {
    /// A bucket for `burst` hits that drains `requests` of them in a window. Without any, nothing ever fits.
    pub fn new(requests: u32, window: Window, burst: u32) -> Self {
        if requests == 0 {
            return Self { cost: window.millis(), rate: 1, burst: 0 };
        }
        let common = common_divisor(u64::from(requests), window.millis());
        Self { cost: window.millis() / common, rate: u64::from(requests) / common, burst }
    }

    /// Whether Redis can count a full bucket exactly.
    pub fn is_exact(&self) -> bool {
        self.room() <= u128::from(LARGEST)
    }

    /// Does `action` at `now`, in milliseconds since 1970. The value is how many hits are in the bucket then, or would be:
    /// more than the burst where they do not fit. The state changes only when hits do.
    pub fn apply(&self, state: &mut GcraState, now: u64, action: Action) -> Count {
        let level = self.level(state, now);
        let after = i128::try_from(level).unwrap_or(i128::MAX).saturating_add(hits(action) * i128::from(self.cost));
        let after = u128::try_from(after).unwrap_or(0);
        let value = reported(after.div_ceil(u128::from(self.cost)));
        if after > self.room() {
            return Count { value, reset: self.reset(level, value) };
        }
        if after != level {
            // A bucket that was emptied has no past: a store need not keep it.
            *state = if after == 0 { GcraState::default() } else { GcraState { level: after, at: state.at.max(now) } };
        }
        Count { value, reset: self.reset(after, value) }
    }

    /// Milliseconds until what came to `value` at this level would fit, or else until the bucket is empty.
    pub fn reset(&self, level: u128, value: u64) -> u64 {
        let cost = u128::from(self.cost);
        let wanted = if value > u64::from(self.burst) {
            let hits = u128::from(value).saturating_sub(level.div_ceil(cost));
            // More than the whole bucket never fits: then until it is empty.
            (level + hits * cost).saturating_sub(self.room()).min(level)
        } else {
            level
        };
        u64::try_from(wanted.div_ceil(u128::from(self.rate))).unwrap_or(u64::MAX)
    }

    /// The level now. A clock that is behind, or goes back, drains nothing.
    fn level(&self, state: &GcraState, now: u64) -> u128 {
        let passed = now.saturating_sub(state.at);
        state.level.saturating_sub(u128::from(passed) * u128::from(self.rate))
    }

    fn room(&self) -> u128 {
        u128::from(self.burst) * u128::from(self.cost)
    }
}

fn common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(name: &str) -> Window {
        Window::from_name(name).unwrap()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let gcra = Gcra::new(60, window("minute"), 3);
        let mut state = GcraState::default();
        let mut hit = |now| gcra.apply(&mut state, now, Action::Add(1)).value;
        assert_eq!([hit(0), hit(0), hit(0), hit(0), hit(999)], [1, 2, 3, 4, 4]);
        assert_eq!([hit(1_000), hit(1_000)], [3, 4]);
        // Time drains no more than there was.
        assert_eq!([hit(60_000), hit(60_000), hit(60_000), hit(60_000)], [1, 2, 3, 4]);
    }

    #[test]
    fn says_when_it_is_worth_trying_again() {
        let gcra = Gcra::new(60, window("minute"), 3);
        let mut state = GcraState::default();
        let mut add = |now, hits| gcra.apply(&mut state, now, Action::Add(hits));
        assert_eq!(add(0, 3), Count { value: 3, reset: 3_000 }, "empty");
        assert_eq!(add(500, 1), Count { value: 4, reset: 500 });
        assert_eq!(add(500, 9).reset, 2_500, "never fits");
        assert!(add(500, u64::MAX / 2).value > 3);
    }

    #[test]
    fn refunds_and_looks() {
        let gcra = Gcra::new(10, window("hour"), 10);
        let mut state = GcraState::default();
        gcra.apply(&mut state, 5, Action::Add(4));
        assert_eq!(gcra.apply(&mut state, 5, Action::Refund(3)).value, 1);
        assert_eq!(gcra.apply(&mut state, 5, Action::Refund(3)).value, 0);
        assert_eq!(gcra.apply(&mut state, 5, Action::Read).value, 0);
        assert_eq!(state, GcraState::default(), "nothing to keep");
        assert_eq!(Gcra::new(0, window("hour"), 0).apply(&mut state, 5, Action::Add(1)).value, 1, "over a burst of 0");
    }

    /// The algorithm as it is usually written: the theoretical arrival time, in milliseconds × requests.
    #[derive(Default)]
    struct Arrival(u128);

    impl Arrival {
        fn fits(&mut self, requests: u32, window: u64, burst: u32, now: u64, hits: u64) -> bool {
            let now = u128::from(now) * u128::from(requests);
            let next = self.0.max(now) + u128::from(hits) * u128::from(window);
            let fits = next - now <= u128::from(burst) * u128::from(window);
            if fits {
                self.0 = next;
            }
            fits
        }
    }

    proptest! {
        #[test]
        fn is_the_textbooks(
            requests in 1..5_000_u32, seconds in prop::sample::select(vec!["1s", "7s", "minute", "year"]), burst in 0..50_u32,
            calls in prop::collection::vec((0..5_000_u64, 0..9_u64), 1..80),
        ) {
            let window = window(seconds);
            let gcra = Gcra::new(requests, window, burst);
            let (mut state, mut arrival, mut now) = (GcraState::default(), Arrival::default(), 1_700_000_000_000);
            for (later, hits) in calls {
                now += later;
                let value = gcra.apply(&mut state, now, Action::Add(hits)).value;
                prop_assert_eq!(value <= u64::from(burst), arrival.fits(requests, window.millis(), burst, now, hits));
            }
        }

        /// Waiting as long as it says is enough, and a millisecond less is not.
        #[test]
        fn the_wait_is_exact(
            requests in 1..5_000_u32, burst in 1..50_u32, hits in 1..9_u64, full in 0..50_u64, later in 0..2_000_u64,
        ) {
            let gcra = Gcra::new(requests, window("minute"), burst);
            let mut state = GcraState::default();
            gcra.apply(&mut state, 7, Action::Add(full.min(u64::from(burst))));
            let hits = hits.min(u64::from(burst));
            let Count { value, reset: wait } = gcra.apply(&mut state, 7 + later, Action::Add(hits));
            let fits = |after| {
                gcra.apply(&mut state.clone(), 7 + later + after, Action::Add(hits)).value <= u64::from(burst)
            };
            if value > u64::from(burst) {
                prop_assert!(fits(wait) && !fits(wait - 1));
            }
        }
    }
}

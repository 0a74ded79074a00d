//! The generic cell rate algorithm, as a bucket that leaks.

use super::{hits, reported};
use crate::store::Action;
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

    /// Does `action` at `now`, in milliseconds since 1970, and says how many hits are in the bucket then, or would be:
    /// more than the burst where they do not fit.
    pub fn apply(&self, state: &mut GcraState, now: u64, action: Action) -> u64 {
        self.drain(state, now);
        let after =
            i128::try_from(state.level).unwrap_or(i128::MAX).saturating_add(hits(action) * i128::from(self.cost));
        let after = u128::try_from(after).unwrap_or(0);
        if after <= self.room() {
            state.level = after;
        }
        reported(after.div_ceil(u128::from(self.cost)))
    }

    /// Milliseconds until what came to `value` would fit, or else until the bucket is empty.
    pub fn reset(&self, state: &GcraState, value: u64) -> u64 {
        let (level, cost) = (state.level, u128::from(self.cost));
        let wanted = if value > u64::from(self.burst) {
            let hits = u128::from(value).saturating_sub(level.div_ceil(cost));
            // More than the whole bucket never fits: then until it is empty.
            (level + hits * cost).saturating_sub(self.room()).min(level)
        } else {
            level
        };
        u64::try_from(wanted.div_ceil(u128::from(self.rate))).unwrap_or(u64::MAX)
    }

    fn drain(&self, state: &mut GcraState, now: u64) {
        // A clock that is behind, or goes back, drains nothing.
        let passed = now.saturating_sub(state.at);
        state.level = state.level.saturating_sub(u128::from(passed) * u128::from(self.rate));
        state.at = state.at.max(now);
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
        let mut hit = |now| gcra.apply(&mut state, now, Action::Add(1));
        assert_eq!([hit(0), hit(0), hit(0), hit(0), hit(999)], [1, 2, 3, 4, 4]);
        assert_eq!([hit(1_000), hit(1_000)], [3, 4]);
        // Time drains no more than there was.
        assert_eq!([hit(60_000), hit(60_000), hit(60_000), hit(60_000)], [1, 2, 3, 4]);
    }

    #[test]
    fn says_when_it_is_worth_trying_again() {
        let gcra = Gcra::new(60, window("minute"), 3);
        let mut state = GcraState::default();
        gcra.apply(&mut state, 0, Action::Add(3));
        assert_eq!(gcra.reset(&state, 3), 3_000, "empty");
        let value = gcra.apply(&mut state, 500, Action::Add(1));
        assert_eq!((value, gcra.reset(&state, value)), (4, 500));
        let value = gcra.apply(&mut state, 500, Action::Add(9));
        assert_eq!(gcra.reset(&state, value), 2_500, "never fits");
        assert!(gcra.apply(&mut state, 500, Action::Add(u64::MAX / 2)) > 3);
    }

    #[test]
    fn refunds_and_looks() {
        let gcra = Gcra::new(10, window("hour"), 10);
        let mut state = GcraState::default();
        gcra.apply(&mut state, 5, Action::Add(4));
        assert_eq!(gcra.apply(&mut state, 5, Action::Refund(3)), 1);
        assert_eq!(gcra.apply(&mut state, 5, Action::Refund(3)), 0);
        assert_eq!(gcra.apply(&mut state, 5, Action::Read), 0);
        assert_eq!(Gcra::new(0, window("hour"), 0).apply(&mut state, 5, Action::Add(1)), 1, "over a burst of 0");
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
                let value = gcra.apply(&mut state, now, Action::Add(hits));
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
            let value = gcra.apply(&mut state, 7 + later, Action::Add(hits));
            let fits = |after| gcra.apply(&mut state.clone(), 7 + later + after, Action::Add(hits)) <= u64::from(burst);
            if value > u64::from(burst) {
                let wait = gcra.reset(&state, value);
                prop_assert!(fits(wait) && !fits(wait - 1));
            }
        }
    }
}

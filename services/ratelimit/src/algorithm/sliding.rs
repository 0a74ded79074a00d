//! A window that ends now, in steps.

use std::collections::VecDeque;

use super::reported;
use crate::store::{Action, Count};
use crate::window::Window;

/// Hits of the last window, counted by parts of it. The part that the window's begin falls into counts as far as it is
/// within, as if its hits had come evenly. Hits beyond the limit are refused and do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// Length of a part in milliseconds.
    pub(crate) part: u64,
    /// Parts of a window.
    pub(crate) parts: u32,
    /// Hits in a window.
    pub(crate) limit: u32,
}

/// Hits by part, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlidingState {
    pub(crate) counts: VecDeque<(u64, u64)>,
}

impl Sliding {
    /// `requests` in a window of so many parts; none where these would not be of whole milliseconds.
    pub fn new(requests: u32, window: Window, parts: u32) -> Option<Self> {
        let part = window.millis().checked_div(u64::from(parts))?;
        (part * u64::from(parts) == window.millis()).then_some(Self { part, parts, limit: requests })
    }

    /// The bytes that a state may come to.
    pub(crate) fn room(&self) -> usize {
        size_of::<SlidingState>() + size_of::<(u64, u64)>() * (self.parts as usize + 1)
    }

    /// Does `action` at `now`, in milliseconds since 1970. The value is how many hits the window has then, or would have:
    /// more than the limit where they are refused. The state changes only when hits do.
    pub fn apply(&self, state: &mut SlidingState, now: u64, action: Action) -> Count {
        // A clock that goes back, or is behind another replica's, waits for the other.
        let now = now.max(state.counts.back().map_or(0, |(at, _)| at * self.part));
        let used = self.used(state, now);
        let value = match action {
            Action::Read => used,
            Action::Refund(back) => {
                self.take_back(state, now, back);
                self.used(state, now)
            }
            Action::Add(hits) => {
                let after = reported(u128::from(used) + u128::from(hits));
                if hits > 0 && after <= u64::from(self.limit) {
                    self.add(state, now, hits);
                }
                after
            }
        };
        Count { value, reset: self.reset(state, now, value) }
    }

    /// Milliseconds until what came to `value` would be within the limit, or else until nothing counts any more.
    pub fn reset(&self, state: &SlidingState, now: u64, value: u64) -> u64 {
        let limit = u64::from(self.limit);
        let used = self.used(state, now);
        if value <= limit {
            let gone = |(at, _): &(u64, u64)| ((at + u64::from(self.parts) + 1) * self.part).saturating_sub(now);
            return state.counts.back().map_or(0, gone);
        }
        let whole = self.part * u64::from(self.parts);
        let asked = value.saturating_sub(used);
        let Some(free) = limit.checked_sub(asked) else { return whole };
        let first = now / self.part;
        (first..=first + u64::from(self.parts))
            .find_map(|index| self.below(state, index, free))
            .map_or(whole, |at| at.saturating_sub(now).max(1))
    }

    /// When, in the part `index`, no more than `free` hits count.
    fn below(&self, state: &SlidingState, index: u64, free: u64) -> Option<u64> {
        let (full, fading) = self.sums(state, index);
        let spare = free.checked_sub(full)?;
        // Rounded up, `fading × left ÷ part` is at most `spare`.
        let part = u128::from(self.part);
        let left = (u128::from(spare) * part).checked_div(u128::from(fading)).map_or(part, |left| left.min(part));
        Some((index + 1) * self.part - u64::try_from(left).unwrap_or(self.part))
    }

    fn used(&self, state: &SlidingState, now: u64) -> u64 {
        let (full, fading) = self.sums(state, now / self.part);
        let left = self.part - now % self.part;
        let faded = (u128::from(fading) * u128::from(left)).div_ceil(u128::from(self.part));
        full + u64::try_from(faded).unwrap_or(fading)
    }

    /// Hits that count in full while the part `index` is the last, and those that fade during it.
    fn sums(&self, state: &SlidingState, index: u64) -> (u64, u64) {
        let parts = u64::from(self.parts);
        state.counts.iter().fold((0, 0), |(full, fading), (at, count)| match (at + parts).cmp(&index) {
            std::cmp::Ordering::Less => (full, fading),
            std::cmp::Ordering::Equal => (full, fading + count),
            std::cmp::Ordering::Greater => (full + count, fading),
        })
    }

    fn add(&self, state: &mut SlidingState, now: u64, hits: u64) {
        let index = now / self.part;
        while state.counts.front().is_some_and(|(at, _)| at + u64::from(self.parts) < index) {
            state.counts.pop_front();
        }
        match state.counts.back_mut() {
            Some((at, count)) if *at == index => *count += hits,
            _ => state.counts.push_back((index, hits)),
        }
    }

    /// Takes hits back, the newest first, but no more than count.
    fn take_back(&self, state: &mut SlidingState, now: u64, mut back: u64) {
        let index = now / self.part;
        for (at, count) in state.counts.iter_mut().rev() {
            if *at + u64::from(self.parts) >= index {
                let taken = back.min(*count);
                *count -= taken;
                back -= taken;
            }
        }
        state.counts.retain(|(_, count)| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sliding(requests: u32, parts: u32) -> Sliding {
        Sliding::new(requests, Window::from_name("minute").unwrap(), parts).unwrap()
    }

    #[test]
    fn no_burst_at_an_edge() {
        let sliding = sliding(10, 6);
        let mut state = SlidingState::default();
        let mut hits = |now, hits| sliding.apply(&mut state, now, Action::Add(hits)).value;
        assert_eq!(hits(59_000, 10), 10);
        assert_eq!(hits(60_000, 1), 11, "a fixed window would begin anew");
        assert_eq!(hits(109_999, 1), 11);
        assert_eq!(hits(115_000, 1), 6, "half of the oldest part has left");
        assert_eq!(hits(121_000, 1), 2);
    }

    #[test]
    fn parts_are_of_whole_milliseconds() {
        assert_eq!(Sliding::new(1, Window::from_name("second").unwrap(), 7), None);
        assert_eq!(Sliding::new(1, Window::from_name("second").unwrap(), 0), None);
    }

    #[test]
    fn refunds_the_newest_and_looks() {
        let sliding = sliding(10, 6);
        let mut state = SlidingState::default();
        sliding.apply(&mut state, 0, Action::Add(4));
        sliding.apply(&mut state, 20_000, Action::Add(2));
        assert_eq!(sliding.apply(&mut state, 20_000, Action::Refund(3)).value, 3);
        assert_eq!(state.counts, [(0, 3)]);
        assert_eq!(sliding.apply(&mut state, 20_000, Action::Read).value, 3);
        assert_eq!(sliding.apply(&mut state, 20_000, Action::Refund(u64::MAX)).value, 0);
    }

    /// All hits that were ever let through, each with its time; every look counts them anew.
    struct Log(Vec<(u64, u64)>);

    impl Log {
        fn used(&self, sliding: Sliding, now: u64) -> u64 {
            let (index, parts) = (now / sliding.part, u64::from(sliding.parts));
            let sum = |wanted: &dyn Fn(u64) -> bool| -> u64 {
                self.0.iter().filter(|(at, _)| wanted(at / sliding.part)).map(|(_, hits)| hits).sum()
            };
            let fading = sum(&|at| at + parts == index) * (sliding.part - now % sliding.part);
            sum(&|at| at + parts > index) + fading.div_ceil(sliding.part)
        }
    }

    proptest! {
        #[test]
        fn is_a_log_counted_by_parts(
            limit in 0..60_u32, parts in prop::sample::select(vec![1, 2, 6, 10, 60_u32]),
            calls in prop::collection::vec((0..15_000_u64, 0..9_u64), 1..80),
        ) {
            let sliding = sliding(limit, parts);
            let (mut state, mut log, mut now) = (SlidingState::default(), Log(Vec::new()), 1_700_000_000_000);
            for (later, hits) in calls {
                now += later;
                let expected = log.used(sliding, now) + hits;
                prop_assert_eq!(sliding.apply(&mut state, now, Action::Add(hits)).value, expected);
                if expected <= u64::from(limit) {
                    log.0.push((now, hits));
                }
            }
            // However they came: no window of whole parts has more than the limit.
            for (begin, _) in &log.0 {
                let first = begin / sliding.part;
                let within = |at: u64| (first..first + u64::from(parts)).contains(&(at / sliding.part));
                let sum: u64 = log.0.iter().filter(|(at, _)| within(*at)).map(|(_, hits)| hits).sum();
                prop_assert!(sum <= u64::from(limit), "{} hits within a window", sum);
            }
        }

        /// Waiting as long as it says is enough, and a millisecond less is not.
        #[test]
        fn the_wait_is_exact(
            limit in 1..60_u32, parts in prop::sample::select(vec![1, 2, 6, 10_u32]), hits in 1..9_u64,
            calls in prop::collection::vec((0..15_000_u64, 1..9_u64), 1..30),
        ) {
            let sliding = sliding(limit, parts);
            let (mut state, mut now) = (SlidingState::default(), 1_700_000_000_000);
            for (later, hits) in calls {
                now += later;
                sliding.apply(&mut state, now, Action::Add(hits));
            }
            let hits = hits.min(u64::from(limit));
            let fits = |after| {
                sliding.apply(&mut state.clone(), now + after, Action::Add(hits)).value <= u64::from(limit)
            };
            let mut last = state.clone();
            let Count { value, reset: wait } = sliding.apply(&mut last, now, Action::Add(hits));
            if value > u64::from(limit) {
                prop_assert!(fits(wait) && !fits(wait - 1), "{}", wait);
            } else {
                prop_assert_eq!(sliding.apply(&mut last.clone(), now + wait, Action::Read).value, 0);
            }
        }
    }
}

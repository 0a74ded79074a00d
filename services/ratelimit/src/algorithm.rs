//! How hits are counted against a limit.
//!
//! Each way is arithmetic on a small state for each counter. The memory store does it here; Redis does the same in a
//! script (`store/redis/script.rs`), so that a counter is read and changed in one step, whoever shares it.

mod gcra;
mod sliding;

pub use gcra::{Gcra, GcraState};
pub use sliding::{Sliding, SlidingState};

use crate::store::Action;

/// Values are reported up to here: what a script in Redis can count exactly.
pub(crate) const LARGEST: u64 = (1 << 53) - 1;

/// How hits are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// In windows that begin at multiples of their length; the original's.
    FixedWindow,
    /// In a window that ends now, in steps of a part of it.
    SlidingWindow(Sliding),
    /// As a bucket that hits fill and time drains (generic cell rate algorithm).
    Gcra(Gcra),
}

impl Algorithm {
    /// As in `algorithm:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed_window",
            Self::SlidingWindow(_) => "sliding_window",
            Self::Gcra(_) => "gcra",
        }
    }
}

/// What an action adds; less than nothing for what it takes back.
fn hits(action: Action) -> i128 {
    match action {
        Action::Add(hits) => i128::from(hits),
        Action::Refund(hits) => -i128::from(hits),
        Action::Read => 0,
    }
}

/// A count as it is reported.
fn reported(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(LARGEST).min(LARGEST)
}

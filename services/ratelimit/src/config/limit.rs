//! Checks a `rate_limit`: first what the original has, in its order and words, and then what is ours.

use super::raw::RawLimit;
use crate::algorithm::{Algorithm, Gcra, Sliding};
use crate::window::Window;

/// In how many parts a sliding window is counted, unless the rule says so.
const PARTS: u32 = 10;
/// And at most: each is a field of the counter.
const MOST_PARTS: u32 = 60;

/// What a `rate_limit` comes to.
pub(super) struct Checked {
    /// None where there is no limit.
    pub(super) window: Option<Window>,
    pub(super) algorithm: Algorithm,
}

/// Checks a limit, or says what is wrong.
pub(super) fn check(limit: &RawLimit) -> Result<Checked, String> {
    let window = Window::from_name(&limit.unit);
    if window.is_some() && limit.unlimited {
        return Err("should not specify rate limit unit when unlimited".to_owned());
    }
    if window.is_none() && !limit.unlimited {
        return Err(format!("invalid rate limit unit '{}'", limit.unit));
    }
    for name in &limit.replaces {
        if name.is_empty() {
            return Err("should not have an empty replaces entry".to_owned());
        }
        if *name == limit.name {
            return Err("replaces should not contain name of same descriptor".to_owned());
        }
    }
    let algorithm = match window {
        Some(window) => algorithm(limit, window)?,
        None => without_window(limit)?,
    };
    Ok(Checked { window, algorithm })
}

fn without_window(limit: &RawLimit) -> Result<Algorithm, String> {
    let set = [
        ("algorithm", !limit.algorithm.is_empty()),
        ("burst", limit.burst.is_some()),
        ("sub_windows", limit.sub_windows.is_some()),
        ("lease", limit.lease.is_some()),
    ];
    match set.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(format!("should not specify {name} when unlimited")),
        None => Ok(Algorithm::FixedWindow),
    }
}

fn algorithm(limit: &RawLimit, window: Window) -> Result<Algorithm, String> {
    let name = if limit.algorithm.is_empty() { "fixed_window" } else { &limit.algorithm };
    for (field, is_set, of) in [
        ("burst", limit.burst.is_some(), "gcra"),
        ("sub_windows", limit.sub_windows.is_some(), "sliding_window"),
        ("lease", limit.lease.is_some(), "fixed_window"),
    ] {
        if is_set && name != of {
            return Err(format!("{field} is of algorithm {of}, and this limit has {name}"));
        }
    }
    match name {
        "fixed_window" => {
            lease(limit)?;
            Ok(Algorithm::FixedWindow)
        }
        "sliding_window" => sliding(limit, window).map(Algorithm::SlidingWindow),
        "gcra" => gcra(limit, window).map(Algorithm::Gcra),
        other => Err(format!("invalid algorithm '{other}': expected fixed_window, sliding_window or gcra")),
    }
}

fn lease(limit: &RawLimit) -> Result<(), String> {
    match limit.lease {
        Some(0) => Err("lease must be at least 1".to_owned()),
        Some(lease) if lease > limit.count() => {
            Err(format!("lease must not be above requests_per_unit, but {lease} is above {}", limit.count()))
        }
        _ => Ok(()),
    }
}

fn sliding(limit: &RawLimit, window: Window) -> Result<Sliding, String> {
    let parts = limit.sub_windows.unwrap_or(PARTS);
    if !(1..=MOST_PARTS).contains(&parts) {
        return Err(format!("sub_windows must be 1 to {MOST_PARTS}, but is {parts}"));
    }
    Sliding::new(limit.count(), window, parts)
        .ok_or_else(|| format!("{parts} sub_windows of a window of {window} are not of whole milliseconds"))
}

fn gcra(limit: &RawLimit, window: Window) -> Result<Gcra, String> {
    if limit.burst == Some(0) {
        return Err("burst must be at least 1".to_owned());
    }
    if limit.count() == 0 && limit.burst.is_some() {
        return Err("burst needs requests_per_unit".to_owned());
    }
    let burst = limit.burst.unwrap_or(limit.count());
    let gcra = Gcra::new(limit.count(), window, burst);
    gcra.is_exact().then_some(gcra).ok_or_else(|| {
        format!("a burst of {burst} at {} in a window of {window} is more than can be counted", limit.count())
    })
}

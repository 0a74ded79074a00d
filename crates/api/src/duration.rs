//! Durations as text.

use std::fmt;
use std::time::Duration;

/// The text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration like \"300ms\", \"1m30s\" or \"72h\" (of ms, s, m and h; a day is 24h), found \"{0}\"")]
pub struct DurationError(String);

/// Longest duration that is taken: about three centuries, what Go can hold.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// Nanoseconds of each unit, longer names before those that they begin with.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a time of the form `2026-12-24T18:00:00Z` (RFC 3339), in seconds since 1970.
pub(crate) fn instant(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_second()).ok()
}

/// Reads a duration as Go's `time.ParseDuration` does: numbers, each with a unit; `0` needs none. Never negative.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let invalid = || DurationError(text.to_owned());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let (part, tail) = component(rest).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= LONGEST).ok_or_else(invalid)?;
        rest = tail;
    }
    Ok(total)
}

/// Reads one number and its unit; gives what follows them.
fn component(text: &str) -> Option<(Duration, &str)> {
    let whole_end = text.find(|c: char| !c.is_ascii_digit())?;
    let (whole, rest) = text.split_at(whole_end);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (name, unit) = UNITS.into_iter().find(|(name, _)| rest.starts_with(name))?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let whole = whole.checked_mul(unit)?;
    Some((Duration::from_nanos(whole.checked_add(fraction_of(fraction, unit))?), &rest[name.len()..]))
}

/// `0.digits` of `unit` nanoseconds, rounded down.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (value, scale) = digits
        .bytes()
        .take(15)
        .fold((0u128, 1u128), |(value, scale), digit| (value * 10 + u128::from(digit - b'0'), scale * 10));
    u64::try_from(value * u128::from(unit) / scale).unwrap_or(unit)
}

/// Writes a duration so that it can be read again: whole milliseconds where it has no smaller part.
pub(crate) fn format_duration(duration: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let nanos = duration.as_nanos();
    match nanos {
        0 => f.write_str("0s"),
        _ if nanos.is_multiple_of(1_000_000_000) => write!(f, "{}s", nanos / 1_000_000_000),
        _ if nanos.is_multiple_of(1_000_000) => write!(f, "{}ms", nanos / 1_000_000),
        _ => write!(f, "{nanos}ns"),
    }
}

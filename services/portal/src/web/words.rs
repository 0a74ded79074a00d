//! Moments and numbers, in words.

use jiff::Timestamp;

/// How long ago a moment was: `3 minutes ago`.
pub(crate) fn ago(moment: Timestamp) -> String {
    let seconds = Timestamp::now().as_second() - moment.as_second();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} seconds ago"),
        60..3600 => count(seconds / 60, "minute") + " ago",
        3600..86_400 => count(seconds / 3600, "hour") + " ago",
        _ => count(seconds / 86_400, "day") + " ago",
    }
}

/// A moment: `28 November 2026, 23:15 UTC`.
pub(crate) fn date(moment: Timestamp) -> String {
    moment.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `1 operation`, `2 operations`.
pub(crate) fn count(number: i64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// The same of the length of a list.
pub(crate) fn count_of(number: usize, what: &str) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX), what)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn dates_are_told_in_full() {
        assert_eq!(date("2026-11-08T03:04:59Z".parse().unwrap()), "8 November 2026, 03:04 UTC");
    }

    #[test]
    fn moments_are_told_in_the_largest_unit() {
        let ago = |seconds: i64| ago(Timestamp::now() - seconds.seconds());
        assert_eq!((ago(0), ago(61), ago(7300)), ("just now".into(), "1 minute ago".into(), "2 hours ago".into()));
    }
}

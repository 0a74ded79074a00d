//! Moments and numbers, in words.

use std::fmt::{Display, Formatter, Result};

use askama::filters::{Escaper, Html, HtmlSafe};
use jiff::Timestamp;

use crate::texts::Texts;

/// How long ago a moment was: `3 minutes ago`.
pub(crate) fn ago(texts: &Texts, moment: Timestamp) -> String {
    let seconds = Timestamp::now().as_second() - moment.as_second();
    match u64::try_from(seconds) {
        Ok(seconds @ 5..) => texts.with("ago", "time", &spell(texts, seconds)),
        Ok(_) | Err(_) => texts.text("just_now").to_owned(),
    }
}

/// A time in its largest unit: `3 hours`.
pub(crate) fn spell(texts: &Texts, seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "count_second"),
        60..3600 => (seconds / 60, "count_minute"),
        3600..86_400 => (seconds / 3600, "count_hour"),
        _ => (seconds / 86_400, "count_day"),
    };
    texts.count(unit, usize::try_from(number).unwrap_or(usize::MAX))
}

/// The same with what is left of it in the next smaller unit, where that is minutes or hours: `1 hour 59 minutes`.
fn spell_closely(texts: &Texts, seconds: u64) -> String {
    let rest = match seconds {
        0..3600 => 0,
        3600..86_400 => seconds % 3600 / 60 * 60,
        _ => seconds % 86_400 / 3600 * 3600,
    };
    let whole = spell(texts, seconds);
    if rest == 0 { whole } else { format!("{whole} {}", spell(texts, rest)) }
}

/// A moment: `28 November 2026, 23:15 UTC`.
pub(crate) fn date(texts: &Texts, moment: Timestamp) -> String {
    let [day, month, year, time] = ["%-d", "%-m", "%Y", "%H:%M"].map(|part| moment.strftime(part).to_string());
    let place = month.parse::<usize>().unwrap_or_default().saturating_sub(1);
    let month = texts.text("months").split_whitespace().nth(place).unwrap_or(&month);
    texts.fill("date", &[("day", &day), ("month", &month), ("year", &year), ("time", &time)])
}

/// A moment, as pages tell it: how far away it is, and in full where somebody points at it.
#[derive(Debug)]
pub(crate) struct Moment {
    at: Timestamp,
    words: String,
    full: String,
}

impl Moment {
    pub(crate) fn new(texts: &Texts, at: Timestamp) -> Self {
        let left = at.as_second() - Timestamp::now().as_second();
        let words = match u64::try_from(left) {
            Ok(left @ 1..) => texts.with("ahead", "time", &spell_closely(texts, left)),
            Ok(_) | Err(_) => ago(texts, at),
        };
        Self { at, words, full: date(texts, at) }
    }
}

impl HtmlSafe for Moment {}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "<time datetime=\"{}\" title=\"", self.at)?;
        Html.write_escaped_str(&mut *f, &self.full)?;
        f.write_str("\">")?;
        Html.write_escaped_str(&mut *f, &self.words)?;
        f.write_str("</time>")
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn dates_are_told_in_full() {
        let date = date(&Texts::default(), "2026-11-08T03:04:59Z".parse().unwrap());
        assert_eq!(date, "8 November 2026, 03:04 UTC");
    }

    #[test]
    fn a_moment_is_told_in_full_to_who_points_at_it() {
        let long_ago = Moment::new(&Texts::default(), "2006-11-08T03:04:59Z".parse().unwrap()).to_string();
        let head = "<time datetime=\"2006-11-08T03:04:59Z\" title=\"8 November 2006, 03:04 UTC\">";
        assert!(long_ago.starts_with(head) && long_ago.ends_with(" days ago</time>"), "{long_ago}");
    }

    #[test]
    fn moments_are_told_in_the_largest_unit() {
        let texts = Texts::default();
        let ago = |seconds: i64| ago(&texts, Timestamp::now() - seconds.seconds());
        assert_eq!((ago(0), ago(61), ago(7300)), ("just now".into(), "1 minute ago".into(), "2 hours ago".into()));
        let spell = |seconds| spell(&texts, seconds);
        assert_eq!((spell(1), spell(7300), spell(90_000)), ("1 second".into(), "2 hours".into(), "1 day".into()));
    }

    #[test]
    fn what_is_ahead_is_told_in_two_units() {
        let texts = Texts::default();
        let ahead = Moment::new(&texts, Timestamp::now() + 7170.seconds());
        assert_eq!(ahead.words, "in 1 hour 59 minutes");
        for (seconds, words) in [
            (59, "59 seconds"),
            (3599, "59 minutes"),
            (3659, "1 hour"),
            (7199, "1 hour 59 minutes"),
            (90_000, "1 day 1 hour"),
            (172_799, "1 day 23 hours"),
            (172_800 + 3599, "2 days"),
        ] {
            assert_eq!(spell_closely(&texts, seconds), words);
        }
    }
}

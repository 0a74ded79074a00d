//! What a measured value should be, and how it is told.

use std::fmt;

/// What a value should be. A benchmark marks what missed it, and fails no run for a time.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Goal {
    /// Whether a value is as it should be.
    #[must_use]
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    /// The mark of a value in a table.
    #[must_use]
    pub fn mark(self, value: f64) -> &'static str {
        if self.is_met(value) { "met" } else { "MISSED" }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {}", number(*limit)),
            Self::AtLeast(limit) => write!(f, "≥ {}", number(*limit)),
        }
    }
}

/// As many digits of a value as mean something.
#[must_use]
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => {
            let digits = format!("{value:.0}");
            let space = |at: usize| at > 0 && at % 3 == digits.len() % 3;
            digits.char_indices().fold(String::new(), |text, (at, digit)| match space(at) {
                true => format!("{text} {digit}"),
                false => format!("{text}{digit}"),
            })
        }
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_itself_is_met() {
        let marks = [0.24, 0.25, 0.26].map(|value| (Goal::AtMost(0.25).mark(value), Goal::AtLeast(0.25).mark(value)));
        assert_eq!(marks, [("met", "MISSED"), ("met", "met"), ("MISSED", "met")]);
        assert_eq!(Goal::AtMost(0.25).to_string(), "≤ 0.25");
    }

    #[test]
    fn numbers_have_few_digits() {
        let shown = [0.151, 4.0, 12.34, 123.4, 1_234.0, 123_456.7].map(number);
        assert_eq!(shown, ["0.15", "4", "12.3", "123", "1 234", "123 457"]);
    }
}

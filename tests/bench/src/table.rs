//! The table that is printed at the end, and the lines on the way to it.

use std::fmt;

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    reached: String,
    /// In words, and whether it was reached.
    target: Option<(String, bool)>,
    /// What was measured beside it.
    baseline: String,
}

/// What a value should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Table {
    /// Adds a row whose value, in `unit`, has a target.
    pub(crate) fn targeted(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &str,
        target: Target,
        baseline: String,
    ) {
        let (sign, limit, met) = match target {
            Target::AtMost(limit) => ("≤", limit, value <= limit),
            Target::AtLeast(limit) => ("≥", limit, value >= limit),
        };
        let target = Some((format!("{sign} {} {unit}", number(limit)), met));
        self.push(Row { what: what.into(), reached: format!("{} {unit}", number(value)), target, baseline });
    }

    /// Adds a row without a target.
    pub(crate) fn noted(&mut self, what: impl Into<String>, reached: impl Into<String>, baseline: impl Into<String>) {
        self.push(Row { what: what.into(), reached: reached.into(), target: None, baseline: baseline.into() });
    }

    fn push(&mut self, row: Row) {
        println!("{row}");
        self.rows.push(row);
    }
}

/// As many digits as mean something.
fn number(value: f64) -> String {
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

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, met) = match &self.target {
            Some((target, true)) => (target.as_str(), "yes"),
            Some((target, false)) => (target.as_str(), "NO"),
            None => ("", ""),
        };
        write!(f, "{:60} {:>22}  {:>13} {met:>3}  {}", self.what, self.reached, target, self.baseline)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:60} {:>22}  {:>13} {:>3}  in the same run", "", "reached", "target", "met")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

//! The table that is printed at the end, and the lines on the way to it.

use std::fmt;

use nuncio_test_support::{Goal, number};

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    /// Sizes and counts that are over their bound, by what they are of.
    over: Vec<String>,
}

#[derive(Debug)]
struct Row {
    what: String,
    reached: String,
    /// In words, and the mark of what was reached.
    target: Option<(String, &'static str)>,
    /// What was measured beside it.
    baseline: String,
}

impl Table {
    /// Adds a row whose value, in `unit`, has a target.
    pub(crate) fn targeted(&mut self, what: impl Into<String>, value: f64, unit: &str, target: Goal, baseline: String) {
        let target = Some((format!("{target} {unit}"), target.mark(value)));
        self.push(Row { what: what.into(), reached: format!("{} {unit}", number(value)), target, baseline });
    }

    /// Adds a row of a size or a count, which is the same on every machine: one that misses its bound fails the run.
    pub(crate) fn bounded(&mut self, what: impl Into<String>, value: f64, unit: &str, bound: Goal, baseline: String) {
        let what = what.into();
        if !bound.is_met(value) {
            self.over.push(format!("{what}: {} {unit}, and has to be {bound}", number(value)));
        }
        self.targeted(what, value, unit, bound, baseline);
    }

    /// Why the run fails, if it does.
    pub(crate) fn over(&self) -> &[String] {
        &self.over
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

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, mark) = self.target.as_ref().map_or(("", ""), |(target, mark)| (target, mark));
        write!(f, "{:60} {:>22}  {:>13} {mark:>6}  {}", self.what, self.reached, target, self.baseline)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:60} {:>22}  {:>13} {:>6}  in the same run", "", "reached", "target", "")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_over_its_bound_fails_the_run_and_a_time_does_not() {
        let mut table = Table::default();
        table.targeted("a time", 60.0, "ms", Goal::AtMost(50.0), String::new());
        table.bounded("a size", 50.0, "KB", Goal::AtMost(50.0), String::new());
        assert!(table.over().is_empty());
        table.bounded("another", 51.0, "KB", Goal::AtMost(50.0), String::new());
        assert_eq!(table.over(), ["another: 51 KB, and has to be ≤ 50"]);
        assert_eq!(table.to_string().matches("MISSED").count(), 2);
    }
}

//! Ours beside the original, with the ratio of both and what it should be.

use nuncio_test_support::{Goal, number};

use crate::cases::{Case, Load};
use crate::measure::Measured;

/// What is compared.
pub(crate) struct Column {
    name: &'static str,
    value: fn(&Measured) -> f64,
    /// Of ours over the original's.
    goal: Goal,
    /// Nothing to compare where nobody asks Redis.
    of_redis: bool,
}

pub(crate) const SATURATED: [Column; 3] = [
    Column { name: "service µs", value: Measured::service, goal: Goal::AtMost(0.25), of_redis: false },
    Column { name: "decisions/s", value: Measured::rate, goal: Goal::AtLeast(4.0), of_redis: false },
    REDIS,
];

pub(crate) const FIXED: [Column; 3] = [
    Column { name: "service µs", value: Measured::service, goal: Goal::AtMost(0.4), of_redis: false },
    Column { name: "p99 ms", value: Measured::p99, goal: Goal::AtMost(1.0), of_redis: false },
    REDIS,
];

const REDIS: Column = Column { name: "Redis µs", value: Measured::redis, goal: Goal::AtMost(0.25), of_redis: true };

pub(crate) fn head(title: &str, columns: &[Column]) {
    let goals: String =
        columns.iter().map(|column| format!("{:>37}", format!("{}, ratio {}", column.name, column.goal))).collect();
    println!("\n{title:<46}{goals}");
    println!("{:46}{}", "", format!("{:>10}{:>10}{:>8}{:9}", "ours", "original", "ratio", "").repeat(columns.len()));
}

pub(crate) fn row(case: Case, load: Load, columns: &[Column], ours: &Measured, original: &Measured) {
    let cells: String = columns.iter().map(|column| column.cell(case, ours, original)).collect();
    println!("{:<31}{:<15}{cells}", case.name, load.to_string());
}

impl Column {
    fn cell(&self, case: Case, ours: &Measured, original: &Measured) -> String {
        if self.of_redis && !case.asks_redis {
            return format!("{:>37}", "not asked");
        }
        let (ours, original) = ((self.value)(ours), (self.value)(original));
        let ratio = ours / original;
        format!("{:>10}{:>10}{ratio:>8.2} {:<8}", number(ours), number(original), self.goal.mark(ratio))
    }
}

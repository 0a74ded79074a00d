//! Requests through an Envoy that asks.

use std::time::Duration;

use nuncio_test_support::Goal;

use crate::contender::{Contender, Cost};

/// Measurements of each, in turn.
const ROUNDS: usize = 5;
/// Milliseconds that a check may add to a request.
const ADDED: Goal = Goal::AtMost(0.15);

/// What is to be reached, of our cost and theirs.
pub(crate) struct Judged {
    name: &'static str,
    value: fn(Cost, Cost) -> f64,
    goal: Goal,
}

pub(crate) const SESSION: Judged = Judged {
    name: "service, ours over theirs",
    value: |ours, theirs| ours.service / theirs.service,
    goal: Goal::AtMost(0.25),
};

pub(crate) const TOKEN: Judged =
    Judged { name: "our service, µs", value: |ours, _| ours.service, goal: Goal::AtMost(15.0) };

/// Prints the names of what [`compare`] prints.
pub(crate) fn head() {
    println!(
        "\n{:<18}{:>8}{:>14}{:>16}{:>10}{:>14}   goal",
        "CPU µs/request", "ours", "its service", "beside", "theirs", "its service"
    );
}

/// Prints what both cost, Envoy and service together, and what being asked about adds to the time of a request.
pub(crate) async fn compare(what: &str, [mut ours, mut theirs]: [Contender<'_>; 2], length: Duration, judged: &Judged) {
    for _ in 0..ROUNDS {
        ours.run(length).await;
        theirs.run(length).await;
    }
    let (of_ours, of_theirs) = (ours.cost(), theirs.cost());
    let value = (judged.value)(of_ours, of_theirs);
    println!(
        "{what:<18}{:>8.1}{:>14.1}{:>16}{:>10.1}{:>14.1}   {}: {value:.2}, {} {}",
        of_ours.all,
        of_ours.service,
        theirs.name,
        of_theirs.all,
        of_theirs.service,
        judged.name,
        judged.goal,
        judged.goal.mark(value),
    );
    let (added, their_added) = (ours.added(length).await, theirs.added(length).await);
    println!("{:<18}{added:>8.3} ms beside {their_added:.3} added to the median, {ADDED} {}", "", ADDED.mark(added));
}

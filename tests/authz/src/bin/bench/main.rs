//! Processor time of a request that is let through, in one run: our service beside oauth2-proxy, each behind an Envoy of the
//! same configuration, for a session's cookie; and our JWT filter beside Envoy's own.
//!
//! Those compared take turns; the load and the upstream share the machine, and are not counted.
//! usage: `bench-authz [seconds for each measurement]`
// Whatever cannot be measured ends the run, as in a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod contender;
mod sessions;
mod tokens;

use nuncio_test_support::Goal;

use crate::contender::{Contender, Cost};

/// Measurements of each, in turn.
const ROUNDS: usize = 6;

/// What is to be reached, of our cost and theirs.
struct Judged {
    name: &'static str,
    value: fn(Cost, Cost) -> f64,
    goal: Goal,
}

const SESSION: Judged = Judged {
    name: "service, ours over theirs",
    value: |ours, theirs| ours.service / theirs.service,
    goal: Goal::AtMost(0.25),
};

const TOKEN: Judged = Judged { name: "our service, µs", value: |ours, _| ours.service, goal: Goal::AtMost(15.0) };

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).map_or(2, |text| text.parse().expect("usage: bench-authz [seconds]"));
    println!(
        "{:<18}{:>8}{:>14}{:>16}{:>10}{:>14}   goal",
        "CPU µs/request", "ours", "its service", "beside", "theirs", "its service"
    );
    let pair = sessions::start().await;
    compare("session's cookie", pair.contenders(), seconds, &SESSION).await;
    drop(pair);
    let pair = tokens::start().await;
    compare("bearer token", pair.contenders(), seconds, &TOKEN).await;
}

async fn compare(what: &str, [mut ours, mut theirs]: [Contender<'_>; 2], seconds: u32, judged: &Judged) {
    for _ in 0..ROUNDS {
        ours.run(seconds).await;
        theirs.run(seconds).await;
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
}

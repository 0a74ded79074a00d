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

use crate::contender::Contender;

/// Measurements of each, in turn.
const ROUNDS: usize = 6;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).map_or(2, |text| text.parse().expect("usage: bench-authz [seconds]"));
    println!(
        "{:<18}{:>12}{:>14}{:>16}{:>12}{:>14}{:>8}",
        "CPU µs/request", "ours", "its service", "beside", "theirs", "its service", "ratio"
    );
    let pair = sessions::start().await;
    compare("session's cookie", pair.contenders(), seconds).await;
    drop(pair);
    let pair = tokens::start().await;
    compare("bearer token", pair.contenders(), seconds).await;
}

async fn compare(what: &str, [mut ours, mut theirs]: [Contender<'_>; 2], seconds: u32) {
    for _ in 0..ROUNDS {
        ours.run(seconds).await;
        theirs.run(seconds).await;
    }
    let (of_ours, of_theirs) = (ours.cost(), theirs.cost());
    println!(
        "{what:<18}{:>12.1}{:>14.1}{:>16}{:>12.1}{:>14.1}{:>8.2}",
        of_ours.all,
        of_ours.service,
        theirs.name,
        of_theirs.all,
        of_theirs.service,
        of_theirs.all / of_ours.all,
    );
}

//! `make bench`: what a change costs, what a start costs, what a request costs, and what is lost meanwhile.
//!
//! Prints a table of targets and reached values, with the baseline that each was measured beside. Asserts no time, but ends
//! with 1 where a size or a count is over its bound; writes nothing but temporary files, talks to loopback only. `docs/performance.md` explains the numbers.
// Whatever cannot be measured ends the run, as in a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod changes;
mod cluster;
mod cold;
mod fleet;
mod loading;
mod loss;
mod portal;
mod previews;
mod statistics;
mod table;
mod throughput;
mod upstream;

use clap::{Parser, ValueEnum};

use crate::table::Table;

/// What of it to run.
#[derive(Debug, Parser)]
struct Args {
    /// The parts to run [default: all]
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Fleets of at most this many routes
    #[arg(long, default_value_t = 100_000)]
    most_routes: usize,
    /// Changes to measure at each size
    #[arg(long, default_value_t = 40)]
    changes: usize,
    /// Previews to measure beside
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    previews: u32,
    /// Seconds for each run of the load generator
    #[arg(long, default_value_t = 1)]
    seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// One route changed: time until a request sees it
    Changes,
    /// From nothing to a fleet: CPU and memory
    Cold,
    /// Requests through Envoy, beside a hand-written configuration
    Throughput,
    /// Requests that fail while things change
    Loss,
    /// The developer portal with many documents
    Portal,
    /// A thousand previews: what they cost others, when one is there, memory
    Previews,
    /// All of it against a Kubernetes API server
    Cluster,
}

/// What the original was measured at, for scale: not in this run, not on this machine.
const CONTEXT: &str = "\
For scale, not measured here: the original's compiler alone (Emissary 4's Python, one run on two slow cores, without its watch, validation and
Envoy) takes 0.56 s for one changed Mapping of 1 000 on one Host, 1.9 s over 100 Hosts, 3.5 s of 5 000 (253 MB); 5.7 s from nothing for 5 000.";

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    let mut table = Table::default();
    if wanted(Part::Changes) {
        changes::measure(&mut table, args.most_routes, args.changes).await;
    }
    if wanted(Part::Cold) {
        cold::measure(&mut table, args.most_routes).await;
    }
    if wanted(Part::Throughput) {
        throughput::measure(&mut table, args.seconds).await;
    }
    if wanted(Part::Loss) {
        loss::measure(&mut table).await;
    }
    if wanted(Part::Previews) {
        previews::measure(&mut table, args.seconds, args.previews).await;
    }
    if wanted(Part::Portal) {
        portal::measure(&mut table).await;
    }
    if wanted(Part::Cluster) {
        cluster::measure(&mut table, args.most_routes, args.changes).await;
    }
    println!("\n{table}\n{CONTEXT}");
    if !table.over().is_empty() {
        eprintln!("\nover their bounds:\n{}", table.over().join("\n"));
        std::process::exit(1);
    }
}

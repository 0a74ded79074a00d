//! `nuncio`: the command line, and the whole gateway in one process beside its Envoy.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod authz;
mod check;
mod cli;
mod controller;
mod crds;
mod doctor;
mod environment;
mod envoy;
mod envoy_config;
mod exit;
mod explain;
mod gateway;
mod portal;
mod preview;
mod ratelimit;
mod report;
mod routes;
mod table;
mod up;
mod version;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A cold build is mostly small allocations, which this does in less CPU than glibc's (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    exit::code(cli::parse().and_then(cli::run))
}

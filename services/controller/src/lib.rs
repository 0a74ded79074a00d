//! The controller: sources, the incremental world, the xDS server and the diagnostics API.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod admin;
mod source;

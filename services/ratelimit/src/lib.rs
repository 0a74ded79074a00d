//! Envoy's rate limit service (RLS v3) in place of envoyproxy/ratelimit: the same rules, keys, replies, environment and
//! ports, for a fraction of the processor time.
//!
//! ```text
//!  files │ xDS ─► provider ─► config (rules, laid out for lookups)
//!                                │
//!  gRPC │ /json ─► server ─► limiter ─► plan ─► store (memory │ Redis) ─► reply
//!                                └────────────► stats ─► statsd │ Prometheus │ /stats
//! ```
//!
//! `config`, `plan`, `reply` and the counting in `tally` do no input or output. What differs from the original, on
//! purpose, is in `docs/ratelimit-compatibility.md`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod algorithm;
mod announce;
mod aside;
mod back_off;
mod backends;
mod check;
mod clock;
pub mod config;
mod counter_key;
mod embedded;
mod explain;
mod lease;
mod limiter;
mod metadata;
mod plan;
mod provider;
mod reach;
mod reply;
mod run;
mod server;
pub mod settings;
mod start;
pub mod stats;
pub mod store;
mod tally;
mod tls;
mod top;
mod unit;
mod window;

pub use algorithm::{Algorithm, Gcra, GcraState, Sliding, SlidingState};
pub use check::{CheckOptions, Checked, check};
pub use embedded::embedded;
pub use explain::{CounterView, Explanation, RuleView, explain, path as explain_path};
pub use limiter::{CallError, Limiter, Options, Shared};
pub use provider::{Active, Loads};
pub use reach::{reach_redis, reach_redis_at};
pub use run::{Observed, RunError, run};
pub use start::main;
pub use top::{Often, Top};
pub use unit::Unit;
pub use window::Window;

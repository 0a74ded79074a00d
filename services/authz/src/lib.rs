//! Envoy's external authorization: login, tokens, keys, by the rules that the controller compiles from Filters and
//! FilterPolicies.
//!
//! ```text
//!  controller (xDS) │ file ─► provider ─► config (rules and filters, compiled)
//!                                            │
//!  gRPC │ HTTP ─► server ─► engine ─► filter ─┬─► idp (keys, tokens) ─► identity provider
//!                             │              └─► session (sealed) ─► memory │ Redis
//!                             └─► metrics, audit
//! ```
//!
//! What is decided is in `nuncio-auth`, which does no input or output; here is what does.
// A login waits for a provider within waits that traces tell of: futures are nested deep.
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]
#![allow(clippy::doc_markdown, reason = "names of the kinds of objects are no code here")]

mod ask;
mod audit;
mod changes;
mod clock;
mod config;
mod dynamic;
mod embedded;
mod engine;
mod filter;
mod idp;
mod lookout;
mod metrics;
mod provider;
mod run;
mod server;
mod session;
pub mod settings;
mod start;

pub use embedded::embedded;
pub use engine::KeyUse;
pub use run::{RunError, Service};
pub use settings::Settings;
pub use start::{Arguments, main, start};

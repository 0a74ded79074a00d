//! The developer portal: every API that the gateway serves, found, read and explained.
//!
//! ```text
//!  the controller's admin API ─► gateway ─► api (what is served, and where clients reach it), and the console
//!                                             │
//!  a directory ──► content (pages of the operator's, colours, texts) ──► web, search
//!
//!  services ◄── fetch (guarded) ◄── refresh ──┤
//!                 └─► document ─► rewrite ────┴─► catalog ─► web (pages, JSON, feeds), search
//!                        └─► changes ─► history ───┴─► routed, merged (one document of all) ─► exports
//!
//!  people, CI jobs, forges ─► previews ─► the controller, which knows who may what, and writes
//!
//!  a reader ─► access (who, by the gateway's word) ─► web ─► keys (a Secret for APIKey Filters)
//! ```
//!
//! `document`, `mount`, `rewrite`, `routed`, `reference`, `changes`, `merged` and `markdown` do no input or output. What services and
//! documents say is a stranger's text everywhere here: it is bounded when it is read, and escaped or sanitised when it
//! is shown.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod about;
mod access;
mod api;
mod catalog;
mod cause;
mod changes;
mod console;
mod content;
mod document;
mod exports;
mod fetch;
mod gateway;
mod history;
mod keys;
mod machines;
mod markdown;
mod merged;
mod mount;
mod previews;
mod published;
mod reference;
mod refresh;
mod rewrite;
mod routed;
mod run;
mod search;
mod settings;
mod start;
mod taken;
mod texts;
mod web;

pub use access::IdentityKeys;
pub use changes::{Change, DiffError, Severity, diff};
pub use fetch::Secrets;
pub use keys::{KeyUse, KeyUses, KeysError};
pub use published::{at_listener, for_clients, published_port};
pub use run::{Beside, RunError, run};
pub use settings::{Cluster, Settings};
pub use start::{Arguments, main, start};

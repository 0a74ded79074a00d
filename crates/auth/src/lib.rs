//! Login and API protection at the edge, without input, output or a clock: decisions, tokens, cookies.
//!
//! ```text
//!  Request ─► path (normal?) ─► rules (which?) ─► Walk ─┬─► jwt · api_key · basic · login … ─► Verdict
//!                                    conditions ───────┘
//! ```
//!
//! What needs time or randomness takes it as an argument. The service in `services/authz` does the rest; templates and
//! expressions over claims are `nuncio-expr`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod address;
pub mod api_key;
mod assertion;
pub mod basic;
mod bearer;
mod challenge;
mod client;
mod condition;
pub mod cookie;
pub mod crypto;
mod glob;
pub mod jwt;
pub mod login;
mod page;
pub mod path;
mod proxied;
mod reply;
mod request;
mod rules;
pub mod share;
mod strength;
mod walk;

pub use assertion::{Asserted, Recipient, audiences_at};
pub use bearer::{Bearer, bearer};
pub use challenge::challenge;
pub use client::ClientKind;
pub use condition::{Condition, InvalidCondition};
pub use glob::Glob;
pub use page::{InvalidTheme, Look, Theme};
pub use proxied::{VIA, came_by_a_proxy, is_here};
pub use reply::{Denial, Identity, Reply, Verdict};
pub use request::{Edits, Request};
pub use rules::{Match, Rule, Rules, Step};
pub use strength::Strength;
pub use walk::{Next, Walk};

//! Login and API protection at the edge, without input, output or a clock: decisions, tokens, cookies, templates.
//!
//! ```text
//!  Request ─► path (normal?) ─► rules (which?) ─► Walk ─┬─► jwt · api_key · basic · login … ─► Verdict
//!                                    conditions ───────┘         └ template, require (CEL)
//! ```
//!
//! What needs time or randomness takes it as an argument. The service in `services/authz` does the rest; the controller
//! uses what compiles ([`Rules`], [`Template`], [`Requirement`]) to find mistakes before they are sent.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod api_key;
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
mod reply;
mod request;
mod require;
mod rules;
mod strength;
pub mod template;
mod walk;

pub use bearer::{Bearer, bearer};
pub use challenge::challenge;
pub use client::ClientKind;
pub use condition::{Condition, InvalidCondition};
pub use glob::Glob;
pub use page::{InvalidTheme, Look, Theme};
pub use reply::{Denial, Identity, Reply, Verdict};
pub use request::{Edits, Request};
pub use require::{InvalidRequirement, Requirement};
pub use rules::{Match, Rules, Step};
pub use strength::Strength;
pub use template::Template;
pub use walk::{Next, Walk};

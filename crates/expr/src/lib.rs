//! The languages that fields of objects hold: Go's templates, and expressions over claims. No input, output or clock.
//!
//! What reads the objects compiles them to find mistakes before an object is taken in; what serves compiles them once more, to
//! run them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod regular;
mod require;
pub mod template;
pub mod told;

pub use regular::{InvalidRegex, regex};
pub use require::{InvalidRequirement, Requirement};
pub use template::Template;

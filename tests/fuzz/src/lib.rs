//! Inputs for fuzzing: texts that may be manifests, worlds of objects with odd but mostly valid fields, and texts of whatever
//! pieces a target gives.
//!
//! Everything here makes its choices by the bytes of an [`arbitrary::Unstructured`], so a case is repeated by its
//! bytes, and whatever feeds bytes can drive it. [`run`] is the driver of `cargo test`: the same inputs each time, for as
//! long as [`budget`] says.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod driver;
mod forge;
mod secrets;
mod text;
mod values;
mod world;

pub use driver::{budget, case, run};
pub use text::{broken, pieces, text};
pub use world::World;

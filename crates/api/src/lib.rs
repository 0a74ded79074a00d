//! The objects that users write: one module per kind. Parsing, defaults and validation; no I/O.

mod object;

pub use object::{Kind, Location, ObjectId, Problem, Severity};

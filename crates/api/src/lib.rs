//! The objects that users write: one module per kind. Parsing, defaults and validation; no I/O.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod convert;
pub mod crd;
mod duration;
mod edit;
mod guard;
mod lenient;
mod mask;
mod not_effective;
mod object;
mod parse;
mod service_ref;
mod spec;
mod text;
mod validate;
mod yaml;

pub use duration::DurationError;
pub use edit::{
    DocumentAt, EditError, Outline, Written, add_item, document_at, is_one_document, remove_item, says_same, set_field,
};
pub use guard::{GUARDS, Guard, UNREADABLE_GUARD};
pub use mask::{MASK, Masked, is_credential};
pub use object::{Kind, Location, Object, ObjectId, Problem, Severity};
pub use parse::{Defaults, FileProblem, Parsed, Text, from_json, guard_in, is_blank, locate, parse};
pub use service_ref::{Scheme, ServiceRef, ServiceRefError};
pub use spec::*;
pub use text::{closest, without_port};
pub use validate::{added_key, held_in, holds_key, is_assertion, reads_assertion, shown_key, template_problem};
pub use yaml::to_yaml;

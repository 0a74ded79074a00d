//! What has changed from one document of an API to the next, and whom that breaks.
//!
//! ```text
//!  two documents ─► lift (one shape for all versions) ─► operations (joined by path and method)
//!                     ─► parameters, bodies, security ─► schemas, each pair of them once ─► changes, the worst first
//! ```
//!
//! Schemas are compared by a queue and not by recursion: what two operations share is compared and told once, with all
//! operations that it is a part of, and what refers to itself has an end.

mod bodies;
mod bounds;
mod comparison;
mod lift;
mod operations;
mod parameters;
mod properties;
mod rule;
mod schema;
mod security;
mod shape;
#[cfg(test)]
mod tests;
mod variants;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::comparison::Comparison;
pub(crate) use self::lift::from_swagger;
pub use self::rule::Severity;
pub(crate) use self::words::plain;
use crate::document::Document;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Names this change. The same change between other documents has the same.
    pub id: String,
    /// The rule that found it.
    pub rule: String,
    /// Whom it breaks.
    pub severity: Severity,
    /// The operations that it is a part of, as method and path: the first of them. None where it is one of the document.
    pub operations: Vec<String>,
    /// How many more there are.
    pub more_operations: usize,
    /// Where it is: in a part of the operation, or in a schema that operations share.
    pub place: String,
    /// What has changed.
    pub text: String,
}

impl Change {
    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let texts = [&self.id, &self.rule, &self.place, &self.text].into_iter().chain(&self.operations);
        size_of::<Self>() + texts.map(String::len).sum::<usize>()
    }

    /// Whether some client breaks.
    pub(crate) fn is_breaking(&self) -> bool {
        self.severity == Severity::Breaking
    }
}

/// What has changed from `old` to `new`, the worst first.
pub(crate) fn compare(old: &Document, new: &Document) -> Vec<Change> {
    let ((old, is_old_whole), (new, is_new_whole)) = (lift::lift(old), lift::lift(new));
    let mut comparison = Comparison::new(&old, &new, is_old_whole && is_new_whole);
    comparison.operations();
    comparison.security_schemes();
    comparison.schemas();
    comparison.changes()
}

/// Why two texts cannot be compared.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DiffError {
    /// The first is no document.
    #[error("the old document: {0}")]
    Old(String),
    /// The second is none.
    #[error("the new document: {0}")]
    New(String),
}

/// What has changed from one text to another, both OpenAPI documents of any version, as JSON or YAML; the worst first.
///
/// # Errors
/// When one of them is no document.
pub fn diff(old: Vec<u8>, new: Vec<u8>) -> Result<Vec<Change>, DiffError> {
    let old = Document::read(old.into()).map_err(|error| DiffError::Old(error.to_string()))?;
    let new = Document::read(new.into()).map_err(|error| DiffError::New(error.to_string()))?;
    Ok(compare(&old, &new))
}

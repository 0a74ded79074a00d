//! Collects what is wrong with an object.

use std::sync::Arc;

use crate::yaml::{DeError, Mark, Node, Path};
use crate::{Location, Problem, Severity};

/// The problems of one object, each put where its field stands.
pub(crate) struct Issues<'a> {
    root: &'a Node<'a>,
    file: &'a Arc<str>,
    found: Vec<(Problem, Location)>,
    errors: usize,
}

impl<'a> Issues<'a> {
    pub(crate) fn new(root: &'a Node<'a>, file: &'a Arc<str>) -> Self {
        Self { root, file, found: Vec::new(), errors: 0 }
    }

    /// The field at `path` is wrong.
    pub(crate) fn error(&mut self, path: &Path<'_>, reason: &'static str, message: impl Into<String>) {
        self.push(path.mark(self.root), Problem::error(reason, path.to_string(), message));
    }

    /// The field at `path` has less effect than it seems to have.
    pub(crate) fn warning(&mut self, path: &Path<'_>, reason: &'static str, message: impl Into<String>) {
        self.push(path.mark(self.root), Problem::warning(reason, path.to_string(), message));
    }

    /// A value could not be deserialized.
    pub(crate) fn refused(&mut self, error: DeError) {
        let mark = error.mark.unwrap_or(self.root.mark);
        self.push(mark, Problem::error("InvalidValue", error.path, error.message));
    }

    /// Adds a problem that stands at `mark`.
    pub(crate) fn push(&mut self, mark: Mark, problem: Problem) {
        self.errors += usize::from(problem.severity == Severity::Error);
        let location = Location { file: Arc::clone(self.file), line: mark.line, column: mark.column };
        self.found.push((problem, location));
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The node that `path` leads to.
    pub(crate) fn node(&self, path: &Path<'_>) -> Option<&'a Node<'a>> {
        path.find(self.root).0
    }

    /// Everything found, in the order of the text.
    pub(crate) fn finish(mut self) -> Vec<(Problem, Location)> {
        self.found.sort_by_key(|(_, location)| (location.line, location.column));
        self.found
    }
}

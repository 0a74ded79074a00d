//! What a definition says of a kind.

use serde_json::Value;

/// A kind of Ambassador's groups.
pub(super) struct CustomKind {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    /// What `kubectl` takes for it too. The names of Filters, FilterPolicies and RateLimits are the original's.
    pub(super) short: &'static [&'static str],
    /// One sentence for `kubectl explain`.
    pub(super) description: &'static str,
    /// The schema of its `spec`; `None` while nothing interprets it.
    pub(super) spec: Option<fn() -> Value>,
    /// Whether an object without `spec` is refused.
    pub(super) needs_spec: bool,
    /// The version that is stored, and that the controller reads.
    pub(super) version: &'static str,
    /// Versions before it that the original has.
    pub(super) older: &'static [&'static str],
    /// Columns before those that every kind has.
    pub(super) columns: &'static [Column],
}

/// A column of `kubectl get`.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// In `v1` and `v2`, where it differs.
    pub(super) old_path: Option<&'static str>,
    /// `string` or `integer`.
    pub(super) kind: &'static str,
    /// Only shown by `-o wide`.
    pub(super) wide: bool,
}

/// A column of text.
pub(super) const fn text(name: &'static str, path: &'static str) -> Column {
    Column { name, path, old_path: None, kind: "string", wide: false }
}

/// One that only `-o wide` shows.
pub(super) const fn wide(name: &'static str, path: &'static str) -> Column {
    Column { wide: true, ..text(name, path) }
}

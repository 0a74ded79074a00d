//! Edits to the headers of requests and responses.

/// Adds one header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderAdd {
    /// Lower-case name.
    pub name: String,
    /// Value; may hold Envoy's command operators (`%REQ(x)%`), a literal percent sign is `%%`.
    pub value: String,
    /// Append to values that are there (`true`) or replace them.
    pub append: bool,
}

/// What is done to the headers of a message: first removals, then additions, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderEdits {
    /// Lower-case names, sorted.
    pub remove: Vec<String>,
    /// In the order in which they apply.
    pub add: Vec<HeaderAdd>,
}

impl HeaderEdits {
    /// Whether nothing is edited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }
}

//! A text that is read for its fields.

use super::{EditError, root};
use crate::yaml::{Node, Value};

/// What a text says at paths like `spec.rules[0].host`.
#[derive(Clone, Debug)]
pub struct Outline<'t>(Node<'t>);

/// The parts of a path: keys, and indices of lists.
pub(super) fn parts(path: &str) -> Vec<&str> {
    path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty()).collect()
}

/// What is below a part of a path.
pub(super) fn child<'n, 't>(node: &'n Node<'t>, part: &str) -> Option<&'n Node<'t>> {
    match &node.value {
        Value::List(items) => items.get(part.parse::<usize>().ok()?),
        _ => node.get(part),
    }
}

impl<'t> Outline<'t> {
    /// Of one document.
    ///
    /// # Errors
    /// Where it is none.
    pub fn of(text: &'t str) -> Result<Self, EditError> {
        root(text).map(Self)
    }

    fn node(&self, path: &str) -> Option<&Node<'t>> {
        parts(path).iter().try_fold(&self.0, |node, part| child(node, part))
    }

    /// Whether something is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.node(path).is_some()
    }

    /// The items of a list.
    #[must_use]
    pub fn len(&self, path: &str) -> usize {
        self.node(path).map_or(0, |node| node.items().len())
    }

    /// The text of a scalar.
    #[must_use]
    pub fn scalar(&self, path: &str) -> Option<String> {
        self.node(path).and_then(scalar)
    }

    /// A list of scalars, or one that stands for a list of itself. `None` where it is something else.
    #[must_use]
    pub fn texts(&self, path: &str) -> Option<Vec<String>> {
        match self.node(path) {
            Some(Node { value: Value::List(items), .. }) => items.iter().map(scalar).collect(),
            Some(node) if !node.is_null() => scalar(node).map(|text| vec![text]),
            _ => Some(Vec::new()),
        }
    }

    /// A list of mappings of one key each. `None` where it is something else.
    #[must_use]
    pub fn pairs(&self, path: &str) -> Option<Vec<(String, String)>> {
        let pair = |item: &Node<'_>| match item.entries() {
            [only] => Some((only.key.to_string(), scalar(&only.node)?)),
            _ => None,
        };
        match self.node(path) {
            Some(node) if !node.is_null() && !matches!(node.value, Value::List(_)) => None,
            node => node.map(Node::items).unwrap_or_default().iter().map(pair).collect(),
        }
    }
}

fn scalar(node: &Node<'_>) -> Option<String> {
    match &node.value {
        Value::Plain(raw) if !node.is_null() => Some(raw.clone().into_owned()),
        Value::Text(text) | Value::Literal(text) => Some(text.clone().into_owned()),
        _ => None,
    }
}

//! The way from an object's root to a field.

use std::fmt;

use super::node::{Mark, Node};

/// A path, linked from its end to its beginning, so that none is built until it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'p> {
    /// The whole object.
    Root,
    /// The value of a key.
    Key(&'p Path<'p>, &'p str),
    /// An item of a list.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    /// The path of `key` in what this path leads to.
    pub(crate) fn key(&'p self, key: &'p str) -> Self {
        Path::Key(self, key)
    }

    /// The path of the item `index` of what this path leads to.
    pub(crate) fn index(&'p self, index: usize) -> Self {
        Path::Index(self, index)
    }

    /// Where the field stands below `root`; where it is missing, where the last thing on the way to it stands.
    pub(crate) fn mark(&self, root: &Node<'_>) -> Mark {
        self.find(root).1
    }

    /// The node that the path leads to, if it is there, and its place as [`Self::mark`] has it.
    pub(crate) fn find<'n, 'a>(&self, root: &'n Node<'a>) -> (Option<&'n Node<'a>>, Mark) {
        match self {
            Self::Root => (Some(root), root.mark),
            Self::Key(parent, key) => match parent.find(root) {
                (Some(node), mark) => match node.entry(key) {
                    Some(entry) if entry.node.is_null() => (Some(&entry.node), entry.mark),
                    Some(entry) => (Some(&entry.node), entry.node.mark),
                    None => (None, mark),
                },
                missing => missing,
            },
            Self::Index(parent, index) => match parent.find(root) {
                (Some(node), mark) => node.items().get(*index).map_or((None, mark), |item| (Some(item), item.mark)),
                missing => missing,
            },
        }
    }
}

/// `spec.circuit_breakers[0].priority`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                fmt::Display::fmt(parent, f)?;
                if key.is_empty() || key.contains(['.', '[', ' ']) {
                    return write!(f, "[{key:?}]");
                }
                let dot = if matches!(parent, Path::Root) { "" } else { "." };
                write!(f, "{dot}{key}")
            }
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

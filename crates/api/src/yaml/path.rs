//! The way from an object's root to a field.

use std::fmt;

use super::node::{Entry, Mark, Node};
use crate::text::plain;

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

/// Where the field stands that is named `field`, as paths are shown; where it is missing, where the last thing on the way to
/// it stands.
pub(crate) fn place(root: &Node<'_>, field: &str) -> Mark {
    let (mut node, mut mark, mut rest) = (root, root.mark, field);
    while let Some((next, next_mark, left)) = step(node, rest) {
        (node, mark, rest) = (next, next_mark, left);
    }
    mark
}

/// Goes to what the first part of `path` leads to; gives its place and what is left of the path.
fn step<'n, 'a, 'p>(node: &'n Node<'a>, path: &'p str) -> Option<(&'n Node<'a>, Mark, &'p str)> {
    let path = path.strip_prefix('.').unwrap_or(path);
    if let Some((index, left)) = path.strip_prefix('[').and_then(|path| path.split_once(']'))
        && let Ok(index) = index.parse::<usize>()
    {
        return node.items().get(index).map(|item| (item, item.mark, left));
    }
    let (entry, left) = if path.starts_with('[') {
        let quoted = |entry: &'n Entry<'a>| Some((entry, path.strip_prefix(&format!("[{:?}]", entry.key))?));
        node.entries().iter().find_map(quoted)?
    } else {
        let (key, left) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
        // A field may be written in camel case too.
        let alike = || node.entries().iter().find(|entry| plain(&entry.key) == plain(key));
        (node.entry(key).or_else(alike)?, left)
    };
    let mark = if entry.node.is_null() { entry.mark } else { entry.node.mark };
    Some((&entry.node, mark, left))
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

//! The scalars of a text, each with its place.

use std::ops::Range;

use crate::edit::{Edit, EditError};
use crate::yaml::{Entry, Node, Value};

/// A scalar.
pub(super) struct Place<'n, 't> {
    /// `spec.rules[0].host`.
    pub(super) path: String,
    /// The keys on the way to it, its own last.
    pub(super) keys: &'n [&'n str],
    pub(super) value: &'n str,
    /// It is the value of this entry of this mapping, and no item of a list.
    entry: Option<(&'n Node<'t>, &'n Entry<'t>)>,
}

impl<'t> Place<'_, 't> {
    /// Where it is in the text, if it stands on one line, and in a list on one of its own.
    pub(super) fn span(&self, text: &str) -> Result<Range<usize>, EditError> {
        let (edit, path) = (Edit { text }, self.path.as_str());
        let is_in_item =
            |entry: &Entry<'_>| path.strip_suffix(&*entry.key).is_some_and(|before| before.ends_with("]."));
        let span = self
            .entry
            .and_then(|(map, entry)| if is_in_item(entry) { edit.line(map, entry) } else { edit.scalar(&entry.node) });
        span.ok_or_else(|| EditError::NotALine(self.path.clone()))
    }

    /// The mapping that it stands in.
    pub(super) fn mapping(&self) -> Option<&Node<'t>> {
        self.entry.map(|(map, _)| map)
    }
}

/// Shows every scalar that says something, and every key: that of a mapping may be an alias of one.
pub(super) fn each<'t>(root: &Node<'t>, visit: &mut dyn FnMut(&Place<'_, 't>)) {
    Walk { keys: Vec::new(), visit }.walk(root, None, "");
}

struct Walk<'n, 't, 'v> {
    keys: Vec<&'n str>,
    visit: &'v mut dyn FnMut(&Place<'_, 't>),
}

impl<'n, 't> Walk<'n, 't, '_> {
    fn walk(&mut self, node: &'n Node<'t>, entry: Option<(&'n Node<'t>, &'n Entry<'t>)>, path: &str) {
        match &node.value {
            Value::Plain(value) | Value::Text(value) | Value::Literal(value) => {
                if !node.is_null() && !value.is_empty() {
                    self.show(value, entry, path);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, None, &format!("{path}[{index}]"));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.show(&entry.key, None, path);
                    let place = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
                    self.keys.push(&entry.key);
                    self.walk(&entry.node, Some((node, entry)), &place);
                    self.keys.pop();
                }
            }
        }
    }

    fn show(&mut self, value: &'n str, entry: Option<(&'n Node<'t>, &'n Entry<'t>)>, path: &str) {
        (self.visit)(&Place { path: path.to_owned(), keys: &self.keys, value, entry });
    }
}

//! Trees of values that know where they stand.

use std::borrow::Cow;

use super::scalar::{Scalar, resolve};

/// A place in a file; lines and columns count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Mark {
    /// The beginning of a file.
    #[cfg(test)]
    pub(crate) const START: Self = Self { line: 1, column: 1 };
    /// Of what has no lines.
    pub(crate) const NOWHERE: Self = Self { line: 0, column: 0 };
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node<'a> {
    pub(crate) mark: Mark,
    pub(crate) value: Value<'a>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A scalar without quotes, whose text says what it is: see [`resolve`].
    Plain(Cow<'a, str>),
    /// Text.
    Text(Cow<'a, str>),
    /// Text in a literal block (`|`), marked where its first line begins that is not blank.
    Literal(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// A mapping, in the order in which it is written; no key twice.
    Map(Vec<Entry<'a>>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) mark: Mark,
    pub(crate) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// A null at `mark`.
    pub(crate) fn null(mark: Mark) -> Self {
        Self { mark, value: Value::Plain(Cow::Borrowed("")) }
    }

    /// Text at `mark`.
    pub(crate) fn text(mark: Mark, text: impl Into<Cow<'a, str>>) -> Self {
        Self { mark, value: Value::Text(text.into()) }
    }

    /// A plain scalar at `mark`.
    pub(crate) fn plain(mark: Mark, raw: impl Into<Cow<'a, str>>) -> Self {
        Self { mark, value: Value::Plain(raw.into()) }
    }

    /// An empty mapping at `mark`.
    pub(crate) fn map(mark: Mark) -> Self {
        Self { mark, value: Value::Map(Vec::new()) }
    }

    /// The value of `key`, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of `key`, if this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; of anything else none.
    pub(crate) fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entries, if this is a mapping.
    pub(crate) fn entries_mut(&mut self) -> Option<&mut Vec<Entry<'a>>> {
        match &mut self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of `key` for change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node<'a>> {
        self.entries_mut()?.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    /// Takes the entry of `key` out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry<'a>> {
        let entries = self.entries_mut()?;
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index))
    }

    /// Adds an entry, unless there is one of that key.
    pub(crate) fn insert(&mut self, key: &'static str, mark: Mark, node: Node<'a>) {
        if self.entry(key).is_none()
            && let Some(entries) = self.entries_mut()
        {
            entries.push(Entry { key: Cow::Borrowed(key), mark, node });
        }
    }

    /// The items of a list; of anything else none.
    pub(crate) fn items(&self) -> &[Node<'a>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Literal(text) => Some(text),
            Value::Plain(raw) if resolve(raw) == Scalar::Text => Some(raw),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Plain(raw) => match resolve(raw) {
                Scalar::Bool(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is a null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Plain(raw) if resolve(raw) == Scalar::Null)
    }

    /// Whether it says anything: is neither null, `false` nor empty.
    pub(crate) fn is_set(&self) -> bool {
        match &self.value {
            Value::Plain(raw) => !matches!(resolve(raw), Scalar::Null | Scalar::Bool(false)),
            Value::Text(text) | Value::Literal(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(entries) => !entries.is_empty(),
        }
    }
}

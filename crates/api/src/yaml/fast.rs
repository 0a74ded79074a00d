//! A quick reader for the YAML that most manifests are written in.
//!
//! It reads block and one-line flow collections of scalars on one line, in ASCII. Whatever else it meets (anchors, tags,
//! block scalars, anything that is wrong) makes it give up, and the complete parser reads the document from its start:
//! that one finds the errors, and tests hold the two to the same answer. Reading is ten times as quick this way.

mod flow;
mod scalar;

use super::build::{DEPTH, Position};
use super::keys::{Key, key_of, refuse_duplicates};
use super::node::{Entry, Mark, Node, Value};

/// Longest key that is read here; YAML's own limit is 1024.
const KEY: usize = 200;

/// Reads a text that is one document; `None` if it is not of the simple kind.
pub(super) fn parse(text: &str, position: Position) -> Option<Node<'_>> {
    let simple = |b: u8| matches!(b, b' '..=b'~' | b'\n');
    if !text.bytes().all(simple) {
        return None;
    }
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0, depth: 0, position };
    if reader.rest().starts_with("---") {
        reader.at = 3;
        reader.end_of_line()?;
    }
    let indent = reader.content()?;
    let node = if reader.rest().starts_with(['{', '[']) {
        let node = reader.flow()?;
        reader.end_of_line()?;
        node
    } else {
        reader.block(indent)?
    };
    // Whatever is left belongs to nothing that was read.
    reader.content().is_none().then_some(node).filter(|_| reader.at == text.len())
}

struct Reader<'a> {
    text: &'a str,
    /// Where the reader is, in bytes.
    at: usize,
    /// The line it is on, from 1, and where that line starts.
    line: usize,
    line_start: usize,
    depth: usize,
    position: Position,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn mark(&self) -> Mark {
        self.position.of(self.line, self.at - self.line_start + 1)
    }

    fn spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Goes past spaces, a comment and the end of the line; `None` if there is anything else.
    fn end_of_line(&mut self) -> Option<()> {
        let before = self.at;
        self.spaces();
        match self.peek() {
            Some(b'#') if self.at > before => {}
            Some(b'\n') | None => {}
            Some(_) => return None,
        }
        self.skip_line();
        Some(())
    }

    /// Goes to the start of the next line.
    fn skip_line(&mut self) {
        match self.rest().find('\n') {
            Some(length) => {
                self.at += length + 1;
                self.line += 1;
                self.line_start = self.at;
            }
            None => self.at = self.text.len(),
        }
    }

    /// Goes to the next line with content, and to its first character; gives its indentation. `None` at the end of the text, and
    /// before what begins another document.
    fn content(&mut self) -> Option<usize> {
        loop {
            self.spaces();
            match self.peek()? {
                b'\n' | b'#' => self.skip_line(),
                _ => break,
            }
        }
        let indent = self.at - self.line_start;
        let ends = indent == 0 && (self.rest().starts_with("---") || self.rest().starts_with("..."));
        (!ends).then_some(indent)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// A block collection whose first line is indented so far, and on whose first character the reader is.
    fn block(&mut self, indent: usize) -> Option<Node<'a>> {
        self.deeper(|reader| if reader.at_item() { reader.sequence(indent) } else { reader.mapping(indent) })
    }

    fn at_item(&self) -> bool {
        self.rest().starts_with("- ")
    }

    fn sequence(&mut self, indent: usize) -> Option<Node<'a>> {
        let mark = self.mark();
        let mut items = Vec::new();
        loop {
            self.at += 1;
            self.spaces();
            items.push(self.item(indent)?);
            let line_indent = self.next_line()?;
            if line_indent != Some(indent) || !self.at_item() {
                // A mapping may go on at the same indentation; nothing may be further in.
                return line_indent
                    .is_none_or(|next| next <= indent)
                    .then_some(Node { mark, value: Value::List(items) });
            }
        }
    }

    /// An item of a block sequence, behind its dash.
    fn item(&mut self, indent: usize) -> Option<Node<'a>> {
        match self.peek()? {
            b'\n' | b'#' => None,
            b'-' if self.at_item() => None,
            _ => {
                let inner = self.at - self.line_start;
                if self.starts_entry() {
                    return self.deeper(|reader| reader.mapping(inner));
                }
                self.scalar_or_flow(indent)
            }
        }
    }

    /// Whether a key and its colon are here.
    fn starts_entry(&mut self) -> bool {
        let here = self.at;
        let is_entry = self.key().is_some() && self.colon().is_some();
        self.at = here;
        is_entry
    }

    fn mapping(&mut self, indent: usize) -> Option<Node<'a>> {
        let map_mark = self.mark();
        let mut entries = Vec::with_capacity(4);
        loop {
            let mark = self.mark();
            let key = self.key()?;
            self.colon()?;
            let node = self.value(indent, mark)?;
            entries.push(Entry { key, mark, node });
            match self.next_line()? {
                Some(next) if next == indent && !self.at_item() => {}
                Some(next) if next > indent => return None,
                // An item may follow where this mapping is itself in an item of that sequence.
                _ => break,
            }
        }
        refuse_duplicates(&entries).ok()?;
        Some(Node { mark: map_mark, value: Value::Map(entries) })
    }

    /// The indentation of the next line with content, at whose first character the reader is then; `Some(None)` at the
    /// end of the text.
    fn next_line(&mut self) -> Option<Option<usize>> {
        if self.at != self.line_start && self.peek().is_some() && !self.at_content() {
            self.end_of_line()?;
        }
        match self.content() {
            Some(indent) => Some(Some(indent)),
            None if self.at == self.text.len() => Some(None),
            None => None,
        }
    }

    /// Whether nothing but spaces is before the reader on its line.
    fn at_content(&self) -> bool {
        self.text[self.line_start..self.at].bytes().all(|b| b == b' ')
    }

    /// The value behind a key and its colon.
    fn value(&mut self, indent: usize, key: Mark) -> Option<Node<'a>> {
        let before = self.at;
        self.spaces();
        let at_end = match self.peek() {
            None | Some(b'\n') => true,
            next => next == Some(b'#') && self.at > before,
        };
        if !at_end {
            return self.scalar_or_flow(indent);
        }
        self.end_of_line()?;
        match self.next_line()? {
            Some(next) if next > indent || (next == indent && self.at_item()) => self.block(next),
            _ => Some(Node::null(key)),
        }
    }

    /// A scalar or a flow collection that ends on this line; nothing further in than `indent` may follow.
    fn scalar_or_flow(&mut self, indent: usize) -> Option<Node<'a>> {
        let node = match self.peek()? {
            b'{' | b'[' => self.flow()?,
            b'"' | b'\'' => self.quoted()?,
            _ => self.plain()?,
        };
        self.end_of_line()?;
        match self.next_line()? {
            Some(next) if next > indent => None,
            _ => Some(node),
        }
    }
}

/// Whether a plain scalar may begin so: with no indicator of YAML's.
fn starts_plain(text: &str) -> bool {
    match text.as_bytes() {
        [] => false,
        [b'-', next, ..] => next.is_ascii_alphanumeric(),
        [first, ..] => !b"-?:,[]{}#&*!|>'\"%@` ".contains(first),
    }
}

#[cfg(test)]
mod tests;

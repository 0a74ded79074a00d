//! A quick reader for the YAML that most manifests are written in.
//!
//! It reads block and one-line flow collections of scalars on one line, in ASCII. Whatever else it meets (anchors, tags,
//! block scalars, anything that is wrong) makes it give up, and the complete parser reads the document from its start:
//! that one finds the errors, and tests hold the two to the same answer. Reading is ten times as quick this way.

use std::borrow::Cow;

use super::build::{DEPTH, Key, Position, key_of, refuse_duplicates};
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

    /// A plain scalar in a block, up to the end of its line or a comment.
    fn plain(&mut self) -> Option<Node<'a>> {
        let mark = self.mark();
        let line = self.rest().split('\n').next()?;
        let text = line.split(" #").next()?.trim_end_matches(' ');
        let starts = starts_plain(text);
        if !starts || text.contains(": ") || text.ends_with(':') {
            return None;
        }
        self.at += text.len();
        Some(Node { mark, value: Value::Plain(Cow::Borrowed(text)) })
    }

    /// A quoted scalar without escapes.
    fn quoted(&mut self) -> Option<Node<'a>> {
        let mark = self.mark();
        let quote = char::from(self.peek()?);
        let inside = &self.rest()[1..];
        let end = inside.find(quote)?;
        let text = &inside[..end];
        let escaped = if quote == '"' { text.contains('\\') } else { inside[end + 1..].starts_with(quote) };
        if escaped || text.contains('\n') {
            return None;
        }
        self.at += end + 2;
        Some(Node { mark, value: Value::Text(Cow::Borrowed(text)) })
    }

    /// A key, in quotes or of the usual characters.
    fn key(&mut self) -> Option<Cow<'a, str>> {
        let node = match self.peek()? {
            b'"' | b'\'' => self.quoted()?,
            _ => {
                let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
                let length = self.rest().bytes().take_while(|b| usual(*b)).count();
                let text = &self.rest()[..length];
                if !starts_plain(text) {
                    return None;
                }
                let mark = self.mark();
                self.at += length;
                Node { mark, value: Value::Plain(Cow::Borrowed(text)) }
            }
        };
        match key_of(&node) {
            Ok(Key::Text(key)) if key.len() <= KEY => Some(key),
            _ => None,
        }
    }

    /// The colon behind a key, with what must follow it in a block.
    fn colon(&mut self) -> Option<()> {
        let rest = self.rest().strip_prefix(':')?;
        if !(rest.is_empty() || rest.starts_with([' ', '\n'])) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// A flow collection on one line.
    fn flow(&mut self) -> Option<Node<'a>> {
        self.deeper(|reader| {
            let mark = reader.mark();
            let is_map = reader.peek() == Some(b'{');
            reader.at += 1;
            let value = if is_map { reader.flow_mapping()? } else { reader.flow_sequence()? };
            Some(Node { mark, value })
        })
    }

    fn flow_sequence(&mut self) -> Option<Value<'a>> {
        let mut items = Vec::new();
        self.spaces();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Some(Value::List(items));
        }
        loop {
            self.spaces();
            items.push(self.flow_value()?);
            if self.separator(b']')? {
                return Some(Value::List(items));
            }
        }
    }

    fn flow_mapping(&mut self) -> Option<Value<'a>> {
        let mut entries = Vec::new();
        self.spaces();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(Value::Map(entries));
        }
        loop {
            self.spaces();
            let mark = self.mark();
            let quoted = matches!(self.peek(), Some(b'"' | b'\''));
            let key = self.key()?;
            let rest = self.rest().strip_prefix(':')?;
            // Only behind a quoted key may a value follow the colon at once.
            if !quoted && !rest.starts_with(' ') {
                return None;
            }
            self.at += 1;
            self.spaces();
            let node = self.flow_value()?;
            entries.push(Entry { key, mark, node });
            if self.separator(b'}')? {
                refuse_duplicates(&entries).ok()?;
                return Some(Value::Map(entries));
            }
        }
    }

    /// What follows a value in a flow collection: `true` at its end, `false` at a comma.
    fn separator(&mut self, end: u8) -> Option<bool> {
        self.spaces();
        let next = self.peek()?;
        self.at += 1;
        match next {
            b',' => Some(false),
            _ if next == end => Some(true),
            _ => None,
        }
    }

    fn flow_value(&mut self) -> Option<Node<'a>> {
        match self.peek()? {
            b'{' | b'[' => self.flow(),
            b'"' | b'\'' => self.quoted(),
            _ => {
                let mark = self.mark();
                let rest = self.rest();
                let text = rest[..rest.find([',', ']', '}', '[', '{', '\n'])?].trim_end_matches(' ');
                let odd = text.contains(": ") || text.contains(" #") || text.ends_with(':');
                if odd || !starts_plain(text) {
                    return None;
                }
                self.at += text.len();
                Some(Node { mark, value: Value::Plain(Cow::Borrowed(text)) })
            }
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

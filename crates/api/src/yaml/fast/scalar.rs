//! Scalars on one line, and keys.

use std::borrow::Cow;

use super::{KEY, Key, Node, Reader, Value, key_of, starts_plain};

impl<'a> Reader<'a> {
    /// A plain scalar in a block, up to the end of its line or a comment.
    pub(super) fn plain(&mut self) -> Option<Node<'a>> {
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
    pub(super) fn quoted(&mut self) -> Option<Node<'a>> {
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
    pub(super) fn key(&mut self) -> Option<Cow<'a, str>> {
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
    pub(super) fn colon(&mut self) -> Option<()> {
        let rest = self.rest().strip_prefix(':')?;
        if !(rest.is_empty() || rest.starts_with([' ', '\n'])) {
            return None;
        }
        self.at += 1;
        Some(())
    }
}

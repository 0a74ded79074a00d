//! Flow collections on one line: `{a: 1}`, `[a, b]`.

use std::borrow::Cow;

use super::{Entry, Node, Reader, Value, refuse_duplicates, starts_plain};

impl<'a> Reader<'a> {
    /// A flow collection on one line.
    pub(super) fn flow(&mut self) -> Option<Node<'a>> {
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

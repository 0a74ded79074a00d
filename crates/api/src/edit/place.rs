//! Where the parts of a text begin and end.

use std::ops::Range;

use crate::yaml::{Entry, Mark, Node, Value};

pub(crate) struct Edit<'a> {
    pub(crate) text: &'a str,
}

impl Edit<'_> {
    /// Where a place is in the text.
    pub(super) fn offset(&self, mark: Mark) -> usize {
        let line = self.line_start(mark.line);
        let before = self.text[line..].chars().take(mark.column as usize - 1).map(char::len_utf8).sum::<usize>();
        line + before
    }

    pub(super) fn line_start(&self, line: u32) -> usize {
        self.text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum()
    }

    /// What stands before a place on its line.
    pub(super) fn before(&self, mark: Mark) -> &str {
        &self.text[self.line_start(mark.line)..self.offset(mark)]
    }

    /// Whether the entries of a mapping stand one below the other, the first of them maybe behind the dash of an item.
    pub(super) fn is_block(&self, map: &Node<'_>) -> bool {
        let of = |entry: &Entry<'_>, signs: &[u8]| self.before(entry.mark).bytes().all(|byte| signs.contains(&byte));
        let Some((first, rest)) = map.entries().split_first() else { return false };
        of(first, b" -") && rest.iter().all(|entry| of(entry, b" "))
    }

    /// Where a scalar ends that stands on one line.
    fn scalar_end(&self, node: &Node<'_>) -> Option<usize> {
        let start = self.offset(node.mark);
        let source = self.text.get(start..)?.lines().next()?;
        let length = match &node.value {
            Value::Plain(raw) if !raw.is_empty() && source.starts_with(&**raw) => raw.len(),
            Value::Text(text) => {
                let escaped = serde_json::Value::from(&**text).to_string();
                let quoted = [format!("\"{text}\""), format!("'{}'", text.replace('\'', "''")), escaped];
                quoted.iter().find(|quoted| source.starts_with(quoted.as_str()))?.len()
            }
            _ => return None,
        };
        Some(start + length)
    }

    /// Where a value ends that needs no lines of its own: a scalar, or what stands between brackets.
    pub(super) fn end(&self, node: &Node<'_>) -> Option<usize> {
        if !matches!(node.value, Value::List(_) | Value::Map(_)) {
            return self.scalar_end(node);
        }
        let start = self.offset(node.mark);
        let (mut depth, mut quote) = (0_usize, None);
        for (at, byte) in self.text.get(start..)?.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), byte) => quote = (open != byte).then_some(open),
                (None, b'"' | b'\'') if depth > 0 => quote = Some(byte),
                (None, b'{' | b'[') => depth += 1,
                (None, b'}' | b']') => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                // What does not begin with a bracket stands in lines of its own.
                return (at > 0).then_some(start + at + 1);
            }
        }
        None
    }

    /// Where the value of an entry is, if it is a scalar on a line of its own and no item of a list begins there.
    pub(crate) fn line(&self, map: &Node<'_>, entry: &Entry<'_>) -> Option<Range<usize>> {
        let begins_line = |entry: &Entry<'_>| self.before(entry.mark).bytes().all(|byte| byte == b' ');
        self.scalar(&entry.node).filter(|_| map.entries().iter().all(begins_line))
    }

    /// Where a scalar is that stands on one line, be it among others.
    pub(crate) fn scalar(&self, node: &Node<'_>) -> Option<Range<usize>> {
        Some(self.offset(node.mark)..self.scalar_end(node)?)
    }

    /// Behind the colon of an entry.
    pub(super) fn colon(&self, entry: &Entry<'_>) -> Option<usize> {
        let start = self.offset(entry.mark);
        let source = self.text.get(start..)?.lines().next()?;
        let key = [entry.key.to_string(), format!("\"{}\"", entry.key), format!("'{}'", entry.key)];
        let key = key.iter().find(|key| source.starts_with(key.as_str()))?.len();
        let space = source[key..].len() - source[key..].trim_start().len();
        source[key + space..].starts_with(':').then_some(start + key + space + 1)
    }

    /// The line behind the last that belongs to what begins on `line` with this indent: an entry, or with `is_item` an item.
    /// Comments and blanks at the end are what follows has before it.
    pub(super) fn line_behind(&self, line: u32, indent: usize, is_item: bool) -> u32 {
        let mut behind = line + 1;
        for (number, text) in (line + 1..).zip(self.text.lines().skip(line as usize)) {
            let (bare, own) = (text.trim_start(), text.len() - text.trim_start().len());
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let is_inside = own > indent || own == indent && !is_item && (bare == "-" || bare.starts_with("- "));
            if !is_inside {
                break;
            }
            behind = number + 1;
        }
        behind
    }

    /// The same of an entry that stands in lines of its own.
    pub(super) fn line_behind_entry(&self, entry: &Entry<'_>) -> u32 {
        self.line_behind(entry.mark.line, entry.mark.column as usize - 1, false)
    }

    /// The column of the dash of an item, if nothing but dashes and blanks stand before that.
    pub(super) fn dash(&self, item: &Node<'_>) -> Option<usize> {
        let before = self.before(item.mark);
        let dash = before.rfind('-')?;
        before.bytes().all(|byte| b" -".contains(&byte)).then_some(dash)
    }
}

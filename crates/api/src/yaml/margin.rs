//! What the parser does not take as it stands, and `kubectl` does.
//!
//! YAML wants the lines of a flow collection (`[…]`, `{…}`) and of a quoted scalar to be indented further than the block around
//! them. libyaml, which `kubectl` has its rules from, looks at no indentation there:
//!
//! ```yaml
//! items: [
//! { kind: Mapping },
//! ]
//! ```
//!
//! This finds such lines, so that they can be read as if they were indented. Nor does libyaml mind a tab behind the colon of a
//! key, or a comment (`''# like this`) directly behind a quote or a bracket: there a space is read.

use std::collections::{BTreeMap, BTreeSet};
use std::str::CharIndices;

/// Where spaces are to be read that are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Margins {
    /// In front of lines, from 1, and how many.
    lines: BTreeMap<usize, usize>,
    /// At these bytes: instead of a tab, or in front of a comment.
    within: BTreeSet<usize>,
}

impl Margins {
    /// The lines of `text` that are to be indented.
    pub(super) fn of(text: &str) -> Self {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.scan();
        scanner.margins
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How far the line is moved.
    pub(super) fn of_line(&self, line: usize) -> usize {
        self.lines.get(&line).copied().unwrap_or_default()
    }

    /// The characters of the text with the spaces among them.
    pub(super) fn indent<'a>(&self, text: &'a str) -> impl Iterator<Item = char> + use<'a> {
        Indented { margins: self.clone(), chars: text.char_indices(), line: 1, spaces: self.of_line(1), comment: false }
    }
}

struct Indented<'a> {
    margins: Margins,
    chars: CharIndices<'a>,
    line: usize,
    /// Still to come in front of the line.
    spaces: usize,
    /// A comment is to begin.
    comment: bool,
}

impl Iterator for Indented<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if self.spaces > 0 {
            self.spaces -= 1;
            return Some(' ');
        }
        if std::mem::take(&mut self.comment) {
            return Some('#');
        }
        let (at, next) = self.chars.next()?;
        if next == '\n' {
            self.line += 1;
            self.spaces = self.margins.of_line(self.line);
        }
        if self.margins.within.contains(&at) {
            self.comment = next == '#';
            return Some(' ');
        }
        Some(next)
    }
}

/// Tells the tokens of a text apart, as far as it takes to know which lines begin inside of one. Columns count bytes from
/// zero: before a key stands nothing but what is ASCII.
struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    line_start: usize,
    /// How many flow collections are open.
    flow: usize,
    /// The indentation of the innermost block collection; `None` where there is none.
    block: Option<usize>,
    /// Where on this line that begins which may turn out to be a key.
    entry: Option<usize>,
    margins: Margins,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, line_start: 0, flow: 0, block: None, entry: None, margins: Margins::default() }
    }

    fn scan(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' => self.next_line(self.flow > 0),
                b'#' if self.is_blank_before() => self.skip_line(),
                byte if byte.is_ascii_whitespace() => self.at += 1,
                b'-' | b'?' if self.is_blank(1) => self.indicator(),
                b':' if self.ends_key() => self.colon(),
                b'|' | b'>' if self.flow == 0 => self.block_scalar(),
                b'[' | b'{' => self.open(),
                b']' | b'}' if self.flow > 0 => self.close(),
                b',' if self.flow > 0 => self.at += 1,
                b'"' | b'\'' => self.quoted(byte),
                b'&' | b'*' | b'!' => self.word(),
                _ => self.plain(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn column(&self) -> usize {
        self.at - self.line_start
    }

    fn is_blank(&self, ahead: usize) -> bool {
        self.peek(ahead).is_none_or(|byte| byte.is_ascii_whitespace())
    }

    fn is_flow(&self, ahead: usize) -> bool {
        self.flow > 0 && self.peek(ahead).is_some_and(|byte| b",[]{}".contains(&byte))
    }

    fn is_blank_before(&self) -> bool {
        self.at == self.line_start || self.text[self.at - 1].is_ascii_whitespace()
    }

    /// Whether the colon here is one between key and value.
    fn ends_key(&self) -> bool {
        let behind_quote = || self.at > 0 && matches!(self.text[self.at - 1], b'"' | b'\'');
        self.is_blank(1) || self.is_flow(1) || self.flow > 0 && behind_quote()
    }

    /// Whether a line is here that begins or ends a document.
    fn is_document_marker(&self) -> bool {
        let rest = &self.text[self.at..];
        self.column() == 0 && (rest.starts_with(b"---") || rest.starts_with(b"...")) && self.is_blank(3)
    }

    /// Spaces at the beginning of the line that the scanner is on.
    fn indentation(&self) -> usize {
        self.text[self.line_start..].iter().take_while(|byte| **byte == b' ').count()
    }

    /// Goes behind the line feed that is here, to a line that begins inside of a flow collection or a quoted scalar or not.
    fn next_line(&mut self, inside: bool) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
        self.entry = None;
        let least = self.block.map_or(0, |block| block + 1);
        if inside && self.at < self.text.len() && self.indentation() < least && !self.is_document_marker() {
            self.margins.lines.insert(self.line, least);
        }
    }

    /// Goes to the end of the line.
    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    fn begin(&mut self) {
        let column = self.column();
        if self.flow == 0 {
            self.entry.get_or_insert(column);
        }
    }

    fn indicator(&mut self) {
        if self.flow == 0 {
            self.block = Some(self.column());
            self.entry = None;
        }
        self.at += 1;
    }

    fn colon(&mut self) {
        if self.flow == 0 {
            self.block = self.entry.take().or(self.block);
        }
        self.at += 1;
        if self.peek(0) == Some(b'\t') {
            self.margins.within.insert(self.at);
        }
    }

    /// What is here ends with this character; a comment may follow at once.
    fn end(&mut self) {
        self.at += 1;
        if self.peek(0) == Some(b'#') {
            self.margins.within.insert(self.at);
            self.skip_line();
        }
    }

    fn open(&mut self) {
        self.begin();
        self.flow += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        self.flow -= 1;
        self.end();
    }

    /// An anchor, an alias or a tag.
    fn word(&mut self) {
        self.begin();
        self.at += 1;
        while !self.is_blank(0) && !self.is_flow(0) {
            self.at += 1;
        }
    }

    fn quoted(&mut self, quote: u8) {
        self.begin();
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' if quote == b'"' && self.peek(1) != Some(b'\n') => self.at += 2,
                b'\n' => self.next_line(true),
                _ if byte == quote && quote == b'\'' && self.peek(1) == Some(quote) => self.at += 2,
                _ if byte == quote => return self.end(),
                _ => self.at += 1,
            }
        }
    }

    /// A plain scalar: up to a comment, the colon behind a key, or the first line that does not belong to it.
    fn plain(&mut self) {
        self.begin();
        // Whatever it begins with is part of it.
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' if !self.goes_on() => return,
                b'\n' => {}
                b'#' if self.is_blank_before() => return,
                b':' if self.is_blank(1) || self.is_flow(1) => return,
                _ if self.is_flow(0) => return,
                _ => self.at += 1,
            }
        }
    }

    /// Goes to the next line with content, and says whether a plain scalar goes on there.
    fn goes_on(&mut self) -> bool {
        while self.peek(0).is_some_and(|byte| byte.is_ascii_whitespace()) {
            if self.peek(0) == Some(b'\n') {
                self.next_line(self.flow > 0);
            } else {
                self.at += 1;
            }
        }
        let further_in = self.flow > 0 || self.block.is_none_or(|block| self.column() > block);
        further_in && !self.is_document_marker()
    }

    /// A literal or folded scalar: all lines that are indented as its first one, or as its header says.
    fn block_scalar(&mut self) {
        let header = self.at;
        self.skip_line();
        let header = self.text[header..self.at].split(|byte| *byte == b'#').next().unwrap_or_default();
        let least = self.block.map_or(1, |block| block + 1).max(1);
        let given = header.iter().find(|byte| byte.is_ascii_digit()).map(|digit| usize::from(digit - b'0'));
        let mut indent = given.map(|given| self.block.unwrap_or_default() + given);
        while self.peek(0) == Some(b'\n') {
            self.next_line(false);
            let found = self.indentation();
            let is_blank = matches!(self.peek(found), None | Some(b'\n' | b'\r'));
            if !is_blank && found < *indent.get_or_insert(found.max(least)) {
                return;
            }
            self.skip_line();
        }
    }
}

#[cfg(test)]
mod tests;

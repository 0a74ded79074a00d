//! Shows where a problem is.

use std::cell::OnceCell;

use crate::{Location, yaml};

/// The longest part of a line that is shown, in characters.
const WIDTH: usize = 100;

/// A text of which lines are to be shown. What it takes to find them is made when the first one is asked for.
#[derive(Clone, Debug)]
pub struct Text<'t> {
    pub(super) bytes: &'t [u8],
    /// The line of the file on which it begins.
    first: u32,
    lines: OnceCell<Vec<usize>>,
    documents: OnceCell<Vec<Document<'t>>>,
}

#[derive(Clone, Debug)]
struct Document<'t> {
    bytes: &'t [u8],
    line: u32,
    holds_secret: OnceCell<bool>,
}

impl<'t> Text<'t> {
    /// The text of a file.
    #[must_use]
    pub fn new(bytes: &'t [u8]) -> Self {
        Self::piece(bytes, 1)
    }

    /// A piece of a file that begins on the line `first`.
    pub(super) fn piece(bytes: &'t [u8], first: u32) -> Self {
        Self { bytes, first, lines: OnceCell::new(), documents: OnceCell::new() }
    }

    /// The line that `location` names, with its number, and a caret under the column. Empty if there is no such line, and
    /// for documents that hold a Secret. Stars stand for a login in a URL.
    #[must_use]
    pub fn snippet(&self, location: &Location) -> String {
        let Some(index) = location.line.checked_sub(self.first) else { return String::new() };
        let Some(line) = self.line(index as usize) else { return String::new() };
        if self.is_secret(location.line) {
            return String::new();
        }
        let line = String::from_utf8_lossy(line);
        let line = without_logins(&line);
        let line = line.trim_end().trim_start_matches('\u{feff}');
        let column = (location.column as usize).saturating_sub(1).min(line.chars().count());
        // Long lines are shown around the column.
        let skipped = if column >= WIDTH { column - WIDTH / 2 } else { 0 };
        let shown: String = line.chars().skip(skipped).take(WIDTH).map(printable).collect();
        let number = location.line.to_string();
        let gutter = " ".repeat(number.len());
        let caret = " ".repeat(column - skipped);
        format!("{number} | {}\n{gutter} | {caret}^", shown.trim_end())
    }

    fn line(&self, index: usize) -> Option<&'t [u8]> {
        let starts = self.lines.get_or_init(|| {
            let feeds = self.bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(feeds).collect()
        });
        let start = *starts.get(index).filter(|start| **start < self.bytes.len() || index > 0)?;
        let end = starts.get(index + 1).map_or(self.bytes.len(), |next| next - 1);
        self.bytes.get(start..end)
    }

    /// Whether the line is in a document that holds a Secret.
    fn is_secret(&self, line: u32) -> bool {
        let documents = self.documents.get_or_init(|| {
            let document = |found: yaml::Document<'t>| {
                let line = (self.first - 1).saturating_add(found.line);
                Document { bytes: found.bytes, line, holds_secret: OnceCell::new() }
            };
            yaml::split(self.bytes).into_iter().map(document).collect()
        });
        let before = documents.partition_point(|document| document.line <= line);
        let document = before.checked_sub(1).and_then(|index| documents.get(index));
        document.is_some_and(|document| *document.holds_secret.get_or_init(|| holds_secret(document.bytes)))
    }
}

/// Whether some `kind` is `Secret` (or a list of them), in YAML or JSON, wherever it stands.
fn holds_secret(document: &[u8]) -> bool {
    const KIND: &[u8] = b"kind";
    let kinds = document.windows(KIND.len()).enumerate().filter(|(_, window)| *window == KIND);
    kinds.map(|(at, _)| &document[at + KIND.len()..]).any(|rest| {
        let punctuation = |b: &u8| matches!(b, b' ' | b'"' | b'\'' | b':' | b'\r' | b'\n');
        rest.iter().position(|b| !punctuation(b)).is_some_and(|value| rest[value..].starts_with(b"Secret"))
    })
}

/// Stars for whatever may be a login, as in a URL: up to the last `@`, since a password may hold what ends words elsewhere.
fn without_logins(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for word in line.split_inclusive(|c: char| c.is_whitespace() || c == '"') {
        let end = word.rfind('@').unwrap_or_default();
        let before = &word[..end];
        let of_url = before.find("://").map(|at| at + "://".len());
        let start = of_url.or_else(|| before.find(':').map(|at| at + 1)).unwrap_or(end);
        shown.push_str(&word[..start]);
        shown.extend(word[start..end].chars().map(|_| '*'));
        shown.push_str(&word[end..]);
    }
    shown
}

/// Tabs and other control characters would move the caret.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::Location;

    fn at(line: u32, column: u32) -> Location {
        Location { file: "f".into(), line, column }
    }

    fn snippet(text: &[u8], location: &Location) -> String {
        Text::new(text).snippet(location)
    }

    #[test]
    fn the_caret_is_under_the_column() {
        let text = b"a: 1\nspec:\n  weight: heavy\r\n";
        assert_eq!(snippet(text, &at(3, 11)), "3 |   weight: heavy\n  |           ^");
        assert_eq!(snippet(text, &at(1, 1)), "1 | a: 1\n  | ^");
        assert_eq!(snippet(text, &at(9, 1)), "");
        assert_eq!(snippet(b"", &at(1, 1)), "");
    }

    #[test]
    fn long_lines_and_odd_characters_do_not_disturb_it() {
        let text = format!("{}x{}", "é".repeat(200), "z".repeat(200));
        let shown = snippet(text.as_bytes(), &at(1, 201));
        let (line, caret) = shown.split_once('\n').unwrap();
        assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('x'));
        assert!(line.chars().count() < 110);
        assert_eq!(snippet(b"kind: Host\n", &at(2, 1)), "2 | \n  | ^");
        assert_eq!(snippet(b"\ta: \xff", &at(1, 2)), "1 |  a: \u{fffd}\n  |  ^");
    }

    #[test]
    fn logins_in_urls_are_not_shown() {
        for (line, shown) in [
            ("url: 'https://ann:word@a.example/x'", "url: 'https://********@a.example/x'"),
            ("{a: https://a.example, b: ftp://ann@b}", "{a: https://a.example, b: ftp://***@b}"),
            ("url: 'https://ann:w,o'r/d@a.example'", "url: 'https://***********@a.example'"),
            ("auth_service: ann:w,o'r/d@a", "auth_service: ann:*******@a"),
            ("auth_service: ann:wörd@a", "auth_service: ann:****@a"),
            ("url: https://a.example/x # ann@a.example", "url: https://a.example/x # ann@a.example"),
            ("mail: ann@a.example", "mail: ann@a.example"),
        ] {
            assert_eq!(snippet(line.as_bytes(), &at(1, 1)), format!("1 | {shown}\n  | ^"));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = b"kind: Host\na: 1\n---\nkind: \"Secret\"\ndata: {a: b}\n---\nb: 1\ntlsSecret: c\n---\n{\"kind\":\"Secret\"}";
        for (line, shown) in [(2, true), (4, false), (5, false), (7, true), (8, true), (10, false)] {
            assert_eq!(!snippet(text, &at(line, 1)).is_empty(), shown, "{line}");
        }
    }
}

//! Splits a file into documents before anything is parsed, so that a broken one harms no other.

/// The text of one document, or of several that only `...` separates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The bytes, from the line with `---` (or the directives before it) on.
    pub(crate) bytes: &'a [u8],
    /// The line of the file on which they begin, from 1.
    pub(crate) line: u32,
}

/// Splits at lines that begin with `---`: in YAML such a line ends whatever goes before, a block scalar too. Nothing
/// is given for what holds only comments and blank lines.
pub(crate) fn split(text: &[u8]) -> Vec<Document<'_>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut documents = Vec::new();
    let mut chunk = Chunk { start: 0, line: 1, content: Content::Nothing };
    let (mut offset, mut line) = (0, 1);
    for bytes in text.split_inclusive(|b| *b == b'\n') {
        // Directives belong to the document after them.
        if is_start(bytes) && chunk.content != Content::Directives {
            chunk.finish(text, offset, &mut documents);
            chunk = Chunk { start: offset, line, content: content_of(&bytes[3..]) };
        } else if is_start(bytes) {
            chunk.content = content_of(&bytes[3..]);
        } else if chunk.content != Content::Values {
            chunk.content = chunk.content.max(content_of(bytes));
        }
        offset += bytes.len();
        line += 1;
    }
    chunk.finish(text, offset, &mut documents);
    documents
}

/// Whether a text holds nothing but blanks, comments and document markers.
pub(crate) fn is_blank(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(|b| *b == b'\n').all(|line| {
        let line = if is_start(line) { &line[3..] } else { line };
        content_of(line) == Content::Nothing
    })
}

/// What a piece of text holds at most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    /// Blanks and comments.
    Nothing,
    /// Directives (`%YAML 1.1`).
    Directives,
    /// Anything else.
    Values,
}

struct Chunk {
    start: usize,
    line: u32,
    content: Content,
}

impl Chunk {
    fn finish<'a>(&self, text: &'a [u8], end: usize, documents: &mut Vec<Document<'a>>) {
        if self.content != Content::Nothing {
            documents.push(Document { bytes: &text[self.start..end], line: self.line });
        }
    }
}

fn is_start(line: &[u8]) -> bool {
    line.starts_with(b"---") && line.get(3).is_none_or(u8::is_ascii_whitespace)
}

fn content_of(line: &[u8]) -> Content {
    if line.starts_with(b"...") && line[3..].iter().all(u8::is_ascii_whitespace) {
        return Content::Nothing;
    }
    match line.iter().find(|b| !matches!(b, b' ' | b'\r' | b'\n')) {
        None | Some(b'#') => Content::Nothing,
        Some(b'%') if line.starts_with(b"%") => Content::Directives,
        Some(_) => Content::Values,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_blank, split};

    fn pieces(text: &str) -> Vec<(u32, String)> {
        split(text.as_bytes()).iter().map(|d| (d.line, String::from_utf8_lossy(d.bytes).into_owned())).collect()
    }

    #[test]
    fn documents_keep_their_lines() {
        let table: [(&str, &[(u32, &str)]); 9] = [
            ("", &[]),
            ("# nothing\n\n---\n---\n  # still\n", &[]),
            ("a: 1\n---\nb: 2\n", &[(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("---\r\na: 1\r\n---\r\nb: 2", &[(1, "---\r\na: 1\r\n"), (3, "---\r\nb: 2")]),
            ("\u{feff}a: 1\n", &[(1, "a: 1\n")]),
            ("a: |\n  ---\n  x\n--- # b\nb: 1\n", &[(1, "a: |\n  ---\n  x\n"), (4, "--- # b\nb: 1\n")]),
            ("---a: 1\n", &[(1, "---a: 1\n")]),
            ("%YAML 1.1\n---\na: 1\n", &[(1, "%YAML 1.1\n---\na: 1\n")]),
            ("--- {a: 1}\n...\n", &[(1, "--- {a: 1}\n...\n")]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    #[test]
    fn blanks_and_comments_are_nothing() {
        for text in ["", "\n \n", "# a\n---\n--- # b\n...\r\n", "\u{feff}", "  # a"] {
            assert!(is_blank(text.as_bytes()), "{text:?}");
        }
        for text in ["a", "---\n- a", "--- a", "\n# a\nb: c # d\n", "\0"] {
            assert!(!is_blank(text.as_bytes()), "{text:?}");
        }
    }
}

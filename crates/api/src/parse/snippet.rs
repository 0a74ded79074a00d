//! Shows where a problem is.

use crate::Location;

/// The longest part of a line that is shown, in characters.
const WIDTH: usize = 100;

/// The line of `text` that `location` names, with its number, and a caret under the column. Empty if there is no such line, and
/// for documents that hold a Secret.
#[must_use]
pub fn snippet(text: &[u8], location: &Location) -> String {
    of_piece(text, 1, location)
}

/// [`snippet`] for a piece of a file that begins on the line `first`.
pub(super) fn of_piece(text: &[u8], first: u32, location: &Location) -> String {
    let Some(index) = location.line.checked_sub(first) else { return String::new() };
    let Some(start) = line_start(text, index) else { return String::new() };
    if holds_secret(document_at(text, start)) {
        return String::new();
    }
    let line = text[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
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

/// Where the line with this index begins.
fn line_start(text: &[u8], index: u32) -> Option<usize> {
    let feeds = text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    let start = std::iter::once(0).chain(feeds).nth(index as usize)?;
    (start < text.len() || index > 0).then_some(start)
}

/// The document around a place: what is between two lines that begin with `---`.
fn document_at(text: &[u8], at: usize) -> &[u8] {
    const START: &[u8] = b"\n---";
    let (before, after) = text.split_at(at);
    let start = before.windows(START.len()).rposition(|window| window == START).unwrap_or_default();
    let end = after.windows(START.len()).position(|window| window == START).unwrap_or(after.len());
    &text[start..at + end]
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
    use super::snippet;
    use crate::Location;

    fn at(line: u32, column: u32) -> Location {
        Location { file: "f".into(), line, column }
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
    fn secrets_are_not_shown() {
        let text = b"kind: Host\na: 1\n---\nkind: \"Secret\"\ndata: {a: b}\n---\nb: 1\ntlsSecret: c\n---\n{\"kind\":\"Secret\"}";
        for (line, shown) in [(2, true), (4, false), (5, false), (7, true), (8, true), (10, false)] {
            assert_eq!(!snippet(text, &at(line, 1)).is_empty(), shown, "{line}");
        }
    }
}

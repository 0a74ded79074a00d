//! Shows where a problem is.

use crate::Location;

/// The longest part of a line that is shown, in characters.
const WIDTH: usize = 100;

/// The line of `text` that `location` names, with its number, and a caret under the column. Empty if there is no such line.
#[must_use]
pub fn snippet(text: &[u8], location: &Location) -> String {
    of_piece(text, 1, location)
}

/// [`snippet`] for a piece of a file that begins on the line `first`.
pub(super) fn of_piece(text: &[u8], first: u32, location: &Location) -> String {
    let Some(index) = location.line.checked_sub(first) else { return String::new() };
    let Some(line) = text.split(|b| *b == b'\n').nth(index as usize) else { return String::new() };
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end().trim_start_matches('\u{feff}');
    if text.is_empty() {
        return String::new();
    }
    let column = (location.column as usize).saturating_sub(1).min(line.chars().count());
    // Long lines are shown around the column.
    let skipped = if column >= WIDTH { column - WIDTH / 2 } else { 0 };
    let shown: String = line.chars().skip(skipped).take(WIDTH).map(printable).collect();
    let number = location.line.to_string();
    let gutter = " ".repeat(number.len());
    let caret = " ".repeat(column - skipped);
    format!("{number} | {}\n{gutter} | {caret}^", shown.trim_end())
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
        assert_eq!(snippet(b"\ta: \xff", &at(1, 2)), "1 |  a: \u{fffd}\n  |  ^");
    }
}

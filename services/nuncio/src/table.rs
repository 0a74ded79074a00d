//! Tables for people.

use std::borrow::Cow;
use std::fmt::Write;

/// Between columns.
const GAP: usize = 2;
/// As much of a column is left at least.
const LEAST: usize = 8;

/// How wide standard output is, if it is a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(width.0.into())
}

/// Rows as aligned columns, two spaces apart; the last column is as wide as it is.
pub(crate) fn render<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    render_within(None, header, rows)
}

/// The same in lines of at most `limit` characters, if there is a limit: the widest columns are cut.
pub(crate) fn render_within<const N: usize>(limit: Option<usize>, header: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].len()]).max().unwrap_or_default()
    };
    let mut widths: [usize; N] = std::array::from_fn(width);
    if let Some(limit) = limit {
        shrink(&mut widths, limit.saturating_sub(GAP * N.saturating_sub(1)));
    }
    let header = header.map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string does not fail.
            let _ = write!(line, "{:<width$}{:GAP$}", cut(cell, width), "");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Takes from the widest until all of them have room, or nothing more can be taken.
fn shrink(widths: &mut [usize], room: usize) {
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > LEAST) else { return };
        *widest -= 1;
    }
}

fn cut(cell: &str, width: usize) -> Cow<'_, str> {
    if cell.chars().count() <= width {
        return Cow::Borrowed(cell);
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a".to_owned(), "b".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(render(["X", "Y"], &rows), "X     Y\na     b\nlong\n");
    }

    #[test]
    fn the_widest_columns_are_cut_where_there_is_a_limit() {
        let rows = [["short".to_owned(), "é".repeat(30), "x".repeat(12)]];
        let told = render_within(Some(35), ["A", "B", "C"], &rows);
        assert_eq!(told.lines().nth(1), Some("short  ééééééééééééé…  xxxxxxxxxxxx"));
        let least = render_within(Some(10), ["A", "B", "C"], &rows);
        assert_eq!(least.lines().nth(1), Some("short  ééééééé…  xxxxxxx…"), "something has to be told");
        assert_eq!(render_within(None, ["A", "B", "C"], &rows).lines().nth(1).map(str::len), Some(5 + 2 + 60 + 2 + 12));
    }
}

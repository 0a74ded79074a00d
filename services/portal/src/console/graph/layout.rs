//! Where boxes stand.

use super::{COLUMNS, Graph, Node};

/// Widths of the boxes of each column: with the ways between them a screen of 1280 has room for all.
pub(super) const WIDTHS: [u32; COLUMNS.len()] = [152, 160, 204, 200, 158, 150];
const GAP: u32 = 32;
/// The least height of a box, and what is between two.
pub(super) const HEIGHT: u32 = 40;
const BETWEEN: u32 = 10;
const TOP: u32 = 30;
/// Heights of a line of a title and of a detail, of what is around them, and the usual width of a letter in tenths.
const LINE: u32 = 16;
const DETAIL: u32 = 14;
const AROUND: u32 = 8;
const LETTER: u32 = 68;
/// What is left empty at both sides of a text.
const SIDES: u32 = 20;
/// The most lines of a title in each column: what says more is read in the table.
const MOST: [usize; COLUMNS.len()] = [3, 3, 3, 12, 3, 3];

impl Graph {
    /// Gives every box its place, and every way its curve.
    pub(super) fn place(&mut self) {
        let middles = self.middles();
        for column in 0..COLUMNS.len() {
            let mut nodes: Vec<_> = self.nodes.iter_mut().filter(|node| node.column == column).collect();
            nodes.sort_by_key(|node| node.middle(&middles));
            let mut free = TOP;
            for node in nodes {
                node.x = x(column);
                node.y = node.middle(&middles).saturating_sub(node.height / 2).max(free);
                free = node.y + node.height + BETWEEN;
                self.height = self.height.max(node.y + node.height + 1);
            }
        }
        self.width = x(COLUMNS.len()) - GAP;
        self.headings = COLUMNS.iter().enumerate().map(|(column, title)| (x(column), *title)).collect();
        let at =
            |(column, key): &(usize, String)| self.nodes.iter().find(|node| node.column == *column && node.key == *key);
        for edge in &mut self.edges {
            if let (Some(from), Some(to)) = (at(&edge.from), at(&edge.to)) {
                edge.path = curve(from, to);
            }
        }
    }

    /// The height at which the middle of each row is. A row is as high as what belongs to it alone.
    fn middles(&self) -> Vec<u32> {
        let rows = self.nodes.iter().flat_map(|node| &node.rows).max().map_or(0, |last| last + 1);
        let mut heights = vec![HEIGHT; rows];
        for node in &self.nodes {
            if let [row] = node.rows[..] {
                heights[row] = heights[row].max(node.height);
            }
        }
        let place = |free: &mut u32, height: u32| {
            let middle = *free + height / 2;
            *free += height + BETWEEN;
            Some(middle)
        };
        heights.into_iter().scan(TOP, place).collect()
    }
}

impl Node {
    /// The height at which the middle of its routes is.
    fn middle(&self, middles: &[u32]) -> u32 {
        let own = || self.rows.iter().filter_map(|row| middles.get(*row));
        let count = u32::try_from(own().count()).unwrap_or(u32::MAX).max(1);
        own().sum::<u32>() / count
    }
}

/// The height of a box that says this.
pub(super) fn height(title: &str, detail: &str, column: usize) -> u32 {
    let lines = u32::try_from(lines(title, column).len()).unwrap_or_default();
    let of_detail = if detail.is_empty() { 0 } else { DETAIL };
    (AROUND + lines * LINE + of_detail).max(HEIGHT)
}

/// A text in lines that fit into a box: broken between words, and within one that is longer than a line.
pub(super) fn lines(text: &str, column: usize) -> Vec<String> {
    let fits = ((WIDTHS[column] - SIDES) * 10 / LETTER) as usize;
    let mut lines: Vec<String> = text.lines().flat_map(|part| broken(part, fits)).collect();
    if lines.len() > MOST[column] {
        lines.truncate(MOST[column]);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(fits - 1).chain(['…']).collect();
        }
    }
    lines
}

fn broken(part: &str, fits: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in part.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for (index, piece) in pieces(&letters, fits).into_iter().enumerate() {
            let needs = piece.len() + usize::from(index == 0 && used > 0);
            if used + needs > fits {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                if index == 0 && used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.extend(piece);
                used += piece.len();
            }
        }
    }
    lines
}

/// A word in pieces that fit, which end at slashes where that can be.
fn pieces(mut letters: &[char], fits: usize) -> Vec<&[char]> {
    let mut pieces = Vec::new();
    while letters.len() > fits {
        let end = letters[..fits].iter().rposition(|letter| *letter == '/').filter(|at| *at > 0);
        let (piece, rest) = letters.split_at(end.map_or(fits, |at| at + 1));
        pieces.push(piece);
        letters = rest;
    }
    pieces.push(letters);
    pieces
}

fn x(column: usize) -> u32 {
    WIDTHS[..column].iter().map(|width| width + GAP).sum()
}

fn curve(from: &Node, to: &Node) -> String {
    let (from_x, from_y, to_x, to_y) = (from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2);
    let middle = u32::midpoint(from_x, to_x);
    format!("M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_where_that_can_be() {
        assert_eq!(broken("limited by user and more", 10), ["limited by", "user and", "more"]);
        assert_eq!(broken("a /very/long/path", 6), ["a", "/very/", "long/", "path"]);
        assert_eq!(broken("/verylongpath", 6), ["/veryl", "ongpat", "h"]);
        assert_eq!(lines(&"part ".repeat(50), 2).len(), MOST[2]);
        assert!(lines(&"part ".repeat(50), 2)[2].ends_with('…'));
        assert_eq!((broken("", 6), lines("", 0)), (vec![String::new()], Vec::new()));
    }
}

//! Where boxes stand.

use super::{COLUMNS, Graph, Node};

/// Widths of the boxes of each column: with the ways between them a screen of 1280 has room for all.
const WIDTHS: [u32; COLUMNS.len()] = [136, 160, 204, 196, 172, 156];
const GAP: u32 = 32;
/// Height of a box, and of a row.
pub(super) const HEIGHT: u32 = 40;
const ROW: u32 = 50;
const TOP: u32 = 30;

impl Graph {
    /// Gives every box its place, and every way its curve.
    pub(super) fn place(&mut self) {
        for (column, width) in WIDTHS.into_iter().enumerate() {
            let mut nodes: Vec<_> = self.nodes.iter_mut().filter(|node| node.column == column).collect();
            nodes.sort_by_key(|node| node.middle());
            let mut free = TOP;
            for node in nodes {
                node.x = x(column);
                node.width = width;
                node.y = (TOP + node.middle()).max(free);
                free = node.y + ROW;
                self.height = self.height.max(node.y + HEIGHT + 1);
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
}

impl Node {
    /// The height at which the middle of its routes is.
    fn middle(&self) -> u32 {
        let count = self.rows.len().max(1);
        u32::try_from(self.rows.iter().sum::<usize>() * ROW as usize / count).unwrap_or(u32::MAX / 2)
    }
}

fn x(column: usize) -> u32 {
    WIDTHS[..column].iter().map(|width| width + GAP).sum()
}

fn curve(from: &Node, to: &Node) -> String {
    let (from_x, from_y, to_x, to_y) = (from.x + from.width, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2);
    let middle = u32::midpoint(from_x, to_x);
    format!("M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}")
}

//! Where boxes stand.

use super::{COLUMNS, Graph, Node};

/// Width of a box, and the way between two columns.
pub(super) const WIDTH: u32 = 172;
const GAP: u32 = 38;
/// Height of a box, and of a row.
pub(super) const HEIGHT: u32 = 40;
const ROW: u32 = 50;
const TOP: u32 = 30;

impl Graph {
    /// Gives every box its place, and every way its curve.
    pub(super) fn place(&mut self) {
        for column in 0..COLUMNS.len() {
            let mut nodes: Vec<_> = self.nodes.iter_mut().filter(|node| node.column == column).collect();
            nodes.sort_by_key(|node| node.middle());
            let mut free = TOP;
            for node in nodes {
                node.x = x(column);
                node.y = (TOP + node.middle()).max(free);
                free = node.y + ROW;
                self.height = self.height.max(node.y + HEIGHT + 1);
            }
        }
        self.width = x(COLUMNS.len() - 1) + WIDTH;
        self.headings = COLUMNS.iter().enumerate().map(|(column, title)| (x(column), *title)).collect();
        let at = |(column, key): &(usize, String)| {
            self.nodes.iter().find(|node| node.column == *column && node.key == *key).map(|node| (node.x, node.y))
        };
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
    u32::try_from(column).unwrap_or(u32::MAX) * (WIDTH + GAP)
}

fn curve((from_x, from_y): (u32, u32), (to_x, to_y): (u32, u32)) -> String {
    let (from_x, from_y, to_y) = (from_x + WIDTH, from_y + HEIGHT / 2, to_y + HEIGHT / 2);
    let middle = u32::midpoint(from_x, to_x);
    format!("M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}")
}

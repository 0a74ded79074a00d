//! Addresses for telephones: QR codes, drawn here, so that no page needs a script for it.

use qrcode::{Color, QrCode};

/// White around it (ISO/IEC 18004 wants four modules).
const QUIET: usize = 4;

/// A code, as an SVG draws it: modules are squares of one unit.
pub(super) struct Drawing {
    /// Of the picture, in units.
    pub(super) size: usize,
    /// Its dark modules.
    pub(super) path: String,
}

/// The code of a text; none where it is too long for one.
pub(super) fn draw(text: &str) -> Option<Drawing> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let square = |at: usize| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
    Some(Drawing { size: width + 2 * QUIET, path: dark.map(|(at, _)| square(at)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_marks_and_white_around() {
        let drawing = draw("https://web--cart-pr-42-k3x9t2mw4ap7qc5z.preview.example.net/").unwrap();
        let last = drawing.size - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(drawing.path.contains(&format!("M{x} {y}h1")), "{x} {y}");
        }
        // Versions of the code are 21 modules wide, 25 and so on.
        assert_eq!((drawing.size - 2 * QUIET - 21) % 4, 0);
        assert!(
            !drawing.path.contains(&format!("M{} ", QUIET - 1)) && !drawing.path.contains(&format!("M{} ", last + 1))
        );
        assert!(draw(&"x".repeat(5000)).is_none());
    }
}

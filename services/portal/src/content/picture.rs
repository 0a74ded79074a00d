//! Pictures of pages: what browsers are told of them, so that the text below does not move when they come.

use bytes::Bytes;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) media: &'static str,
    pub(crate) bytes: Bytes,
}

/// The kinds, by the end of their names.
const KINDS: [(&str, &str); 7] = [
    ("svg", SVG),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
];
const SVG: &str = "image/svg+xml";

/// Width and height in pixels.
pub(super) type Size = (usize, usize);

impl File {
    /// The file at this path, if it is a picture.
    pub(super) fn new(path: &str, bytes: Bytes) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        let (_, media) = KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension))?;
        Some(Self { media, bytes })
    }

    /// How large it is shown where nobody says it.
    pub(super) fn size(&self) -> Option<Size> {
        match self.media {
            SVG => svg_size(std::str::from_utf8(&self.bytes).ok()?),
            _ => imagesize::blob_size(&self.bytes).ok().map(|size| (size.width, size.height)),
        }
    }
}

/// What the root of a drawing says: its size, or else that of what it shows.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 1 at least, and of a screen")]
fn svg_size(text: &str) -> Option<Size> {
    let (_, rest) = text.split_once("<svg")?;
    let (tag, _) = rest.split_once('>')?;
    let value = |name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}="))?;
        let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        rest[1..].split(quote).next()
    };
    let pixels = |text: &str| text.trim().trim_end_matches("px").parse::<f32>().ok().filter(|size| *size >= 1.0);
    let said = value("width").and_then(pixels).zip(value("height").and_then(pixels));
    let shown = || {
        let parts: Vec<_> = value("viewBox")?.split([' ', ',']).filter(|part| !part.is_empty()).collect();
        pixels(parts.get(2).copied()?).zip(pixels(parts.get(3).copied()?))
    };
    let (width, height) = said.or_else(shown)?;
    Some((width.round() as usize, height.round() as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_how_large_it_is() {
        let size = |path: &str, bytes: &'static [u8]| File::new(path, Bytes::from_static(bytes)).unwrap().size();
        assert_eq!(size("a.GIF", b"GIF89a\x40\x01\xf0\x00\0\0\0"), Some((320, 240)));
        assert_eq!(size("a.svg", b"<?xml version='1.0'?><svg width='24px' height=\"12.4\">"), Some((24, 12)));
        assert_eq!(size("a.svg", b"<svg width=\"100%\" height=\"50%\" viewBox=\"0 0 640, 240\"/>"), Some((640, 240)));
        assert_eq!(size("a.svg", b"<svg viewBox='0 0 NaN -1'>"), None);
        assert_eq!(size("a.svg", b"<svg width="), None);
        assert_eq!(size("a.png", b"none"), None);
        assert_eq!(File::new("a.txt", Bytes::new()), None);
    }
}

//! What templates do with texts.

#![expect(unreachable_pub, reason = "it is so in what askama makes of a filter")]

use std::fmt::{Display, Formatter, Result};

use askama::Values;
use askama::filters::{Escaper, Html, HtmlSafe};

/// Texts of so many letters fit wherever they stand, and stay whole.
const SHORT: usize = 16;

/// An address, a path or a name of several parts: a line may break after a slash or a dot of it.
#[askama::filter_fn]
pub(crate) fn breaks(text: impl Display, _: &dyn Values) -> askama::Result<Breakable> {
    Ok(Breakable(text.to_string()))
}

/// A text, escaped, with a place to break after each of its parts.
#[derive(Debug)]
pub(crate) struct Breakable(String);

impl HtmlSafe for Breakable {}

impl Display for Breakable {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.0.chars().count() <= SHORT {
            return Html.write_escaped_str(f, &self.0);
        }
        let mut parts = self.0.split_inclusive(['/', '.']).peekable();
        while let Some(part) = parts.next() {
            Html.write_escaped_str(&mut *f, part)?;
            if parts.peek().is_some_and(|next| may_break(part, next)) {
                f.write_str("<wbr>")?;
            }
        }
        Ok(())
    }
}

/// Whether a line may break between two parts: not after the slash that a path begins with, nor within `https://` or a number.
fn may_break(part: &str, next: &str) -> bool {
    let is_begun = part.len() > 1 && !part.ends_with(" /");
    let is_number = part.ends_with('.') && next.starts_with(|letter: char| letter.is_ascii_digit());
    is_begun && next.len() > 1 && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_break_between_their_parts() {
        for (text, html) in [
            ("https://shop.example:8443/api/", "https://shop.<wbr>example:8443/<wbr>api/"),
            ("regex /api/../[^/]+", "regex /api/../[^/<wbr>]+"),
            ("/api/carts/{user}", "/api/<wbr>carts/<wbr>{user}"),
            ("a login at http://127.0.0.1:9200", "a login at http://127.0.0.1:9200"),
            ("/api/carts/", "/api/carts/"),
            ("", ""),
        ] {
            assert_eq!(Breakable(text.to_owned()).to_string(), html, "{text}");
        }
    }

    #[test]
    fn nothing_that_a_browser_would_read_is_left() {
        let hostile = Breakable("/<script>/\"'&amp;./</wbr>".to_owned()).to_string();
        assert!(!hostile.replace("<wbr>", "").contains(['<', '>', '"', '\'']), "{hostile}");
        assert!(hostile.contains("&#38;amp;"), "{hostile}");
    }
}

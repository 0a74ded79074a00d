//! Patterns with `*` in descriptors.

/// A pattern: literal text with `*` for any text between, none included. Split once, when the configuration loads.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    parts: Box<[Box<str>]>,
    /// Length of all literal text in bytes.
    literal: usize,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let parts: Box<[Box<str>]> = pattern.split('*').map(Into::into).collect();
        Self { literal: parts.iter().map(|part| part.len()).sum(), parts }
    }

    /// Whether all of `text` is matched. Allocates nothing.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return false };
        if self.parts.len() == 1 {
            return text == &**first;
        }
        if text.len() < self.literal || !text.starts_with(&**first) || !text.ends_with(&**last) {
            return false;
        }
        let mut rest = &text[first.len()..text.len() - last.len()];
        for part in &self.parts[1..self.parts.len() - 1] {
            let Some(at) = rest.find(&**part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_match_any_text() {
        for (pattern, text, expected) in [
            ("path_/api/*", "path_/api/", true),
            ("path_/api/*", "path_/ap", false),
            ("k_a*b*c", "k_aXbYc", true),
            ("k_a*b*c", "k_abc", true),
            ("k_a*b*c", "k_ac", false),
            ("k_a*a", "k_a", false),
            ("*", "anything", true),
            ("k_*end", "k_the end", true),
            ("k_**", "k_", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} and {text}");
        }
    }
}

//! What documents say, as a part of a sentence: a stranger's text, and there may be much of it.

use serde_json::Value;

/// The most characters of a name or value.
const LONGEST: usize = 80;
/// The most of a path, which leads somewhere if it is whole.
const LONGEST_PATH: usize = 500;

/// A text on one line and of some length, without what a terminal or XML would not take as a character.
pub(crate) fn plain(text: &str) -> String {
    plain_up_to(LONGEST, text)
}

/// The same of a path.
pub(super) fn plain_path(path: &str) -> String {
    plain_up_to(LONGEST_PATH, path)
}

fn plain_up_to(longest: usize, text: &str) -> String {
    let mut plain: String = text.chars().take(longest).map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect();
    if text.chars().nth(longest).is_some() {
        plain.push('…');
    }
    plain
}

/// Not what steers a terminal, turns the direction of writing, or is no character of XML.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The same, marked as code.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", plain(text).replace('`', "'"))
}

/// A value, marked as code.
pub(super) fn value(value: &Value) -> String {
    code(&value.to_string())
}

/// Several texts, each as code: `a` and `b`.
pub(super) fn codes<'t>(texts: impl IntoIterator<Item = &'t str>, between: &str) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(&format!(" {between} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_is_short_and_harmless() {
        assert_eq!(code("a`b\n\u{1b}[31m\u{202e}"), "`a'b\u{fffd}\u{fffd}[31m\u{fffd}`");
        assert_eq!(plain(&"x".repeat(100)).chars().count(), LONGEST + 1);
        assert_eq!(codes(["string", "null"], "or"), "`string` or `null`");
    }
}

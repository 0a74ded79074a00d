//! How lines end: in texts that are looked at and changed by a line feed, in files as they are written.

use similar::{ChangeTag, TextDiff};

/// A text as it is shown.
pub(super) fn shown(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The lines of a text with their ends. A carriage return alone ends none.
pub(super) fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How lines end in a text: as the first of them does.
pub(super) fn end(text: &str) -> &'static str {
    if text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// Gives a text that was made of what was shown of `old` the ends of lines that they have there; new lines that of the first.
pub(super) fn as_in(old: &str, new: &str) -> String {
    if !old.contains("\r\n") {
        return new.to_owned();
    }
    let before = shown(old);
    let (before, written, new) = (split(&before), split(old), split(new));
    let diff = TextDiff::from_slices(&before, &new);
    let kept = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Delete);
    kept.map(|change| match change.old_index() {
        Some(at) => written[at].to_owned(),
        None => change.value().replace('\n', end(old)),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_did() {
        for (old, new, expected) in [
            ("a\r\nb\r\n", "a\nc\nb\n", "a\r\nc\r\nb\r\n"),
            ("a\r\nb\nc\r\n", "a\nb\nd\n", "a\r\nb\nd\r\n"),
            ("a\nb\r\nc\n", "a\nb\nc\nd\n", "a\nb\r\nc\nd\n"),
            ("a\nb\n", "a\nc\n", "a\nc\n"),
            ("a\rb\r\n", "a\rb\nc\n", "a\rb\r\nc\r\n"),
        ] {
            assert_eq!(as_in(old, new), expected, "{old:?}");
            assert_eq!(as_in(old, &shown(old)), old);
        }
    }
}

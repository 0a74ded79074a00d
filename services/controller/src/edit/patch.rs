//! A change as a patch. It holds no line of the file that is not the object's: others may be secret.

use std::fmt::Write;

use similar::{DiffOp, TextDiff};

/// Lines around a change.
const CONTEXT: usize = 3;

/// The change of a text that begins on a line of a file, in the unified format.
pub(super) fn unified(file: &str, line: u32, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut patch = String::new();
    for hunk in diff.grouped_ops(CONTEXT) {
        if patch.is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(patch, "--- a/{file}\n+++ b/{file}");
        }
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let range = |start: usize, end: usize| format!("{},{}", start + line as usize, end - start);
        let (old_range, new_range) = (
            range(first.old_range().start, last.old_range().end),
            range(first.new_range().start, last.new_range().end),
        );
        let _ = writeln!(patch, "@@ -{old_range} +{new_range} @@");
        hunk.iter().for_each(|op| lines(&diff, op, &mut patch));
    }
    patch
}

fn lines(diff: &TextDiff<'_, '_, '_, str>, op: &DiffOp, patch: &mut String) {
    for change in diff.iter_changes(op) {
        let _ = write!(patch, "{}{}", change.tag(), change.value());
        if change.missing_newline() {
            patch.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let patch = unified("a.yaml", 10, "a: 1\nb: 2\n", "a: 1\nb: 3\nc: 4\n");
        assert_eq!(patch, "--- a/a.yaml\n+++ b/a.yaml\n@@ -10,2 +10,3 @@\n a: 1\n-b: 2\n+b: 3\n+c: 4\n");
        assert_eq!(unified("a.yaml", 1, "a\n", "a\n"), "");
    }
}

//! A change as a patch. It holds no line of the file that is not the object's, and none of a secret: others may not see them.

use std::fmt::Write;

use nuncio_api::MASK;
use similar::{Change, ChangeTag, DiffOp, TextDiff};

use super::lines::split;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A line, and where it would be in either text.
struct Line<'t> {
    change: Change<&'t str>,
    old: usize,
    new: usize,
}

impl Line<'_> {
    /// Whether it is another in the file than it is here: no patch can have it around a change.
    fn is_masked(&self) -> bool {
        self.change.tag() == ChangeTag::Equal && self.change.value().contains(MASK)
    }
}

/// The change of a text that begins on a line of a file, in the unified format.
pub(super) fn unified(file: &str, line: u32, old: &str, new: &str) -> String {
    let (old, new) = (split(old), split(new));
    let diff = TextDiff::from_slices(&old, &new);
    let mut patch = String::new();
    for hunk in diff.grouped_ops(CONTEXT) {
        let lines = lines(&diff, &hunk);
        let parts = lines.split(Line::is_masked);
        for part in parts.filter(|part| part.iter().any(|line| line.change.tag() != ChangeTag::Equal)) {
            if patch.is_empty() {
                // Writing to a string does not fail.
                let _ = writeln!(patch, "--- a/{file}\n+++ b/{file}");
            }
            write_hunk(part, line as usize, &mut patch);
        }
    }
    patch
}

/// Lines at the end of a file, which has so many lines; with none given there is no such file.
pub(super) fn appended(file: &str, lines: Option<usize>, text: &str) -> String {
    let old = if lines.is_some() { format!("a/{file}") } else { "/dev/null".to_owned() };
    let (at, count) = (lines.unwrap_or(0), text.lines().count());
    format!("--- {old}\n+++ b/{file}\n@@ -{at},0 +{},{count} @@\n{}", at + 1, marked('+', text))
}

/// Lines that are taken away behind so many others; with `whole` the file goes with them.
pub(super) fn removed(file: &str, behind: usize, text: &str, whole: bool) -> String {
    let new = if whole { "/dev/null".to_owned() } else { format!("b/{file}") };
    let count = text.lines().count();
    format!("--- a/{file}\n+++ {new}\n@@ -{},{count} +{behind},0 @@\n{}", behind + 1, marked('-', text))
}

fn marked(sign: char, text: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
    text.split_inclusive('\n').map(|line| format!("{sign}{line}")).collect::<String>() + end
}

fn lines<'t>(diff: &TextDiff<'t, 't, '_, str>, hunk: &[DiffOp]) -> Vec<Line<'t>> {
    let (mut old, mut new) = hunk.first().map_or((0, 0), |op| (op.old_range().start, op.new_range().start));
    let mut lines = Vec::new();
    for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
        let tag = change.tag();
        lines.push(Line { change, old, new });
        old += usize::from(tag != ChangeTag::Insert);
        new += usize::from(tag != ChangeTag::Delete);
    }
    lines
}

fn write_hunk(lines: &[Line<'_>], line: usize, patch: &mut String) {
    let Some(first) = lines.first() else { return };
    let count = |without: ChangeTag| lines.iter().filter(|line| line.change.tag() != without).count();
    let (old, new) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    // Where there are none, the line before it is meant.
    let start = |at: usize, count: usize| at + line - usize::from(count == 0);
    let _ = writeln!(patch, "@@ -{},{old} +{},{new} @@", start(first.old, old), start(first.new, new));
    for Line { change, .. } in lines {
        let _ = write!(patch, "{}{}", change.tag(), change.value());
        if !change.value().ends_with('\n') {
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
        let patch = unified("a.yaml", 1, "a\rb\nc", "a\rb\nd\n");
        let end = "\\ No newline at end of file\n";
        assert_eq!(patch, format!("--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a\rb\n-c\n{end}+d\n"));
    }

    #[test]
    fn no_line_of_a_secret_is_around_a_change() {
        let text = |before: u8, after: u8| format!("a: {before}\nb: 1\nsecret: {MASK}\nc: {after}\nd: 1\n");
        assert_eq!(
            unified("a", 1, &text(1, 1), &text(2, 1)),
            "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-a: 1\n+a: 2\n b: 1\n"
        );
        let both = unified("a", 1, &text(1, 1), &text(2, 2));
        assert!(both.ends_with("@@ -4,2 +4,2 @@\n-c: 1\n+c: 2\n d: 1\n") && !both.contains(MASK), "{both}");
        let added = unified("a", 1, &text(1, 1), &text(1, 1).replace("c: 1", "x: 1\nc: 1"));
        assert_eq!(added, "--- a/a\n+++ b/a\n@@ -4,2 +4,3 @@\n+x: 1\n c: 1\n d: 1\n");
    }
}

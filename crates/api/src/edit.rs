//! Changes of single fields in the text of an object. All else stays as it is written: comments, order, quotes.

use std::ops::Range;

use crate::yaml::{self, Entry, Mark, Node, Position, Scalar, Value, resolve};

/// Why a field cannot be changed by itself. The text can, by hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no single document.
    #[error("the text is not one YAML document")]
    Unreadable,
    /// Where the field is, or would be, is not a line of its own.
    #[error("{0} does not stand on a line of its own: change it in the text")]
    NotALine(String),
    /// A secret that could not be hidden.
    #[error("the value of {0} stands in the text once more, where it would be shown: keep it in a Secret")]
    Repeated(String),
    /// Nothing is there that could be kept.
    #[error("there was no secret at {0} that could stay: write one, or name a Secret")]
    NoSecret(String),
    /// A secret that is not shown would be sent elsewhere.
    #[error(
        "{field} decides where {secret} is sent, and would be another: write the secret anew, or name a Secret, or leave \
         {field} as it is"
    )]
    SentElsewhere {
        /// What would be another.
        field: String,
        /// What would be kept.
        secret: String,
    },
}

/// A document of a file with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentAt<'a> {
    /// Its text, behind the line that separates it from those before.
    pub text: &'a str,
    /// Where that begins in the file.
    pub start: usize,
    /// On which line, from 1.
    pub line: u32,
}

/// The document of `file` to which a line belongs, if it can be cut out of its lines.
#[must_use]
pub fn document_at(file: &str, line: u32) -> Option<DocumentAt<'_>> {
    let documents = yaml::split(file.as_bytes());
    let document = documents.iter().rev().find(|document| document.line <= line)?;
    let text = std::str::from_utf8(document.bytes).ok()?;
    let before = file.split_inclusive('\n').take(document.line as usize - 1).map(str::len).sum::<usize>();
    let Some(rest) = text.strip_prefix("---") else {
        return (!text.starts_with('%')).then_some(DocumentAt { text, start: before, line: document.line });
    };
    let (marker, text) = rest.split_once('\n')?;
    let is_bare = marker.trim().is_empty() || marker.trim_start().starts_with('#');
    is_bare.then_some(DocumentAt { text, start: before + 3 + marker.len() + 1, line: document.line + 1 })
}

/// Whether a text is one document, so that it can stand in the place of one.
#[must_use]
pub fn is_one_document(text: &str) -> bool {
    let documents = yaml::split(text.as_bytes());
    documents.len() == 1 && !text.lines().any(|line| ["---", "...", "%"].iter().any(|sign| line.starts_with(sign)))
}

/// The text of a scalar at a path (`["spec", "timeout_ms"]`).
#[must_use]
pub fn field(text: &str, path: &[&str]) -> Option<String> {
    let root = root(text).ok()?;
    let node = path.iter().try_fold(&root, |node, key| node.get(key))?;
    match &node.value {
        Value::Plain(raw) if !node.is_null() => Some(raw.clone().into_owned()),
        Value::Text(text) => Some(text.clone().into_owned()),
        _ => None,
    }
}

/// Whether a text has something at a path.
#[must_use]
pub fn has(text: &str, path: &[&str]) -> bool {
    root(text).is_ok_and(|root| path.iter().try_fold(&root, |node, key| node.get(key)).is_some())
}

/// Gives the scalar at a path this value, or takes it away. What looks like a number is one.
///
/// # Errors
/// Where that is no change of single lines.
pub fn set_field(text: &str, path: &[&str], value: Option<&str>) -> Result<String, EditError> {
    set(text, path, value.map(scalar).as_deref())
}

/// The same of a text, whatever it looks like.
///
/// # Errors
/// Where that is no change of single lines.
pub fn set_text(text: &str, path: &[&str], value: Option<&str>) -> Result<String, EditError> {
    set(text, path, value.map(in_quotes).as_deref())
}

/// Writes a value as it stands.
fn set(text: &str, path: &[&str], value: Option<&str>) -> Result<String, EditError> {
    let root = root(text)?;
    let edit = Edit { text, path };
    let mut node = &root;
    for (depth, key) in path.iter().enumerate() {
        let is_last = depth + 1 == path.len();
        match (node.entry(key), value) {
            (Some(entry), Some(value)) if is_last => return edit.replace(node, entry, value),
            (Some(entry), None) if is_last => return edit.remove(node, entry),
            (Some(entry), _) => node = &entry.node,
            (None, Some(value)) => return edit.insert(node, depth, value),
            (None, None) => return Ok(text.to_owned()),
        }
    }
    Err(edit.refusal())
}

pub(crate) fn root(text: &str) -> Result<Node<'_>, EditError> {
    let mut documents = yaml::parse_documents(text, Position::Shifted { lines: 0, columns: 0 });
    match (documents.pop(), documents.is_empty()) {
        (Some(Ok(root)), true) => Ok(root),
        _ => Err(EditError::Unreadable),
    }
}

pub(crate) struct Edit<'a> {
    pub(crate) text: &'a str,
    pub(crate) path: &'a [&'a str],
}

impl Edit<'_> {
    fn refusal(&self) -> EditError {
        EditError::NotALine(self.path.join("."))
    }

    /// Where a place is in the text.
    fn offset(&self, mark: Mark) -> usize {
        let line = self.line_start(mark.line);
        let before = self.text[line..].chars().take(mark.column as usize - 1).map(char::len_utf8).sum::<usize>();
        line + before
    }

    fn line_start(&self, line: u32) -> usize {
        self.text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum()
    }

    /// Whether the entries of a mapping stand one below the other.
    fn is_block(&self, map: &Node<'_>) -> bool {
        let begins_line = |entry: &Entry<'_>| {
            self.text[self.line_start(entry.mark.line)..self.offset(entry.mark)].bytes().all(|byte| byte == b' ')
        };
        !map.entries().is_empty() && map.entries().iter().all(begins_line)
    }

    /// Where a scalar ends that stands on one line.
    fn end(&self, node: &Node<'_>) -> Option<usize> {
        let start = self.offset(node.mark);
        let source = self.text.get(start..)?.lines().next()?;
        let length = match &node.value {
            Value::Plain(raw) if !raw.is_empty() && source.starts_with(&**raw) => raw.len(),
            Value::Text(text) => {
                let quoted = [format!("\"{text}\""), format!("'{text}'")];
                quoted.iter().find(|quoted| source.starts_with(quoted.as_str()))?.len()
            }
            _ => return None,
        };
        Some(start + length)
    }

    /// Where the value of an entry is, if it stands on a line of its own.
    pub(crate) fn line(&self, map: &Node<'_>, entry: &Entry<'_>) -> Option<Range<usize>> {
        let end = self.end(&entry.node).filter(|_| self.is_block(map))?;
        Some(self.offset(entry.node.mark)..end)
    }

    fn replace(&self, map: &Node<'_>, entry: &Entry<'_>, value: &str) -> Result<String, EditError> {
        let Range { start, end } = self.line(map, entry).ok_or_else(|| self.refusal())?;
        Ok([&self.text[..start], value, &self.text[end..]].concat())
    }

    fn remove(&self, map: &Node<'_>, entry: &Entry<'_>) -> Result<String, EditError> {
        let is_line = self.is_block(map) && self.end(&entry.node).is_some() && entry.mark.line == entry.node.mark.line;
        // What is left must still be a mapping.
        if !is_line || map.entries().len() == 1 {
            return Err(self.refusal());
        }
        let [start, end] = [entry.mark.line, entry.mark.line + 1].map(|line| self.line_start(line));
        Ok([&self.text[..start], &self.text[end..]].concat())
    }

    /// Adds what is missing of the path from `depth` on, behind the last field of `map` that is one line.
    fn insert(&self, map: &Node<'_>, depth: usize, value: &str) -> Result<String, EditError> {
        let first = map.entries().first().filter(|_| self.is_block(map)).ok_or_else(|| self.refusal())?;
        let last_line = map.entries().iter().rev().find(|entry| self.end(&entry.node).is_some());
        let at = self.line_start(last_line.map_or(first.mark.line, |entry| entry.node.mark.line + 1));
        let mut lines = String::new();
        if at > 0 && !self.text[..at].ends_with('\n') {
            lines.push('\n');
        }
        let missing = &self.path[depth..];
        for (index, key) in missing.iter().enumerate() {
            let indent = " ".repeat(first.mark.column as usize - 1 + 2 * index);
            let value = if index + 1 == missing.len() { format!(" {value}") } else { String::new() };
            lines.push_str(&format!("{indent}{key}:{value}\n"));
        }
        Ok([&self.text[..at], &lines, &self.text[at..]].concat())
    }
}

/// A value as YAML: without quotes where it is a number, or text without them, too.
fn scalar(value: &str) -> String {
    let is_number = matches!(resolve(value), Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_));
    if is_number { value.to_owned() } else { in_quotes(value) }
}

/// A text as YAML: in quotes unless it is one without them, too.
fn in_quotes(value: &str) -> String {
    let is_word = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.,-/".contains(&byte));
    if is_word && !value.starts_with('-') && resolve(value) == Scalar::Text {
        value.to_owned()
    } else {
        serde_json::Value::from(value).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# The cart.
kind: Mapping
metadata: {name: cart}
spec:
  prefix: /cart/ # all of it
  service: 'cart'
  timeout_ms: 2000 # as long as a cart takes
  labels:
    x: []
";

    fn set(text: &str, path: &str, value: Option<&str>) -> String {
        set_field(text, &path.split('.').collect::<Vec<_>>(), value).unwrap()
    }

    #[test]
    fn a_field_changes_and_all_else_stays() {
        let changed = set(TEXT, "spec.timeout_ms", Some("500"));
        assert_eq!(changed, TEXT.replace("2000", "500"));
        assert_eq!(set(TEXT, "spec.service", Some("cart-v2")), TEXT.replace("'cart'", "cart-v2"));
        assert_eq!(
            set(TEXT, "spec.timeout_ms", None),
            TEXT.replace("  timeout_ms: 2000 # as long as a cart takes\n", "")
        );
        assert_eq!(set(TEXT, "spec.weight", None), TEXT);
    }

    #[test]
    fn numbers_are_written_as_numbers_and_texts_as_texts() {
        for number in ["1.5", "-5", "007"] {
            assert_eq!(set(TEXT, "spec.timeout_ms", Some(number)), TEXT.replace("2000", number));
        }
        let path = ["spec", "service"];
        assert_eq!(set_text(TEXT, &path, Some("123")).unwrap(), TEXT.replace("'cart'", "\"123\""));
        assert_eq!(set_text(TEXT, &path, Some("cart")).unwrap(), TEXT.replace("'cart'", "cart"));
    }

    #[test]
    fn what_is_missing_is_added_below_the_last_line() {
        let line = "  timeout_ms: 2000 # as long as a cart takes\n";
        let once = set(TEXT, "spec.retry_policy.num_retries", Some("2"));
        assert_eq!(once, TEXT.replace(line, &format!("{line}  retry_policy:\n    num_retries: 2\n")));
        let twice = set(&once, "spec.retry_policy.retry_on", Some("on"));
        assert_eq!(field(&twice, &["spec", "retry_policy", "retry_on"]).as_deref(), Some("on"));
        assert!(twice.contains("    num_retries: 2\n    retry_on: \"on\"\n"), "{twice}");
        assert_eq!(set("a:\n  b: 1", "a.c", Some("2")), "a:\n  b: 1\n  c: 2\n");
    }

    #[test]
    fn what_is_not_a_line_is_left_to_people() {
        let refused = |text: &str, path: &[&str]| set_field(text, path, Some("1")).unwrap_err();
        assert_eq!(refused("spec: {a: 1}\n", &["spec", "a"]), EditError::NotALine("spec.a".into()));
        assert_eq!(refused(TEXT, &["metadata", "name"]), EditError::NotALine("metadata.name".into()));
        assert_eq!(refused("spec:\n  a: \"\\x41\"\n", &["spec", "a"]), EditError::NotALine("spec.a".into()));
        assert_eq!(refused("a: [\n", &["a"]), EditError::Unreadable);
        assert_eq!(set_field("a:\n  b: 1\n", &["a", "b"], None), Err(EditError::NotALine("a.b".into())));
    }

    #[test]
    fn documents_are_cut_out_of_their_files() {
        let file = format!("a: 1\n--- # second\n{TEXT}---\nb: 1\n");
        let at = document_at(&file, 4).unwrap();
        assert_eq!((at.text, at.line), (TEXT, 3));
        assert_eq!(&file[at.start..at.start + at.text.len()], TEXT);
        assert_eq!(document_at(&file, 1).unwrap().text, "a: 1\n");
        assert_eq!(document_at("--- {a: 1}\n", 1), None);
        assert!(is_one_document(TEXT) && !is_one_document("a: 1\n---\nb: 1\n") && !is_one_document("# only\n"));
    }
}

//! Changes of single fields in the text of an object. All else stays as it is written: comments, order, quotes.

mod check;
mod outline;
mod place;
mod splice;
#[cfg(test)]
mod tests;
mod written;

use crate::yaml::{self, Node, Position};

pub use self::check::says_same;
pub use self::outline::Outline;
pub(crate) use self::place::Edit;
pub use self::splice::{add_item, remove_item, set_field};
pub use self::written::Written;

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
    let mark = file.len() - file.trim_start_matches('\u{feff}').len();
    let lines = file[mark..].split_inclusive('\n').take(document.line as usize - 1);
    let before = mark + lines.map(str::len).sum::<usize>();
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

pub(crate) fn root(text: &str) -> Result<Node<'_>, EditError> {
    let mut documents = yaml::parse_documents(text, Position::Shifted { lines: 0, columns: 0 });
    match (documents.pop(), documents.is_empty()) {
        (Some(Ok(root)), true) => Ok(root),
        _ => Err(EditError::Unreadable),
    }
}

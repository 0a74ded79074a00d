//! The text that a change makes of another.

use nuncio_api::{Defaults, EditError, Masked, Object, ObjectId, is_one_document, set_field, set_text};

use super::fields::{closest, is_number, settable};
use super::manifest::Manifest;
use crate::admin::{ChangeError, ChangeRequest};

/// The largest text that is looked at.
const MAX_TEXT: usize = 256 << 10;

/// The text of an object as it may be shown: without what is secret in it.
pub(super) fn shown(id: &ObjectId, manifest: &Manifest) -> Result<Masked, ChangeError> {
    Masked::of(id.kind, &manifest.text).map_err(|error| ChangeError::NotEditable(error.to_string()))
}

/// Whether somebody else may not see a text as it is. One whose secrets cannot be found may hold any.
pub(super) fn hides(id: &ObjectId, text: &str) -> bool {
    !Masked::of(id.kind, text).is_ok_and(|masked| !masked.hides())
}

/// What is compiled to find out what a text would do. What it does with a secret that somebody guesses is what it does with any
/// other: otherwise nothing would change by the right one, and that would tell him.
pub(super) fn blinded(shown: &Masked, new: &str) -> Result<String, ChangeError> {
    let more = nuncio_auth::crypto::random_text();
    let text = shown.blinded(new, &more).map_err(|error| invalid(&error))?;
    shown.unmask(&text).map_err(|error| invalid(&error))
}

pub(super) fn invalid(error: &EditError) -> ChangeError {
    ChangeError::Invalid(error.to_string())
}

/// What a change makes of a text.
pub(super) fn new_text(id: &ObjectId, old: &str, change: &ChangeRequest) -> Result<String, ChangeError> {
    let mut text = change.text.as_deref().unwrap_or(old).replace("\r\n", "\n");
    if text.len() > MAX_TEXT {
        return Err(ChangeError::Invalid(format!("the text is larger than {} KiB", MAX_TEXT >> 10)));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for (field, value) in &change.set {
        if !settable(id.kind, field) {
            let meant =
                closest(id.kind, field).map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default();
            return Err(ChangeError::Invalid(format!("{field} cannot be set by itself{meant}: change the text")));
        }
        let (path, mut value) = (field.split('.').collect::<Vec<_>>(), value.trim());
        if is_number(field) {
            // Who has seen YAML may put it in quotes.
            value = value.trim_matches(['"', '\'']);
        }
        if nuncio_api::field(&text, &path).unwrap_or_default() != value {
            let value = Some(value).filter(|value| !value.is_empty());
            let set = if is_number(field) { set_field } else { set_text };
            text = set(&text, &path, value).map_err(|error| invalid(&error))?;
        }
    }
    Ok(text)
}

/// The one object that a text in the place of the old one holds.
pub(super) fn parse(defaults: &Defaults, id: &ObjectId, old: &Manifest, text: &str) -> Result<Object, ChangeError> {
    // Places in it are places in the file.
    let shifted = "\n".repeat(old.line as usize - 1) + text;
    let parsed = nuncio_api::parse(shifted.as_bytes(), &old.name, defaults);
    if let Some(problem) = parsed.problems.first() {
        let place = place(old, problem.location.line);
        return Err(ChangeError::Invalid(format!("{place}: {}", problem.problem.message)));
    }
    if !is_one_document(text) {
        return Err(ChangeError::Invalid("the text has to be one document of YAML".to_owned()));
    }
    match <[Object; 1]>::try_from(parsed.objects) {
        Ok([object]) if object.id == *id => Ok(object),
        Ok([other]) => Err(ChangeError::Invalid(format!("the text is {}, not {id}", other.id))),
        Err(_) => Err(ChangeError::Invalid(format!("the text is not {id} alone"))),
    }
}

/// A line of the file as whoever sees the text alone counts it.
fn place(old: &Manifest, line: u32) -> String {
    let own = (line + 1).saturating_sub(old.line).max(1);
    if old.line == 1 { format!("line {own}") } else { format!("line {own} of the text ({}:{line})", old.name) }
}

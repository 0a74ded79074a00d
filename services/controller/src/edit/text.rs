//! The text that a change makes of another.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use nuncio_api::{
    Defaults, EditError, MASK, Masked, Object, ObjectId, Outline, Severity, Spec, add_item, is_one_document,
    remove_item, set_field,
};
use nuncio_translate::World;

use super::fields::{closest, given, item};
use super::manifest::Manifest;
use crate::admin::{ChangeError, ChangeRequest};
use crate::engine::Engine;
use crate::run::lock;

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
    match error {
        EditError::NotALine(field) => ChangeError::Field { field: field.clone(), why: error.to_string() },
        error => ChangeError::Invalid(error.to_string()),
    }
}

/// What a change makes of a text, in this world.
pub(super) fn new_text(
    id: &ObjectId,
    old: &str,
    change: &ChangeRequest,
    engine: &Mutex<Engine>,
) -> Result<String, ChangeError> {
    let mut text = change.text.as_deref().unwrap_or(old).replace("\r\n", "\n");
    if text.len() > MAX_TEXT {
        return Err(ChangeError::Invalid(format!("the text is larger than {} KiB", MAX_TEXT >> 10)));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if !change.set.is_empty() {
        text = with_fields(id, &text, change)?;
    }
    if let Some(path) = &change.remove {
        text = without_item(&text, path)?;
    }
    if let Some(path) = &change.add {
        let filter = || first_filter(&lock(engine).world, &id.namespace);
        let item = item(id.kind, path, filter).ok_or_else(|| field_error(path, "nothing can be added there"))?;
        text = add_item(&text, path, &item).map_err(|error| invalid(&error))?;
    }
    Ok(text)
}

/// The name of a Filter of a namespace: the first, and better one that can be used. Empty where there is none, which is a problem
/// of the rule that is to name one.
fn first_filter(world: &World, namespace: &str) -> String {
    let is_filter = |object: &&Arc<Object>| {
        let is_read = !matches!(object.spec, Spec::Invalid(_));
        object.id.kind.is_filter() && *object.id.namespace == *namespace && is_read
    };
    let filters: BTreeSet<_> = world.objects().filter(is_filter).map(|object| &object.id).collect();
    let is_usable = |id: &&&ObjectId| world.problems(id).iter().all(|problem| problem.severity != Severity::Error);
    let first = filters.iter().find(is_usable).or_else(|| filters.first());
    first.map(|id| id.name.to_string()).unwrap_or_default()
}

fn field_error(field: &str, why: &str) -> ChangeError {
    ChangeError::Field { field: field.to_owned(), why: format!("{field}: {why}") }
}

fn with_fields(id: &ObjectId, text: &str, change: &ChangeRequest) -> Result<String, ChangeError> {
    let outline = Outline::of(text).map_err(|error| invalid(&error))?;
    let mut new = text.to_owned();
    for (field, typed) in &change.set {
        let Some(given) = given(id.kind, &outline, field, typed) else {
            let meant =
                closest(id.kind, field).map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default();
            return Err(ChangeError::Invalid(format!("{field} cannot be set by itself{meant}: change the text")));
        };
        let given = given.map_err(|why| field_error(field, &why))?;
        if !given.is_same {
            new = set_field(&new, field, given.value.as_ref()).map_err(|error| invalid(&error))?;
        }
    }
    Ok(new)
}

/// Without an item of a list. A secret that is not shown is known by its place, which those behind it would change.
fn without_item(text: &str, path: &str) -> Result<String, ChangeError> {
    if text.contains(MASK) {
        let why = "an item cannot be taken away where a secret is not shown: write the secret anew, or change the file";
        return Err(field_error(path, why));
    }
    remove_item(text, path).map_err(|error| invalid(&error))
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

#[cfg(test)]
mod tests;

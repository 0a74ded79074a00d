//! The fields of a text, what they are called, and what is wrong with each.

use super::super::model::{Add, Field, Manifest, Section};
use super::subject::Change;
use crate::texts::Texts;

impl Section {
    /// What it is called: `Rule 2, filter 1`.
    pub(super) fn title(&self, texts: &Texts) -> String {
        let name = format!("section_{}", self.name);
        match self.numbers[..] {
            [number] => texts.fill(&name, &[("number", &number)]),
            [above, number, ..] => texts.fill(&name, &[("above", &above), ("number", &number)]),
            [] => self.path.clone(),
        }
    }

    /// What taking it away is called.
    pub(super) fn removal<'t>(&self, texts: &'t Texts) -> &'t str {
        texts.find(&format!("remove_{}", self.name)).unwrap_or_default()
    }
}

impl Add {
    /// What adding one is called.
    pub(super) fn words<'t>(&self, texts: &'t Texts) -> &'t str {
        texts.find(&format!("add_{}", self.name)).unwrap_or_default()
    }
}

impl Field {
    /// What may be chosen: nothing, too, and what stands there whatever it is.
    pub(super) fn options(&self) -> Vec<&str> {
        let known = self.choices.iter().map(String::as_str);
        let other = Some(self.value.as_str()).filter(|value| !known.clone().any(|choice| choice == *value));
        let none = Some("").filter(|_| !self.value.is_empty());
        none.into_iter().chain(other).chain(known).collect()
    }
}

impl Manifest {
    pub(super) fn all_fields(&mut self) -> impl Iterator<Item = &mut Field> {
        self.fields.iter_mut().chain(self.sections.iter_mut().flat_map(|section| &mut section.fields))
    }

    /// Shows what somebody typed, whatever stands there.
    pub(super) fn keep(&mut self, change: &Change<'_>) {
        if let Some(text) = change.text {
            text.clone_into(&mut self.text);
        }
        for field in self.all_fields() {
            field.value = change.set.get(&field.path).unwrap_or(&field.value).clone();
        }
        // It was made of that, whatever stands there now.
        if let Some(digest) = change.digest {
            digest.clone_into(&mut self.digest);
        }
    }

    /// Says at the field that it is about what is wrong. Tells what that is called.
    pub(super) fn blame(&mut self, texts: &Texts, path: &str, why: &str) -> Option<String> {
        let named = label(self, texts, path);
        let is_at =
            |field: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        if let Some(field) = self.all_fields().find(|field| is_at(&field.path)) {
            why.clone_into(&mut field.fault);
        }
        named
    }
}

/// What the form calls the field, or the item, that is at a path: `Rule 1 · Path`.
fn label(manifest: &Manifest, texts: &Texts, path: &str) -> Option<String> {
    let is_at =
        |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let title =
        |fields: &[Field]| fields.iter().find(|field| is_at(&field.path)).map(|field| field.title(texts).to_owned());
    let section = manifest.sections.iter().rev().find(|section| is_at(&section.path));
    match section {
        Some(section) => {
            let field = title(&section.fields).map(|field| format!(" · {field}"));
            Some(section.title(texts) + &field.unwrap_or_default())
        }
        None => title(&manifest.fields),
    }
}

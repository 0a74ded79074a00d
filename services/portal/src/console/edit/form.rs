//! The fields of a text, what they are called, and what is wrong with each.

use std::collections::BTreeSet;

use super::super::model::{Add, Field, Manifest, Section};
use super::subject::Change;
use crate::texts::Texts;

/// An item with more fields than that has those folded away which say nothing.
const MANY: usize = 8;

impl Section {
    /// Fields that are shown at once: what the item begins with, and what is said of it. What belongs together stays together.
    pub(super) fn shown(&self) -> Vec<&Field> {
        self.parted().0
    }

    /// Those that are shown to whoever asks for more.
    pub(super) fn folded(&self) -> Vec<&Field> {
        self.parted().1
    }

    fn parted(&self) -> (Vec<&Field>, Vec<&Field>) {
        let tells = |field: &&Field| !field.value.is_empty() || !field.fault.is_empty();
        let telling = self.fields.iter().filter(tells).chain(self.fields.first());
        let parts: BTreeSet<&str> = telling.map(|field| self.part(field)).collect();
        let is_few = self.fields.len() <= MANY;
        self.fields.iter().partition(|field| is_few || parts.contains(self.part(field)))
    }

    /// The part of the item that a field is in: `arguments`.
    fn part<'f>(&self, field: &'f Field) -> &'f str {
        let path = field.path.strip_prefix(self.path.as_str()).unwrap_or(&field.path).trim_start_matches('.');
        path.split('.').next().unwrap_or(path)
    }

    /// What those are called that are folded away.
    pub(super) fn fold(&self, texts: &Texts) -> String {
        texts.fill("edit_folded", &[("item", &self.title(texts)), ("number", &self.folded().len())])
    }

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A filter of a rule of which this is said.
    fn filter(said: &[&str]) -> Section {
        let fields = [
            "name",
            "namespace",
            "onDeny",
            "onAllow",
            "ifRequestHeader.name",
            "ifRequestHeader.value",
            "arguments.scope",
            "arguments.require",
            "arguments.maxAge",
        ];
        let field = |path: &str| {
            let value = if said.contains(&path) { "x" } else { "" };
            let path = format!("spec.rules[0].filters[1].{path}");
            json!({ "path": path, "name": "require", "value": value, "choices": [], "has_lines": false })
        };
        let section = json!({ "path": "spec.rules[0].filters[1]", "name": "filter", "numbers": [1, 2], "adds": [],
            "fields": fields.map(field) });
        serde_json::from_value(section).unwrap()
    }

    fn names<'f>(fields: &[&'f Field]) -> Vec<&'f str> {
        fields.iter().filter_map(|field| field.path.strip_prefix("spec.rules[0].filters[1].")).collect()
    }

    #[test]
    fn what_says_nothing_of_an_item_of_many_fields_is_folded_away() {
        let section = filter(&["name", "ifRequestHeader.name"]);
        assert_eq!(names(&section.shown()), ["name", "ifRequestHeader.name", "ifRequestHeader.value"]);
        assert_eq!(section.fold(&Texts::default()), "Rule 1, filter 2: more fields (6)");
        assert_eq!(names(&filter(&[]).shown()), ["name"], "what it begins with is always shown");

        let mut wrong = filter(&["name"]);
        wrong.fields[7].fault = "it does not compile".to_owned();
        assert_eq!(names(&wrong.shown()), ["name", "arguments.scope", "arguments.require", "arguments.maxAge"]);

        let mut few = filter(&[]);
        few.fields.truncate(MANY);
        assert_eq!((few.shown().len(), few.folded().len()), (MANY, 0));
    }
}

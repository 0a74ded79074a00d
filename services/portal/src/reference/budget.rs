//! How much of a document one page tells. Documents are written by strangers: parts that refer to each other often enough
//! make a page without end of a small one.

use std::cell::Cell;

use serde_json::Value;

use crate::markdown::{self, Html};

/// How much is told, in characters of HTML.
const MAX_TOLD: usize = 100_000;
/// How much of a form's fields is told, which have to be there whatever else is.
const MAX_FORM: usize = 30_000;
/// How much of examples is told, likewise.
const MAX_EXAMPLES: usize = 140_000;
/// How many steps it takes to make those that nobody wrote.
const MAX_WORK: usize = 1_000_000;
/// What any part takes, beside its words.
const PART: usize = 150;
/// What a part takes that is only looked at.
const LOOK: usize = 20;
/// The longest description, as it is written: what nests deeply takes much longer to read than it is.
const MAX_PROSE: usize = 40_000;
/// The longest text that is no description.
const MAX_TEXT: usize = 500;

/// What is left for one page.
pub(crate) struct Budget {
    told: Cell<usize>,
    examples: Cell<usize>,
    work: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { told: Cell::new(MAX_TOLD), examples: Cell::new(MAX_EXAMPLES), work: Cell::new(MAX_WORK) }
    }
}

impl Budget {
    /// That of a form beside everything else on its page.
    pub(super) fn of_form() -> Self {
        Self { told: Cell::new(MAX_FORM), ..Self::default() }
    }

    /// Nothing more is told.
    pub(super) fn is_spent(&self) -> bool {
        self.told.get() == 0
    }

    fn take(&self, cost: usize) {
        self.told.update(|left| left.saturating_sub(cost));
    }

    /// A part is told, with these words.
    pub(super) fn part<'t>(&self, words: impl IntoIterator<Item = &'t String>) {
        self.take(PART + words.into_iter().map(|text| escaped(text)).sum::<usize>());
    }

    /// A part is looked at.
    pub(super) fn look(&self) {
        self.take(LOOK);
    }

    /// A description below a heading of this level: as much of it as there is room for.
    pub(crate) fn prose(&self, text: &str, level: u8) -> Html {
        let left = self.told.get();
        if left == 0 {
            return Html::default();
        }
        let mut html = markdown::html(&cut(text, left.min(MAX_PROSE)), level);
        if html.len() > left {
            html = Html::of_text(&cut(text, left / 6));
        }
        self.take(html.len().max(text.len()));
        html
    }

    /// An example that is written in so many places, if there is room for it.
    pub(super) fn example(&self, text: String, places: usize) -> Option<String> {
        let left = self.examples.get().checked_sub((escaped(&text) + PART).saturating_mul(places))?;
        self.examples.set(left);
        Some(text)
    }

    /// Texts are written in so many places in any case: other examples have less room.
    pub(super) fn samples<'t>(&self, texts: impl IntoIterator<Item = &'t String>, places: usize) {
        let cost = texts.into_iter().map(|text| escaped(text)).sum::<usize>();
        self.examples.update(|left| left.saturating_sub((cost + PART).saturating_mul(places)));
    }

    /// No more examples are made.
    pub(super) fn is_tired(&self) -> bool {
        self.work.get() == 0
    }

    /// Making one took so many steps.
    pub(super) fn work(&self, steps: usize) {
        self.work.update(|left| left.saturating_sub(steps));
    }

    /// What is made of each, as far as there is room, and how many are left out.
    pub(super) fn each<T, V>(&self, all: impl IntoIterator<Item = T>, mut make: impl FnMut(T) -> V) -> (Vec<V>, usize) {
        let mut all = all.into_iter();
        let mut made = Vec::new();
        while !self.is_spent()
            && let Some(one) = all.next()
        {
            made.push(make(one));
        }
        (made, all.count())
    }
}

/// A text that is no description.
pub(super) fn short(text: &str) -> String {
    cut(text, MAX_TEXT)
}

/// The beginning of a text that is too long.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a value takes no more than so many characters.
pub(super) fn is_within(value: &Value, most: usize) -> bool {
    size_within(value, most).is_some()
}

/// How many characters a value takes, about: none where that is more than `most`.
pub(super) fn size_within(value: &Value, most: usize) -> Option<usize> {
    let mut size = 0;
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        size += match value {
            Value::String(text) => text.len() + 2,
            Value::Array(items) => items.len() + 2,
            Value::Object(fields) => fields.keys().map(|name| name.len() + 4).sum::<usize>() + 2,
            Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        };
        if size > most {
            return None;
        }
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(fields) => rest.extend(fields.values()),
            _ => {}
        }
    }
    Some(size)
}

/// How long a text is in HTML.
pub(super) fn escaped(text: &str) -> usize {
    text.bytes().map(|byte| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'') { 5 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prose_is_told_as_far_as_there_is_room_however_it_is_written() {
        for text in ["*a* ", "<b>", "> ", "- ", "&", "# a\n\n", "| a |\n|---|\n"] {
            let budget = Budget::default();
            let html = budget.prose(&text.repeat(100_000), 3);
            assert!((1..=MAX_TOLD + 10).contains(&html.len()), "{text}: {}", html.len());
            assert!(budget.told.get() < MAX_TOLD);
        }
    }

    #[test]
    fn examples_that_there_is_no_room_for_are_left_out() {
        let budget = Budget::default();
        let text = "\"".repeat(MAX_EXAMPLES / 21);
        assert_eq!(budget.example(text.clone(), 5), None);
        assert!((0..4).all(|_| budget.example(text.clone(), 1).is_some()));
        assert_eq!(budget.example(text, 1), None);
    }

    #[test]
    fn sizes_are_counted_no_further_than_is_asked() {
        assert!(is_within(&json!({ "a": [1, "b", null] }), 30));
        assert!(!is_within(&json!({ "a": [1, "b", null] }), 20));
        assert!(!is_within(&json!(vec![0; 100_000]), 1_000));
    }
}

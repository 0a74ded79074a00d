//! How much of a document one page tells. Documents are written by strangers: parts that refer to each other often enough
//! make a page without end of a small one.

use std::cell::Cell;

use crate::markdown::{self, Html};

/// How much is told, in characters of HTML.
const MAX_TOLD: usize = 150_000;
/// What any part takes, beside its words.
const PART: usize = 150;
/// What a part takes that is only looked at.
const LOOK: usize = 20;
/// The longest text that is no description.
const MAX_TEXT: usize = 500;

/// What is left for one page.
pub(crate) struct Budget {
    told: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { told: Cell::new(MAX_TOLD) }
    }
}

impl Budget {
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
    pub(super) fn prose(&self, text: &str, level: u8) -> Html {
        let left = self.told.get();
        if left == 0 {
            return Html::default();
        }
        let mut html = markdown::html(&cut(text, left), level);
        if html.len() > left {
            html = Html::of_text(&cut(text, left / 5));
        }
        self.take(html.len().max(text.len()));
        html
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

/// How long a text is in HTML.
fn escaped(text: &str) -> usize {
    text.bytes().map(|byte| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'') { 5 } else { 1 }).sum()
}

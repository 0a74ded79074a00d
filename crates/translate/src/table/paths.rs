//! Finds conditions on the path that may take the same requests as another.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use nuncio_ir::PathMatch;

/// Conditions by position, to be looked up by their text without its case.
#[derive(Debug, Default)]
pub(super) struct Paths {
    texts: BTreeMap<Vec<u8>, Vec<usize>>,
    /// The lengths of the texts: few, however many texts there are.
    lengths: BTreeSet<usize>,
    /// An expression may overlap anything.
    regexes: Vec<usize>,
    len: usize,
}

impl Paths {
    pub(super) fn new<'p>(paths: impl Iterator<Item = &'p PathMatch>) -> Self {
        let mut known = Self::default();
        for (at, path) in paths.enumerate() {
            match text(path) {
                Some(text) => {
                    known.lengths.insert(text.len());
                    known.texts.entry(text).or_default().push(at);
                }
                None => known.regexes.push(at),
            }
            known.len = at + 1;
        }
        known
    }

    /// Positions of all that may overlap `path`, and of some that do not: to be looked at with
    /// [`may_overlap`](nuncio_ir::RouteMatch::may_overlap).
    pub(super) fn near(&self, path: &PathMatch) -> Vec<usize> {
        let Some(text) = text(path) else { return (0..self.len).collect() };
        let mut near = self.regexes.clone();
        let shorter = self.lengths.range(..text.len()).filter_map(|length| self.texts.get(&text[..*length]));
        near.extend(shorter.flatten());
        let from = (Bound::Included(text.as_slice()), Bound::Unbounded);
        let longer = self.texts.range::<[u8], _>(from).take_while(|(other, _)| other.starts_with(&text));
        near.extend(longer.flat_map(|(_, positions)| positions));
        near
    }
}

fn text(path: &PathMatch) -> Option<Vec<u8>> {
    match path {
        PathMatch::Prefix { value, .. } | PathMatch::Exact { value, .. } | PathMatch::Segments(value) => {
            Some(value.to_ascii_lowercase().into_bytes())
        }
        PathMatch::Regex(_) => None,
    }
}

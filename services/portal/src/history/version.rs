//! One document of an API, and what had changed.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::changes::{Change, Severity, compare};
use crate::document::Document;
use crate::reference::Reference;

/// The most changes that are kept, the worst first.
const MAX_CHANGES: usize = 500;

/// A document as it was from some time on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Counts the versions of the API, from 1.
    pub(crate) number: u64,
    /// When it was first seen.
    pub(crate) since: Timestamp,
    /// What it called its version.
    pub(crate) label: Option<String>,
    /// What had changed, the worst first; nothing in the first that was seen.
    pub(crate) changes: Vec<Change>,
    /// How many more changes there were.
    pub(crate) more_changes: usize,
    /// The groups whose it was then; everybody's where there are none.
    pub(crate) visible_to: Option<Vec<String>>,
    /// It was kept when APIs had no groups: whose it is says the API, as soon as that is seen.
    pub(super) is_of_unknown: bool,
    /// As the service gave it.
    pub(crate) document: Bytes,
}

impl Version {
    /// The first of an API that is seen.
    pub(super) fn first(number: u64, reference: &Reference) -> Self {
        Self::next(number, reference, Vec::new())
    }

    /// One with changes.
    pub(super) fn next(number: u64, reference: &Reference, mut changes: Vec<Change>) -> Self {
        let document = &reference.document;
        let more_changes = changes.len().saturating_sub(MAX_CHANGES);
        changes.truncate(MAX_CHANGES);
        let label = document.info("version").map(|label| label.chars().take(80).collect());
        let visible_to = reference.api.served.visible_to().map(<[String]>::to_vec);
        let document = document.original.clone();
        let since = Timestamp::now();
        Self { number, since, label, changes, more_changes, visible_to, is_of_unknown: false, document }
    }

    /// Names what it says, since when and to whom: of one API two versions with the same are one.
    pub(super) fn key(&self) -> String {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for group in self.visible_to.iter().flatten() {
            hash.update(group.as_bytes());
            hash.update(b"\n");
        }
        hash.update(if self.visible_to.is_some() { b"\x01" } else { b"\x00" });
        hash.update(&self.since.as_nanosecond().to_le_bytes());
        hash.update(&self.document);
        format!("{}-{:032x}", self.number, hash.digest128())
    }

    /// Whether it tells the same to the same people.
    pub(super) fn says_like(&self, other: &Self) -> bool {
        self.document == other.document && self.visible_to == other.visible_to
    }

    /// Whether all may see it who may see what is for these groups: to others what has changed since would tell of it.
    pub(super) fn is_for_all_of(&self, groups: Option<&[String]>) -> bool {
        match (&self.visible_to, groups) {
            (None, _) => true,
            (Some(own), Some(groups)) => groups.iter().all(|group| own.contains(group)),
            (Some(_), None) => false,
        }
    }

    /// What one document of an API has that another has not, though it never took its place.
    pub(crate) fn between(old: &Reference, new: &Reference) -> Self {
        let changes = Self::first(0, old).changes_to(new);
        Self::next(0, new, changes)
    }

    /// What has changed since this, with paths as clients know them.
    pub(super) fn changes_to(&self, new: &Reference) -> Vec<Change> {
        // It was read once already.
        let Ok(document) = Document::read(self.document.clone()) else { return Vec::new() };
        let mut changes = compare(&document, &new.document);
        if changes.is_empty() {
            return changes;
        }
        let old = Reference::new(Arc::clone(&new.api), Arc::new(document));
        for operation in changes.iter_mut().flat_map(|change| &mut change.operations) {
            let Some(place) = operation.find(" /") else { continue };
            let (methods, path) = (&operation[..place], &operation[place + 1..]);
            if let Some(outer) = new.outer(path).or_else(|| old.outer(path)) {
                *operation = format!("{methods} {outer}");
            }
        }
        changes
    }

    /// How many changes are so bad.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.changes.iter().filter(|change| change.severity == severity).count()
    }

    /// Whether some client broke.
    pub(crate) fn is_breaking(&self) -> bool {
        self.count(Severity::Breaking) > 0
    }

    /// How many changes there were of each severity, the worst first.
    pub(crate) fn counts(&self) -> Vec<(usize, Severity)> {
        let counts = [Severity::Breaking, Severity::Warning, Severity::Compatible].map(|severity| {
            let more = if severity == Severity::Compatible { self.more_changes } else { 0 };
            (self.count(severity) + more, severity)
        });
        counts.into_iter().filter(|(count, _)| *count > 0).collect()
    }

    /// What had changed, in a few words for operators.
    pub(crate) fn words(&self) -> String {
        if self.changes.is_empty() {
            return "the first that was seen".to_owned();
        }
        let counted = self.counts().into_iter().map(|(count, severity)| format!("{count} {}", severity.as_str()));
        counted.collect::<Vec<_>>().join(", ")
    }
}

//! The labels that Mappings make: what a pattern names beside them, or in another order, no request has.

mod ways;

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{Limit, ObjectId, Problem, RateLimit};
use nuncio_ir::RateLabel;

use self::ways::Ways;
use crate::compiled::Compiled;

/// A key with its value; any where absent.
type Made = (String, Option<String>);

/// Every label, with how often Mappings make it, and how they go together.
#[derive(Debug, Default)]
pub(crate) struct MadeLabels {
    labels: BTreeMap<Made, usize>,
    /// In which order they follow each other.
    ways: Ways,
    /// Mappings that cannot be used: nobody knows what they were to make.
    unknown: BTreeSet<ObjectId>,
    /// There are texts that may be Mappings, and that nobody can read.
    has_unread: bool,
    /// What came or went since this was asked last.
    changed: Changed,
}

/// Which patterns may be met that were not before, or the other way round.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Those with labels of these keys.
    keys: BTreeSet<String>,
    /// Any.
    all: bool,
}

impl Changed {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.all
    }

    pub(crate) fn concerns(&self, limits: &RateLimit) -> bool {
        let mut keys = limits.limits.iter().flat_map(|limit| &limit.pattern).flat_map(BTreeMap::keys);
        self.all || keys.any(|key| self.keys.contains(key))
    }
}

impl MadeLabels {
    /// A Mapping is another.
    pub(crate) fn change(&mut self, old: Option<&Compiled>, new: Option<&Compiled>) {
        // What both make does not go meanwhile.
        descriptors(new).for_each(|labels| self.add(labels));
        descriptors(old).for_each(|labels| self.remove(labels));
    }

    fn add(&mut self, labels: &[RateLabel]) {
        if self.ways.add(labels) {
            self.changed.keys.extend(labels.iter().map(|label| made(label).0));
        }
        for label in labels.iter().map(made) {
            *self.labels.entry(label).or_default() += 1;
        }
    }

    fn remove(&mut self, labels: &[RateLabel]) {
        if self.ways.remove(labels) {
            self.changed.keys.extend(labels.iter().map(|label| made(label).0));
        }
        for label in labels.iter().map(made) {
            let count = self.labels.entry(label.clone()).or_default();
            *count -= 1;
            if *count == 0 {
                self.labels.remove(&label);
            }
        }
    }

    /// Whether a Mapping is there and cannot be used.
    pub(crate) fn note(&mut self, id: &ObjectId, is_unknown: bool) {
        let was_complete = self.is_complete();
        if is_unknown {
            self.unknown.insert(id.clone());
        } else {
            self.unknown.remove(id);
        }
        self.changed.all |= was_complete != self.is_complete();
    }

    /// Whether there are texts that may be Mappings, and that nobody can read.
    pub(crate) fn note_unread(&mut self, has_unread: bool) {
        let was_complete = self.is_complete();
        self.has_unread = has_unread;
        self.changed.all |= was_complete != self.is_complete();
    }

    /// Whether it is known what every Mapping makes.
    fn is_complete(&self) -> bool {
        self.unknown.is_empty() && !self.has_unread
    }

    /// What came or went since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    /// What is wrong with a limit that no request can be held to, since none has its labels, or none in this order.
    pub(crate) fn problem(&self, limit: &Limit, index: usize) -> Option<Problem> {
        if !self.is_complete() {
            return None;
        }
        let field = format!("spec.limits[{index}].pattern");
        let missing = |item: &BTreeMap<String, String>| !item.iter().any(|(key, value)| self.can_be(key, value));
        if let Some((place, item)) = limit.pattern.iter().enumerate().find(|(_, item)| missing(item)) {
            let labels: Vec<_> = item.iter().map(|(key, value)| format!("`{key}: {value:?}`")).collect();
            let message = format!("no Mapping has the label {}: nothing is counted by this limit", labels.join(" or "));
            return Some(Problem::warning("NoSuchLabel", format!("{field}[{place}]"), message));
        }
        let message = "Mappings have these labels, but in no group do they come first, one after the other in this order: \
                       nothing is counted by this limit";
        (!self.ways.meet(&limit.pattern)).then(|| Problem::warning("NoSuchGroup", field, message))
    }

    /// Whether a request can have a label that an item of a pattern takes.
    fn can_be(&self, key: &str, value: &str) -> bool {
        let any = (key.to_owned(), None);
        match value {
            "" | "*" => self.labels.range(any..).next().is_some_and(|((first, _), _)| first == key),
            value => {
                self.labels.contains_key(&any) || self.labels.contains_key(&(key.to_owned(), Some(value.to_owned())))
            }
        }
    }
}

/// What a Mapping has asked about limits.
fn descriptors(compiled: Option<&Compiled>) -> impl Iterator<Item = &Vec<RateLabel>> {
    compiled.into_iter().flat_map(|compiled| compiled.shared.descriptors.iter().flatten())
}

fn made(label: &RateLabel) -> Made {
    let (key, value) = match label {
        RateLabel::SourceCluster => ("source_cluster", None),
        RateLabel::DestinationCluster => ("destination_cluster", None),
        RateLabel::RemoteAddress => ("remote_address", None),
        RateLabel::Header { key, .. } => (&**key, None),
        RateLabel::Text { key, value } => (&**key, Some(value.clone())),
    };
    (key.to_owned(), value)
}

//! The labels that Mappings make: what a pattern names beside them, no request has.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{Limit, ObjectId, Problem, RateLimit};
use nuncio_ir::RateLabel;

use crate::compiled::Compiled;

/// A key with its value; any where absent.
type Made = (String, Option<String>);

/// Every label, with how often Mappings make it.
#[derive(Debug, Default)]
pub(crate) struct MadeLabels {
    labels: BTreeMap<Made, usize>,
    /// Mappings that cannot be used: nobody knows what they were to make.
    unknown: BTreeSet<ObjectId>,
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
        let labels = |compiled: &Compiled| -> Vec<Made> {
            compiled.shared.descriptors.iter().flatten().flatten().map(made).collect()
        };
        // What both make does not go meanwhile.
        for label in new.map(labels).unwrap_or_default() {
            let count = self.labels.entry(label.clone()).or_default();
            *count += 1;
            if *count == 1 {
                self.changed.keys.insert(label.0);
            }
        }
        for label in old.map(labels).unwrap_or_default() {
            let count = self.labels.entry(label.clone()).or_default();
            *count -= 1;
            if *count == 0 {
                self.labels.remove(&label);
                self.changed.keys.insert(label.0);
            }
        }
    }

    /// Whether a Mapping is there and cannot be used.
    pub(crate) fn note(&mut self, id: &ObjectId, is_unknown: bool) {
        let was_complete = self.unknown.is_empty();
        if is_unknown {
            self.unknown.insert(id.clone());
        } else {
            self.unknown.remove(id);
        }
        self.changed.all |= was_complete != self.unknown.is_empty();
    }

    /// What came or went since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    /// What is wrong with a limit of which no request has all labels.
    pub(crate) fn problem(&self, limit: &Limit, index: usize) -> Option<Problem> {
        let missing = |item: &BTreeMap<String, String>| !item.iter().any(|(key, value)| self.can_be(key, value));
        if !self.unknown.is_empty() {
            return None;
        }
        let (place, item) = limit.pattern.iter().enumerate().find(|(_, item)| missing(item))?;
        let labels: Vec<_> = item.iter().map(|(key, value)| format!("`{key}: {value:?}`")).collect();
        let message = format!("no Mapping has the label {}: nothing is counted by this limit", labels.join(" or "));
        Some(Problem::warning("NoSuchLabel", format!("spec.limits[{index}].pattern[{place}]"), message))
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

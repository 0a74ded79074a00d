//! Mappings for many names beside those for one: which of them stand in the table of that name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::LabelSelector;
use nuncio_ir::{PathMatch, RouteMatch};

use super::is_acme;
use super::paths::Paths;
use crate::compiled::{Compiled, HostCondition};
use crate::group::{Group, groups};
use crate::policy::HostPolicy;

/// The Mappings for many names, as the Hosts with one selector see them.
pub(crate) struct Wild<'a> {
    /// In the order in which they are tried.
    groups: Vec<Group<'a>>,
    paths: Paths,
    acme: Vec<usize>,
}

/// What a name sees of them.
pub(crate) struct Beside<'w, 'a> {
    /// Those that stand in its table, in order.
    pub(crate) copied: Vec<&'w Group<'a>>,
    /// Whether there are others, which are found by a miss.
    pub(crate) more: bool,
}

impl<'a> Wild<'a> {
    pub(crate) fn new(selector: Option<&LabelSelector>, wild: &'a [Arc<Compiled>]) -> Self {
        let groups = groups(wild.iter().map(|mapping| &**mapping).filter(|mapping| selects(selector, mapping)));
        let paths = Paths::new(groups.iter().map(|group| &group.first().matches.path));
        let acme = (0..groups.len()).filter(|at| is_acme(groups[*at].first())).collect();
        Self { groups, paths, acme }
    }

    /// Those for `name` that take the challenges of an ACME authority.
    pub(crate) fn acme<'w>(&'w self, name: &'w str) -> impl Iterator<Item = &'w Group<'a>> {
        self.acme.iter().filter(|at| self.takes(**at, name)).map(|at| &self.groups[*at])
    }

    /// The last for `name`.
    pub(crate) fn last(&self, name: &str) -> Option<&'a Compiled> {
        (0..self.groups.len()).rev().find(|at| self.takes(*at, name)).map(|at| self.groups[at].first())
    }

    /// A Mapping for many names is copied where it goes before one that is in the table, own or copied, and may take
    /// the same requests. So the order is walked backwards: what is copied brings others along.
    pub(crate) fn beside(&self, name: &str, own: &[Group<'_>]) -> Beside<'_, 'a> {
        let mut copied = BTreeSet::new();
        // What is in the table, by the position before which it stands.
        let mut open: BTreeMap<usize, Vec<&RouteMatch>> = BTreeMap::new();
        for group in own {
            open.entry(self.position(group.first())).or_default().push(&group.first().matches);
        }
        while let Some((before, matches)) = open.pop_last() {
            if matches.iter().any(|matches| matches!(matches.path, PathMatch::Regex(_))) {
                copied.extend((0..before).filter(|at| self.takes(*at, name)));
                break;
            }
            for after in matches {
                for at in self.paths.near(&after.path).into_iter().filter(|at| *at < before) {
                    let matches = &self.groups[at].first().matches;
                    if matches.may_overlap(after) && self.takes(at, name) && copied.insert(at) {
                        open.entry(at).or_default().push(matches);
                    }
                }
            }
        }
        let more = (0..self.groups.len()).rev().any(|at| !copied.contains(&at) && self.takes(at, name));
        Beside { copied: copied.into_iter().map(|at| &self.groups[at]).collect(), more }
    }

    /// All of them, for a name whose requests must not be left to another table.
    pub(crate) fn whole(&self, name: &str) -> Beside<'_, 'a> {
        let copied = (0..self.groups.len()).filter(|at| self.takes(*at, name)).map(|at| &self.groups[at]).collect();
        Beside { copied, more: false }
    }

    fn position(&self, mapping: &Compiled) -> usize {
        self.groups.partition_point(|group| group.first().order(mapping).is_lt())
    }

    fn takes(&self, at: usize, name: &str) -> bool {
        self.groups[at].first().host.may_take(name)
    }
}

/// Whether the Hosts with this selector take the Mapping, for those of their names that it is for.
fn selects(selector: Option<&LabelSelector>, mapping: &Compiled) -> bool {
    match (selector, &mapping.host) {
        (None, host) => !matches!(host, HostCondition::None),
        (Some(selector), _) => selector.matches(&mapping.labels),
    }
}

/// The Mappings for many names, by selectors.
pub(crate) struct Wilds<'a> {
    all: &'a [Arc<Compiled>],
    by_selector: BTreeMap<Option<LabelSelector>, Wild<'a>>,
}

impl<'a> Wilds<'a> {
    pub(crate) fn new(all: &'a [Arc<Compiled>]) -> Self {
        Self { all, by_selector: BTreeMap::new() }
    }

    /// As a Host sees them.
    pub(crate) fn of(&mut self, host: &HostPolicy) -> &Wild<'a> {
        let Self { all, by_selector } = self;
        let wild = || Wild::new(host.selector.as_ref(), all);
        by_selector.entry(host.selector.clone()).or_insert_with(wild)
    }
}

/// The changed Mappings, and the Mappings for many names that they may bring into a table or out of it: those
/// behind them that may take the same requests, one by way of another. In order.
pub(crate) fn influence<'a>(changed: &'a [Arc<Compiled>], wild: &'a [Arc<Compiled>]) -> Vec<&'a Compiled> {
    let mut sorted: Vec<_> =
        changed.iter().map(|it| (&**it, true)).chain(wild.iter().map(|it| (&**it, false))).collect();
    sorted.sort_by(|(a, _), (b, _)| a.order(b));
    let paths = Paths::new(sorted.iter().map(|(mapping, _)| &mapping.matches.path));
    let mut open: BTreeSet<_> = (0..sorted.len()).filter(|at| sorted[*at].1).collect();
    let mut influenced = open.clone();
    while let Some(at) = open.pop_first() {
        let matches = &sorted[at].0.matches;
        if matches!(matches.path, PathMatch::Regex(_)) {
            influenced.extend(at..sorted.len());
            break;
        }
        for after in paths.near(&matches.path).into_iter().filter(|after| *after > at) {
            if matches.may_overlap(&sorted[after].0.matches) && influenced.insert(after) {
                open.insert(after);
            }
        }
    }
    influenced.into_iter().map(|at| sorted[at].0).collect()
}

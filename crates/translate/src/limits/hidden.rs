//! Limits that no request is held to, since another is for all that they take.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{LimitAction, ObjectId, Problem};

use super::{Problems, Way, field};

/// A limit: its object, and its place there.
type Place<'a> = (&'a ObjectId, usize);

/// What becomes of limits whose patterns end where another's does.
#[derive(Debug, Default)]
pub(super) struct Fates<'a> {
    /// Those that count somewhere.
    count: BTreeSet<Place<'a>>,
    /// Those that another goes before somewhere, with the first that does.
    hidden: BTreeMap<Place<'a>, (&'a Way<'a>, &'a Way<'a>)>,
}

impl<'a> Fates<'a> {
    /// Of the ways that end at a node this one counts.
    pub(super) fn note(&mut self, counts: &'a Way<'a>, all: &[&'a Way<'a>]) {
        self.count.insert(place(counts));
        for way in all.iter().copied().filter(|way| place(way) != place(counts)) {
            self.hidden.entry(place(way)).or_insert((way, counts));
        }
    }

    /// What is wrong with those that count nowhere, but for limits that were told of already.
    pub(super) fn problems(self, told: &BTreeSet<(ObjectId, usize)>) -> Problems {
        let Self { count, hidden } = self;
        let never = hidden.into_iter().filter(|(place, _)| !count.contains(place));
        let untold = never.filter(|((id, index), _)| !told.contains(&((*id).clone(), *index)));
        untold.map(|((id, index), (way, counts))| (id.clone(), hides(way, index, counts))).collect()
    }
}

fn place<'a>(way: &Way<'a>) -> Place<'a> {
    (way.id, way.index)
}

fn hides(way: &Way<'_>, index: usize, counts: &Way<'_>) -> Problem {
    let only_logs = |way: &Way<'_>| way.limit.action() == Some(LimitAction::LogOnly);
    let why =
        if only_logs(way) && !only_logs(counts) { "is enforced, while this one only logs" } else { "allows no more" };
    let message = format!(
        "has no effect: of patterns of equal length one limit counts, and for all that this one takes that is \
         spec.limits[{}] of {}, which {why}",
        counts.index, counts.id
    );
    Problem::warning("HiddenLimit", field(index), message)
}

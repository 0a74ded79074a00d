//! What is over its limit most often: the few counters that matter, of however many there are.
//!
//! Space-saving (Metwally, Agrawal, El Abbadi, 2005), in shards by the counter: where a shard has no place left, the newcomer takes
//! that of the least and counts on from there. Counts may be too high by the least one. What has a place is counted without
//! an allocation.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::config::Entry;

/// Enough that cores seldom meet at one.
const SHARDS: usize = 32;
/// How many a shard keeps; all are looked through where one has to give way.
const PLACES: usize = 32;
/// How many bytes are kept of labels: values may be as long as requests.
const LONGEST: usize = 512;
/// How many are told of.
const TOLD: usize = 256;

/// What is over its limit most often.
#[derive(Debug)]
pub struct Top {
    /// Values come from clients: they must not be able to choose a shard.
    seed: u64,
    shards: Vec<Mutex<Vec<Place>>>,
}

#[derive(Debug)]
struct Place {
    /// Of everything that it is told by; two that are alike do not come in a lifetime.
    hash: u64,
    often: Often,
}

/// A counter, and how often it was over its limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Often {
    /// The domain.
    pub domain: String,
    /// The labels that are counted: `user=ann, method=POST`.
    pub labels: String,
    /// The name of the rule.
    pub rule: String,
    /// How often.
    pub over: u64,
}

impl Default for Top {
    fn default() -> Self {
        Self { seed: fastrand::u64(..), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Top {
    /// Notes that a request was over the limit of these entries.
    pub(crate) fn note(&self, domain: &str, entries: &[impl Entry], rule: &str) {
        let hash = self.hash(domain, entries, rule);
        // The remainder is below the number of shards.
        let shard = &self.shards[(hash % SHARDS as u64) as usize];
        let mut places = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.iter_mut().find(|place| place.hash == hash) {
            place.often.over += 1;
            return;
        }
        if places.len() < PLACES {
            places.push(Place { hash, often: Often::default() });
        }
        // A place that is new has not counted yet.
        if let Some(place) = places.iter_mut().min_by_key(|place| place.often.over) {
            place.hash = hash;
            place.often.take(domain, entries, rule);
        }
    }

    /// All that are kept, the most often first.
    pub fn list(&self) -> Vec<Often> {
        let mut list = Vec::new();
        for shard in &self.shards {
            let places = shard.lock().unwrap_or_else(PoisonError::into_inner);
            list.extend(places.iter().map(|place| place.often.clone()));
        }
        list.sort_by(|a, b| b.over.cmp(&a.over).then_with(|| a.labels.cmp(&b.labels)));
        list.truncate(TOLD);
        list
    }

    fn hash(&self, domain: &str, entries: &[impl Entry], rule: &str) -> u64 {
        let texts = entries.iter().flat_map(|entry| [entry.key(), entry.value()]);
        let texts = [domain, rule].into_iter().chain(texts);
        texts.fold(self.seed, |hash, text| xxh3_64_with_seed(text.as_bytes(), hash))
    }
}

impl Often {
    /// Is another from now on, and counts on.
    fn take(&mut self, domain: &str, entries: &[impl Entry], rule: &str) {
        for (to, from) in [(&mut self.domain, domain), (&mut self.rule, rule)] {
            to.clear();
            to.push_str(from);
        }
        self.labels.clear();
        for entry in entries {
            let comma = if self.labels.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(self.labels, "{comma}{}={}", entry.key(), entry.value());
        }
        if self.labels.len() > LONGEST {
            self.labels.truncate(self.labels.floor_char_boundary(LONGEST));
            self.labels.push('…');
            self.labels.shrink_to_fit();
        }
        self.over += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_come_often_stay_among_many_that_come_once() {
        let top = Top::default();
        for round in 0..4_000 {
            top.note("d", &[("user", "ann"), ("method", "POST")], "users");
            top.note("d", &[("user", round.to_string().as_str())], "users");
        }
        let list = top.list();
        assert_eq!(list.len(), TOLD);
        assert_eq!((list[0].labels.as_str(), list[0].over), ("user=ann, method=POST", 4_000));
        assert!(list.iter().skip(1).all(|often| often.over < 50), "{:?}", list[1]);
    }

    #[test]
    fn counters_are_told_apart_by_all_that_names_them() {
        let top = Top::default();
        top.note("d", &[("a", "b")], "one");
        top.note("d", &[("a", "b")], "two");
        top.note("e", &[("a", "b")], "one");
        top.note("d", &[("ab", "")], "one");
        assert_eq!(top.list().len(), 4);
        top.note("d", &[("long", "é".repeat(1 << 20).as_str())], "one");
        assert!(top.list().iter().all(|often| often.labels.capacity() < 2 * LONGEST));
    }
}

//! What is over its limit most often: the few counters that matter, of however many there are.
//!
//! Space-saving (Metwally, Agrawal, El Abbadi, 2005): where there is no place left, the newcomer takes that of the least
//! and counts on from there. Whoever is over more often than one in [`PLACES`] has a place; counts may be too high by the least one.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::config::Entry;

/// How many are kept.
const PLACES: usize = 256;

/// What is over its limit most often.
#[derive(Debug, Default)]
pub struct Top {
    places: Mutex<HashMap<Key, u64>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    domain: String,
    labels: String,
    rule: String,
}

/// A counter, and how often it was over its limit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
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

impl Top {
    /// Notes that a request was over the limit of these entries.
    pub(crate) fn note(&self, domain: &str, entries: &[impl Entry], rule: &str) {
        let mut labels = String::new();
        for entry in entries {
            let comma = if labels.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(labels, "{comma}{}={}", entry.key(), entry.value());
        }
        let key = Key { domain: domain.to_owned(), labels, rule: rule.to_owned() };
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = places.get_mut(&key) {
            *count += 1;
            return;
        }
        let mut count = 0;
        if places.len() >= PLACES
            && let Some(least) = places.values().min().copied()
        {
            let mut found = false;
            places.retain(|_, count| {
                found || {
                    found = *count == least;
                    !found
                }
            });
            count = least;
        }
        places.insert(key, count + 1);
    }

    /// All that are kept, the most often first.
    pub fn list(&self) -> Vec<Often> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let often = |(key, over): (&Key, &u64)| Often {
            domain: key.domain.clone(),
            labels: key.labels.clone(),
            rule: key.rule.clone(),
            over: *over,
        };
        let mut list: Vec<_> = places.iter().map(often).collect();
        list.sort_by(|a, b| b.over.cmp(&a.over).then_with(|| a.labels.cmp(&b.labels)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_come_often_stay_among_many_that_come_once() {
        let top = Top::default();
        for round in 0..2_000 {
            top.note("d", &[("user", "ann"), ("method", "POST")], "users");
            top.note("d", &[("user", round.to_string().as_str())], "users");
        }
        let list = top.list();
        assert_eq!(list.len(), PLACES);
        assert_eq!((list[0].labels.as_str(), list[0].over), ("user=ann, method=POST", 2_000));
        assert!(list.iter().skip(1).all(|often| often.over < 20), "{:?}", list[1]);
    }
}

//! The headers that a client may send or not, as far as filters are asked by them.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_auth::{Condition, Request};
use nuncio_ir::auth::{FilterRef, HeaderCondition, HeaderValue};

/// The most ways in which headers may be there or not that are tried.
const MOST_GUESSES: usize = 128;
/// Values of a header, by which it is seen that an expression does not take every one.
const SAMPLES: [&str; 4] = ["x", "0", "~", "A 1-_."];

/// A way in which a client may send these headers or not.
#[derive(Clone)]
pub(super) struct Guess<'m> {
    /// What is known of the request.
    seen: &'m Request,
    /// Those that are there, with what holds of their values.
    there: BTreeMap<String, Vec<&'m HeaderValue>>,
    missing: BTreeSet<String>,
    may_have: &'m dyn Fn(&str) -> bool,
}

impl<'m> Guess<'m> {
    /// Each way; `None` where there are too many, or nobody can tell which there are.
    pub(super) fn all(
        chains: &[&'m [FilterRef]],
        seen: &'m Request,
        may_have: &'m dyn Fn(&str) -> bool,
    ) -> Option<Vec<Self>> {
        let mut by_name: BTreeMap<String, Vec<&HeaderValue>> = BTreeMap::new();
        for condition in chains.iter().flat_map(|filters| conditions(filters)) {
            let name = condition.name.to_ascii_lowercase();
            if !seen.headers().contains_key(&name) && may_have(&name) {
                let values = by_name.entry(name).or_default();
                if !values.contains(&&condition.value) {
                    values.push(&condition.value);
                }
            }
        }
        let mut all = vec![Self { seen, there: BTreeMap::new(), missing: BTreeSet::new(), may_have }];
        for (name, values) in by_name {
            let choices = choices(&values)?;
            all = all.iter().flat_map(|guess| guess.with(&name, &choices)).collect();
            if all.len() > MOST_GUESSES {
                return None;
            }
        }
        Some(all)
    }

    /// With this header missing, and there in each of these ways.
    fn with(&self, name: &str, choices: &[Vec<&'m HeaderValue>]) -> Vec<Self> {
        let mut without = self.clone();
        without.missing.insert(name.to_owned());
        let there = choices.iter().map(|values| {
            let mut with = self.clone();
            with.there.insert(name.to_owned(), values.clone());
            with
        });
        std::iter::once(without).chain(there).collect()
    }

    /// Whether a condition holds of what the client sends.
    pub(super) fn holds(&self, condition: &HeaderCondition) -> bool {
        match self.there.get(&condition.name.to_ascii_lowercase()) {
            Some(values) => {
                (condition.value == HeaderValue::Present || values.contains(&&condition.value)) != condition.negate
            }
            // It is known, or it is not there.
            None => Condition::new(condition).is_ok_and(|condition| condition.holds(self.seen)),
        }
    }

    /// Whether the client may have sent this header, in lower case.
    pub(super) fn may_have(&self, name: &str) -> bool {
        !self.missing.contains(name) && (self.seen.headers().contains_key(name) || (self.may_have)(name))
    }
}

/// All conditions on headers, of filters that are asked instead of a login as well.
fn conditions(filters: &[FilterRef]) -> Vec<&HeaderCondition> {
    let mut all = Vec::new();
    for FilterRef { if_request_header, arguments, .. } in filters {
        all.extend(if_request_header);
        if let Some(instead) = &arguments.instead_of_redirect {
            all.extend(&instead.if_request_header);
            all.extend(conditions(&instead.filters));
        }
    }
    all
}

/// What may hold of the value of a header that is there; it cannot be two texts. `None` where that is not known: of an
/// expression beside others nobody says which hold together.
fn choices<'m>(values: &[&'m HeaderValue]) -> Option<Vec<Vec<&'m HeaderValue>>> {
    let texts = values.iter().filter(|value| matches!(value, HeaderValue::Exact(text) if !text.is_empty()));
    let alone = texts.map(|text| vec![*text]);
    let regexes: Vec<_> = values.iter().filter(|value| matches!(value, HeaderValue::Regex(_))).copied().collect();
    match (&regexes[..], alone.clone().count()) {
        ([], _) => Some(alone.chain([Vec::new()]).collect()),
        ([regex], 0) => {
            let fails = may_fail(regex).then(Vec::new);
            Some(fails.into_iter().chain([vec![*regex]]).collect())
        }
        _ => None,
    }
}

/// Whether there is a value of which it does not hold.
fn may_fail(value: &HeaderValue) -> bool {
    let name = "x";
    let condition = HeaderCondition { name: name.into(), value: value.clone(), negate: true };
    let fails = |condition: &Condition, sample: &str| {
        let mut request = Request::default();
        request.add_header(name, sample.as_bytes());
        condition.holds(&request)
    };
    Condition::new(&condition).is_ok_and(|condition| SAMPLES.iter().any(|sample| fails(&condition, sample)))
}

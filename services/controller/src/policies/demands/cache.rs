//! What chains of filters want, as it was found out before: a way through many filters takes long, and is asked for again with
//! every look at a page.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nuncio_auth::Request;
use nuncio_ir::Model;
use nuncio_ir::auth::{FilterKind, FilterRef, HeaderCondition, KeySource, RuleSetId};

use super::Demands;
use crate::policies::Chain;

/// How many are kept; with one more all are found out anew.
const MOST: usize = 20_000;

/// Those of one edition of the model.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    edition: u64,
    of_chains: HashMap<Key, Demands>,
}

/// All that it depends on what a chain wants of requests.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    set: RuleSetId,
    /// Where the rule is: that is another for each as long as the model is the same.
    rule: Option<usize>,
    /// Headers that are known.
    seen: Vec<(String, Vec<u8>)>,
    /// Of those that the chain looks at the ones that a client may send.
    open: Vec<String>,
}

impl Cache {
    /// What a chain of a set of rules wants, in this edition of the model.
    pub(crate) fn of_filters(
        &self,
        edition: u64,
        set: &RuleSetId,
        model: &Model,
        chain: Chain<'_>,
        seen: &Request,
        may_have: &dyn Fn(&str) -> bool,
    ) -> Demands {
        let key = Key {
            set: set.clone(),
            rule: chain.rule.map(|rule| std::ptr::from_ref(rule).addr()),
            seen: seen.headers().iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
            open: looked_at(model, chain).into_iter().filter(|name| may_have(name)).collect(),
        };
        if let Some(known) = self.known(edition).of_chains.get(&key) {
            return known.clone();
        }
        // Nobody else waits for it.
        let found = Demands::of_filters(model, chain, seen, may_have);
        let mut known = self.known(edition);
        if known.of_chains.len() >= MOST {
            known.of_chains.clear();
        }
        known.of_chains.insert(key, found.clone());
        found
    }

    fn known(&self, edition: u64) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.edition != edition {
            *known = Known { edition, of_chains: HashMap::new() };
        }
        known
    }
}

/// The headers by which filters are asked, or in which they are shown something, in lower case.
fn looked_at(model: &Model, chain: Chain<'_>) -> Vec<String> {
    fn of(model: &Model, filters: &[FilterRef], names: &mut Vec<String>) {
        let condition = |condition: &HeaderCondition| condition.name.to_ascii_lowercase();
        for used in filters {
            names.extend(used.if_request_header.as_ref().map(condition));
            if let Some(FilterKind::ApiKey(keys)) = model.filters.get(&used.filter).map(|filter| &filter.kind) {
                names.extend(keys.sources.iter().filter_map(|source| match source {
                    KeySource::Header(name) => Some(name.to_ascii_lowercase()),
                    KeySource::Authorization(_) | KeySource::Cookie(_) | KeySource::Query(_) => None,
                }));
            }
            if let Some(instead) = &used.arguments.instead_of_redirect {
                names.extend(instead.if_request_header.as_ref().map(condition));
                of(model, &instead.filters, names);
            }
        }
    }
    let mut names = vec!["authorization".to_owned(), "cookie".to_owned()];
    of(model, chain.gate, &mut names);
    of(model, chain.of_rule(), &mut names);
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use nuncio_ir::auth::Rule;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_second_look_asks_nothing_and_another_edition_asks_anew() {
        let (cache, set, model) = (Cache::default(), RuleSetId("s".into()), Model::default());
        let by = json!([{ "filter": "key", "if_request_header": { "name": "X-One" } }]);
        let rule = Rule { origin: "r".into(), path: "*".into(), filters: serde_json::from_value(by).unwrap() };
        let chain = Chain { gate: &[], rule: Some(&rule) };
        let asked = Cell::new(0);
        let look = |edition, is_open: bool| {
            let may_have = |_: &str| {
                asked.set(asked.get() + 1);
                is_open
            };
            asked.set(0);
            let found = cache.of_filters(edition, &set, &model, chain, &Request::default(), &may_have);
            assert_eq!(found, Demands::of_filters(&model, chain, &Request::default(), &|_| is_open));
            asked.get()
        };
        let (first, second) = (look(1, true), look(1, true));
        assert!(first > second, "{first}, then {second}");
        assert_eq!(look(1, false) - second, first - second, "for requests that cannot have the header");
        assert_eq!((look(2, true), look(2, true)), (first, second));
    }
}

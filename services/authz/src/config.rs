//! Rules and filters in force, compiled.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use nuncio_auth::{Match, Request, Rule, Rules};
use nuncio_ir::auth::{Filter, FilterId, RuleSet, RuleSetId};
use serde::Deserialize;
use tokio::sync::watch;

use crate::filter::Compiled;

/// What is in force at one time.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) rules: HashMap<RuleSetId, Arc<Rules>>,
    pub(crate) filters: HashMap<FilterId, Arc<Compiled>>,
}

impl Config {
    /// The rules of this id. For people, who know rules by where they stand: others that have a request fall under the rule
    /// of this name. Whichever they are, they decide alike.
    pub(crate) fn rules_named(&self, name: &str, request: &Request) -> Option<RuleSetId> {
        let is_it = |rule: &Rule| *rule.origin == *name && rule.is_for(request.path());
        let falls = |rules: &Rules| matches!(rules.find(request), Match::Rule(rule) if is_it(rule));
        let named = self.rules.get_key_value(&RuleSetId(name.into()));
        named.or_else(|| self.rules.iter().find(|(_, rules)| falls(rules))).map(|(id, _)| id.clone())
    }
}

/// A change.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    pub(crate) rule_sets: Vec<RuleSet>,
    #[serde(default)]
    pub(crate) filters: Vec<Filter>,
    #[serde(skip)]
    pub(crate) removed_rule_sets: Vec<RuleSetId>,
    #[serde(skip)]
    pub(crate) removed_filters: Vec<FilterId>,
}

/// What is in force, and whether anything is known at all. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    config: Arc<ArcSwap<Config>>,
    known: watch::Sender<bool>,
    changed: watch::Sender<()>,
}

impl Active {
    pub(crate) fn new() -> Self {
        Self { config: Arc::default(), known: watch::Sender::new(false), changed: watch::Sender::new(()) }
    }

    /// What is in force now; nothing while nothing was ever known.
    pub(crate) fn load(&self) -> Option<Arc<Config>> {
        self.known.borrow().then(|| self.config.load_full())
    }

    /// Turns true once, and stays so: what was last good is in force whatever happens to its source.
    pub(crate) fn known(&self) -> watch::Receiver<bool> {
        self.known.subscribe()
    }

    /// The filters in force, whether or not there are rules yet; and what tells of others.
    pub(crate) fn filters(&self) -> (Arc<Config>, watch::Receiver<()>) {
        let changes = self.changed.subscribe();
        (self.config.load_full(), changes)
    }

    /// Puts a change into force. What does not compile leaves in force what was there; where nothing was, requests are
    /// denied.
    ///
    /// # Errors
    /// With what does not compile.
    pub(crate) fn apply(&self, change: Change) -> Result<(), String> {
        let result = self.prepare(change);
        self.known.send_replace(true);
        result
    }

    /// The same with what decides nothing by itself: filters, before the rules that name them.
    ///
    /// # Errors
    /// With what does not compile.
    pub(crate) fn prepare(&self, change: Change) -> Result<(), String> {
        let before = self.config.load();
        let mut rules = before.rules.clone();
        let mut filters = before.filters.clone();
        let mut problems = Vec::new();
        for id in change.removed_rule_sets {
            rules.remove(&id);
        }
        for id in change.removed_filters {
            filters.remove(&id);
        }
        for filter in change.filters {
            let id = filter.id.clone();
            match Compiled::new(filter) {
                Ok(mut compiled) => {
                    if let Some(before) = filters.get(&id) {
                        compiled.follow(before);
                    }
                    filters.insert(id, Arc::new(compiled));
                }
                Err(reason) => {
                    problems.push(format!("filter {id}: {reason}"));
                    filters.entry(id).or_insert_with(|| Arc::new(Compiled::invalid(&reason)));
                }
            }
        }
        for set in change.rule_sets {
            match Rules::new(&set) {
                Ok(compiled) => _ = rules.insert(set.id, Arc::new(compiled)),
                // A set that is not there denies.
                Err(error) => problems.push(format!("rules {}: {error}", set.id)),
            }
        }
        self.config.store(Arc::new(Config { rules, filters }));
        self.changed.send_replace(());
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    /// Puts all of a source into force in place of what there was.
    ///
    /// # Errors
    /// With what does not compile.
    pub(crate) fn replace(&self, mut change: Change) -> Result<(), String> {
        let before = self.config.load();
        let stays = |id: &RuleSetId| change.rule_sets.iter().any(|set| set.id == *id);
        change.removed_rule_sets = before.rules.keys().filter(|id| !stays(id)).cloned().collect();
        let stays = |id: &FilterId| change.filters.iter().any(|filter| filter.id == *id);
        change.removed_filters = before.filters.keys().filter(|id| !stays(id)).cloned().collect();
        self.apply(change)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(json: serde_json::Value) -> Change {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_last_good_state_stays() {
        let active = Active::new();
        assert!(active.load().is_none(), "nothing is known");
        let rule = |path: &str, require: &str| {
            json!([{ "id": "s", "rules": [{ "origin": "p", "path": path, "filters": [
                { "filter": "f", "arguments": { "require": require } }] }] }])
        };
        active.apply(change(json!({ "rule_sets": rule("/a", "true") }))).unwrap();
        let good = active.load().unwrap().rules[&RuleSetId("s".into())].clone();
        let error = active.apply(change(json!({ "rule_sets": rule("/b", "(") }))).unwrap_err();
        assert!(error.starts_with("rules s: p: f: the expression does not compile"), "{error}");
        assert!(Arc::ptr_eq(&good, &active.load().unwrap().rules[&RuleSetId("s".into())]));
    }

    #[test]
    fn a_filter_that_never_was_good_denies() {
        let active = Active::new();
        let keys = |secret: &str| {
            json!({ "filters": [{ "id": "k", "kind": { "api_key": {
                "sources": [{ "header": "x-key" }], "keys": [{ "owner": "o", "secret": secret }] } } }] })
        };
        active.prepare(change(keys(""))).unwrap_err();
        assert!(active.load().is_none(), "rules are not known yet");
        active.apply(Change::default()).unwrap();
        let id = FilterId("k".into());
        assert!(active.load().unwrap().filters[&id].is_invalid());
        active.apply(change(keys("good"))).unwrap();
        active.apply(change(keys(""))).unwrap_err();
        assert!(!active.load().unwrap().filters[&id].is_invalid(), "the last good one");
        active.replace(Change::default()).unwrap();
        assert!(active.load().unwrap().filters.is_empty());
    }

    #[test]
    fn the_file_of_the_guide_works() {
        let guide = include_str!("../../../docs/authz-rules.md");
        let example = guide.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let active = Active::new();
        active.apply(serde_json::from_str(example).unwrap()).unwrap();
        let config = active.load().unwrap();
        assert_eq!((config.rules.len(), config.filters.len()), (1, 3));
        assert!(config.filters.values().all(|filter| !filter.is_invalid()));
    }
}

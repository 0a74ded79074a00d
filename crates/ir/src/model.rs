//! The whole of what the gateway does, and what a change does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::auth::{Filter, FilterId, RuleSet, RuleSetId};
use crate::{
    Cluster, ClusterName, Endpoints, Extension, LimitRules, Listener, Secret, SecretName, Slot, Table, TableName,
};

/// What the gateway does. Equal models give equal proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// By name.
    pub listeners: BTreeMap<Arc<str>, Arc<Listener>>,
    /// By name.
    pub tables: BTreeMap<TableName, Arc<Table>>,
    /// By name.
    pub clusters: BTreeMap<ClusterName, Arc<Cluster>>,
    /// Of the clusters whose discovery is `Endpoints`: every such cluster has an entry.
    pub endpoints: BTreeMap<ClusterName, Arc<Endpoints>>,
    /// By name.
    pub secrets: BTreeMap<SecretName, Arc<Secret>>,
    /// Rules for the service that counts, by domain.
    pub limits: BTreeMap<Arc<str>, Arc<LimitRules>>,
    /// Every slot has an entry.
    pub extensions: BTreeMap<Slot, Arc<Extension>>,
    /// For the service that decides by Filters: the sets that routes name.
    pub rule_sets: BTreeMap<RuleSetId, Arc<RuleSet>>,
    /// The filters that those name.
    pub filters: BTreeMap<FilterId, Arc<Filter>>,
}

/// A node that is new or other than before (`Some`), or gone (`None`).
pub type Change<K, V> = (K, Option<Arc<V>>);

/// What changed from one model to the next. Holds no node that stayed equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Changed listeners.
    pub listeners: Vec<Change<Arc<str>, Listener>>,
    /// Changed tables.
    pub tables: Vec<Change<TableName, Table>>,
    /// Changed clusters.
    pub clusters: Vec<Change<ClusterName, Cluster>>,
    /// Changed endpoints.
    pub endpoints: Vec<Change<ClusterName, Endpoints>>,
    /// Changed secrets.
    pub secrets: Vec<Change<SecretName, Secret>>,
    /// Changed rules.
    pub limits: Vec<Change<Arc<str>, LimitRules>>,
    /// Changed slots.
    pub extensions: Vec<Change<Slot, Extension>>,
    /// Changed sets of rules.
    pub rule_sets: Vec<Change<RuleSetId, RuleSet>>,
    /// Changed filters.
    pub filters: Vec<Change<FilterId, Filter>>,
}

impl Delta {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listeners.is_empty()
            && self.tables.is_empty()
            && self.clusters.is_empty()
            && self.endpoints.is_empty()
            && self.secrets.is_empty()
            && self.limits.is_empty()
            && self.extensions.is_empty()
            && self.rule_sets.is_empty()
            && self.filters.is_empty()
    }

    /// Adds what changed after it; of two changes of one node the later counts.
    pub fn merge(&mut self, later: Self) {
        fn join<K: Ord, V>(into: &mut Vec<(K, V)>, later: Vec<(K, V)>) {
            let again: BTreeSet<&K> = later.iter().map(|(key, _)| key).collect();
            into.retain(|(key, _)| !again.contains(key));
            into.extend(later);
        }
        join(&mut self.listeners, later.listeners);
        join(&mut self.tables, later.tables);
        join(&mut self.clusters, later.clusters);
        join(&mut self.endpoints, later.endpoints);
        join(&mut self.secrets, later.secrets);
        join(&mut self.limits, later.limits);
        join(&mut self.extensions, later.extensions);
        join(&mut self.rule_sets, later.rule_sets);
        join(&mut self.filters, later.filters);
    }
}

/// Puts `value` under `key` (`None` takes it away) and records it in `changes` unless it was so before.
pub fn put<K: Ord + Clone, V: PartialEq>(
    nodes: &mut BTreeMap<K, Arc<V>>,
    changes: &mut Vec<Change<K, V>>,
    key: K,
    value: Option<V>,
) {
    match value {
        Some(value) if nodes.get(&key).is_some_and(|old| **old == value) => {}
        Some(value) => {
            let value = Arc::new(value);
            nodes.insert(key.clone(), Arc::clone(&value));
            changes.push((key, Some(value)));
        }
        None => {
            if nodes.remove(&key).is_some() {
                changes.push((key, None));
            }
        }
    }
}

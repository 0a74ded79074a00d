//! What routes share: changed once, it changes for each that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_ir::auth::{FilterId, FilterRef, RuleSet, RuleSetId};
use nuncio_ir::{Check, Cluster, ClusterName, Model, Route, SecretName, Slot};

use super::listeners::{Reach, changed_secrets};
use super::places::{Place, clusters};
use crate::admin::EffectView;
use crate::policies::{Rates, inherited, named, rule_set, rules_for};

/// What is another, and its users the same.
#[derive(Debug)]
pub(super) struct Shared<'m> {
    sides: [&'m Model; 2],
    slots: BTreeSet<Slot>,
    filters: BTreeSet<&'m FilterId>,
    rule_sets: BTreeSet<&'m RuleSetId>,
    rates: (Rates<'m>, Rates<'m>),
    clusters: BTreeSet<&'m ClusterName>,
    listeners: &'m BTreeMap<String, Reach>,
}

impl<'m> Shared<'m> {
    pub(super) fn between(before: &'m Model, after: &'m Model, listeners: &'m BTreeMap<String, Reach>) -> Self {
        let clusters = changed_clusters(before, after);
        let filters = changed_filters(before, after);
        Self {
            sides: [before, after],
            slots: changed_slots(before, after, &clusters),
            rule_sets: changed_rules(before, after, &filters),
            filters,
            rates: (Rates::of(before), Rates::of(after)),
            clusters,
            listeners,
        }
    }

    /// What becomes of a route by it, the gravest first.
    pub(super) fn effect(&self, place: &Place<'_>) -> Option<EffectView> {
        let route = place.route;
        let is_ruled = route
            .rules
            .as_ref()
            .is_some_and(|check| self.slots.contains(&Slot::Filters) || self.rule_sets.contains(&check.set));
        if is_ruled { Some(EffectView::Rules) } else { self.besides_rules(place) }
    }

    /// The same without what becomes of it by rules.
    pub(super) fn besides_rules(&self, place: &Place<'_>) -> Option<EffectView> {
        let route = place.route;
        let is_asked = || matches!(route.auth, Check::On(_)) && self.slots.contains(&Slot::Auth);
        let is_limited = || {
            route.limits.as_deref().is_some_and(|limits| {
                let asks = !limits.descriptors.is_empty() && self.slots.contains(&Slot::Limit);
                asks || self.rates.0.reached(limits) != self.rates.1.reached(limits)
            })
        };
        match () {
            () if is_asked() => Some(EffectView::Asked),
            () if is_limited() => Some(EffectView::Limits),
            () if clusters(route).any(|name| self.clusters.contains(name)) => Some(EffectView::Upstream),
            () if self.listeners.values().any(|reach| reach.takes(place)) => Some(EffectView::Listener),
            () => None,
        }
    }

    /// Whether rules decide about the requests of a route as they did before. Its set may be another all the same: a rule is called
    /// by its place in its policy, and what has an expression has rules for other paths in its set.
    pub(super) fn decides_alike(&self, was: &Route, is: &Route) -> bool {
        let [before, after] = self.sides;
        let (old, new) = (Decision::of(before, was), Decision::of(after, is));
        let is_changed = |used: &FilterRef| named(used).into_iter().any(|filter| self.filters.contains(filter));
        was.rules.is_some() == is.rules.is_some()
            && !self.slots.contains(&Slot::Filters)
            && old == new
            && new.is_none_or(|new| !new.filters().any(is_changed))
    }
}

/// What decides about the requests of a route.
#[derive(PartialEq)]
struct Decision<'m> {
    body: Option<u32>,
    whole: bool,
    gate: &'m [FilterRef],
    /// Which paths each rule is for, and what it has asked.
    rules: Vec<(&'m str, &'m [FilterRef])>,
}

impl<'m> Decision<'m> {
    fn of(model: &'m Model, route: &Route) -> Option<Self> {
        let (check, set) = (route.rules.as_ref()?, rule_set(model, route)?);
        let rules = rules_for(model, route).map(|rule| (&*rule.path, &rule.filters[..])).collect();
        Some(Self { body: check.body, whole: set.whole, gate: &set.gate, rules })
    }

    fn filters(&self) -> impl Iterator<Item = &'m FilterRef> {
        self.gate.iter().chain(self.rules.iter().flat_map(|(_, filters)| *filters))
    }
}

/// Keys of what either has otherwise than the other.
fn differing<'m, K: Ord, V: PartialEq>(
    before: &'m BTreeMap<K, Arc<V>>,
    after: &'m BTreeMap<K, Arc<V>>,
) -> impl Iterator<Item = &'m K> {
    let new = after.keys().filter(move |key| !before.contains_key(*key));
    let other =
        before.iter().filter(move |(key, was)| after.get(*key).is_none_or(|is| !Arc::ptr_eq(is, was) && is != *was));
    other.map(|(key, _)| key).chain(new)
}

/// Clusters that are others, have other endpoints, or show and trust other certificates. A name says all that a cluster is made
/// of, so most that change have another name, which their routes say.
fn changed_clusters<'m>(before: &'m Model, after: &'m Model) -> BTreeSet<&'m ClusterName> {
    let secrets = changed_secrets(before, after);
    let uses = |cluster: &Cluster| {
        let tls = cluster.tls.iter().flat_map(|tls| [&tls.certificate, &tls.authorities]).flatten();
        tls.into_iter().any(|name: &SecretName| secrets.contains(name))
    };
    let by_secret = after.clusters.iter().filter(|(_, cluster)| uses(cluster)).map(|(name, _)| name);
    let themselves = differing(&before.clusters, &after.clusters);
    themselves.chain(differing(&before.endpoints, &after.endpoints)).chain(by_secret).collect()
}

/// Slots that are filled otherwise, or with somebody who is to be found elsewhere.
fn changed_slots(before: &Model, after: &Model, clusters: &BTreeSet<&ClusterName>) -> BTreeSet<Slot> {
    let elsewhere = after.extensions.iter().filter(|(_, extension)| {
        let asked = extension.clusters();
        asked.iter().any(|name| clusters.contains(name))
    });
    differing(&before.extensions, &after.extensions).chain(elsewhere.map(|(slot, _)| slot)).copied().collect()
}

/// Filters that do something else, by themselves or by what they give tokens to.
fn changed_filters<'m>(before: &'m Model, after: &'m Model) -> BTreeSet<&'m FilterId> {
    let mut filters: BTreeSet<_> = differing(&before.filters, &after.filters).collect();
    let inheriting =
        after.filters.values().filter(|filter| inherited(&filter.kind).is_some_and(|id| filters.contains(id)));
    let inheriting: Vec<_> = inheriting.map(|filter| &filter.id).collect();
    filters.extend(inheriting);
    filters
}

/// Sets of rules that say something else, or name a filter that does something else.
fn changed_rules<'m>(before: &'m Model, after: &'m Model, filters: &BTreeSet<&'m FilterId>) -> BTreeSet<&'m RuleSetId> {
    let names = |set: &RuleSet| {
        let used = set.gate.iter().chain(set.rules.iter().flat_map(|rule| &rule.filters));
        used.flat_map(named).any(|filter| filters.contains(filter))
    };
    let using = after.rule_sets.iter().filter(|(_, set)| names(set)).map(|(id, _)| id);
    differing(&before.rule_sets, &after.rule_sets).chain(using).collect()
}

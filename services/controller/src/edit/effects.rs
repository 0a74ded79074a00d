//! What becomes of routes when an object changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Object, Problem};
use nuncio_ir::auth::{RuleSet, RuleSetId};
use nuncio_ir::{Route, Table};
use nuncio_translate::World;

use crate::admin::{EffectView, RouteEffect};
use crate::view::{conditions, names};

/// Routes that are told.
const MOST: usize = 100;

/// What a change does.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) routes: Vec<RouteEffect>,
    pub(super) total: usize,
    pub(super) hosts: Vec<String>,
    /// Listeners that are others, come or go.
    pub(super) listeners: Vec<String>,
    /// What would be wrong with the object among the others.
    pub(super) problems: Vec<Problem>,
}

/// What it does to a world when this object takes the place of what is there.
pub(super) fn effects(mut world: World, object: &Arc<Object>) -> Effects {
    let before = world.model().tables.clone();
    let delta = world.apply([(object.id.clone(), Some(Arc::clone(object)))]);
    let mut routes = BTreeSet::new();
    for (name, after) in &delta.tables {
        compare(before.get(name).map(AsRef::as_ref), after.as_deref(), &mut routes);
    }
    let filters: BTreeSet<_> = delta.filters.iter().map(|(filter, _)| filter).collect();
    let names = |set: &RuleSet| {
        let all = set.gate.iter().chain(set.rules.iter().flat_map(|rule| &rule.filters));
        all.into_iter().any(|named| filters.contains(&named.filter))
    };
    // A rule says the same when one of its filters does something else.
    let using = world.model().rule_sets.iter().filter(|(_, set)| names(set)).map(|(id, _)| id);
    let rules: BTreeSet<_> = delta.rule_sets.iter().map(|(set, _)| set).chain(using).collect();
    let known: BTreeSet<_> = routes.iter().map(|route| (route.host.clone(), route.matches.clone())).collect();
    let tables = world.model().tables.values().filter(|_| !rules.is_empty());
    let held = tables.flat_map(|table| held_to(&rules, table));
    routes.extend(held.filter(|route| !known.contains(&(route.host.clone(), route.matches.clone()))));
    let hosts: BTreeSet<_> = routes.iter().map(|route: &RouteEffect| route.host.clone()).collect();
    Effects {
        total: routes.len(),
        hosts: hosts.into_iter().collect(),
        routes: routes.into_iter().take(MOST).collect(),
        listeners: delta.listeners.iter().map(|(name, _)| name.to_string()).collect(),
        problems: world.problems(&object.id),
    }
}

/// Routes whose requests are decided about by other rules than before: what says so stands beside the table.
fn held_to(rules: &BTreeSet<&RuleSetId>, table: &Table) -> Vec<RouteEffect> {
    let held = routes(Some(table)).into_iter().filter(|(_, route)| {
        let set = route.rules.as_ref().map(|check| &check.set);
        set.is_some_and(|set| rules.contains(set))
    });
    let effect = |((host, _), route): ((String, Arc<str>), &Route)| RouteEffect {
        host,
        matches: conditions(route),
        effect: EffectView::Rules,
    };
    held.map(effect).collect()
}

fn compare(before: Option<&Table>, after: Option<&Table>, effects: &mut BTreeSet<RouteEffect>) {
    let (before, after) = (routes(before), routes(after));
    let effect = |host: &str, route: &Route, effect: EffectView| RouteEffect {
        host: host.to_owned(),
        matches: conditions(route),
        effect,
    };
    for ((host, name), route) in &after {
        match before.get(&(host.clone(), name.clone())) {
            None => drop(effects.insert(effect(host, route, EffectView::Added))),
            Some(was) if was != route => drop(effects.insert(effect(host, route, EffectView::Changed))),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
    effects.extend(gone.map(|((host, _), route)| effect(host, route, EffectView::Removed)));
}

/// Routes by the host that they are shown for, and by name.
fn routes(table: Option<&Table>) -> BTreeMap<(String, Arc<str>), &Route> {
    let hosts = table
        .filter(|table| table.scope.is_by_host())
        .into_iter()
        .flat_map(|table| table.hosts.iter().map(move |host| (table, host)));
    let named = hosts.flat_map(|(table, host)| {
        let shown = names(table, host).into_iter().next().unwrap_or_default();
        // What becomes of a route becomes of what stands beside it for requests with a login.
        host.known_routes().map(move |route| ((shown.clone(), Arc::clone(&route.name)), route))
    });
    named.collect()
}

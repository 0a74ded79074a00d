//! What becomes of routes when an object changes.
//!
//! Two models are held side by side, the one that serves and the one that would. A route is reached by what it says
//! itself (`tables`), and by whatever it shares with others: what it is asked by, held to, sent to, and comes in by (`shared`).

mod asked;
mod compare;
mod entrance;
mod less;
mod listeners;
mod losses;
mod lost;
mod places;
mod samples;
mod shared;
mod side;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Object, ObjectId, Problem};
use nuncio_ir::Model;
use nuncio_translate::World;

use self::places::{Key, Place, places};
use self::shared::Shared;
use crate::admin::{EffectView, LossView, RouteEffect};

/// Routes that are told.
const MOST: usize = 100;

/// What a change does.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) routes: Vec<RouteEffect>,
    pub(super) total: usize,
    /// How many of those are of previews.
    pub(super) in_previews: usize,
    pub(super) hosts: Vec<String>,
    /// How many of these are of previews.
    pub(super) hosts_in_previews: usize,
    /// Listeners that are others, come or go.
    pub(super) listeners: Vec<String>,
    /// Those of them all of whose routes are reached.
    pub(super) whole_listeners: Vec<String>,
    /// Routes that are less protected than they were.
    pub(super) lost: Vec<LossView>,
    /// There were too many requests to follow all of them.
    pub(super) is_bounded: bool,
    /// What would be wrong with the object among the others.
    pub(super) problems: Vec<Problem>,
}

/// What it does to a world when this object takes the place of what is there.
pub(super) fn effects(world: World, object: &Arc<Object>) -> Effects {
    effects_of(world, &object.id, Some(object))
}

/// The same, or with no object when there is none any more.
pub(super) fn effects_of(mut world: World, id: &ObjectId, object: Option<&Arc<Object>>) -> Effects {
    let before = world.model().clone();
    world.apply([(id.clone(), object.cloned())]);
    Effects { problems: world.problems(id), ..between(&before, world.model(), lost::MOST_REQUESTS) }
}

/// What is different from one model to the other; of requests at most so many are followed.
fn between(before: &Model, after: &Model, most: usize) -> Effects {
    let listeners = listeners::changed(before, after);
    let mut found = tables::changed(before, after);
    let shared = Shared::between(before, after, &listeners);
    for place in places(after) {
        if let Some(effect) = shared.effect(&place) {
            found.entry(place.key()).or_insert_with(|| place.told(effect));
        }
    }
    // Protection is looked for wherever rules are others by name, routes are told where they are by what they do.
    let (lost, is_bounded) = lost::between(before, after, &found, most);
    leave_out_same(before, after, &shared, &mut found);
    let routes: BTreeSet<RouteEffect> = found.into_values().collect();
    let of_previews = || routes.iter().filter(|route| route.in_preview);
    let hosts: BTreeSet<_> = routes.iter().map(|route| route.host.clone()).collect();
    let hosts_in_previews = of_previews().map(|route| &route.host).collect::<BTreeSet<_>>().len();
    Effects {
        total: routes.len(),
        in_previews: of_previews().count(),
        hosts: hosts.into_iter().collect(),
        hosts_in_previews,
        routes: routes.into_iter().take(MOST).collect(),
        whole_listeners: listeners.iter().filter(|(_, reach)| reach.is_whole()).map(|(name, _)| name.clone()).collect(),
        listeners: listeners.into_keys().collect(),
        lost,
        is_bounded,
        problems: Vec::new(),
    }
}

/// Leaves out routes whose rules are others by name alone.
fn leave_out_same(before: &Model, after: &Model, shared: &Shared<'_>, found: &mut Found) {
    let is_ruled = |found: &Found, key: &Key| found.get(key).is_some_and(|told| told.effect == EffectView::Rules);
    if !found.values().any(|told| told.effect == EffectView::Rules) {
        return;
    }
    let was: BTreeMap<Key, _> = places(before).map(|place| (place.key(), place)).collect();
    for place in places(after) {
        let key = place.key();
        let is_same = |old: &Place<'_>| shared.decides_alike(old.route, place.route);
        if !is_ruled(found, &key) || !was.get(&key).is_some_and(is_same) {
            continue;
        }
        match shared.besides_rules(&place) {
            Some(effect) => found.insert(key, place.told(effect)),
            None => found.remove(&key),
        };
    }
}

/// What becomes of routes.
type Found = BTreeMap<Key, RouteEffect>;

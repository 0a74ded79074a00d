//! What routes say themselves, and in which order they are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_ir::{Model, Route, Table};
use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::Found;
use super::places::{Key, Place, clusters, places_of};
use crate::admin::EffectView;

/// Routes that come, change, go, or are tried at another time.
pub(super) fn changed(before: &Model, after: &Model) -> Found {
    let mut found = Found::new();
    let names: BTreeSet<_> = before.tables.keys().chain(after.tables.keys()).collect();
    for name in names {
        let (was, is) = (before.tables.get(name), after.tables.get(name));
        if !matches!((was, is), (Some(was), Some(is)) if Arc::ptr_eq(was, is)) {
            compare(was.map(AsRef::as_ref), is.map(AsRef::as_ref), &mut found);
        }
    }
    found
}

fn compare(before: Option<&Table>, after: Option<&Table>, found: &mut Found) {
    let (was, is) = (by_key(before), by_key(after));
    let mut note = |place: &Place<'_>, effect| {
        found.entry(place.key()).or_insert_with(|| place.told(effect));
    };
    let mut ruled = Vec::new();
    for (key, place) in &is {
        match was.get(key) {
            None => note(place, EffectView::Added),
            Some(old) if differs_around(old, place) => note(place, EffectView::Changed),
            Some(old) if old.route == place.route => {}
            Some(old) if differs_in_rules_alone(old.route, place.route) => ruled.push(place),
            Some(_) => note(place, EffectView::Changed),
        }
    }
    was.iter().filter(|(key, _)| !is.contains_key(*key)).for_each(|(_, place)| note(place, EffectView::Removed));
    for key in moved(before, after) {
        is.get(&key).into_iter().for_each(|place| note(place, EffectView::Moved));
    }
    ruled.into_iter().for_each(|place| note(place, EffectView::Rules));
}

fn by_key(table: Option<&Table>) -> BTreeMap<Key, Place<'_>> {
    table.into_iter().flat_map(places_of).map(|place| (place.key(), place)).collect()
}

fn differs_in_rules_alone(old: &Route, new: &Route) -> bool {
    Route { rules: None, ..old.clone() } == Route { rules: None, ..new.clone() }
}

/// Whether what stands around a route and counts for its requests is another. Where those go that no route takes is nothing to
/// those that one takes.
fn differs_around(old: &Place<'_>, new: &Place<'_>) -> bool {
    let of_table = |table: &Table| (table.preview.clone(), table.has_ended, table.by_cookie);
    let is_told = |place: &Place<'_>| clusters(place.route).any(|name| place.table.strangers.contains(name));
    of_table(old.table) != of_table(new.table) || old.host.domains != new.host.domains || is_told(old) != is_told(new)
}

/// Routes before or behind which others are tried now: as few as explain the new order.
fn moved(before: Option<&Table>, after: Option<&Table>) -> BTreeSet<Key> {
    let (Some(before), Some(after)) = (before, after) else { return BTreeSet::new() };
    let order = |table: &Table| places_of(table).map(|place| place.key()).collect::<Vec<_>>();
    let (was, is) = (order(before), order(after));
    let new: BTreeSet<_> = is.iter().collect();
    let both: BTreeSet<_> = was.iter().filter(|key| new.contains(key)).cloned().collect();
    let kept = |all: Vec<Key>| all.into_iter().filter(|key| both.contains(key)).collect::<Vec<_>>();
    let (was, is) = (kept(was), kept(is));
    let operations = capture_diff_slices(Algorithm::Myers, &was, &is);
    let inserted = operations.iter().filter(|operation| operation.tag() != DiffTag::Equal);
    inserted.flat_map(|operation| is[operation.new_range()].to_vec()).collect()
}

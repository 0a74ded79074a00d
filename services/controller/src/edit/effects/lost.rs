//! Routes that asked for a login or a key, or were limited, and would be no more.
//!
//! What counts is what becomes of requests: of those that a route takes, some stand for all (`points`), and are followed
//! through both models. What goes to a Mapping by another way than before is held against how all its ways were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::{Model, PathMatch, Route, RouteAction};
use nuncio_translate::HostPattern;

use super::Found;
use super::asked::{Guard, Guards};
use super::places::{Place, places, shown_for};
use crate::admin::{LossKind, LossView};
use crate::explain::{Fit, PathTest};
use crate::view::conditions;

/// A host as the listeners of a class see it.
type HostKey = (Arc<str>, String);

/// A model, and what protects its routes.
struct Side<'m> {
    model: &'m Model,
    guards: Guards<'m>,
    hosts: BTreeMap<HostKey, Vec<(Place<'m>, PathTest<'m>)>>,
}

/// What would be lost by a change that reaches these routes.
pub(super) fn between(before: &Model, after: &Model, found: &Found) -> Vec<LossView> {
    let touched: BTreeSet<_> = found.keys().map(|(class, host, _)| (&**class, host.as_str())).collect();
    let is_touched = |place: &Place<'_>| touched.contains(&(&*place.table.scope.class, &*place.shown_for()));
    if touched.is_empty() {
        return Vec::new();
    }
    let (was, is) = (Side::of(before), Side::of(after));
    let mut lost = BTreeMap::new();
    for place in places(before).filter(|place| forwards(place.route) && is_touched(place)) {
        of_requests(&was, &is, &place, &mut lost);
    }
    let old: BTreeMap<_, _> = places(before).map(|place| (place.key(), &place.route.matches)).collect();
    let is_new = |place: &Place<'_>| old.get(&place.key()).is_none_or(|matches| **matches != place.route.matches);
    let new = places(after).filter(|place| forwards(place.route) && found.contains_key(&place.key()) && is_new(place));
    of_ways(&was, &is, &new.collect::<Vec<_>>(), &mut lost);
    let mut lost: Vec<_> = lost.into_values().collect();
    lost.sort_unstable();
    lost
}

type Losses = BTreeMap<(LossKind, String, String), LossView>;

/// Requests of a route that was there.
fn of_requests<'m>(was: &Side<'m>, is: &Side<'m>, place: &Place<'_>, lost: &mut Losses) {
    for path in was.points(place, is) {
        // Another may go before it.
        if was.taker(place, &path).is_none_or(|taker| taker.key() != place.key()) {
            continue;
        }
        let before = was.guards.of_path(place, &path);
        let Some(taker) = is.taker(place, &path).filter(|taker| forwards(taker.route)) else { continue };
        note(place, &path, &before, &is.guards.of_path(&taker, &path), lost);
    }
}

/// What goes to Mappings by ways that were not there.
fn of_ways<'m>(was: &Side<'m>, is: &Side<'m>, new: &[Place<'m>], lost: &mut Losses) {
    let origins: BTreeSet<_> = new.iter().flat_map(|place| &place.route.origins).collect();
    // Where one way was open, another may be; at a host where there was one, by those there, else by those of all hosts.
    let mut least: BTreeMap<(&ObjectId, Option<String>), Guard> = BTreeMap::new();
    for place in places(was.model).filter(|place| forwards(place.route)) {
        for id in place.route.origins.iter().filter(|id| origins.contains(id)) {
            for path in was.points(&place, was) {
                let guard = was.guards.of_path(&place, &path);
                for host in [None, Some(place.shown_for())] {
                    least.entry((id, host)).and_modify(|least| least.weaken(&guard)).or_insert_with(|| guard.clone());
                }
            }
        }
    }
    for place in new {
        for path in is.points(place, is) {
            let after = is.guards.of_path(place, &path);
            let at = |id, host| least.get(&(id, host));
            let before =
                place.route.origins.iter().filter_map(|id| at(id, Some(place.shown_for())).or_else(|| at(id, None)));
            before.for_each(|before| note(place, &path, before, &after, lost));
        }
    }
}

fn note(place: &Place<'_>, path: &str, before: &Guard, after: &Guard, lost: &mut Losses) {
    let (host, matches) = (place.shown_for(), conditions(place.route));
    let mut note = |what: LossKind, was: String| {
        let told = LossView { what, host: host.clone(), matches: matches.clone(), path: path.to_owned(), was };
        lost.entry((what, host.clone(), matches.clone())).or_insert(told);
    };
    if before.asks_more_than(after) {
        note(LossKind::Login, before.who.join(", "));
    }
    if before.is_limited && !after.is_limited {
        note(LossKind::Limit, String::new());
    }
}

fn forwards(route: &Route) -> bool {
    matches!(route.action, RouteAction::Forward(_))
}

impl<'m> Side<'m> {
    fn of(model: &'m Model) -> Self {
        let mut hosts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for place in places(model) {
            let key = (Arc::clone(&place.table.scope.class), place.shown_for());
            hosts.entry(key).or_default().push((place, PathTest::of(&place.route.matches.path)));
        }
        Self { model, guards: Guards::of(model), hosts }
    }

    /// Paths that stand for all that a route takes: its own, and one for each rule that may decide about them, in either model.
    fn points(&self, place: &Place<'_>, other: &Self) -> BTreeSet<String> {
        let own = match &place.route.matches.path {
            PathMatch::Prefix { value, .. } | PathMatch::Exact { value, .. } | PathMatch::Segments(value) => {
                Some(value)
            }
            PathMatch::Regex(_) => None,
        };
        let name = &place.route.name;
        let set = |side: &Self, route: &Route| {
            let set = route.rules.as_ref().and_then(|check| side.model.rule_sets.get(&check.set))?;
            Some(set.rules.iter().map(|rule| Arc::clone(&rule.path)).collect::<Vec<_>>())
        };
        let same = other.of_host(place).find(|(other, _)| other.route.name == *name);
        let globs =
            set(self, place.route).into_iter().chain(same.and_then(|(same, _)| set(other, same.route))).flatten();
        let of_globs = globs.flat_map(|glob| {
            let fill = |text: &str| glob.replace('*', text).replace('?', "x");
            let beneath = own.map(|own| format!("{}{}", own.trim_end_matches('/'), fill("")));
            [Some(fill("")), Some(fill("x")), beneath].into_iter().flatten().collect::<Vec<_>>()
        });
        let test = PathTest::of(&place.route.matches.path);
        let own = own.into_iter().flat_map(|own| [own.clone(), format!("{own}x")]);
        own.chain(of_globs).filter(|path| path.starts_with('/') && test.fit(path) == Fit::Yes).collect()
    }

    fn of_host(&self, place: &Place<'_>) -> impl Iterator<Item = &(Place<'m>, PathTest<'m>)> {
        let key = (Arc::clone(&place.table.scope.class), shown_for(place.table, place.host));
        self.hosts.get(&key).into_iter().flatten()
    }

    /// Who takes requests for a path that are as the route wants them: the first of its host, then of the wildcards.
    fn taker(&self, place: &Place<'_>, path: &str) -> Option<Place<'m>> {
        let host = HostPattern::parse(&place.shown_for());
        let wild = self.hosts.iter().filter(|((class, name), _)| {
            let pattern = HostPattern::parse(name).filter(|pattern| pattern.exact().is_none());
            *class == place.table.scope.class
                && pattern.zip(host.as_ref()).is_some_and(|(pattern, host)| pattern != *host && pattern.covers(host))
        });
        let closest = wild.min_by_key(|((_, name), _)| HostPattern::parse(name).map(|pattern| pattern.specificity()));
        let mut all = self.of_host(place).chain(closest.into_iter().flat_map(|(_, routes)| routes));
        let taken = all.find(|(other, test)| test.fit(path) == Fit::Yes && asks_no_more(other.route, place.route));
        taken.map(|(place, _)| *place)
    }
}

/// Whether a route takes what another does, but for the path. Names are those of the host.
fn asks_no_more(route: &Route, other: &Route) -> bool {
    let mut headers = route.matches.headers.iter().filter(|header| header.name != ":authority");
    headers.all(|header| other.matches.headers.contains(header))
        && route.matches.query.iter().all(|query| other.matches.query.contains(query))
}

//! Routes that asked for a login or a key, or were limited, and would be no more.
//!
//! What counts is what becomes of requests: of those that a route takes, some stand for all (`samples`), and are followed
//! through both models (`side`). What goes to a Mapping by another way than before is held against how all its ways were.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::auth::RuleSet;
use nuncio_ir::{HeaderMatch, Model, Route, RouteAction, RouteMatch};

use super::Found;
use super::asked::{Guard, Guards, Identity};
use super::compare::{Compare, Less};
use super::entrance;
use super::losses::Losses;
use super::places::{Key, Place};
use super::samples::paths;
use super::side::{Host, Sample, Side, Way, authorities};
use crate::admin::{LossKind, LossView};
use crate::policies::{Chain, rule_set};
use crate::view::conditions;

/// How a request comes in that is not secure.
const CLEAR: Way<'_> = Way { chain: nuncio_translate::CLEAR_CHAIN, scheme: "http" };

/// The most requests that are followed, some seconds of work: wildcard Hosts with hundreds of rules have many more of them that
/// may be told apart.
pub(super) const MOST_REQUESTS: usize = 1_000_000;

/// What would be lost by a change that reaches these routes, and whether not all was looked at.
pub(super) fn between(before: &Model, after: &Model, found: &Found, most: usize) -> (Vec<LossView>, bool) {
    let mut lost = Losses::default();
    let mut is_bounded = false;
    if !found.is_empty() || before.listeners != after.listeners {
        let (was, is) = (Side::of(before), Side::of(after));
        entrance::between(&was, &is, &mut lost);
        let search = Search {
            guards: [Guards::of(before), Guards::after(after, before)],
            compare: Compare::new(before, after),
            same_routes: has_same_tables(before, after),
            was,
            is,
            left: Cell::new(Some(most)),
        };
        search.of_requests(found, &mut lost);
        search.of_ways(found, &mut lost);
        is_bounded = search.is_used_up();
    }
    (lost.into_views(), is_bounded)
}

fn has_same_tables(before: &Model, after: &Model) -> bool {
    let mut tables = before.tables.iter().zip(&after.tables);
    before.tables.len() == after.tables.len()
        && tables.all(|((name, was), (other, is))| name == other && Arc::ptr_eq(was, is))
}

struct Search<'m> {
    was: Side<'m>,
    is: Side<'m>,
    guards: [Guards<'m>; 2],
    compare: Compare<'m>,
    /// Requests get the routes that they got.
    same_routes: bool,
    /// How many requests may still be followed; none where one more was to be.
    left: Cell<Option<usize>>,
}

/// A name, and what has the routes that requests for it see.
struct Named<'s, 'm> {
    name: String,
    was: Vec<&'s Host<'m>>,
    is: Vec<&'s Host<'m>>,
}

/// The guards of Mappings, everywhere and at each host.
type Ways<'m> = BTreeMap<(&'m ObjectId, Option<String>), Vec<Guard<'m>>>;

impl<'m> Search<'m> {
    /// Requests of routes that were there.
    fn of_requests(&self, found: &Found, lost: &mut Losses) {
        let touched = hosts_of(found);
        let hosts = self.was.hosts().filter(|host| touched.contains(&(host.class(), &*host.shown)));
        let hosts = hosts.take_while(|_| !self.is_used_up());
        hosts.filter(|host| !self.is_harmless(host)).for_each(|host| self.of_host(host, lost));
    }

    /// Whether it can be told without looking at requests that none of a host's loses anything.
    fn is_harmless(&self, host: &Host<'m>) -> bool {
        let [was, is] = &self.guards;
        let is_as_good = |route: &'m Route| {
            let (before, after) = (rule_set(self.was.model, route), rule_set(self.is.model, route));
            let chains = |set: Option<&'m RuleSet>| {
                let (gate, rules) = set.map(|set| (&set.gate[..], &set.rules[..])).unwrap_or_default();
                rules.iter().map(Some).chain([None]).map(move |rule| Chain { gate, rule }).collect::<Vec<_>>()
            };
            let mut both = chains(before).into_iter().zip(chains(after));
            before == after
                && both.all(|(before, after)| {
                    let (before, after) = (was.of_chain(route, Some(before)), is.of_chain(route, Some(after)));
                    before.limits <= after.limits && self.compare.less(&[before], after).is_none()
                })
        };
        self.same_routes && host.places().all(|place| is_as_good(place.route))
    }

    fn of_host(&self, host: &Host<'m>, lost: &mut Losses) {
        let there = self.is.like(host);
        let named = |name: String| {
            let [was, is] = [&self.was, &self.is].map(|side| side.hosts_of(host.class(), &name));
            Named { name, was, is }
        };
        let names: Vec<_> = self.was.names_of(host, there).into_iter().map(named).collect();
        let mut of_conditions: HashMap<Vec<&HeaderMatch>, Vec<&Named<'_, 'm>>> = HashMap::new();
        for place in host.places().filter(|place| forwards(place.route)).take_while(|_| !self.is_used_up()) {
            let names = of_conditions
                .entry(authorities(place.route).collect())
                .or_insert_with(|| names.iter().filter(|named| self.was.is_for(place.route, &named.name)).collect());
            let paths = self.paths(&place, there, names.first().copied());
            for named in names.iter().take_while(|_| !self.is_used_up()) {
                paths.iter().for_each(|path| self.of_request(&place, named, path, lost));
            }
        }
    }

    /// Whether more requests were to be followed than may be: then none is looked for any more.
    fn is_used_up(&self) -> bool {
        self.left.get().is_none()
    }

    /// Whether another request may be followed.
    fn may_follow(&self) -> bool {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(1)));
        !self.is_used_up()
    }

    fn of_request(&self, place: &Place<'m>, named: &Named<'_, 'm>, path: &str, lost: &mut Losses) {
        if !self.may_follow() {
            return;
        }
        let name = &named.name;
        let sample = Sample { path, name, like: &place.route.matches, way: None };
        // Another may go before it.
        if self.was.taker(&named.was, &sample).is_none_or(|taker| !taker.is(place)) {
            return;
        }
        let Some(taker) = self.is.taker(&named.is, &sample).filter(|taker| forwards(taker.route)) else { return };
        let before = self.guards[0].of_path(place.route, name, path);
        self.note(place, path, &[before], self.guards[1].of_path(taker.route, name, path), lost);
        let clear = Sample { way: Some(CLEAR), ..sample };
        let is_open = |taker: Option<Place<'_>>| taker.is_some_and(|taker| forwards(taker.route));
        if !self.same_routes
            && is_open(self.is.taker(&named.is, &clear))
            && !is_open(self.was.taker(&named.was, &clear))
        {
            lost.note(LossKind::Tls, &place.shown_for(), &conditions(place.route), path, "");
        }
    }

    /// Paths that stand for all that a route takes: its own, and those of each rule that may decide about them, in either model.
    fn paths(&self, place: &Place<'m>, there: Option<&Host<'m>>, named: Option<&Named<'_, 'm>>) -> BTreeSet<String> {
        let taker = |path: &String| {
            let Named { name, is, .. } = named?;
            let sample = Sample { path, name, like: &place.route.matches, way: None };
            self.is.taker(is, &sample).map(|taker| taker.route)
        };
        let own = paths(&place.route.matches.path, std::iter::empty());
        let same = there.into_iter().flat_map(Host::places).map(|other| other.route);
        let same = same.filter(|route| route.name == place.route.name);
        let others = same.chain(own.iter().filter_map(taker)).filter_map(|route| rule_set(self.is.model, route));
        paths_by(&self.was, place.route, others.chain(rule_set(self.was.model, place.route)))
    }

    /// What goes to Mappings by ways that were not there.
    fn of_ways(&self, found: &Found, lost: &mut Losses) {
        if self.is_used_up() {
            return;
        }
        let old: BTreeMap<Key, &RouteMatch> =
            self.was.hosts().flat_map(Host::places).map(|place| (place.key(), &place.route.matches)).collect();
        let is_new = |place: &Place<'m>| {
            let key = place.key();
            found.contains_key(&key) && old.get(&key).is_none_or(|matches| **matches != place.route.matches)
        };
        let touched = hosts_of(found);
        let hosts = self.is.hosts().filter(|host| touched.contains(&(host.class(), &*host.shown)));
        let new: Vec<(&Host<'m>, Vec<Place<'m>>)> = hosts
            .map(|host| (host, host.places().filter(|place| forwards(place.route) && is_new(place)).collect()))
            .collect();
        let origins = new.iter().flat_map(|(_, places)| places).flat_map(|place| &place.route.origins);
        let ways = self.ways_before(&origins.collect());
        for (host, places) in new {
            if self.is_used_up() {
                return;
            }
            let names = self.is.names_of(host, None);
            for place in places.iter().take_while(|_| !self.is_used_up()) {
                let name = names.iter().find(|name| self.is.is_for(place.route, name));
                name.into_iter().for_each(|name| self.of_way(place, name, &ways, lost));
            }
        }
    }

    fn of_way(&self, place: &Place<'m>, name: &str, ways: &Ways<'m>, lost: &mut Losses) {
        let host = place.shown_for();
        let [was, is] = [&self.was, &self.is].map(|side| side.hosts_of(&place.table.scope.class, name));
        for path in paths_by(&self.is, place.route, rule_set(self.is.model, place.route).into_iter()) {
            let sample = Sample { path: &path, name, like: &place.route.matches, way: None };
            if !self.may_follow() || self.is.taker(&is, &sample).is_none_or(|taker| !taker.is(place)) {
                continue;
            }
            let after = self.guards[1].of_path(place.route, name, &path);
            let same = self.was.taker(&was, &sample).filter(|taker| taker.route.origins == place.route.origins);
            if let Some(same) = same {
                // It went there before, by another route.
                let before = self.guards[0].of_path(same.route, name, &path);
                self.note(&same, &path, &[before], after, lost);
                continue;
            }
            for id in &place.route.origins {
                let before = ways.get(&(id, Some(host.clone()))).or_else(|| ways.get(&(id, None)));
                before.into_iter().for_each(|before| self.note(place, &path, before, after, lost));
            }
        }
    }

    /// How Mappings were guarded. Where one way was open, another may be; at a host where there was one, by those there, else by
    /// those of all hosts.
    fn ways_before(&self, origins: &BTreeSet<&ObjectId>) -> Ways<'m> {
        let mut ways = Ways::new();
        let mut seen: HashSet<(&ObjectId, Option<String>, Identity, usize)> = HashSet::new();
        for place in self.was.hosts().flat_map(Host::places).filter(|place| forwards(place.route)) {
            let of_these: Vec<_> = place.route.origins.iter().filter(|id| origins.contains(id)).collect();
            if of_these.is_empty() {
                continue;
            }
            let host = place.shown_for();
            for path in paths_by(&self.was, place.route, rule_set(self.was.model, place.route).into_iter()) {
                let guard = self.guards[0].of_path(place.route, &host, &path);
                for (id, at) in of_these.iter().flat_map(|id| [(*id, None), (*id, Some(host.clone()))]) {
                    if seen.insert((id, at.clone(), guard.identity(), guard.limits)) {
                        ways.entry((id, at)).or_default().push(guard);
                    }
                }
            }
        }
        ways
    }

    fn note(&self, place: &Place<'m>, path: &str, before: &[Guard<'m>], after: Guard<'m>, lost: &mut Losses) {
        let mut note = |what, was: &str| lost.note(what, &place.shown_for(), &conditions(place.route), path, was);
        match self.compare.less(before, after) {
            Some(Less::Open(who)) => note(LossKind::Login, &who),
            Some(Less::Weaker(what)) => note(LossKind::Weaker, &what),
            None => {}
        }
        if before.iter().map(|guard| guard.limits).min().is_some_and(|limits| limits > after.limits) {
            note(LossKind::Limit, "");
        }
    }
}

/// Paths that a route takes, among them those of these sets of rules.
fn paths_by<'m>(side: &Side<'m>, route: &'m Route, sets: impl Iterator<Item = &'m RuleSet>) -> BTreeSet<String> {
    let globs: BTreeSet<&str> = sets.flat_map(|set| set.rules.iter().map(|rule| &*rule.path)).collect();
    let test = side.test(&route.matches.path);
    let mut paths = paths(&route.matches.path, globs.into_iter());
    paths.retain(|path| test.takes(path) == Some(true));
    paths
}

/// The hosts that have something to do with a change.
fn hosts_of(found: &Found) -> BTreeSet<(&str, &str)> {
    found.keys().map(|(class, host, _)| (&**class, host.as_str())).collect()
}

pub(super) fn forwards(route: &Route) -> bool {
    matches!(route.action, RouteAction::Forward(_))
}

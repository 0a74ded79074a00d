//! Puts a table together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{ObjectId, Problem};
use nuncio_ir::{AuthContext, Check, ClusterName, PathMatch, Route, RouteMatch, Scope, Table, VirtualHost};

use super::host_match::with_host;
use super::protect::{self, Protect};
use super::{Around, Built, Wild, is_acme, number_names, table_name, waits_for_headers};
use crate::compiled::Upstream;
use crate::coverage::{Coverage, Names};
use crate::group::{Group, Grouped};
use crate::pattern::HostPattern;
use crate::policy::{Class, HostPolicy, guards, insecure_condition, not_found};

/// Collects the parts of a table.
pub(super) struct Builder<'c> {
    pub(super) table: Table,
    class: &'c Class,
    coverage: &'c Coverage,
    pub(super) protect: Protect<'c>,
    /// Whether there is an AuthService to ask.
    auth: bool,
    route_stats: bool,
    upstreams: BTreeMap<ClusterName, Arc<Upstream>>,
    pub(super) problems: Vec<(ObjectId, Problem)>,
}

impl<'c> Builder<'c> {
    pub(super) fn new(around: Around<'c>, host: &str) -> Self {
        let Around { class, coverage, route_stats } = around;
        let scope = Scope { host: host.into(), preview: "".into(), class: Arc::clone(&class.key) };
        let table = Table {
            name: table_name(&class.key, host),
            scope,
            hosts: Vec::new(),
            preview: None,
            has_ended: false,
            by_cookie: None,
            strangers: BTreeSet::new(),
        };
        Self {
            table,
            class,
            coverage,
            protect: Protect::new(coverage),
            auth: class.auth,
            route_stats,
            upstreams: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// The routes of a group, with the condition on the host that [`with_host`] adds: one for each part of the names to
    /// which other rules apply.
    pub(super) fn routes(&mut self, group: &Group<'_>, within: Option<&HostPattern>, names: &Names) -> Vec<Route> {
        let Grouped { route, upstreams, problems } = group.route(self.auth, self.route_stats);
        self.upstreams.extend(upstreams.into_iter().map(|upstream| (upstream.name().clone(), upstream)));
        self.problems.extend(problems);
        let Some(route) = route else { return Vec::new() };
        let route = with_host(route, group, within);
        if group.is_bypassed() { vec![route] } else { self.protect.route(&route, names) }
    }

    /// What goes before every other route of a Host: its `guards`, and the hole that ACME needs in them.
    /// `within` are the names of the virtual host, as for [`with_host`].
    pub(super) fn preamble<'g, 'a: 'g>(
        &mut self,
        guards: Vec<Route>,
        groups: impl IntoIterator<Item = &'g Group<'a>>,
        within: Option<&HostPattern>,
        names: &Names,
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        if let (false, Some(condition)) = (guards.is_empty(), insecure_condition(self.class.security)) {
            for group in groups.into_iter().filter(|group| is_acme(group.first())) {
                for mut route in self.routes(group, within, names) {
                    route.name = format!("{}#acme", route.name).into();
                    route.matches.headers.extend(condition.iter().cloned());
                    routes.push(route);
                }
            }
        }
        routes.extend(guards);
        routes
    }

    pub(super) fn finish(mut self) -> Built {
        number_names(&mut self.table);
        Built {
            table: self.table,
            upstreams: self.upstreams.into_values().collect(),
            problems: self.problems,
            sets: self.protect.sets,
        }
    }
}

impl Builder<'_> {
    /// The routes of a name, and whether a miss goes on to the wildcards.
    pub(super) fn of_name(
        &mut self,
        host: &HostPolicy,
        name: &Arc<str>,
        names: &Names,
        own: &[Group<'_>],
        wild: &Wild<'_>,
        is_whole: bool,
    ) -> (Vec<Route>, bool) {
        let around = Around { class: self.class, coverage: self.coverage, route_stats: self.route_stats };
        let rules = names.parts.first().map_or(&[][..], |part| &part.rules);
        let is_whole = is_whole || own.iter().any(|group| around.chooses_again(&group.first().matches, rules));
        let beside = if is_whole { wild.whole(name) } else { wild.beside(name, own) };
        let acme = sorted(own.iter().chain(wild.acme(name)));
        let mut routes = self.preamble(guards(host, self.class.security), acme, None, names);
        routes.extend(self.protect.head(names));
        for group in sorted(own.iter().chain(beside.copied)) {
            routes.extend(self.routes(group, None, names));
            if routes.last().is_some_and(|route| takes_everything(&route.matches)) {
                return (routes, false);
            }
        }
        if !beside.more {
            routes.extend(self.last(&routes, names));
        }
        (routes, beside.more)
    }

    pub(super) fn push(&mut self, name: Arc<str>, domains: Vec<Arc<str>>, mut routes: Vec<Route>, names: &Names) {
        if !routes.last().is_some_and(|route| takes_everything(&route.matches)) {
            routes.extend(self.last(&routes, names));
        }
        let routes = protect::without_sessions(routes, names).into();
        self.table.hosts.push(VirtualHost { name, domains, routes, falls_through: false });
    }

    /// What answers where none of these routes fits. If one of them may fit once an AuthService or a filter has added a
    /// header, then they are asked here, and the route is chosen again.
    fn last(&mut self, routes: &[Route], names: &Names) -> Vec<Route> {
        let waiting = || routes.iter().filter(|route| waits_for_headers(&route.matches));
        let is_asked = waiting().any(|route| matches!(route.auth, Check::On(_)));
        let auth = if is_asked { Check::On(AuthContext::default()) } else { Check::Off };
        let last = Route { auth, ..not_found() };
        let is_held_to_rules = waiting().any(|route| route.rules.is_some());
        if is_held_to_rules { self.protect.route(&last, names) } else { vec![last] }
    }
}

/// Whether the route takes every request, so that none after it is reached.
fn takes_everything(matches: &RouteMatch) -> bool {
    let any_path = matches!(&matches.path, PathMatch::Prefix { value, .. } if value == "/");
    any_path && matches.headers.is_empty() && matches.query.is_empty()
}

/// Groups in the order in which they are tried.
fn sorted<'g, 'a: 'g>(groups: impl Iterator<Item = &'g Group<'a>>) -> Vec<&'g Group<'a>> {
    let mut sorted: Vec<_> = groups.collect();
    sorted.sort_by(|a, b| a.first().order(b.first()));
    sorted
}

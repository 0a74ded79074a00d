//! A model, with its routes by the names that they are for, and what starts their paths.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use nuncio_ir::{CHAIN_HEADER, HeaderMatch, Model, PathMatch, Route, RouteMatch, Table, ValueMatch, VirtualHost};
use nuncio_translate::HostPattern;
use regex::Regex;

use super::places::{Place, shown_for};
use super::samples::texts;
use crate::explain::{PathTest, compiled, value_fits};

const SCHEME_HEADER: &str = "x-forwarded-proto";
/// What stands for the star of a pattern of names.
const ANY_NAME: &str = "other-name";
/// The most names of a host that are looked at.
const MOST_NAMES: usize = 512;

/// A model, with its routes where requests find them.
#[derive(Debug)]
pub(super) struct Side<'m> {
    pub(super) model: &'m Model,
    hosts: Vec<Host<'m>>,
    /// By class and the name that each is shown for.
    shown: BTreeMap<(&'m str, String), usize>,
    names: BTreeMap<&'m str, Names<'m>>,
    regexes: RefCell<HashMap<&'m str, Option<Regex>>>,
}

/// Where the listeners of a class find names.
#[derive(Debug, Default)]
struct Names<'m> {
    /// Those with a table of their own.
    own: BTreeMap<&'m str, usize>,
    /// Those that share what is for all others.
    shared: BTreeMap<&'m str, usize>,
    /// The closest first.
    patterns: Vec<(HostPattern, usize)>,
}

/// Routes for some names.
#[derive(Debug)]
pub(super) struct Host<'m> {
    pub(super) table: &'m Table,
    host: &'m VirtualHost,
    pub(super) shown: String,
    routes: OnceCell<Routes<'m>>,
}

/// Routes in order.
#[derive(Debug, Default)]
struct Routes<'m> {
    all: Vec<(&'m Route, PathTest<'m>)>,
    /// Those whose paths all begin with some text, by that.
    starting: HashMap<&'m str, Vec<usize>>,
    lengths: BTreeSet<usize>,
    others: Vec<usize>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'s> {
    pub(super) path: &'s str,
    pub(super) name: &'s str,
    /// It has what this wants, and nothing else.
    pub(super) like: &'s RouteMatch,
    /// How it came in, where that counts.
    pub(super) way: Option<Way<'s>>,
}

/// How a request came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'s> {
    pub(super) chain: &'s str,
    pub(super) scheme: &'s str,
}

impl<'m> Host<'m> {
    pub(super) fn class(&self) -> &'m str {
        &self.table.scope.class
    }

    /// Its routes, in their places.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'m>> {
        let (table, host) = (self.table, self.host);
        host.known_routes().map(move |route| Place { table, host, route })
    }

    fn is_of_one_name(&self) -> bool {
        *self.table.scope.host != *"*"
    }
}

impl<'m> Side<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let (mut hosts, mut shown) = (Vec::new(), BTreeMap::new());
        let mut names: BTreeMap<&str, Names<'_>> = BTreeMap::new();
        let tables = model.tables.values().filter(|table| table.scope.is_by_host());
        for (table, host) in tables.flat_map(|table| table.hosts.iter().map(move |host| (&**table, host))) {
            let host = Host { table, host, shown: shown_for(table, host), routes: OnceCell::new() };
            let at = hosts.len();
            shown.insert((host.class(), host.shown.clone()), at);
            names.entry(host.class()).or_default().add(&host, at);
            hosts.push(host);
        }
        names.values_mut().for_each(|names| names.patterns.sort_by_key(|(pattern, _)| pattern.specificity()));
        Self { model, hosts, shown, names, regexes: RefCell::default() }
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host<'m>> {
        self.hosts.iter()
    }

    /// What is shown for the same names.
    pub(super) fn like(&self, host: &Host<'_>) -> Option<&Host<'m>> {
        self.shown.get(&(host.class(), host.shown.clone())).map(|at| &self.hosts[*at])
    }

    /// What has the routes that requests for a name see, one after the other.
    pub(super) fn hosts_of(&self, class: &str, name: &str) -> Vec<&Host<'m>> {
        let Some(names) = self.names.get(class) else { return Vec::new() };
        let of_pattern = || names.patterns.iter().find(|(pattern, _)| pattern.takes(name)).map(|(_, at)| at);
        let shared = names.shared.get(name).or_else(of_pattern);
        names.own.get(name).into_iter().chain(shared).map(|at| &self.hosts[*at]).collect()
    }

    /// Names that stand for all of a host, as far as routes here or there tell them apart.
    pub(super) fn names_of(&self, host: &Host<'m>, there: Option<&Host<'m>>) -> Vec<String> {
        if host.is_of_one_name() {
            return vec![host.table.scope.host.to_string()];
        }
        let patterns: Vec<_> = host.host.domains.iter().filter_map(|domain| HostPattern::parse(domain)).collect();
        let any = patterns.iter().map(|pattern| match pattern.exact() {
            Some(name) => name.to_string(),
            None => pattern.to_string().replace('*', ANY_NAME),
        });
        let routes = host.host.known_routes().chain(there.into_iter().flat_map(|there| there.host.known_routes()));
        let conditions: HashSet<&ValueMatch> = routes.flat_map(authorities).map(|header| &header.value).collect();
        let told_apart: BTreeSet<String> = conditions.into_iter().flat_map(taken_by).collect();
        let taken = told_apart.into_iter().filter(|name| patterns.iter().any(|pattern| pattern.takes(name)));
        let mut seen = BTreeSet::new();
        any.chain(taken).filter(|name| seen.insert(name.clone())).take(MOST_NAMES).collect()
    }

    /// Whether a name is one of those that the route is for.
    pub(super) fn is_for(&self, route: &'m Route, name: &str) -> bool {
        authorities(route).all(|header| self.fits(&header.value, name) != header.invert)
    }

    /// Who takes a request: the first of these.
    pub(super) fn taker(&self, hosts: &[&Host<'m>], sample: &Sample<'_>) -> Option<Place<'m>> {
        hosts.iter().find_map(|host| {
            let routes = host.routes.get_or_init(|| self.routes(host.host));
            let mut takers = routes.starting(sample.path).into_iter().map(|at| &routes.all[at]);
            let (route, _) =
                takers.find(|(route, test)| test.takes(sample.path) == Some(true) && self.agrees(route, sample))?;
            Some(Place { table: host.table, host: host.host, route })
        })
    }

    /// Whether a path is one of those that a condition takes.
    pub(super) fn test(&self, wanted: &'m PathMatch) -> PathTest<'m> {
        PathTest::with(wanted, |expression| self.regex(expression))
    }

    fn routes(&self, host: &'m VirtualHost) -> Routes<'m> {
        let mut routes = Routes::default();
        for (at, route) in host.known_routes().enumerate() {
            routes.all.push((route, self.test(&route.matches.path)));
            match &route.matches.path {
                PathMatch::Prefix { value, case_sensitive: true }
                | PathMatch::Exact { value, case_sensitive: true }
                | PathMatch::Segments(value) => {
                    routes.starting.entry(value).or_default().push(at);
                    routes.lengths.insert(value.len());
                }
                PathMatch::Prefix { .. } | PathMatch::Exact { .. } | PathMatch::Regex(_) => routes.others.push(at),
            }
        }
        routes
    }

    /// Whether a route takes what is like this, but for the path.
    fn agrees(&self, route: &'m Route, sample: &Sample<'_>) -> bool {
        let known = |value: &str, header: &'m HeaderMatch| self.fits(&header.value, value) != header.invert;
        let mut headers = route.matches.headers.iter();
        headers.all(|header| match (&*header.name, sample.way) {
            (":authority", _) => known(sample.name, header),
            (CHAIN_HEADER, Some(way)) => known(way.chain, header),
            (SCHEME_HEADER, Some(way)) => known(way.scheme, header),
            _ => sample.like.headers.contains(header),
        }) && route.matches.query.iter().all(|query| sample.like.query.contains(query))
    }

    fn fits(&self, wanted: &'m ValueMatch, value: &str) -> bool {
        match wanted {
            ValueMatch::Regex(expression) => self.regex(expression).is_some_and(|regex| regex.is_match(value)),
            other => value_fits(other, value).unwrap_or(false),
        }
    }

    /// An expression, made ready once.
    fn regex(&self, expression: &'m str) -> Option<Regex> {
        self.regexes.borrow_mut().entry(expression).or_insert_with(|| compiled(expression).ok()).clone()
    }
}

impl<'m> Names<'m> {
    fn add(&mut self, host: &Host<'m>, at: usize) {
        if host.is_of_one_name() {
            self.own.entry(&host.table.scope.host).or_insert(at);
            return;
        }
        for domain in &host.host.domains {
            match HostPattern::parse(domain) {
                Some(HostPattern::Exact(_)) => drop(self.shared.insert(domain, at)),
                Some(pattern) => self.patterns.push((pattern, at)),
                None => {}
            }
        }
    }
}

impl Routes<'_> {
    /// Those that may take a path, in order.
    fn starting(&self, path: &str) -> Vec<usize> {
        let starts = self.lengths.range(..=path.len()).filter_map(|length| self.starting.get(path.get(..*length)?));
        let mut found: Vec<_> = starts.flatten().chain(&self.others).copied().collect();
        found.sort_unstable();
        found
    }
}

/// What a route wants of names.
pub(super) fn authorities(route: &Route) -> impl Iterator<Item = &HeaderMatch> {
    route.matches.headers.iter().filter(|header| header.name == ":authority")
}

/// Names that a condition takes.
fn taken_by(condition: &ValueMatch) -> Vec<String> {
    match condition {
        ValueMatch::Exact(name) => vec![name.clone()],
        ValueMatch::Regex(expression) => texts(expression).into_iter().map(|name| name.to_lowercase()).collect(),
        ValueMatch::Prefix { .. } | ValueMatch::Suffix { .. } | ValueMatch::Contains(_) | ValueMatch::Present => {
            Vec::new()
        }
    }
}

//! Requests, answered by a model as an Envoy does: scope, table, first route, and the wildcards on a miss.

use nuncio_ir::{
    CHAIN_HEADER, HeaderMatch, Model, PathMatch, QueryMatch, Route, RouteMatch, Table, ValueMatch, VirtualHost,
};
use regex::Regex;

use crate::pattern::HostPattern;

/// A request as routes see it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) host: String,
    /// With the query.
    pub(super) path: String,
    pub(super) method: String,
    /// Those that Envoy sets are among them.
    pub(super) headers: Vec<(String, String)>,
}

impl Request {
    /// `GET` by the chain for clear text, as it comes from a client.
    pub(super) fn get(host: &str, path: &str) -> Self {
        let headers =
            vec![(CHAIN_HEADER.to_owned(), "clear".to_owned()), ("x-forwarded-proto".to_owned(), "http".to_owned())];
        Self { host: host.to_owned(), path: path.to_owned(), method: "GET".to_owned(), headers }
    }

    /// The same by the chain of this name, over TLS.
    pub(super) fn by(self, chain: &str) -> Self {
        self.with(CHAIN_HEADER, chain).with("x-forwarded-proto", "https")
    }

    /// The same with a header set.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The route that takes it among the tables of a class. `None` where there is no route at all.
    pub(super) fn route<'m>(&self, model: &'m Model, class: &str) -> Option<&'m Route> {
        let name = self.host.to_ascii_lowercase();
        let table = |host: &str| {
            let mut tables = model.tables.values();
            tables.find(|table| *table.scope.host == *host && table.scope.is_by_host() && *table.scope.class == *class)
        };
        let own = table(&name).map(|table| &table.hosts[0]);
        let found = own.and_then(|host| self.first(host));
        if found.is_some() || own.is_some_and(|host| !host.falls_through) {
            return found;
        }
        table("*").and_then(|table| virtual_host(table, &name)).and_then(|host| self.first(host))
    }

    fn first<'m>(&self, host: &'m VirtualHost) -> Option<&'m Route> {
        host.routes.iter().find(|route| self.fits(&route.matches))
    }

    pub(super) fn fits(&self, matches: &RouteMatch) -> bool {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        fits_path(&matches.path, path)
            && matches.headers.iter().all(|header| self.fits_header(header))
            && matches.query.iter().all(|condition| fits_query(condition, query))
    }

    fn fits_header(&self, condition: &HeaderMatch) -> bool {
        let values: Vec<&str> = match &*condition.name {
            ":method" => vec![&self.method],
            ":authority" => vec![&self.host],
            name => self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect(),
        };
        values.iter().any(|value| fits_value(&condition.value, value)) != condition.invert
    }
}

/// The virtual host for a name, as Envoy chooses by domains.
fn virtual_host<'m>(table: &'m Table, name: &str) -> Option<&'m VirtualHost> {
    let domains = table.hosts.iter().flat_map(|host| host.domains.iter().map(move |domain| (domain, host)));
    let taking = domains.filter_map(|(domain, host)| {
        let pattern = HostPattern::parse(domain).unwrap();
        pattern.takes(name).then(|| (pattern.specificity(), host))
    });
    taking.min_by_key(|(specificity, _)| *specificity).map(|(_, host)| host)
}

fn fits_path(condition: &PathMatch, path: &str) -> bool {
    let fold = |text: &str, case_sensitive: bool| {
        if case_sensitive { text.to_owned() } else { text.to_ascii_lowercase() }
    };
    match condition {
        PathMatch::Prefix { value, case_sensitive } => {
            fold(path, *case_sensitive).starts_with(&fold(value, *case_sensitive))
        }
        PathMatch::Exact { value, case_sensitive } => fold(path, *case_sensitive) == fold(value, *case_sensitive),
        PathMatch::Segments(prefix) => path.strip_prefix(&**prefix).is_some_and(|r| r.is_empty() || r.starts_with('/')),
        PathMatch::Regex(regex) => is_whole(regex, path),
    }
}

fn fits_query(condition: &QueryMatch, query: &str) -> bool {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().any(|(name, value)| name == condition.name && fits_value(&condition.value, value))
}

fn fits_value(condition: &ValueMatch, value: &str) -> bool {
    let fold = |text: &str, ignore: bool| if ignore { text.to_ascii_lowercase() } else { text.to_owned() };
    match condition {
        ValueMatch::Exact(text) => value == text,
        ValueMatch::Prefix { value: text, ignore_case } => {
            fold(value, *ignore_case).starts_with(&fold(text, *ignore_case))
        }
        ValueMatch::Suffix { value: text, ignore_case } => {
            fold(value, *ignore_case).ends_with(&fold(text, *ignore_case))
        }
        ValueMatch::Contains(text) => value.contains(&**text),
        ValueMatch::Regex(regex) => is_whole(regex, value),
        ValueMatch::Present => true,
    }
}

fn is_whole(regex: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{regex})$")).unwrap().is_match(text)
}

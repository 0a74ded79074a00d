//! Tables: the routes that requests for one name see, and the table of all that has no name of its own.

mod builder;
mod host_match;
mod paths;
mod protect;
mod shared;
mod wild;

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{ObjectId, Problem};
use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{PathMatch, RouteMatch, Table, TableName, VirtualHost};

use self::builder::Builder;
pub(crate) use self::protect::{TOO_MANY_HOSTS, endpoints};
pub(crate) use self::shared::{Guard, Protected, Shared};
pub(crate) use self::wild::{Wild, Wilds, influence};
use crate::compiled::{Compiled, Upstream};
use crate::coverage::{Coverage, Names, SetKey};
use crate::group::{Group, groups};
use crate::pattern::HostPattern;
use crate::policy::{Class, HostPolicy, XFP, guards, out_of_service, shared_guards};

/// Requests below this prefix are served in clear text whatever the Host's insecure action: an ACME
/// authority asks for its challenge there before there is a certificate.
const ACME_PREFIX: &str = "/.well-known/acme-challenge/";

/// A table with what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) table: Table,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) problems: Vec<(ObjectId, Problem)>,
    /// The sets of rules that its routes name.
    pub(crate) sets: BTreeMap<RuleSetId, SetKey>,
}

/// Name of the table of the wildcards, which no host can have. (`*` as the name of a resource would ask
/// Envoy's subscription for all of them.)
const WILDCARD_TABLE: &str = "nuncio/wildcard";

/// Names the table of `host` in a class.
pub(crate) fn table_name(class: &str, host: &str) -> TableName {
    let host = if host == "*" { WILDCARD_TABLE } else { host };
    TableName(if class.is_empty() { host.into() } else { format!("{host}@{class}").into() })
}

/// What decides about routes besides Mappings.
#[derive(Clone, Copy)]
pub(crate) struct Around<'c> {
    pub(crate) class: &'c Class,
    pub(crate) coverage: &'c Coverage,
    /// Whether routes are counted by themselves.
    pub(crate) route_stats: bool,
}

impl Around<'_> {
    /// Whether a request may be for this Mapping only once somebody was asked about it: of a name to which these rules apply.
    /// The table of the name then has all that the request may be for.
    pub(crate) fn chooses_again(&self, matches: &RouteMatch, rules: &[usize]) -> bool {
        waits_for_headers(matches) && (self.class.auth || self.coverage.check(rules, &matches.path).is_some())
    }
}

/// The table of one exact name. `own` are the Mappings for that name alone which join its Host, `wild` those for
/// many names. `None` where the name needs no table: only wildcards serve it, and a pattern's Host governs it.
pub(crate) fn exact<'a>(
    around: Around<'_>,
    host: &HostPolicy,
    name: &Arc<str>,
    own: impl IntoIterator<Item = &'a Compiled>,
    wild: &Wild<'_>,
) -> Option<Built> {
    let own = groups(own);
    if host.pattern.exact().is_none() && own.is_empty() {
        return None;
    }
    Some(named(around, host, name, &own, wild, false))
}

/// A table of one name that leaves nothing to the wildcards: all that serves the name stands in it.
pub(crate) fn whole<'a>(
    around: Around<'_>,
    host: &HostPolicy,
    name: &Arc<str>,
    own: impl IntoIterator<Item = &'a Compiled>,
    wild: &Wild<'_>,
) -> Built {
    named(around, host, name, &groups(own), wild, true)
}

fn named(
    around: Around<'_>,
    host: &HostPolicy,
    name: &Arc<str>,
    own: &[Group<'_>],
    wild: &Wild<'_>,
    is_whole: bool,
) -> Built {
    let mut builder = Builder::new(around, name);
    let endpoints = around.coverage.has_endpoints(&HostPattern::Exact(Arc::clone(name)));
    let names = Names::alike(around.coverage.of_name(name), endpoints);
    let (routes, falls_through) = if host.invalid {
        (vec![out_of_service(host)], false)
    } else {
        builder.of_name(host, name, &names, own, wild, is_whole)
    };
    let routes = protect::without_sessions(routes, &names).into();
    builder.table.hosts.push(VirtualHost { name: Arc::clone(name), domains: vec!["*".into()], routes, falls_through });
    builder.finish()
}

/// The table of the wildcards: Hosts of many names, and what exact Hosts share. `wild` are the Mappings
/// that are not for one name.
pub(crate) fn wildcard<'a>(around: Around<'_>, wild: &[&'a Compiled], shared: Vec<Shared<'a>>) -> Built {
    let Around { class, coverage, .. } = around;
    let mut builder = Builder::new(around, "*");
    for share in shared {
        let sorted = groups(share.mappings.iter().copied());
        let hosts: Vec<_> = share.hosts.values().copied().collect();
        let (rules, endpoints) = share.protected.clone();
        let names = Names::alike(rules, endpoints);
        // What came this way by the table of its name has passed them there. They hold where Envoy does not have that
        // table, having refused it from the start.
        let mut routes = builder.preamble(shared_guards(&hosts, class.security), &sorted, None, &names);
        routes.extend(builder.protect.head(&names));
        routes.extend(sorted.iter().flat_map(|group| builder.routes(group, None, &names)));
        builder.push(share.name(), share.hosts.keys().map(|name| Arc::clone(name)).collect(), routes, &names);
    }
    for host in &class.patterns {
        let name: Arc<str> = host.pattern.to_string().into();
        let names = coverage.names(&host.pattern);
        builder.problems.extend(builder.protect.too_many(&host.pattern, &names));
        let routes = if host.invalid {
            vec![out_of_service(host)]
        } else {
            let sorted = groups(wild.iter().copied().filter(|mapping| host.takes(mapping)));
            let within = Some(&host.pattern);
            let mut routes = builder.preamble(guards(host, class.security), &sorted, within, &names);
            routes.extend(builder.protect.head(&names));
            routes.extend(sorted.iter().flat_map(|group| builder.routes(group, within, &names)));
            routes
        };
        builder.push(Arc::clone(&name), vec![name], routes, &names);
    }
    if !class.patterns.iter().any(|host| host.pattern == HostPattern::Any) {
        builder.push("*".into(), vec!["*".into()], Vec::new(), &Names::default());
    }
    builder.finish()
}

/// Whether what it takes may depend on a header that an AuthService or a filter adds.
fn waits_for_headers(matches: &RouteMatch) -> bool {
    matches.headers.iter().any(|header| !header.name.starts_with(':') && header.name != XFP)
}

pub(crate) fn is_acme(mapping: &Compiled) -> bool {
    matches!(&mapping.matches.path, PathMatch::Prefix { value, .. } if value == ACME_PREFIX)
}

/// Route names are unique in a virtual host: Mappings of one name differ by their number.
pub(crate) fn number_names(table: &mut Table) {
    for host in &mut table.hosts {
        let mut seen: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for route in &mut host.routes {
            let mut name = Arc::clone(&route.name);
            // What is copied may have a number already, which another has got here meanwhile.
            while let Some(count) = seen.get_mut(&name) {
                *count += 1;
                name = format!("{name}#{count}").into();
            }
            seen.insert(Arc::clone(&name), 1);
            if route.name != name {
                Arc::make_mut(route).name = name;
            }
        }
    }
}

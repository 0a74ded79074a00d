//! Which rules of FilterPolicies apply to which routes: hosts are resolved here, so that the service never looks at one.

mod hosts;
mod names;

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::auth::{FilterId, RuleSetId};
use nuncio_ir::{PathMatch, RuleCheck};

use self::hosts::Hosts;
pub(crate) use self::names::{MOST_SORTS, Names, Part};
use crate::glob::{Glob, Takes};
use crate::pattern::HostPattern;

/// How much of a body the endpoints of logins are sent: forms of a few fields.
const ENDPOINT_BODY: u32 = 16 * 1024;

/// A rule, as far as it decides where it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CoveredBy {
    /// Names it: `policy.namespace#3`.
    pub(crate) origin: Arc<str>,
    pub(crate) host: Glob,
    pub(crate) path: Glob,
    /// How much of the body its filters want.
    pub(crate) body: Option<u32>,
    /// Where it is written: the policy, and the place among its rules.
    pub(crate) written: (ObjectId, usize),
}

/// The rules of all policies in the order in which they are tried, and the hosts at which logins have their endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) rules: Vec<CoveredBy>,
    /// Rules that never count, each with the one that is for the same hosts and paths and goes before it.
    repeated: BTreeMap<Arc<str>, Arc<str>>,
    endpoints: Vec<Glob>,
    hosts_of_rules: Hosts,
    hosts_of_endpoints: Hosts,
}

/// The rules that apply to some names, by their place in the coverage.
pub(crate) type Applying = Vec<usize>;

/// What a set of rules is made of; its name is the digest of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SetKey {
    pub(crate) rules: Vec<Arc<str>>,
    /// All paths of its routes are those of the only rule: none has to be looked at.
    pub(crate) whole: bool,
    /// What goes before the rules.
    pub(crate) gate: Option<Gate>,
}

/// What has to be passed before any rule: the gate of previews.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// The filters of the policy.
    Filters {
        /// What must hold of the claims of who passes.
        require: Option<Arc<str>>,
        /// How much of the body they want.
        body: Option<u32>,
    },
    /// The filter of a preview's own, which wants a link to it.
    ShareLink(FilterId),
}

impl Gate {
    /// How much of the body it wants.
    pub(crate) fn body(&self) -> Option<u32> {
        match self {
            Self::Filters { body, .. } => *body,
            Self::ShareLink(_) => None,
        }
    }
}

impl SetKey {
    pub(crate) fn id(&self) -> RuleSetId {
        RuleSetId(nuncio_ir::version(self).to_string().into())
    }

    /// Of routes that no rule is for, and that the service answers itself.
    pub(crate) fn endpoints() -> (Self, RuleCheck) {
        let key = Self { rules: Vec::new(), whole: false, gate: None };
        let check = RuleCheck { set: key.id(), body: Some(ENDPOINT_BODY) };
        (key, check)
    }
}

impl Coverage {
    pub(crate) fn new(rules: Vec<CoveredBy>, endpoints: Vec<Glob>) -> Self {
        let hosts_of_rules = rules.iter().map(|rule| &rule.host).collect();
        let hosts_of_endpoints = endpoints.iter().collect();
        Self { repeated: repeated(&rules), rules, endpoints, hosts_of_rules, hosts_of_endpoints }
    }

    /// The rule for the same hosts and paths that goes before this one.
    pub(crate) fn repeats(&self, rule: &str) -> Option<&Arc<str>> {
        self.repeated.get(rule)
    }

    /// The policies whose rules repeat others here and not there, or the other way round.
    pub(crate) fn repeating_otherwise(&self, other: &Self) -> impl Iterator<Item = &ObjectId> {
        let differs = |rule: &&CoveredBy| self.repeats(&rule.origin) != other.repeats(&rule.origin);
        self.rules.iter().filter(differs).map(|rule| &rule.written.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules for a name in lower case.
    pub(crate) fn of_name(&self, name: &str) -> Applying {
        self.hosts_of_rules.taking(name)
    }

    /// Whether logins have endpoints at some name of these.
    pub(crate) fn has_endpoints(&self, pattern: &HostPattern) -> bool {
        match pattern {
            HostPattern::Exact(name) => self.hosts_of_endpoints.take(name),
            _ => self.endpoints.iter().any(|host| host.takes_hosts(pattern) != Takes::None),
        }
    }

    /// What the service is asked about the requests of a route to which these rules may apply; nothing where none does.
    pub(crate) fn check(&self, applying: &[usize], path: &PathMatch) -> Option<(SetKey, RuleCheck)> {
        let mut found: Vec<&CoveredBy> = Vec::new();
        let mut whole = false;
        for rule in applying.iter().filter_map(|at| self.rules.get(*at)) {
            match reach(&rule.path, path) {
                Takes::None => continue,
                Takes::Some => found.push(rule),
                Takes::All => {
                    whole = found.is_empty();
                    found.push(rule);
                    break;
                }
            }
        }
        let body = found.iter().filter_map(|rule| rule.body).max();
        let key = SetKey { rules: found.iter().map(|rule| Arc::clone(&rule.origin)).collect(), whole, gate: None };
        let check = RuleCheck { set: key.id(), body };
        (!found.is_empty()).then_some((key, check))
    }

    /// Whether one of these rules takes all paths of a route.
    pub(crate) fn takes_all(&self, applying: &[usize], path: &PathMatch) -> bool {
        let mut rules = applying.iter().filter_map(|at| self.rules.get(*at));
        rules.any(|rule| reach(&rule.path, path) == Takes::All)
    }

    /// Whether rules or endpoints for a name are others than in another coverage.
    pub(crate) fn differs_for(&self, other: &Self, name: &str) -> bool {
        !self.rules_of(name).eq(other.rules_of(name))
            || self.hosts_of_endpoints.take(name) != other.hosts_of_endpoints.take(name)
    }

    fn rules_of(&self, name: &str) -> impl Iterator<Item = &CoveredBy> {
        self.of_name(name).into_iter().filter_map(|at| self.rules.get(at))
    }

    fn positions(&self, applies: impl Fn(&CoveredBy) -> bool) -> Applying {
        self.rules.iter().enumerate().filter(|(_, rule)| applies(rule)).map(|(at, _)| at).collect()
    }
}

fn repeated(rules: &[CoveredBy]) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut first = BTreeMap::new();
    let mut repeated = BTreeMap::new();
    for rule in rules {
        let before = first.entry((rule.host.to_string(), rule.path.to_string())).or_insert(&rule.origin);
        if **before != rule.origin {
            repeated.insert(Arc::clone(&rule.origin), Arc::clone(before));
        }
    }
    repeated
}

/// How much of a route's paths a rule is for. The service holds a path that no rule takes against the rules once more
/// without its case, so that a rule is for a route too if it would be in another case.
fn reach(rule: &Glob, path: &PathMatch) -> Takes {
    let plain = rule.takes_paths(path);
    if plain != Takes::None {
        return plain;
    }
    let folded = match path {
        PathMatch::Prefix { value, .. } => PathMatch::Prefix { value: value.to_lowercase(), case_sensitive: true },
        PathMatch::Exact { value, .. } => PathMatch::Exact { value: value.to_lowercase(), case_sensitive: true },
        PathMatch::Segments(value) => PathMatch::Segments(value.to_lowercase()),
        PathMatch::Regex(_) => return plain,
    };
    match rule.folded().takes_paths(&folded) {
        Takes::None => Takes::None,
        Takes::Some | Takes::All => Takes::Some,
    }
}

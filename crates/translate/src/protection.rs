//! Filters and FilterPolicies together: what the service is told, and where it is asked.

mod origins;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Object, ObjectId, PreviewAccessMode, PreviewPolicy, Problem, Spec};
use nuncio_ir::auth::{
    ExternalProtocol, Filter, FilterId, FilterKind, FilterRef, Grant, InjectedHeader, RESPONSE_HEADERS, Rule, RuleSet,
    RuleSetId, authority, is_clients_own,
};

pub(crate) use self::rules::origin;
use self::rules::{PolicyRule, alone, requiring};
use crate::context::Context;
use crate::coverage::{Coverage, Gate, SetKey};
use crate::filter_rules::with_nested;
use crate::filters::{self, Around, filter_id};
use crate::glob::Glob;
use crate::world::invalid_reason;

/// What Filters and FilterPolicies come to.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    pub(crate) coverage: Arc<Coverage>,
    /// By their origins.
    rules: BTreeMap<Arc<str>, Rule>,
    /// What requests for previews pass, unless anybody may see them.
    pub(crate) gate: Vec<FilterRef>,
    /// How much of the body those want.
    pub(crate) gate_body: Option<u32>,
    /// The hosts whose rules ask for a login that nobody can have in a preview; those of previews themselves, where their gate does.
    pub(crate) closed_to_previews: BTreeSet<Glob>,
    /// Whether previews may be for who has a link to them.
    has_share_links: bool,
    /// The Filters that rules name, and those that stand for what cannot be read.
    pub(crate) filters: BTreeMap<FilterId, Arc<Filter>>,
    /// Headers by which upstreams learn who a request is from.
    pub(crate) identity_headers: BTreeSet<String>,
    /// All headers of requests that Filters write, in lower case.
    pub(crate) written_headers: BTreeSet<String>,
    pub(crate) problems: BTreeMap<ObjectId, Vec<Problem>>,
}

/// Policies, and Filters, each in the order of their names; and the policy of previews.
pub(crate) fn build(
    policies: &[Arc<Object>],
    filter_objects: &[Arc<Object>],
    previews: Option<(&ObjectId, &PreviewPolicy)>,
    context: &Context<'_>,
) -> Protection {
    let mut protection = Protection::default();
    let domain = previews.map(|(_, policy)| policy.domain.as_str().into());
    let all = protection.compile_filters(filter_objects, domain, context);
    let mut rules: Vec<PolicyRule> = Vec::new();
    for object in policies {
        protection.policy(object, &all, &mut rules);
    }
    // The sort is stable: rules of equal precedence stay in the order of their policies.
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.precedence));
    protection.has_share_links =
        previews.is_some_and(|(_, policy)| policy.access.contains(&PreviewAccessMode::ShareLink));
    let gate = previews.and_then(|(id, policy)| protection.gate(id, policy, &all));
    let endpoints = protection.endpoints(rules.iter().chain(&gate));
    let found = origins::find(filter_objects, &protection.filters, rules.iter().chain(&gate), previews);
    found.problems.into_iter().for_each(|(id, problem)| protection.problem(&id, problem));
    protection.closed_to_previews = found.closed;
    protection.coverage = Arc::new(Coverage::new(rules.iter().map(|rule| rule.covered.clone()).collect(), endpoints));
    if let Some(PolicyRule { covered, rule, .. }) = gate {
        (protection.gate, protection.gate_body) = (rule.filters, covered.body);
    }
    protection.rules = rules.into_iter().map(|PolicyRule { covered, rule, .. }| (covered.origin, rule)).collect();
    if !protection.is_on() {
        protection.filters.clear();
    }
    protection.identity_headers = protection.filters.values().flat_map(|filter| identity_headers(filter)).collect();
    protection.written_headers = protection.filters.values().flat_map(|filter| written_headers(filter)).collect();
    protection
}

impl Protection {
    /// Whether anything is protected.
    pub(crate) fn is_on(&self) -> bool {
        !self.coverage.is_empty() || self.has_gate()
    }

    /// Whether some previews are not for everybody.
    pub(crate) fn has_gate(&self) -> bool {
        !self.gate.is_empty() || self.has_share_links
    }

    /// The set of rules of a key.
    pub(crate) fn set(&self, id: RuleSetId, key: &SetKey) -> RuleSet {
        let rules = key.rules.iter().filter_map(|origin| self.rules.get(origin)).cloned();
        let gate = key.gate.as_ref().map(|gate| self.passed(gate)).unwrap_or_default();
        RuleSet { id, gate, rules: rules.collect(), whole: key.whole }
    }

    /// What a rule has requests pass.
    pub(crate) fn filters_of(&self, rule: &str) -> &[FilterRef] {
        self.rules.get(rule).map(|rule| &*rule.filters).unwrap_or_default()
    }

    /// Whether some rule asks for something else than in another.
    pub(crate) fn demands_otherwise(&self, other: &Self) -> bool {
        self.rules != other.rules
    }

    /// What a gate is made of.
    fn passed(&self, gate: &Gate) -> Vec<FilterRef> {
        match gate {
            Gate::Filters { require, .. } => self.gate.iter().map(|used| requiring(used, require.as_ref())).collect(),
            Gate::ShareLink(filter) => vec![alone(filter.clone())],
        }
    }

    /// Whether every filter of the gate knows of claims.
    pub(crate) fn gate_knows_claims(&self) -> bool {
        let kind = |used: &FilterRef| self.filters.get(&used.filter).map(|filter| &filter.kind);
        let knows = |kind: &FilterKind| {
            matches!(kind, FilterKind::Jwt(_) | FilterKind::OAuth2(_) | FilterKind::Introspection(_))
        };
        self.gate.iter().flat_map(with_nested).all(|used| kind(used).is_some_and(knows))
    }

    fn problem(&mut self, id: &ObjectId, problem: Problem) {
        self.problems.entry(id.clone()).or_default().push(problem);
    }

    /// Every Filter, those that cannot be used among them: they deny.
    fn compile_filters(
        &mut self,
        objects: &[Arc<Object>],
        previews: Option<Arc<str>>,
        context: &Context<'_>,
    ) -> BTreeMap<FilterId, Filter> {
        let id_of = |object: &Arc<Object>| filter_id(&object.id.name, &object.id.namespace);
        let is_jwt: BTreeMap<_, _> = objects
            .iter()
            .map(|object| (id_of(object), matches!(&object.spec, Spec::Filter(spec) if spec.jwt.is_some())))
            .collect();
        let jwt = |id: &FilterId| is_jwt.get(id).copied();
        let around = Around { secrets: context.secrets, context, jwt: &jwt, previews };
        let mut all: BTreeMap<FilterId, Filter> = BTreeMap::new();
        for object in objects {
            let id = id_of(object);
            let kind = match &object.spec {
                Spec::Filter(spec) => {
                    let (kind, problems) = filters::compile(&object.id, spec, &around);
                    let reason = || problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    let kind = kind.unwrap_or_else(|| invalid(&format!("{}: {}", object.id, reason())));
                    problems.into_iter().for_each(|problem| self.problem(&object.id, problem));
                    kind
                }
                _ => invalid(&invalid_reason(object)),
            };
            let kind = match all.get(&id) {
                // One of each group that mean the same are one.
                Some(known) if known.kind != kind => {
                    let message = format!("another Filter is called {id} too and says something else: neither is used");
                    for object in objects.iter().filter(|object| id_of(object) == id) {
                        self.problem(&object.id, Problem::error("AmbiguousFilter", "metadata.name", message.clone()));
                    }
                    invalid(&message)
                }
                _ => kind,
            };
            all.insert(id.clone(), Filter { id, kind });
        }
        all
    }

    /// The hosts at which logins have their endpoints: those of rules with a login, and the origins that it is for.
    fn endpoints<'r>(&self, rules: impl Iterator<Item = &'r PolicyRule>) -> Vec<Glob> {
        let mut endpoints = Vec::new();
        for PolicyRule { covered, rule, .. } in rules {
            for used in rule.filters.iter().flat_map(with_nested) {
                let Some(FilterKind::OAuth2(oauth2)) = self.filters.get(&used.filter).map(|filter| &filter.kind) else {
                    continue;
                };
                let Grant::AuthorizationCode(code) = &oauth2.grant else { continue };
                endpoints.push(covered.host.clone());
                for origin in &code.protected_origins {
                    let host = authority(&origin.origin);
                    endpoints.push(Glob::of_host(host));
                    if origin.include_subdomains {
                        endpoints.push(Glob::of_host(&format!("*.{}", nuncio_api::without_port(host))));
                    }
                }
            }
        }
        endpoints.sort_unstable_by_key(|host| host.regex());
        endpoints.dedup();
        endpoints
    }
}

fn invalid(reason: &str) -> FilterKind {
    FilterKind::Invalid { reason: reason.into() }
}

/// The headers in which a filter tells upstreams who a request is from, in lower case. Those that clients send with every
/// right stay theirs.
fn identity_headers(filter: &Filter) -> Vec<String> {
    let names = match &filter.kind {
        FilterKind::External(external) => lower(&external.identity_headers),
        _ => named_headers(filter, |header| !header.keep_client_value),
    };
    names.into_iter().filter(|name| !is_clients_own(name)).collect()
}

/// All that a filter may write of a request, in lower case: also what a client may say itself.
fn written_headers(filter: &Filter) -> Vec<String> {
    match &filter.kind {
        FilterKind::External(external) => {
            let named = match &external.protocol {
                ExternalProtocol::Http { allowed_authorization_headers, .. } => lower(allowed_authorization_headers),
                ExternalProtocol::Grpc => lower(&external.identity_headers),
            };
            named.into_iter().chain(RESPONSE_HEADERS.map(str::to_owned)).collect()
        }
        _ => named_headers(filter, |_| true),
    }
}

/// The headers that a filter is told to write, those that it injects as far as they are `meant`.
fn named_headers(filter: &Filter, meant: impl Fn(&InjectedHeader) -> bool) -> Vec<String> {
    let injected = |headers: &[InjectedHeader]| {
        headers.iter().filter(|header| meant(header)).map(|header| header.name.to_ascii_lowercase()).collect()
    };
    match &filter.kind {
        FilterKind::Jwt(jwt) => injected(&jwt.inject_request_headers),
        FilterKind::OAuth2(oauth2) => injected(&oauth2.inject_request_headers),
        FilterKind::Introspection(introspection) => injected(&introspection.inject_request_headers),
        FilterKind::ApiKey(keys) => lower(keys.identity.header.as_slice()),
        FilterKind::Basic(basic) => lower(basic.identity.header.as_slice()),
        FilterKind::External(_) | FilterKind::ShareLink(_) | FilterKind::Invalid { .. } => Vec::new(),
    }
}

fn lower(names: &[Arc<str>]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

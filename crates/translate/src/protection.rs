//! Filters and FilterPolicies together: what the service is told, and where it is asked.

mod origins;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{
    FilterPolicy, FilterRule, Kind, Object, ObjectId, PreviewAccessMode, PreviewPolicy, Problem, Remains, Spec,
    UNREADABLE_GUARD,
};
use nuncio_ir::auth::{
    Filter, FilterId, FilterKind, FilterRef, Grant, InjectedHeader, OnDeny, Rule, RuleSet, RuleSetId, authority,
    is_clients_own,
};

use crate::context::Context;
use crate::coverage::{Coverage, CoveredBy, Gate, SetKey};
use crate::filter_rules::{self, begins_anyway, unheeded, with_nested, without_scopes};
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
    /// Whether previews may be for who has a link to them.
    has_share_links: bool,
    /// The Filters that rules name, and those that stand for what cannot be read.
    pub(crate) filters: BTreeMap<FilterId, Arc<Filter>>,
    /// Headers by which upstreams learn who a request is from.
    pub(crate) identity_headers: BTreeSet<String>,
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
    let mut rules: Vec<(i64, CoveredBy, Rule)> = Vec::new();
    for object in policies {
        protection.policy(object, &all, &mut rules);
    }
    // The sort is stable: rules of equal precedence stay in the order of their policies.
    rules.sort_by_key(|(precedence, ..)| std::cmp::Reverse(*precedence));
    protection.has_share_links =
        previews.is_some_and(|(_, policy)| policy.access.contains(&PreviewAccessMode::ShareLink));
    let gate = previews.and_then(|(id, policy)| protection.gate(id, policy, &all));
    let endpoints = protection.endpoints(rules.iter().chain(&gate));
    for (id, problem) in origins::problems(filter_objects, &protection.filters, rules.iter().chain(&gate)) {
        protection.problem(&id, problem);
    }
    protection.coverage =
        Arc::new(Coverage::new(rules.iter().map(|(_, covered, _)| covered.clone()).collect(), endpoints));
    if let Some((_, covered, rule)) = gate {
        (protection.gate, protection.gate_body) = (rule.filters, covered.body);
    }
    protection.rules = rules.into_iter().map(|(_, covered, rule)| (covered.origin, rule)).collect();
    if !protection.is_on() {
        protection.filters.clear();
    }
    protection.identity_headers = protection.filters.values().flat_map(|filter| identity_headers(filter)).collect();
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
        let around = Around { secrets: context.secrets, services: context.services, jwt: &jwt, previews };
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

    fn policy(&mut self, object: &Object, all: &BTreeMap<FilterId, Filter>, rules: &mut Vec<(i64, CoveredBy, Rule)>) {
        match &object.spec {
            Spec::FilterPolicy(policy) => self.rules_of(&object.id, policy, all, rules),
            Spec::Invalid(Remains::Rules(policy)) => self.refuse(object, policy, rules),
            Spec::Invalid(Remains::AnyRule) => {
                // Of a document that cannot be read at all it is told already.
                if object.problems.iter().all(|(problem, _)| problem.reason != UNREADABLE_GUARD) {
                    let message = "cannot be read, nor which requests it is for: all are refused until it can be";
                    self.problem(&object.id, Problem::error("UnreadableFilterPolicy", "", message));
                }
                // Its precedence cannot be read either: it may have gone before any other.
                let first = nuncio_api::FilterRule { precedence: Some(i64::MAX), ..Default::default() };
                let everything = FilterPolicy { rules: vec![first], ..Default::default() };
                self.refuse(object, &everything, rules);
            }
            _ => {}
        }
    }

    fn rules_of(
        &mut self,
        id: &ObjectId,
        policy: &FilterPolicy,
        all: &BTreeMap<FilterId, Filter>,
        rules: &mut Vec<(i64, CoveredBy, Rule)>,
    ) {
        for (index, rule) in policy.rules.iter().enumerate() {
            let used = self.used(id, rule, &format!("spec.rules[{index}]"), all);
            rules.push(covered(id, index, rule, body(&used, all), used));
        }
    }

    /// The filters of a rule that stands at `place`, or one that denies.
    fn used(
        &mut self,
        id: &ObjectId,
        rule: &FilterRule,
        place: &str,
        all: &BTreeMap<FilterId, Filter>,
    ) -> Vec<FilterRef> {
        let mut errors = Vec::new();
        let mut used = filter_rules::filters(rule, &id.namespace);
        for (at, used) in used.iter().enumerate() {
            self.look_at(id, used, &format!("{place}.filters[{at}]"), all);
            errors.extend(unheeded(used, all).map(|message| (format!("filters[{at}].arguments"), message)));
            if let Some(message) = without_scopes(used, all) {
                let field = format!("{place}.filters[{at}].arguments.scope");
                self.problem(id, Problem::warning("NoEffect", field, message));
            }
            let below = format!("filters[{at}].arguments.insteadOfRedirect.filters");
            errors.extend(begins_anyway(used, all).map(|message| (below, message)));
        }
        if !errors.is_empty() {
            used = vec![self.denying(id, &format!("{id}: {}", errors[0].1))];
        }
        for (below, message) in errors {
            self.problem(id, Problem::error("InvalidRule", format!("{place}.{below}"), message));
        }
        used
    }

    /// What requests for previews pass: as a rule for their hosts.
    fn gate(
        &mut self,
        id: &ObjectId,
        policy: &PreviewPolicy,
        all: &BTreeMap<FilterId, Filter>,
    ) -> Option<(i64, CoveredBy, Rule)> {
        let (host, filters) = (Some(format!("*.{}", policy.domain)), policy.filters.clone());
        let rule = FilterRule { host, filters, ..FilterRule::default() };
        let used = self.used(id, &rule, "spec", all);
        (!used.is_empty()).then(|| covered(id, 0, &rule, body(&used, all), used))
    }

    /// Says what is wrong with a Filter that a rule names, and takes it in.
    fn look_at(&mut self, id: &ObjectId, used: &FilterRef, field: &str, all: &BTreeMap<FilterId, Filter>) {
        for used in with_nested(used) {
            let meanwhile = match used.on_deny {
                OnDeny::Break => "what the rule is for is refused",
                OnDeny::Continue => "who comes is nobody to it, and `onDeny: continue` leads on",
            };
            let Some(filter) = all.get(&used.filter) else {
                let message = format!("there is no Filter {}: {meanwhile}", used.filter);
                self.problem(id, Problem::error("FilterNotFound", field, message));
                continue;
            };
            if let FilterKind::Invalid { reason } = &filter.kind {
                let message = format!("{meanwhile}: {reason}");
                self.problem(id, Problem::error("InvalidFilter", field, message));
            }
            let inherited = match &filter.kind {
                FilterKind::OAuth2(oauth2) => oauth2.access_token_jwt_filter.as_ref(),
                _ => None,
            };
            let inherited = inherited.and_then(|inherited| all.get(&inherited.filter));
            for filter in [filter].into_iter().chain(inherited) {
                self.filters.entry(filter.id.clone()).or_insert_with(|| Arc::new(filter.clone()));
            }
        }
    }

    /// Has everything denied that a policy is for which cannot be used.
    fn refuse(&mut self, object: &Object, policy: &FilterPolicy, rules: &mut Vec<(i64, CoveredBy, Rule)>) {
        let reason = invalid_reason(object);
        for (index, rule) in policy.rules.iter().enumerate() {
            let denying = self.denying(&object.id, &reason);
            rules.push(covered(&object.id, index, rule, None, vec![denying]));
        }
    }

    /// A filter that stands for what cannot be read of a policy.
    fn denying(&mut self, id: &ObjectId, reason: &str) -> FilterRef {
        let filter = FilterId(format!("#{}{}", group_mark(id), filter_id(&id.name, &id.namespace)).into());
        let stands = Filter { id: filter.clone(), kind: invalid(reason) };
        self.filters.insert(filter.clone(), Arc::new(stands));
        alone(filter)
    }

    /// The hosts at which logins have their endpoints: those of rules with a login, and the origins that it is for.
    fn endpoints<'r>(&self, rules: impl Iterator<Item = &'r (i64, CoveredBy, Rule)>) -> Vec<Glob> {
        let mut endpoints = Vec::new();
        for (_, covered, rule) in rules {
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

/// A filter that is told nothing, and whose word counts.
fn alone(filter: FilterId) -> FilterRef {
    FilterRef {
        filter,
        if_request_header: None,
        on_deny: OnDeny::Break,
        on_allow: nuncio_ir::auth::OnAllow::Continue,
        arguments: nuncio_ir::auth::Arguments::default(),
    }
}

/// The filter, with one more thing that must hold of the claims, also where others decide instead of it.
fn requiring(used: &FilterRef, more: Option<&Arc<str>>) -> FilterRef {
    let mut used = used.clone();
    if let Some(more) = more {
        let both = used.arguments.require.as_ref().map(|own| format!("({own}) && ({more})").into());
        used.arguments.require = Some(both.unwrap_or_else(|| Arc::clone(more)));
    }
    if let Some(instead) = &mut used.arguments.instead_of_redirect {
        instead.filters = instead.filters.iter().map(|used| requiring(used, more)).collect();
    }
    used
}

fn invalid(reason: &str) -> FilterKind {
    FilterKind::Invalid { reason: reason.into() }
}

fn covered(
    id: &ObjectId,
    index: usize,
    rule: &nuncio_api::FilterRule,
    body: Option<u32>,
    filters: Vec<FilterRef>,
) -> (i64, CoveredBy, Rule) {
    let origin: Arc<str> = origin(id, index).into();
    let covered = CoveredBy {
        origin: Arc::clone(&origin),
        host: Glob::of_host(rule.host()),
        path: Glob::new(rule.path()),
        body,
        written: (id.clone(), index),
    };
    (rule.precedence.unwrap_or(0), covered, Rule { origin, path: rule.path().into(), filters })
}

/// Names a rule: no two have the same name, whatever the names of their policies.
pub(crate) fn origin(id: &ObjectId, index: usize) -> String {
    let mark = group_mark(id);
    match id.namespace.contains('.') {
        true => format!("{mark}{}/{}#{index}", id.namespace, id.name),
        false => format!("{mark}{}.{}#{index}", id.name, id.namespace),
    }
}

/// What sets a policy of the newer group apart from one of the same name.
fn group_mark(id: &ObjectId) -> &'static str {
    match id.kind {
        Kind::GatewayFilterPolicy => "gateway:",
        Kind::PreviewPolicy => "previews:",
        _ => "",
    }
}

/// How much of the body filters want. One byte more, so that the service sees whether there is more.
fn body(used: &[FilterRef], all: &BTreeMap<FilterId, Filter>) -> Option<u32> {
    let wanted = |used: &FilterRef| match &all.get(&used.filter)?.kind {
        FilterKind::External(external) => external.include_body.map(|body| body.max_bytes.saturating_add(1)),
        _ => None,
    };
    used.iter().flat_map(with_nested).filter_map(wanted).max()
}

/// The headers in which a filter tells upstreams who a request is from, in lower case. Those that clients send with every
/// right stay theirs.
fn identity_headers(filter: &Filter) -> Vec<String> {
    let injected = |headers: &[InjectedHeader]| {
        let own = headers.iter().filter(|header| !header.keep_client_value);
        own.map(|header| header.name.to_string()).collect::<Vec<_>>()
    };
    let names = match &filter.kind {
        FilterKind::Jwt(jwt) => injected(&jwt.inject_request_headers),
        FilterKind::OAuth2(oauth2) => injected(&oauth2.inject_request_headers),
        FilterKind::Introspection(introspection) => injected(&introspection.inject_request_headers),
        FilterKind::ApiKey(keys) => keys.identity.header.iter().map(ToString::to_string).collect(),
        FilterKind::Basic(basic) => basic.identity.header.iter().map(ToString::to_string).collect(),
        FilterKind::External(external) => external.identity_headers.iter().map(ToString::to_string).collect(),
        FilterKind::ShareLink(_) | FilterKind::Invalid { .. } => Vec::new(),
    };
    let names = names.into_iter().map(|name| name.to_ascii_lowercase());
    names.filter(|name| !is_clients_own(name)).collect()
}

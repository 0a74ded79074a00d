//! The rules of policies: which filters each asks, and what stands in for what cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{
    FilterPolicy, FilterRule, Kind, Object, ObjectId, PreviewPolicy, Problem, Remains, Spec, UNREADABLE_GUARD,
};
use nuncio_ir::auth::{Filter, FilterId, FilterKind, FilterRef, OnDeny, Rule};

use super::{Protection, invalid};
use crate::coverage::CoveredBy;
use crate::filter_rules::{self, begins_anyway, unheeded, with_nested, without_scopes};
use crate::filters::filter_id;
use crate::glob::Glob;
use crate::world::invalid_reason;

/// A rule of a policy: which requests it is for, and what they pass. Higher precedence goes first.
pub(super) struct PolicyRule {
    pub(super) precedence: i64,
    pub(super) covered: CoveredBy,
    pub(super) rule: Rule,
}

impl Protection {
    pub(super) fn policy(&mut self, object: &Object, all: &BTreeMap<FilterId, Filter>, rules: &mut Vec<PolicyRule>) {
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
                let first = FilterRule { precedence: Some(i64::MAX), ..Default::default() };
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
        rules: &mut Vec<PolicyRule>,
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
    pub(super) fn gate(
        &mut self,
        id: &ObjectId,
        policy: &PreviewPolicy,
        all: &BTreeMap<FilterId, Filter>,
    ) -> Option<PolicyRule> {
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
    fn refuse(&mut self, object: &Object, policy: &FilterPolicy, rules: &mut Vec<PolicyRule>) {
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
}

/// A filter that is told nothing, and whose word counts.
pub(super) fn alone(filter: FilterId) -> FilterRef {
    FilterRef {
        filter,
        if_request_header: None,
        on_deny: OnDeny::Break,
        on_allow: nuncio_ir::auth::OnAllow::Continue,
        arguments: nuncio_ir::auth::Arguments::default(),
    }
}

/// The filter, with one more thing that must hold of the claims, also where others decide instead of it.
pub(super) fn requiring(used: &FilterRef, more: Option<&Arc<str>>) -> FilterRef {
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

fn covered(id: &ObjectId, index: usize, rule: &FilterRule, body: Option<u32>, filters: Vec<FilterRef>) -> PolicyRule {
    let origin: Arc<str> = origin(id, index).into();
    let covered = CoveredBy {
        origin: Arc::clone(&origin),
        host: Glob::of_host(rule.host()),
        path: Glob::new(rule.path()),
        body,
        written: (id.clone(), index),
    };
    let precedence = rule.precedence.unwrap_or(0);
    PolicyRule { precedence, covered, rule: Rule { origin, path: rule.path().into(), filters } }
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

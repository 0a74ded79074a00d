//! What Filters and FilterPolicies mean to the rest.

mod schemes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem, Remains, Spec};
use nuncio_ir::auth::{FilterId, RuleSetId};
use nuncio_ir::{Delta, TableName, put};

use super::{Dirty, World};
use crate::coverage::SetKey;
use crate::glob::{Glob, Takes};
use crate::table::TOO_MANY_HOSTS;
use crate::{filter_service, filters, protection};

/// Filters, of both groups.
pub(super) const FILTERS: [Kind; 2] = [Kind::Filter, Kind::GatewayFilter];
/// And their policies.
const POLICIES: [Kind; 2] = [Kind::FilterPolicy, Kind::GatewayFilterPolicy];
/// Why a rule is for no request whose host is served, or may be.
const NO_ROUTE: &str = "no Mapping that a Host takes is for its host and path, or the rules before it take all of them";

/// The sets of rules that tables name, and how many name each.
#[derive(Debug, Default)]
pub(super) struct RuleSets {
    of_tables: BTreeMap<TableName, BTreeMap<RuleSetId, SetKey>>,
    used: BTreeMap<RuleSetId, (SetKey, usize)>,
    /// The rules in them, and in how many each is.
    rules: BTreeMap<Arc<str>, usize>,
    /// Rules that came into some set, or are in none any more.
    turned: BTreeSet<Arc<str>>,
}

impl RuleSets {
    /// What a set is made of that some table names.
    pub(super) fn key(&self, id: &RuleSetId) -> Option<&SetKey> {
        self.used.get(id).map(|(key, _)| key)
    }

    /// A table names these from now on. Gives what it names now or did before.
    pub(super) fn change(&mut self, table: &TableName, sets: BTreeMap<RuleSetId, SetKey>) -> Vec<RuleSetId> {
        let old = self.of_tables.remove(table).unwrap_or_default();
        let changed = old.keys().chain(sets.keys()).cloned().collect();
        for (id, key) in &sets {
            let (_, count) = self.used.entry(id.clone()).or_insert_with(|| (key.clone(), 0));
            *count += 1;
            if *count == 1 {
                self.learn(key);
            }
        }
        for (id, key) in &old {
            let Some((_, count)) = self.used.get_mut(id) else { continue };
            *count -= 1;
            if *count == 0 {
                self.used.remove(id);
                self.unlearn(key);
            }
        }
        if !sets.is_empty() {
            self.of_tables.insert(table.clone(), sets);
        }
        changed
    }

    /// Whether a rule is in some set: there are requests that it is for.
    fn holds(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    fn learn(&mut self, set: &SetKey) {
        for rule in &set.rules {
            let count = self.rules.entry(Arc::clone(rule)).or_default();
            *count += 1;
            if *count == 1 {
                self.turned.insert(Arc::clone(rule));
            }
        }
    }

    fn unlearn(&mut self, set: &SetKey) {
        for rule in &set.rules {
            let Some(count) = self.rules.get_mut(rule) else { continue };
            *count -= 1;
            if *count == 0 {
                self.rules.remove(rule);
                self.turned.insert(Arc::clone(rule));
            }
        }
    }
}

impl World {
    /// Makes Filters and FilterPolicies anew, and touches whatever hangs on them.
    pub(super) fn settle_protection(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        if !dirty.protection {
            return;
        }
        let objects = |kinds: [Kind; 2]| {
            let of_kind = |kind| self.of_kind(kind, |id| self.is_quarantined(id));
            let mut objects: Vec<_> = kinds.into_iter().flat_map(of_kind).collect();
            objects.sort_by(|a, b| (&a.id.name, &a.id.namespace).cmp(&(&b.id.name, &b.id.namespace)));
            objects
        };
        let (policies, filters) = (objects(POLICIES), objects(FILTERS));
        self.secrets.begin_filters();
        let previews = self.chosen_preview_policy();
        let previews = previews.as_ref().map(|(id, policy)| (id, &**policy));
        let new = protection::build(&policies, &filters, previews, &self.context());
        self.secrets.end();
        let old = std::mem::replace(&mut self.protection, new);
        let new = &self.protection;
        let known = old.problems.keys().chain(new.problems.keys());
        self.stirred.extend(known.filter(|id| old.problems.get(*id) != new.problems.get(*id)).cloned());
        dirty.frame |= old.is_on() != new.is_on() || old.identity_headers != new.identity_headers;
        for id in old.filters.keys().filter(|id| !new.filters.contains_key(*id)) {
            put(&mut self.model.filters, &mut delta.filters, id.clone(), None);
        }
        for (id, filter) in &new.filters {
            put(&mut self.model.filters, &mut delta.filters, id.clone(), Some((**filter).clone()));
        }
        dirty.preview_gate |= old.gate != new.gate
            || old.gate_body != new.gate_body
            || old.gate_knows_claims() != new.gate_knows_claims()
            || old.written_headers != new.written_headers
            || old.closed_to_previews != new.closed_to_previews
            || old.demands_otherwise(new);
        if old.coverage != new.coverage {
            self.stirred.extend(new.coverage.repeating_otherwise(&old.coverage).cloned());
            dirty.old_coverage = Some(old.coverage);
        }
    }

    /// Makes the sets of rules anew that something touched, and those in which a rule may be another.
    pub(super) fn settle_rule_sets(&mut self, dirty: &Dirty, delta: &mut Delta) {
        let mut touched = dirty.rule_sets.clone();
        if dirty.protection {
            touched.extend(self.rule_sets.used.keys().cloned());
        }
        for id in touched {
            let set = self.rule_sets.used.get(&id).map(|(key, _)| self.protection.set(id.clone(), key));
            put(&mut self.model.rule_sets, &mut delta.rule_sets, id, set);
        }
        if dirty.frame {
            // Whether the schemes of their origins are spoken.
            self.stirred.extend(FILTERS.into_iter().flat_map(|kind| self.ids_of(kind)).cloned().collect::<Vec<_>>());
        }
        let turned = std::mem::take(&mut self.rule_sets.turned);
        if !turned.is_empty() {
            let rules = self.protection.coverage.rules.iter().filter(|rule| turned.contains(&rule.origin));
            self.stirred.extend(rules.map(|rule| rule.written.0.clone()));
        }
    }

    /// Whether Envoy asks the authentication service that is told rules by this gateway.
    #[must_use]
    pub fn asks_own_authz(&self) -> bool {
        self.settings.authz.is_some() && self.model.clusters.contains_key(&filter_service::own_cluster())
    }

    /// Has what is written for names looked at anew that are for previews alone now, or are no more.
    pub(super) fn stir_reserved(&mut self) {
        let kinds = POLICIES.into_iter().chain([Kind::Host, Kind::Mapping]);
        let ids: Vec<_> = kinds.flat_map(|kind| self.ids_of(kind)).cloned().collect();
        self.stirred.extend(ids);
    }

    /// What is wrong with a Filter or FilterPolicy besides what is wrong with its text.
    pub(super) fn protection_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let mut problems = self.protection.problems.get(id).cloned().unwrap_or_default();
        let is_gate = |id: &ObjectId| id.kind == Kind::PreviewPolicy && self.protection.has_gate();
        let decides = id.kind.is_filter_policy() || is_gate(id);
        if decides && self.settings.authz.is_none() && self.protection.is_on() {
            let message = "has nobody to decide by it, so what it is for is refused";
            problems.push(Problem::error("NoAuthenticationService", "", message));
        }
        problems.extend(self.idle_rules(id));
        problems.extend(self.unspoken_origins(id));
        problems
    }

    /// Rules of a policy that are for no request: most likely a slip of the pen, and what they were to keep is open.
    fn idle_rules(&self, id: &ObjectId) -> Vec<Problem> {
        let Some(Spec::FilterPolicy(policy)) = self.objects.get(id).map(|object| &object.spec) else {
            return Vec::new();
        };
        // Of what there is nothing to be protected of, and what is told of otherwise.
        let is_told = |problem: &Problem| problem.reason == TOO_MANY_HOSTS;
        if self.mappings.is_empty() || self.is_quarantined(id) || self.table_problems.of(id).any(is_told) {
            return Vec::new();
        }
        // One of which it is not known what it is for is for everything, and goes before others until it can be read.
        let is_unread = |id: &ObjectId| matches!(self.objects[id].spec, Spec::Invalid(Remains::AnyRule));
        if POLICIES.into_iter().flat_map(|kind| self.ids_of(kind)).any(is_unread) {
            return Vec::new();
        }
        let rules = policy.rules.iter().enumerate();
        let idle = rules.filter_map(|(index, rule)| {
            let origin = protection::origin(id, index);
            if let Some(first) = self.protection.coverage.repeats(&origin) {
                let message = format!("protects nothing: {first} is for the same hosts and paths, and goes before it");
                return Some(Problem::warning("NoMatchingRoute", format!("spec.rules[{index}]"), message));
            }
            let is_idle = !self.rule_sets.holds(&origin);
            let idle = || is_idle.then(|| self.idle_rule(index, &Glob::of_host(rule.host()))).flatten();
            self.rule_for_previews(index, rule.host()).or_else(idle)
        });
        idle.collect()
    }

    /// Whether a rule is for names that previews have, to which those of the hosts apply that they show.
    fn rule_for_previews(&self, index: usize, host: &str) -> Option<Problem> {
        let host = Glob::of_host(host).to_string();
        let domain = self.previews.domain().filter(|_| self.previews.reserves(&host.replace(['*', '?'], "x")))?;
        let message = format!(
            "does not count for previews, and names right below {domain} are for previews alone: there the PreviewPolicy's \
             filters count, and the rules for the hosts that they show"
        );
        Some(Problem::warning("ReservedForPreviews", format!("spec.rules[{index}].host"), message))
    }

    /// Why a rule for this host is for no request.
    fn idle_rule(&self, index: usize, host: &Glob) -> Option<Problem> {
        // What is wrong with a Host is told of by itself.
        if self.frame.unusable.iter().any(|names| host.takes_hosts(names) != Takes::None) {
            return None;
        }
        let (field, why) = match host.exact().and_then(|name| self.unserved(&name)) {
            Some(why) => (format!("spec.rules[{index}].host"), why),
            None => (format!("spec.rules[{index}]"), NO_ROUTE.to_owned()),
        };
        Some(Problem::warning("NoMatchingRoute", field, format!("protects nothing: {why}")))
    }

    /// Why nobody serves a name.
    fn unserved(&self, name: &str) -> Option<String> {
        if !self.frame.classes.iter().any(|class| class.governing(name).is_some()) {
            return Some(format!("no Host that a Listener binds takes {name}"));
        }
        let is_for = self.own(name).next().is_some() || self.wild().any(|wild| wild.host.may_take(name));
        (!is_for).then(|| format!("no Mapping is for {name}"))
    }

    /// The sets of rules that a policy is part of, as routes name them.
    pub(super) fn rule_sets_of(&self, id: &ObjectId) -> Vec<RuleSetId> {
        let is_own = |origin: &Arc<str>| Self::is_rule_of(id, origin);
        let used = self.rule_sets.used.iter();
        used.filter(|(_, (key, _))| key.rules.iter().any(is_own)).map(|(id, _)| id.clone()).collect()
    }

    /// Whether a rule of this origin is one of a policy's.
    #[must_use]
    pub fn is_rule_of(id: &ObjectId, origin: &str) -> bool {
        let first = protection::origin(id, 0);
        let index = POLICIES.contains(&id.kind).then(|| origin.strip_prefix(first.trim_end_matches('0'))).flatten();
        index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The objects that a set of rules or a filter of this name is made of.
    #[must_use]
    pub fn users_in_authentication(&self, name: &str) -> Vec<ObjectId> {
        let kinds = FILTERS.into_iter().chain(POLICIES).chain([Kind::Preview]);
        let of_kinds = kinds.flat_map(|kind| self.ids_of(kind));
        let is_user = |id: &&ObjectId| match id.kind {
            Kind::Filter | Kind::GatewayFilter => self.filter_of(id).is_some_and(|filter| *filter.0 == *name),
            Kind::Preview => self.previews.share_filter(id).is_some_and(|filter| *filter.id.0 == *name),
            _ => self.rule_sets_of(id).iter().any(|set| *set.0 == *name),
        };
        of_kinds.filter(is_user).cloned().collect()
    }

    /// The Filter as the service knows it, if it is sent to it.
    pub(super) fn filter_of(&self, id: &ObjectId) -> Option<FilterId> {
        let filter = filters::filter_id(&id.name, &id.namespace);
        self.model.filters.contains_key(&filter).then_some(filter)
    }
}

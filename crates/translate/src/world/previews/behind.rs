//! Services that rules keep, at paths of their own: a preview does not lead around those. And logins of rules that nobody can have
//! there.

use std::sync::Arc;

use nuncio_api::{ObjectId, PreviewBackends, PreviewPolicy, PreviewedService, Problem};
use nuncio_ir::auth::FilterRef;

use crate::compiled::{self, HostCondition};
use crate::coverage::{Applying, Coverage, Gate};
use crate::glob::Glob;
use crate::pattern::HostPattern;
use crate::preview::{Compiled, Entrance, Phase, Replacement};
use crate::service::{ServiceKey, Target, target};
use crate::world::World;

/// What is asked of requests that a Mapping leads to its service, at some names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Demands<'w> {
    by_service: bool,
    /// Of the rules that may be for them, in their order; empty where none asks for anything.
    by_rules: Vec<&'w [FilterRef]>,
    /// Whether no path goes without a rule.
    of_all: bool,
}

impl World {
    /// Takes a Service out of a Preview that would stand in where other rules hold than where a Mapping leads to it, and says where
    /// nobody can log in.
    pub(super) fn hold_against_rules(&self, preview: &mut Compiled) {
        let kept = self.behind_rules(&preview.id, &preview.policy, &preview.entrances, &preview.replacements);
        for (index, problem) in kept {
            let replacement = &mut preview.replacements[index];
            (replacement.missing, replacement.forbidden) = (Some(problem.message.clone()), true);
            preview.problems.push(problem);
        }
        let closed: Vec<_> = preview.entrances.iter().filter_map(|entrance| self.closed(preview, entrance)).collect();
        preview.problems.extend(closed);
    }

    /// That a login is asked for at an entrance which is not for its names. Which one it is stands at the policy, for operators.
    fn closed(&self, preview: &Compiled, entrance: &Entrance) -> Option<Problem> {
        let has_gate = matches!(preview.gate, Some(Gate::Filters { .. }));
        let asks = |rules: &Glob| rules.matches(&entrance.baseline) || has_gate && rules.matches(&entrance.name);
        if preview.phase == Phase::Ended || !self.protection.closed_to_previews.iter().any(asks) {
            return None;
        }
        let message = "whatever asks for a login there answers 403: a login is not for previews; who runs the gateway finds at the \
                       PreviewPolicy what to add";
        Some(Problem::warning("NoMatchingOrigin", format!("spec.entrypoints[{}].host", entrance.index), message))
    }

    /// Which of those that stand in do so where other rules hold than where a Mapping leads to them, each with what is to be said
    /// of that.
    pub(super) fn behind_rules(
        &self,
        id: &ObjectId,
        policy: &PreviewPolicy,
        entrances: &[Entrance],
        replacements: &[Replacement],
    ) -> Vec<(usize, Problem)> {
        if policy.backends.unwrap_or_default() != PreviewBackends::Services {
            return Vec::new();
        }
        let hosts: Vec<_> = entrances.iter().map(|entrance| Arc::clone(&entrance.baseline)).collect();
        let kept = replacements.iter().enumerate().filter_map(|(index, replacement)| {
            let mapping = self.keeping(replacement, &hosts)?;
            let (backend, baseline) = (&replacement.backend.backend, &replacement.backend.baseline);
            let message = format!(
                "{backend} is behind {mapping}, of whose requests more, or something else, is asked than of those for {baseline}: \
                 have the same rules hold there, or let the PreviewPolicy say `backends: Any`"
            );
            let field = match replacement.owner == *id {
                true => format!("spec.services[{index}].backend"),
                false => "spec.includes".to_owned(),
            };
            Some((index, Problem::error("NotAllowed", field, message)))
        });
        kept.collect()
    }

    /// A Mapping that leads to what stands in, by whatever port, and asks for what is not asked for where that would.
    fn keeping(&self, replacement: &Replacement, hosts: &[Arc<str>]) -> Option<&ObjectId> {
        if replacement.forbidden || replacement.backend.is_tunnel() {
            return None;
        }
        let PreviewedService { backend, baseline, .. } = &replacement.backend;
        let Target::Name(Some(key)) = target(&backend.host, &replacement.owner.namespace) else { return None };
        // Of two that name no port the one is any, and the other a single one.
        if backend == baseline && backend.port.is_some() {
            return None;
        }
        let leads_around = |keeper: &&compiled::Compiled| {
            hosts.iter().any(|host| {
                let wanted = self.demands_at(keeper, host);
                let asks = wanted.iter().any(|wanted| *wanted != Demands::default());
                asks && self.replaced_at(host, replacement).any(|other| {
                    let found = self.demands(other, &self.protection.coverage.of_name(host));
                    wanted.iter().any(|wanted| *wanted != Demands::default() && *wanted != found)
                })
            })
        };
        self.mappings_to(&key).find(leads_around).map(compiled::Compiled::origin)
    }

    /// The Mappings that lead requests of a host to what is replaced.
    fn replaced_at<'w>(
        &'w self,
        host: &'w Arc<str>,
        replacement: &'w Replacement,
    ) -> impl Iterator<Item = &'w compiled::Compiled> {
        let may_take = self.own(host).chain(self.wild().map(|it| &**it).filter(|mapping| mapping.host.may_take(host)));
        may_take.filter(|mapping| mapping.upstream().is_some_and(|upstream| replacement.replaces(upstream)))
    }

    fn mappings_to(&self, service: &ServiceKey) -> impl Iterator<Item = &compiled::Compiled> {
        self.users.of_service(service).filter_map(|id| self.mappings.get(&id)).map(|mapping| &**mapping)
    }

    /// What a Mapping asks at a name, or, where it is not for that, at all of its names.
    fn demands_at(&self, mapping: &compiled::Compiled, host: &str) -> Vec<Demands<'_>> {
        let coverage = &self.protection.coverage;
        let sorts = match &mapping.host {
            condition if condition.may_take(host) => vec![coverage.of_name(host)],
            HostCondition::Pattern(pattern) => names(coverage, pattern),
            HostCondition::None | HostCondition::Regex(..) => names(coverage, &HostPattern::Any),
        };
        sorts.iter().map(|rules| self.demands(mapping, rules)).collect()
    }

    fn demands(&self, mapping: &compiled::Compiled, rules: &Applying) -> Demands<'_> {
        if mapping.auth.bypassed {
            return Demands::default();
        }
        let coverage = &self.protection.coverage;
        let set = coverage.check(rules, &mapping.matches.path).map(|(set, _)| set.rules).unwrap_or_default();
        let by_rules: Vec<_> = set.iter().map(|rule| self.protection.filters_of(rule)).collect();
        let by_service = self.frame.auth.is_on();
        match by_rules.iter().all(|filters| filters.is_empty()) {
            true => Demands { by_service, ..Demands::default() },
            false => Demands { by_service, by_rules, of_all: coverage.takes_all(rules, &mapping.matches.path) },
        }
    }
}

fn names(coverage: &Coverage, pattern: &HostPattern) -> Vec<Applying> {
    match pattern {
        HostPattern::Exact(name) => vec![coverage.of_name(name)],
        _ => coverage.names(pattern).parts.into_iter().map(|part| part.rules).collect(),
    }
}

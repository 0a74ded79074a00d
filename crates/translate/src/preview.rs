//! Previews: hosts of their own with the routes of a baseline host, some of whose services are others.

mod gate;
mod include;
mod key;
mod life;
mod name;
mod page;
mod replacement;
mod shadow;
mod trust;
mod tunnel;

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Object, ObjectId, Preview, PreviewPolicy, Problem};
use nuncio_ir::auth::{Filter, Sensitive};

use crate::context::Context;
use crate::coverage::Gate;
use crate::pattern::HostPattern;
use crate::service::{ServiceKey, Target, target};

use self::replacement::{Terms, replacements};

pub(crate) use include::{Absent, Group, Part, group};
pub(crate) use key::{Seed, fingerprint};
pub(crate) use life::{Begun, Life, Phase, REMEMBERED};
pub(crate) use name::is_below;
pub use page::unanswered;
pub(crate) use page::{mark, pointer, shield, tombstone, unknown_table};
pub(crate) use replacement::Replacement;
pub(crate) use shadow::{Base, Copied, Face, Shadow};
pub(crate) use trust::Trust;
pub(crate) use tunnel::Sockets;

/// What holds for all previews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) policy: Arc<PreviewPolicy>,
    pub(crate) seed: Seed,
    /// Headers that hold keys besides those that always do, in lower case.
    pub(crate) headers: Arc<[String]>,
}

/// A Preview, taken apart under the policy that is in force.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) id: ObjectId,
    /// What visitors call it.
    pub(crate) selector: Arc<str>,
    /// What services hand on.
    pub(crate) key: Sensitive,
    /// Headers that hold the key besides those that always do.
    pub(crate) headers: Arc<[String]>,
    /// What says who may be told the key.
    pub(crate) policy: Arc<PreviewPolicy>,
    pub(crate) entrances: Vec<Entrance>,
    /// Its own, by their places in the spec, and then those of others that it includes.
    pub(crate) replacements: Vec<Replacement>,
    /// The Previews on which it hangs besides.
    pub(crate) members: BTreeSet<ObjectId>,
    /// One of them is not there, so nothing is shown.
    pub(crate) is_broken: bool,
    /// What requests have to pass; nothing where anybody may see it.
    pub(crate) gate: Option<Gate>,
    /// The filter that wants a link to it, where that is its gate.
    pub(crate) share: Option<Arc<Filter>>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) life: Life,
    pub(crate) phase: Phase,
}

/// A host of a preview.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    /// Its place in the spec.
    pub(crate) index: usize,
    /// In lower case.
    pub(crate) name: Arc<str>,
    /// How its URLs begin.
    pub(crate) origin: Arc<str>,
    /// The host whose routes it has, in lower case.
    pub(crate) baseline: Arc<str>,
}

/// Takes a Preview apart. `sockets` are those of each Preview.
pub(crate) fn compile<'s>(
    object: &Object,
    spec: &Preview,
    rules: &Rules,
    (begun, now): (Begun, u64),
    group: Group<'_>,
    sockets: impl Fn(&ObjectId) -> Option<&'s Sockets>,
    context: &Context<'_>,
) -> Compiled {
    let (id, policy) = (&object.id, &rules.policy);
    let selector = name::selector(id, spec.slug.as_deref(), &rules.seed);
    let mut problems: Vec<_> = name::unusual(id).into_iter().collect();
    let allowed = match forbidden(id, spec, policy) {
        Some(problem) => Err(problem),
        None => gate::of(id, spec, policy, context.protection),
    };
    let (gate, entrances) = match allowed {
        Ok(gate) => (gate, entrances(&selector, spec, policy, &mut problems)),
        Err(problem) => {
            problems.push(problem);
            (None, Vec::new())
        }
    };
    let life = Life::new(spec, policy, begun);
    let phase = life.phase(now);
    let terms = Terms { policy, context, is_over: phase.is_over() };
    let mut replacements = replacements(id, spec, sockets(id), terms, &mut problems);
    problems.extend(group.problems);
    for part in &group.parts {
        let mut told = Vec::new();
        let more = self::replacements(&part.id, part.spec, sockets(&part.id), terms, &mut told);
        // Of what is not there it is said already that it is not.
        let told = told.into_iter().filter(|_| part.absent.is_none());
        problems.extend(told.map(|problem| of_part(part, &problem)));
        for replacement in more.into_iter().map(|it| it.of(part)) {
            match replacements.iter().find(|other| other.overlaps(&replacement)) {
                Some(other) if other.is_same(&replacement) => {}
                Some(other) => problems.push(conflict(part, &replacement, other)),
                None => replacements.push(replacement),
            }
        }
    }
    let generation = spec.access.as_ref().and_then(|access| access.generation).unwrap_or_default();
    let (key, headers) = (rules.seed.key(id, object.uid.as_deref(), generation), Arc::clone(&rules.headers));
    let share = gate.as_ref().and_then(|gate| gate::share_filter(gate, id, spec, &selector, &rules.seed));
    problems.extend(life.problem(now));
    let Group { members, is_broken, .. } = group;
    let (id, policy) = (id.clone(), Arc::clone(policy));
    Compiled {
        id,
        selector,
        key,
        headers,
        policy,
        entrances,
        replacements,
        members,
        is_broken,
        gate,
        share,
        problems,
        life,
        phase,
    }
}

/// What is wrong with a Preview, for the one that includes it.
fn of_part(part: &Part<'_>, problem: &Problem) -> Problem {
    let message = format!("{}: {}: {}", part.id, problem.field, problem.message);
    Problem { field: format!("spec.includes[{}]", part.index), message, ..problem.clone() }
}

fn conflict(part: &Part<'_>, replacement: &Replacement, other: &Replacement) -> Problem {
    let (service, id, other) = (&replacement.backend.baseline, &part.id, &other.owner);
    let message = format!("{id} replaces {service}, and so does {other} otherwise: that of {other} counts");
    Problem::error("IncludeConflict", format!("spec.includes[{}]", part.index), message)
}

impl Compiled {
    /// The Services on which it hangs.
    pub(crate) fn services(&self) -> BTreeSet<ServiceKey> {
        let named = self
            .replacements
            .iter()
            .flat_map(|it| [&it.backend.backend, &it.backend.baseline].map(|service| (service, &it.owner.namespace)));
        let keys = named.filter(|(service, _)| !service.is_absent()).filter_map(|(service, namespace)| {
            match target(&service.host, namespace) {
                Target::Name(key) => key,
                Target::Address(_) => None,
            }
        });
        keys.collect()
    }
}

/// Why the policy does not let a Preview be.
pub(crate) fn forbidden(id: &ObjectId, spec: &Preview, policy: &PreviewPolicy) -> Option<Problem> {
    if !policy.takes_namespace(&id.namespace) {
        let message = format!("the PreviewPolicy allows no previews in the namespace {}", id.namespace);
        return Some(Problem::error("NotAllowed", "metadata.namespace", message));
    }
    let mode = spec.access.as_ref().and_then(|access| access.mode)?;
    (!policy.access.contains(&mode)).then(|| {
        let message = format!("the PreviewPolicy does not allow previews that are {mode:?}");
        Problem::error("NotAllowed", "spec.access.mode", message)
    })
}

/// What the policy does not let a Preview be, whether it is there or not. `behind` says what of that is so by other rules.
pub(crate) fn refused(
    id: &ObjectId,
    spec: &Preview,
    policy: &PreviewPolicy,
    context: &Context<'_>,
    behind: impl FnOnce(&[Entrance], &[Replacement]) -> Vec<Problem>,
) -> Vec<Problem> {
    let mut problems: Vec<_> = forbidden(id, spec, policy).into_iter().collect();
    problems.extend(gate::of(id, spec, policy, context.protection).err());
    let entrances = entrances("", spec, policy, &mut problems);
    let terms = Terms { policy, context, is_over: false };
    let replacements = replacements(id, spec, None, terms, &mut problems);
    problems.extend(behind(&entrances, &replacements));
    // That somebody is not there yet is no reason.
    problems.retain(|problem| problem.reason == "NotAllowed");
    let ttl = spec.lifetime.as_ref().and_then(|lifetime| lifetime.ttl.as_ref());
    if let Some((_, most)) = ttl.zip(policy.max_ttl.as_ref()).filter(|(ttl, most)| ttl.0 > most.0) {
        let message = format!("the PreviewPolicy lets previews be shown for {}s at most", most.0.as_secs());
        problems.push(Problem::error("NotAllowed", "spec.lifetime.ttl", message));
    }
    problems
}

fn entrances(selector: &str, spec: &Preview, policy: &PreviewPolicy, problems: &mut Vec<Problem>) -> Vec<Entrance> {
    let allowed: Vec<_> = policy.hosts.iter().filter_map(|host| HostPattern::parse(host)).collect();
    let mut entrances = Vec::new();
    for (index, entrypoint) in spec.entrypoints.iter().enumerate() {
        let Some(HostPattern::Exact(baseline)) = HostPattern::parse(&entrypoint.host) else { continue };
        if allowed.iter().any(|pattern| pattern.takes(&baseline)) && !is_below(&policy.domain, &baseline) {
            let name = name::host_name(selector, &entrypoint.name, &policy.domain);
            entrances.push(Entrance { index, origin: policy.origin(&name).into(), name, baseline });
        } else {
            let message = format!("the PreviewPolicy allows no previews of {baseline}");
            problems.push(Problem::error("NotAllowed", format!("spec.entrypoints[{index}].host"), message));
        }
    }
    entrances
}

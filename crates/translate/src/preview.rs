//! Previews: hosts of their own with the routes of a baseline host, some of whose services are others.

mod gate;
mod include;
mod key;
mod life;
mod name;
mod page;
mod shadow;
mod trust;
mod tunnel;

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{
    ObjectId, Preview, PreviewBackends, PreviewPolicy, PreviewedService, Problem, ServiceRef, WhenMissing,
};
use nuncio_ir::auth::{Filter, Sensitive};

use crate::context::Context;
use crate::coverage::Gate;
use crate::pattern::HostPattern;
use crate::service::{ServiceKey, Target, target};
use crate::upstream::{Location, find};

pub(crate) use include::{Group, Part, group};
pub(crate) use key::{Seed, fingerprint};
pub(crate) use life::{Begun, Life, Phase, REMEMBERED};
pub(crate) use name::is_below;
pub(crate) use page::{mark, out_of_service, pointer, shield, tombstone, unknown_table};
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

/// A service that is replaced.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// The Preview that says so: this one, or one that it includes.
    pub(crate) owner: ObjectId,
    pub(crate) location: Location,
    /// Any where absent.
    pub(crate) port: Option<u16>,
    pub(crate) backend: PreviewedService,
    /// Why there is nobody behind it.
    pub(crate) missing: Option<String>,
    /// Whether it may not stand in at all.
    pub(crate) forbidden: bool,
    /// Behind which a process is that stands in, where one is connected.
    pub(crate) socket: Option<Arc<str>>,
}

impl Replacement {
    /// Whether both are for some request.
    fn overlaps(&self, other: &Self) -> bool {
        self.location == other.location && (self.port.is_none() || other.port.is_none() || self.port == other.port)
    }

    /// Whether the same happens by both.
    fn is_same(&self, other: &Self) -> bool {
        let is_tunnel = self.backend.is_tunnel() || other.backend.is_tunnel();
        let of_same = self.owner.namespace == other.owner.namespace && !is_tunnel;
        of_same && self.port == other.port && self.backend == other.backend
    }

    /// Whether the baseline gets its requests meanwhile.
    pub(crate) fn is_left_to_baseline(&self) -> bool {
        let falls_back = self.backend.when_missing.unwrap_or_default() == WhenMissing::Baseline;
        self.missing.is_some() && falls_back && !self.forbidden
    }
}

/// Takes a Preview apart. `sockets` are those of each Preview.
pub(crate) fn compile<'s>(
    id: &ObjectId,
    spec: &Preview,
    rules: &Rules,
    (begun, now): (Begun, u64),
    group: Group<'_>,
    sockets: impl Fn(&ObjectId) -> Option<&'s Sockets>,
    context: &Context<'_>,
) -> Compiled {
    let policy = &rules.policy;
    let selector = name::selector(id, spec.slug.as_deref());
    let mut problems = Vec::new();
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
    let mut replacements = replacements(id, spec, policy, sockets(id), context, &mut problems);
    problems.extend(group.problems);
    for part in &group.parts {
        let mut told = Vec::new();
        let more = self::replacements(&part.id, part.spec, policy, sockets(&part.id), context, &mut told);
        problems.extend(told.into_iter().map(|problem| of_part(part, &problem)));
        for replacement in more {
            match replacements.iter().find(|other| other.overlaps(&replacement)) {
                Some(other) if other.is_same(&replacement) => {}
                Some(other) => problems.push(conflict(part, &replacement, other)),
                None => replacements.push(replacement),
            }
        }
    }
    let (key, headers) = (rules.seed.key(id), Arc::clone(&rules.headers));
    let share = gate.as_ref().and_then(|gate| gate::share_filter(gate, id, spec, &selector, &rules.seed));
    let life = Life::new(spec, policy, begun);
    problems.extend(life.problem(now));
    let (phase, policy) = (life.phase(now), Arc::clone(policy));
    let Group { members, is_broken, .. } = group;
    let id = id.clone();
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

/// What a Preview says itself that is replaced.
fn replacements(
    id: &ObjectId,
    spec: &Preview,
    policy: &PreviewPolicy,
    sockets: Option<&Sockets>,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Replacement> {
    let services = spec.services.iter().enumerate();
    let replacements = services.map(|(index, service)| {
        let socket = sockets.and_then(|sockets| sockets.get(&service.baseline));
        replacement(id, index, service, socket, policy, context, problems)
    });
    replacements.collect()
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

fn replacement(
    id: &ObjectId,
    index: usize,
    service: &PreviewedService,
    socket: Option<&Arc<str>>,
    policy: &PreviewPolicy,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Replacement {
    let only_own = policy.backends.unwrap_or_default() == PreviewBackends::Services;
    let own = own(id, &service.backend, context);
    let (missing, forbidden) = if service.is_tunnel() {
        let forbidden = tunnel::forbidden(service, policy).is_some();
        (tunnel::missing(index, service, socket, policy, problems), forbidden)
    } else if only_own && own.is_none() {
        let message = format!(
            "the PreviewPolicy allows Services of the namespace {} alone, none of type ExternalName",
            id.namespace
        );
        let field = format!("spec.services[{index}].backend");
        problems.push(Problem::error("NotAllowed", field, message.clone()));
        (Some(message), true)
    } else {
        let lacks = lacks(id, &service.backend, own.filter(|_| only_own), context);
        let field = format!("spec.services[{index}].backend");
        problems.extend(lacks.clone().map(|message| Problem::warning("NoEndpoints", field, message)));
        problems.extend(lacks.is_none().then(|| idle_fallback(id, index, service, context)).flatten());
        (lacks, false)
    };
    let found = find(&service.baseline, &id.namespace, context);
    let (location, port) = (found.location, service.baseline.port);
    let socket = socket.filter(|_| service.is_tunnel() && missing.is_none()).cloned();
    Replacement { owner: id.clone(), location, port, backend: service.clone(), missing, forbidden, socket }
}

/// The Service of the Preview's own namespace that is named, if it is one, and not another name for anything.
fn own(id: &ObjectId, backend: &ServiceRef, context: &Context<'_>) -> Option<ServiceKey> {
    let Target::Name(Some(key)) = target(&backend.host, &id.namespace) else { return None };
    let names_another = context.services.get(&key).is_some_and(|service| service.is_external_name());
    (key.namespace == id.namespace && !names_another).then_some(key)
}

/// The baseline as what answers instead of a backend of which nobody knows whether it is there.
fn idle_fallback(id: &ObjectId, index: usize, service: &PreviewedService, context: &Context<'_>) -> Option<Problem> {
    let is_known = find(&service.backend, &id.namespace, context).source.is_some();
    (!is_known && service.when_missing == Some(WhenMissing::Baseline)).then(|| {
        let backend = &service.backend;
        let message = format!("{backend} is no Service with endpoints of its own: it never counts as missing");
        Problem::warning("NoEffect", format!("spec.services[{index}].whenMissing"), message)
    })
}

/// Why there is nobody behind a backend, which has to be the Service `own` where one is given.
fn lacks(id: &ObjectId, backend: &ServiceRef, own: Option<ServiceKey>, context: &Context<'_>) -> Option<String> {
    let found = find(backend, &id.namespace, context);
    let lacks = found.source.as_ref().and_then(|source| context.services.lacks_endpoints(source));
    lacks.map(|error| error.to_string()).or_else(|| match (&found.source, own) {
        (None, Some(key)) if context.services.get(&key).is_none() => Some(format!("there is no Service {key}")),
        _ => None,
    })
}

//! Services that previews replace, and who stands in for them.

use std::sync::Arc;

use nuncio_api::{
    ObjectId, Preview, PreviewBackends, PreviewPolicy, PreviewedService, Problem, ServiceRef, WhenMissing,
};
use nuncio_ir::Discovery;

use super::Part;
use super::tunnel::{self, Sockets};
use crate::compiled::Upstream;
use crate::context::Context;
use crate::service::{ANSWERED_503, ServiceKey, Target, target};
use crate::upstream::{Location, find, location};

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
    /// And since when that is known here, in seconds since 1970.
    pub(crate) since: Option<u64>,
    /// Whether it may not stand in at all.
    pub(crate) forbidden: bool,
    /// Behind which a process is that stands in, where one is connected.
    pub(crate) socket: Option<Arc<str>>,
}

/// Under which services are replaced.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a, 'w> {
    pub(super) policy: &'a PreviewPolicy,
    pub(super) context: &'a Context<'w>,
    /// Nobody is missing behind what is shown no more.
    pub(super) is_over: bool,
}

impl Replacement {
    /// Whether something is for this, of which `later` would have some as well: of what is narrower the rest is left.
    pub(super) fn overlaps(&self, later: &Self) -> bool {
        let is_same_place =
            self.location == later.location && (self.port.is_none() || later.port.is_none() || self.port == later.port);
        let (own, others) = (&self.backend.matches, &later.backend.matches);
        is_same_place && (own.is_none() || own == others)
    }

    /// Whether the same happens by both.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_tunnel = self.backend.is_tunnel() || other.backend.is_tunnel();
        let of_same = self.owner.namespace == other.owner.namespace && !is_tunnel;
        of_same && self.port == other.port && self.backend.sends_as(&other.backend)
    }

    /// As a part has it: nobody stands in where that is not there.
    pub(super) fn of(self, part: &Part<'_>) -> Self {
        match &part.absent {
            Some(why) => Self { missing: Some(why.clone()), forbidden: true, socket: None, ..self },
            None => self,
        }
    }

    /// Whether what is sent to a cluster is meant.
    pub(crate) fn replaces(&self, upstream: &Upstream) -> bool {
        let place = location(upstream);
        place.is_some_and(|(place, port)| self.location == place && self.port.is_none_or(|wanted| wanted == port))
    }

    /// Whether it is the process that stands in behind a cluster.
    pub(crate) fn is_behind(&self, upstream: &Upstream) -> bool {
        matches!(&upstream.cluster.discovery, Discovery::Unix(socket) if self.socket.as_ref() == Some(socket))
    }

    /// Whether the baseline gets its requests meanwhile.
    pub(crate) fn is_left_to_baseline(&self) -> bool {
        let falls_back = self.backend.when_missing.unwrap_or_default() == WhenMissing::Baseline;
        self.missing.is_some() && falls_back && !self.forbidden
    }
}

/// What a Preview says itself that is replaced.
pub(super) fn replacements(
    id: &ObjectId,
    spec: &Preview,
    sockets: Option<&Sockets>,
    terms: Terms<'_, '_>,
    problems: &mut Vec<Problem>,
) -> Vec<Replacement> {
    let services = spec.services.iter().enumerate();
    let replacements = services.map(|(index, service)| {
        let socket = sockets.and_then(|sockets| sockets.get(&service.baseline));
        replacement(id, index, service, socket, terms, problems)
    });
    replacements.collect()
}

fn replacement(
    id: &ObjectId,
    index: usize,
    service: &PreviewedService,
    socket: Option<&Arc<str>>,
    terms: Terms<'_, '_>,
    problems: &mut Vec<Problem>,
) -> Replacement {
    let Terms { policy, context, is_over } = terms;
    let only_own = policy.backends.unwrap_or_default() == PreviewBackends::Services;
    let own = own(id, &service.backend, context);
    let (missing, forbidden) = if let Some(problem) = chosen_inside(index, service, context) {
        let message = problem.message.clone();
        problems.push(problem);
        (Some(message), true)
    } else if service.is_tunnel() {
        let forbidden = tunnel::forbidden(service, policy).is_some();
        (tunnel::missing(index, service, socket, terms, problems), forbidden)
    } else if only_own && own.is_none() {
        let message = format!(
            "the PreviewPolicy allows Services of the namespace {} alone, none of type ExternalName",
            id.namespace
        );
        let field = format!("spec.services[{index}].backend");
        problems.push(Problem::error("NotAllowed", field, message.clone()));
        (Some(message), true)
    } else {
        let lacks = lacks(id, &service.backend, own.clone().filter(|_| only_own), context);
        let field = format!("spec.services[{index}].backend");
        let misspelt = own.filter(|_| lacks.is_none()).and_then(|key| context.services.not_there(&key, ANSWERED_503));
        let told = lacks.clone().or(misspelt).filter(|_| !is_over);
        problems.extend(told.map(|message| Problem::warning("NoEndpoints", field, message)));
        problems.extend(lacks.is_none().then(|| idle_fallback(id, index, service, context)).flatten());
        (lacks, false)
    };
    let found = find(&service.baseline, &id.namespace, context);
    let (location, port) = (found.location, service.baseline.port);
    let socket = socket.filter(|_| service.is_tunnel() && missing.is_none()).cloned();
    Replacement { owner: id.clone(), location, port, backend: service.clone(), missing, since: None, forbidden, socket }
}

/// Requests that would be chosen by what filters say of them: who is asked about a request may only see where it leads to then.
fn chosen_inside(index: usize, service: &PreviewedService, context: &Context<'_>) -> Option<Problem> {
    let mut headers = service.matches.iter().flat_map(|matches| matches.headers.keys());
    let header = headers.find(|name| context.is_written(name))?;
    let message = format!(
        "{header} is written by a Filter or an AuthService: what it says of who asks would lead the request to a service that it \
         is not for; choose requests by a header that clients send"
    );
    Some(Problem::error("NotAllowed", format!("spec.services[{index}].match.headers.{header}"), message))
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

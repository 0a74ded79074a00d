//! What of a Preview changes nothing: services that no route goes to, and those that stand in for themselves.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::Problem;

use super::super::World;
use super::base::Bases;
use super::meant::meant;
use crate::compiled::Upstream;
use crate::preview::{Compiled, Replacement};
use crate::upstream::{Location, elsewhere, find, location};

impl World {
    /// What is wrong with what a Preview says itself that changes nothing. `replaced` says of which services there is a route.
    pub(super) fn idle_services(&self, compiled: &Compiled, replaced: &[bool], bases: &mut Bases<'_>) -> Vec<Problem> {
        // Of what is included elsewhere some may be for other hosts.
        let own = compiled.replacements.iter().zip(replaced).enumerate();
        let own = own.take_while(|(_, (service, _))| service.owner == compiled.id);
        let doubtful: Vec<_> =
            own.filter(|(_, (service, replaced))| !**replaced || self.names_itself(service)).collect();
        // Where routes lead is of no interest otherwise.
        let there = if doubtful.is_empty() { Vec::new() } else { self.destinations(compiled, bases) };
        let known = LazyCell::new(|| there.iter().filter_map(|it| location(it)).collect::<BTreeSet<_>>());
        let problem = |(index, (service, replaced)): (usize, (&Replacement, &bool))| match replaced {
            true => self.stays_there(service, &there, bases).then(|| same(index)),
            false => Some(nothing_replaced(index, service, &known)),
        };
        doubtful.into_iter().filter_map(problem).collect()
    }

    /// Where the routes of a preview's entrypoints send to at the baseline.
    fn destinations(&self, compiled: &Compiled, bases: &mut Bases<'_>) -> Vec<Arc<Upstream>> {
        let mut all = Vec::new();
        for entrance in &compiled.entrances {
            for class in &self.frame.classes {
                let base = bases.of(self, class, &entrance.baseline);
                all.extend(base.into_iter().flat_map(|base| base.upstreams.values()).cloned());
            }
        }
        all
    }

    /// Where services send to that call each other at the hosts by which they reach a service.
    fn destinations_inside(&self, service: &Replacement, bases: &mut Bases<'_>) -> Vec<Arc<Upstream>> {
        let mut all = Vec::new();
        for class in self.frame.classes.iter().filter(|class| class.internal) {
            for host in self.calling_hosts(std::slice::from_ref(service), class) {
                let base = bases.of(self, class, &host);
                all.extend(base.into_iter().flat_map(|base| base.upstreams.values()).cloned());
            }
        }
        all
    }

    /// Whether what stands in is the replaced service, maybe at another port.
    fn names_itself(&self, service: &Replacement) -> bool {
        let stands_in = || find(&service.backend.backend, &service.owner.namespace, &self.context()).location;
        !service.backend.is_tunnel() && stands_in() == service.location
    }

    /// Whether all requests for it, those that come between services among them, go where they go at the baseline, and as they do.
    fn stays_there(&self, service: &Replacement, there: &[Arc<Upstream>], bases: &mut Bases<'_>) -> bool {
        let is_at = |wanted: Option<u16>, port: u16| wanted.is_none_or(|wanted| wanted == port);
        let is_meant = |upstream: &&Arc<Upstream>| {
            location(upstream).is_some_and(|(place, port)| place == service.location && is_at(service.port, port))
        };
        let (backend, namespace, context) = (&service.backend.backend, &service.owner.namespace, self.context());
        let stays = |upstream: &Arc<Upstream>| {
            let other = elsewhere(upstream, backend, namespace, &context);
            location(&other) == location(upstream) && other.cluster.tls == upstream.cluster.tls
        };
        let inside = self.destinations_inside(service, bases);
        let mut meant = there.iter().chain(&inside).filter(is_meant).peekable();
        meant.peek().is_some() && meant.all(stays)
    }
}

fn same(index: usize) -> Problem {
    let message =
        "the baseline's requests go there already, so nothing is replaced: name the service that is to stand in";
    Problem::warning("NothingReplaced", format!("spec.services[{index}].backend"), message)
}

fn nothing_replaced(index: usize, service: &Replacement, known: &BTreeSet<(Location, u16)>) -> Problem {
    let meant = meant(service, known).map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
    let message = format!("no route of an entrypoint goes to this service, so nothing is replaced{meant}");
    Problem::warning("NothingReplaced", format!("spec.services[{index}].baseline"), message)
}

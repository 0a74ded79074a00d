//! What to do about one resource on one stream, now.

use std::sync::Arc;
use std::time::Instant;

use super::Context;
use super::slot::Slot;
use super::stream::Stream;
use super::usage::Free;
use crate::event::{Hold, Protocol};
use crate::resource::{Key, Resource, ResourceType};

/// The answer.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The client has what it is to have.
    Nothing,
    /// Send this version.
    Send(Arc<Resource>),
    /// Send this version although the client has not acknowledged what it needs: nothing is on its way.
    GiveUp(Arc<Resource>, Key),
    /// Go on waiting for this need, of which the client owes an answer for too long.
    Overdue(Key),
    /// Tell that it does not exist.
    Remove,
    /// Wait, until this time at the latest if one is given.
    Hold(Hold, Option<Instant>),
    /// Remove it when types that refer to it have nothing more to send.
    Defer,
}

/// Whether a client has what a resource needs.
pub(super) enum Needs {
    Met,
    Settling(Instant),
    Unmet(Key),
    Rejected(Key),
}

impl Stream {
    pub(super) fn judge(&self, key: &Key, slot: &Slot, context: &Context<'_>) -> Verdict {
        if !self.of(key.kind).subscription.includes(&key.name) {
            return Verdict::Nothing;
        }
        let verdict = match context.store.get(key) {
            Some(newest) => self.judge_version(slot, newest, context),
            None => self.judge_removal(key, slot, context),
        };
        // A client that asks again must be answered: with what it had, if the newest cannot be sent yet.
        match (verdict, slot.known()) {
            (Verdict::Hold(..) | Verdict::Overdue(_) | Verdict::Defer, Some(known)) if slot.force => {
                Verdict::Send(Arc::clone(known))
            }
            (verdict, _) => verdict,
        }
    }

    fn judge_version(&self, slot: &Slot, newest: &Arc<Resource>, context: &Context<'_>) -> Verdict {
        if slot.is_at(&newest.version) {
            return if slot.force { Verdict::Send(Arc::clone(newest)) } else { Verdict::Nothing };
        }
        if slot.is_rejected(&newest.version) {
            return match slot.known() {
                Some(known) if slot.force || !slot.doubt.is_empty() => Verdict::Send(Arc::clone(known)),
                _ => Verdict::Nothing,
            };
        }
        if slot.waived.as_ref() == Some(&newest.version) {
            return Verdict::Send(Arc::clone(newest));
        }
        match self.needs(newest, context) {
            Needs::Met => Verdict::Send(Arc::clone(newest)),
            Needs::Settling(at) => Verdict::Hold(Hold::Settling, Some(at)),
            Needs::Rejected(need) => Verdict::Hold(Hold::NeedsRejected(need), None),
            Needs::Unmet(need) => {
                let since = slot.held.as_ref().map_or(context.now, |held| held.since);
                let until = since + context.options.ack_timeout;
                if context.now < until {
                    Verdict::Hold(Hold::Needs(need), Some(until))
                } else if self.of(need.kind).in_flight.is_some() || self.is_held(&need) {
                    Verdict::Overdue(need)
                } else {
                    Verdict::GiveUp(Arc::clone(newest), need)
                }
            }
        }
    }

    pub(super) fn needs(&self, resource: &Resource, context: &Context<'_>) -> Needs {
        if resource.key.kind == ResourceType::Cluster {
            // Its endpoints are asked for when it is there.
            return Needs::Met;
        }
        let (mut unmet, mut settling) = (None, None);
        let needs = resource.needs.iter().chain(self.class_needs(resource, context));
        for need in needs.filter(|need| self.awaits(need)) {
            let Some(newest) = context.store.get(need) else { continue };
            if need.kind == ResourceType::RuleSet {
                if !self.relies_on(&resource.key, need) && !context.is_known_to_services(newest) {
                    unmet = unmet.or(Some(need));
                }
                continue;
            }
            let slot = self.slot(need);
            match slot.and_then(|slot| slot.have.as_ref().filter(|_| !slot.leaving)) {
                Some(have) => settling = settling.max(Some(have.settled).filter(|at| *at > context.now)),
                None if slot.is_some_and(|slot| slot.is_rejected(&newest.version) || slot.needs_rejected()) => {
                    return Needs::Rejected(need.clone());
                }
                None => unmet = unmet.or(Some(need)),
            }
        }
        match (unmet, settling) {
            (Some(need), _) => Needs::Unmet(need.clone()),
            (None, Some(at)) => Needs::Settling(at),
            (None, None) => Needs::Met,
        }
    }

    /// Whether the version of a resource that the client has needs this too: then it is no worse for a newer one.
    fn relies_on(&self, key: &Key, need: &Key) -> bool {
        self.slot(key).and_then(Slot::known).is_some_and(|known| known.needs.contains(need))
    }

    /// Whether this is held back itself: it is still to come.
    fn is_held(&self, key: &Key) -> bool {
        self.slot(key).is_some_and(|slot| slot.held.is_some())
    }

    /// Whether this client is going to have what another resource needs: it asks for it, or takes all
    /// clusters and will ask for what they refer to. Other clients (gRPC's) ask for clusters only when they
    /// have seen the route that names them.
    pub(super) fn awaits(&self, need: &Key) -> bool {
        self.of(need.kind).subscription.includes(&need.name)
            || (self.takes_all_clusters()
                && (need.kind.is_by_reference() || !self.of(need.kind).subscription.is_requested()))
    }

    /// An Envoy that reconnects while clusters warm asks for clusters last, when they are warm. It is known
    /// by taking all listeners or scopes.
    fn takes_all_clusters(&self) -> bool {
        let takes_all = |kind| self.of(kind).subscription.is_wildcard();
        takes_all(ResourceType::Cluster)
            || (!self.of(ResourceType::Cluster).subscription.is_requested()
                && (takes_all(ResourceType::Listener) || takes_all(ResourceType::ScopedRoute)))
    }

    fn judge_removal(&self, key: &Key, slot: &Slot, context: &Context<'_>) -> Verdict {
        if self.protocol == Protocol::StateOfTheWorld && key.kind.is_by_reference() {
            // Cannot be said; the client lets go of it with what refers to it.
            return Verdict::Nothing;
        }
        if !slot.may_be_had() {
            let ask = self.of(key.kind).subscription.is_named(&key.name) && !slot.told_absent;
            return if ask || slot.force { Verdict::Remove } else { Verdict::Nothing };
        }
        let free = match key.kind {
            // Only listeners refer to an extension's configuration, and removals wait for those anyway.
            ResourceType::Listener | ResourceType::Extension | ResourceType::Limits => Free::Now,
            ResourceType::ScopedRoute | ResourceType::Route => self.free_of_class(slot, context),
            ResourceType::RuleSet => context.free_of_others(key),
            _ => self.usage.free(key, context.options.linger, context.now),
        };
        match free {
            Free::Now => {}
            Free::At(at) => return Verdict::Hold(Hold::InUse, Some(at)),
            Free::InUse => return Verdict::Hold(Hold::InUse, None),
        }
        if self.may_remove(key.kind) { Verdict::Remove } else { Verdict::Defer }
    }

    /// Removals go in the reverse order: not before what refers to the type is through.
    pub(super) fn may_remove(&self, kind: ResourceType) -> bool {
        use ResourceType::{
            AuthFilter, Cluster, Endpoints, Extension, Limits, Listener, Route, RuleSet, ScopedRoute, Secret,
        };
        let before: &[ResourceType] = match kind {
            Cluster | Listener | ScopedRoute | Limits | RuleSet => &[],
            AuthFilter => &[RuleSet],
            Endpoints => &[Cluster],
            Secret => &[Cluster, Listener],
            Extension => &[Listener],
            Route => &[Listener, ScopedRoute],
        };
        before.iter().all(|&kind| self.of(kind).is_idle())
    }
}

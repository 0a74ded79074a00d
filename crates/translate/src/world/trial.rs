//! Parts of the model as they would be without some objects, to be tried before anything is taken out.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{LimitRules, Listener};

use super::World;
use super::frames::FRAME_KINDS;
use super::limits::limits_of;
use crate::context::Context;
use crate::{frame, limits};

impl World {
    /// Whether an object is out because the proxy refused it.
    #[must_use]
    pub fn is_quarantined(&self, id: &ObjectId) -> bool {
        self.quarantine.contains_key(id)
    }

    /// Whether nothing is left of an object that could be taken out.
    #[must_use]
    pub fn is_out(&self, id: &ObjectId) -> bool {
        self.quarantine.get(id).is_some_and(|refusal| refusal.rest || id.kind != Kind::Module)
    }

    /// The rules of a domain as these RateLimits alone make them. Changes nothing.
    #[must_use]
    pub fn rules_of(&self, domain: &Arc<str>, only: &[ObjectId]) -> Option<LimitRules> {
        let origins = self.model.limits.get(domain)?.origins.iter();
        let objects = origins.filter(|id| only.contains(id)).filter_map(|id| self.objects.get(id));
        let specs: Vec<_> = objects.filter_map(|object| limits_of(object)).collect();
        // An empty domain is a sound one.
        Some(limits::rules(domain, &specs, &mut Vec::new()))
    }

    /// A listener as it would be if the proxy had refused these objects as well. Changes nothing.
    #[must_use]
    pub fn listener_without(&self, name: &str, out: &BTreeSet<ObjectId>) -> Option<Listener> {
        let is_out = |id: &ObjectId| out.contains(id) || self.quarantine.contains_key(id);
        let objects: Vec<_> = FRAME_KINDS.into_iter().flat_map(|kind| self.of_kind(kind, is_out)).collect();
        let ingress_hosts: Vec<_> = self.ingress_hosts(is_out).collect();
        let module = self.effective_module(|id| out.contains(id));
        let tls_contexts = self.tls_contexts.iter().filter(|(id, _)| !out.contains(*id));
        let tls_contexts = tls_contexts.map(|(id, context)| (id.clone(), Arc::clone(context))).collect();
        let mut broken_contexts = self.broken_contexts.clone();
        let contexts_out = self.tls_contexts.iter().filter(|(id, _)| out.contains(*id));
        broken_contexts.extend(contexts_out.map(|(id, context)| (id.clone(), context.hosts.clone())));
        let context = Context {
            module: &module,
            tls_contexts: &tls_contexts,
            broken_contexts: &broken_contexts,
            ..self.context()
        };
        frame::build(objects.iter(), &ingress_hosts, &context)
            .listeners
            .into_iter()
            .find(|listener| *listener.name == *name)
    }
}

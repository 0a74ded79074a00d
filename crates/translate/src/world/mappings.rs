//! Mappings, taken apart as they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, Mapping, Object, ObjectId, Remains, Severity, Spec};
use nuncio_ir::ClusterName;

use super::{Dirty, World};
use crate::compiled::{Compiled, Upstream};
use crate::mapping;

impl World {
    pub(super) fn compile_mappings(&mut self, dirty: &mut Dirty) {
        let mut made = BTreeMap::new();
        for id in std::mem::take(&mut dirty.mappings) {
            dirty.mapped.extend(self.users.service_of(&id).cloned());
            let compiled = match id.kind {
                Kind::Ingress => self.compile_path(&id),
                _ => self.compile(&id),
            };
            dirty.mapped.extend(self.users.service_of(&id).cloned());
            let compiled = compiled.map(|compiled| Arc::new(self.sharing_upstream(compiled, &mut made)));
            let old = match &compiled {
                Some(compiled) => self.mappings.insert(id.clone(), Arc::clone(compiled)),
                None => self.mappings.remove(&id),
            };
            if let (Some(old), Some(new)) = (&old, &compiled)
                && old.problems != new.problems
            {
                self.stirred.insert(new.origin().clone());
            }
            self.limiting.made.change(old.as_deref(), compiled.as_deref());
            if let Some(old) = old {
                self.names.remove(&old);
                dirty.touch(old);
            }
            if let Some(new) = compiled {
                self.names.insert(&new);
                dirty.touch(new);
            }
        }
        self.settle_labels();
    }

    fn compile(&mut self, id: &ObjectId) -> Option<Compiled> {
        let object = self.objects.get(id).cloned();
        let usable = object.as_ref().and_then(|object| Some((object, self.usable(object)?)));
        self.limiting.made.note(id, object.is_some() && usable.is_none());
        let Some((object, mapping)) = usable else {
            self.users.put(id, None);
            return self.compile_invalid(object.as_deref()?);
        };
        let namespace = self.context().lookup_namespace(&id.namespace).to_owned();
        self.users.put(id, Some((mapping, &namespace)));
        Some(mapping::compile(id, &object.labels, mapping, &self.context()))
    }

    /// Many Mappings send to one cluster: they share what describes it, with those before and with those that come with them.
    fn sharing_upstream(&self, mut compiled: Compiled, made: &mut BTreeMap<ClusterName, Arc<Upstream>>) -> Compiled {
        let Some(upstream) = compiled.upstream_mut() else { return compiled };
        let known = self.clusters.get(upstream.name()).or_else(|| made.get(upstream.name()));
        match known.filter(|known| ***known == **upstream) {
            Some(known) => *upstream = Arc::clone(known),
            None => drop(made.insert(upstream.name().clone(), Arc::clone(upstream))),
        }
        compiled
    }

    fn usable<'a>(&self, object: &'a Object) -> Option<&'a Mapping> {
        match &object.spec {
            Spec::Mapping(mapping) if !self.is_quarantined(&object.id) => Some(mapping),
            _ => None,
        }
    }

    /// What is left of a Mapping that cannot be used: its conditions. Those of one that the proxy refused stay until
    /// they are refused by themselves.
    fn compile_invalid(&self, object: &Object) -> Option<Compiled> {
        let (Spec::Mapping(mapping) | Spec::Invalid(Remains::Conditions(mapping))) = &object.spec else { return None };
        let reason = match self.quarantine.get(&object.id) {
            Some(refusal) => format!("{} was refused by Envoy: {}", object.id, refusal.message),
            None => invalid_reason(object),
        };
        let compiled = mapping::invalid(&object.id, &object.labels, mapping, reason);
        let refusal = self.quarantine.get(&object.id);
        (!refusal.is_some_and(|refusal| refusal.rest)).then_some(compiled)
    }
}

/// Why an object cannot be used, in one sentence.
pub(crate) fn invalid_reason(object: &Object) -> String {
    let mut errors = object.problems.iter().map(|(problem, _)| problem);
    let error = errors.find(|problem| problem.severity == Severity::Error);
    format!("{} is not valid{}", object.id, error.map(|error| format!(": {error}")).unwrap_or_default())
}

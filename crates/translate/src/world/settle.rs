//! Clusters, endpoints and secrets: those that something uses, and no others.

use std::collections::BTreeSet;

use nuncio_api::ObjectId;
use nuncio_ir::{ClusterName, Delta, Endpoints, put};

use super::{Dirty, World};
use crate::endpoints::shares;

impl World {
    /// Puts in the clusters that something uses now, and takes out those that nothing does.
    pub(super) fn settle_clusters(&mut self, dirty: &Dirty, delta: &mut Delta) {
        let changed = dirty.endpoints.iter().flat_map(|service| self.clusters.of_service(service));
        let endpoints: BTreeSet<_> = changed.cloned().chain(dirty.clusters.iter().cloned()).collect();
        for name in &dirty.clusters {
            let cluster = self.clusters.get(name).map(|upstream| upstream.cluster.clone());
            put(&mut self.model.clusters, &mut delta.clusters, name.clone(), cluster);
        }
        for name in endpoints {
            let found = self.clusters.get(&name).and_then(|upstream| {
                let hostname = upstream.sources.first()?.hostname.clone();
                let topology = &self.settings.topology;
                let endpoints = self.services.endpoints(&upstream.sources, topology);
                let shares = shares(&endpoints, topology);
                Some(Endpoints { cluster: name.clone(), hostname, endpoints, shares })
            });
            self.note_turned(&name, found.as_ref());
            put(&mut self.model.endpoints, &mut delta.endpoints, name, found);
        }
    }

    /// Notes a Service that lost its last endpoint, or has its first.
    fn note_turned(&mut self, cluster: &ClusterName, new: Option<&Endpoints>) {
        let (Some(old), Some(new)) = (self.model.endpoints.get(cluster), new) else { return };
        if old.endpoints.is_empty() != new.endpoints.is_empty() {
            let sources = self.clusters.get(cluster).into_iter().flat_map(|upstream| &upstream.sources);
            self.turned.extend(sources.map(|source| source.service.clone()));
        }
    }

    /// The objects with which something else may be wrong, though they are the same, since this was asked last: their
    /// Services have lost their last endpoint, or have their first; or what they are measured by is another.
    pub fn take_turned(&mut self) -> BTreeSet<ObjectId> {
        let services = std::mem::take(&mut self.turned);
        let keys = services.iter().flat_map(|service| self.users.of_service(service));
        let mappings = keys.filter_map(|key| self.mappings.get(&key)).map(|compiled| compiled.origin());
        let auth = &self.frame.auth;
        let mut sources = auth.upstream.iter().flat_map(|upstream| &upstream.sources);
        let asked = sources.any(|source| services.contains(&source.service)).then_some(&auth.extension.origins);
        let mut turned: BTreeSet<_> = mappings.chain(asked.into_iter().flatten()).cloned().collect();
        turned.append(&mut self.stirred);
        turned
    }

    /// Hands over the Secrets that listeners and clusters name, and no others.
    pub(super) fn settle_secrets(&mut self, dirty: &Dirty, delta: &mut Delta) {
        let mut touched = self.clusters.take_touched_secrets();
        touched.extend(dirty.secrets.iter().cloned());
        if dirty.all_secrets {
            touched.extend(self.model.secrets.keys().cloned());
        }
        for name in touched {
            let wanted = self.listener_secrets.contains(&name) || self.clusters.name_secret(&name);
            let value = self.secrets.value(&name).filter(|_| wanted);
            let secret = value.map(|value| nuncio_ir::Secret { name: name.clone(), value });
            put(&mut self.model.secrets, &mut delta.secrets, name, secret);
        }
    }
}

//! What finds the objects and clusters that a change touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Mapping, ObjectId, Problem};
use nuncio_ir::{ClusterName, SecretName, TableName};

use crate::compiled::{Compiled, Upstream};
use crate::service::{ServiceKey, Target, target};

/// Mappings by the host name that they are for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    exact: BTreeMap<Arc<str>, BTreeSet<ObjectId>>,
    wild: BTreeSet<ObjectId>,
}

impl Names {
    pub(crate) fn insert(&mut self, compiled: &Compiled) {
        match compiled.host.exact() {
            Some(name) => self.exact.entry(Arc::clone(name)).or_default().insert(compiled.id.clone()),
            None => self.wild.insert(compiled.id.clone()),
        };
    }

    pub(crate) fn remove(&mut self, compiled: &Compiled) {
        let Some(name) = compiled.host.exact() else {
            self.wild.remove(&compiled.id);
            return;
        };
        if let Some(ids) = self.exact.get_mut(name) {
            ids.remove(&compiled.id);
            if ids.is_empty() {
                self.exact.remove(name);
            }
        }
    }

    /// Every name that some Mapping is for alone.
    pub(crate) fn exact(&self) -> impl Iterator<Item = &Arc<str>> {
        self.exact.keys()
    }

    /// The Mappings for this name alone.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = &ObjectId> {
        self.exact.get(name).into_iter().flatten()
    }

    /// The Mappings for more than one name.
    pub(crate) fn wild(&self) -> impl Iterator<Item = &ObjectId> {
        self.wild.iter()
    }
}

/// Mappings by what else they name.
#[derive(Debug, Default)]
pub(crate) struct Users {
    services: BTreeMap<ServiceKey, BTreeSet<ObjectId>>,
    service_of: BTreeMap<ObjectId, ServiceKey>,
    /// Name a TLSContext or a resolver.
    names: BTreeSet<ObjectId>,
}

impl Users {
    /// The Service that a Mapping names.
    pub(crate) fn service_of(&self, id: &ObjectId) -> Option<&ServiceKey> {
        self.service_of.get(id)
    }

    /// Notes what a Mapping names; bare service names are looked up in `namespace`.
    pub(crate) fn put(&mut self, id: &ObjectId, mapping: Option<(&Mapping, &str)>) {
        if let Some(key) = self.service_of.remove(id)
            && let Some(users) = self.services.get_mut(&key)
        {
            users.remove(id);
            if users.is_empty() {
                self.services.remove(&key);
            }
        }
        self.names.remove(id);
        let Some((mapping, namespace)) = mapping else { return };
        if let Target::Name(Some(key)) = target(&mapping.service.host, namespace) {
            self.services.entry(key.clone()).or_default().insert(id.clone());
            self.service_of.insert(id.clone(), key);
        }
        if mapping.tls.is_some() || mapping.resolver.is_some() {
            self.names.insert(id.clone());
        }
    }

    pub(crate) fn of_service(&self, key: &ServiceKey) -> impl Iterator<Item = ObjectId> {
        self.services.get(key).into_iter().flatten().cloned()
    }

    /// Those that name a TLSContext or a resolver.
    pub(crate) fn of_names(&self) -> impl Iterator<Item = ObjectId> {
        self.names.iter().cloned()
    }
}

/// Clusters with the number of tables and listeners that use them.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    used: BTreeMap<ClusterName, (Arc<Upstream>, usize)>,
    services: BTreeMap<ServiceKey, BTreeSet<ClusterName>>,
    /// Secrets, with the number of clusters that name them.
    secrets: BTreeMap<SecretName, usize>,
    /// Secrets that came into use or out of it.
    touched_secrets: BTreeSet<SecretName>,
}

impl Clusters {
    /// Replaces one user's clusters by others; says which clusters came or went.
    pub(crate) fn change(&mut self, old: &[ClusterName], new: &[Arc<Upstream>]) -> Vec<ClusterName> {
        let mut changed = Vec::new();
        for upstream in new {
            let entry = self.used.entry(upstream.name().clone());
            let (_, count) = entry.or_insert_with(|| (Arc::clone(upstream), 0));
            *count += 1;
            if *count == 1 {
                self.learn(upstream);
                changed.push(upstream.name().clone());
            }
        }
        for name in old {
            let Some((_, count)) = self.used.get_mut(name) else { continue };
            *count -= 1;
            if *count == 0 {
                self.unlearn(name);
                changed.push(name.clone());
            }
        }
        changed
    }

    fn learn(&mut self, upstream: &Upstream) {
        let name = upstream.name();
        for source in &upstream.sources {
            self.services.entry(source.service.clone()).or_default().insert(name.clone());
        }
        for secret in secrets(upstream) {
            *self.secrets.entry(secret.clone()).or_default() += 1;
            self.touched_secrets.insert(secret.clone());
        }
    }

    fn unlearn(&mut self, name: &ClusterName) {
        let Some((upstream, _)) = self.used.remove(name) else { return };
        for secret in secrets(&upstream) {
            let Some(count) = self.secrets.get_mut(secret) else { continue };
            *count -= 1;
            if *count == 0 {
                self.secrets.remove(secret);
                self.touched_secrets.insert(secret.clone());
            }
        }
        for source in &upstream.sources {
            let Some(names) = self.services.get_mut(&source.service) else { continue };
            names.remove(name);
            if names.is_empty() {
                self.services.remove(&source.service);
            }
        }
    }

    pub(crate) fn get(&self, name: &ClusterName) -> Option<&Arc<Upstream>> {
        self.used.get(name).map(|(upstream, _)| upstream)
    }

    /// Clusters whose endpoints are a Service's.
    pub(crate) fn of_service(&self, key: &ServiceKey) -> impl Iterator<Item = &ClusterName> {
        self.services.get(key).into_iter().flatten()
    }

    /// Whether some cluster names the Secret.
    pub(crate) fn name_secret(&self, secret: &SecretName) -> bool {
        self.secrets.contains_key(secret)
    }

    /// The Secrets that came into use or out of it since this was asked last.
    pub(crate) fn take_touched_secrets(&mut self) -> BTreeSet<SecretName> {
        std::mem::take(&mut self.touched_secrets)
    }
}

fn secrets(upstream: &Upstream) -> impl Iterator<Item = &SecretName> {
    upstream.cluster.tls.iter().flat_map(|tls| tls.certificate.iter().chain(&tls.authorities))
}

/// Problems of Mappings by the tables in which they show.
#[derive(Debug, Default)]
pub(crate) struct TableProblems {
    by_table: BTreeMap<TableName, Vec<(ObjectId, Problem)>>,
    tables: BTreeMap<ObjectId, BTreeSet<TableName>>,
}

impl TableProblems {
    /// Replaces the problems of a table.
    pub(crate) fn put(&mut self, table: &TableName, problems: Vec<(ObjectId, Problem)>) {
        for (id, _) in self.by_table.remove(table).into_iter().flatten() {
            if let Some(tables) = self.tables.get_mut(&id) {
                tables.remove(table);
                if tables.is_empty() {
                    self.tables.remove(&id);
                }
            }
        }
        for (id, _) in &problems {
            self.tables.entry(id.clone()).or_default().insert(table.clone());
        }
        if !problems.is_empty() {
            self.by_table.insert(table.clone(), problems);
        }
    }

    /// The problems of a Mapping.
    pub(crate) fn of<'a>(&'a self, id: &'a ObjectId) -> impl Iterator<Item = &'a Problem> {
        let tables = self.tables.get(id).into_iter().flatten().filter_map(|table| self.by_table.get(table));
        tables.flatten().filter(move |(of, _)| of == id).map(|(_, problem)| problem)
    }
}

//! The world: every object, and the model that they make together, kept in step change by change.
//!
//! The unit is the table of one host name. A changed Mapping compiles again, then the tables of the names
//! that it is for; the frame (Hosts, Listeners, TCPMappings) is made anew as a whole, and touches the
//! tables of those names whose Host changed. Whatever comes out equal to what was there is not a change.

mod module;
mod report;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, Mapping, ModuleConfig, Object, ObjectId, Problem, Remains, Severity, Spec, TlsContext};
use nuncio_ir::{ClusterName, Delta, Model, TableName, put};

use crate::compiled::Compiled;
use crate::context::{Context, SecretRef, Settings};
use crate::frame::{self, Frame};
use crate::index::{Clusters, Names, Users};
use crate::mapping;
use crate::overlap::may_overlap;
use crate::policy::Class;
use crate::secrets::Secrets;
use crate::service::{ServiceKey, Services};
use crate::table::{self, Built, Shared, table_name};
use crate::upstream::Resolver;

/// Label by which a slice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The kinds that the frame is made of.
const FRAME_KINDS: [Kind; 3] = [Kind::Host, Kind::Listener, Kind::TCPMapping];

pub use report::Resources;

/// Every object and what they make.
#[derive(Debug)]
pub struct World {
    settings: Settings,
    objects: BTreeMap<ObjectId, Arc<Object>>,
    quarantine: BTreeMap<ObjectId, Refusal>,
    module: Arc<ModuleConfig>,
    services: Services,
    secrets: Secrets,
    resolvers: BTreeMap<Arc<str>, Resolver>,
    tls_contexts: BTreeMap<ObjectId, Arc<TlsContext>>,
    mappings: BTreeMap<ObjectId, Arc<Compiled>>,
    names: Names,
    users: Users,
    frame: Frame,
    /// Clusters of each table.
    table_clusters: BTreeMap<TableName, Vec<ClusterName>>,
    /// Problems that show only where Mappings meet, of the tables that have any.
    table_problems: BTreeMap<TableName, Vec<(ObjectId, Problem)>>,
    clusters: Clusters,
    model: Model,
}

/// Why an object is out.
#[derive(Debug)]
struct Refusal {
    /// The proxy's words.
    message: String,
    /// What was left of it was refused as well.
    conditions: bool,
}

/// What a round of changes touches.
#[derive(Default)]
struct Dirty {
    module: bool,
    frame: bool,
    mappings: BTreeSet<ObjectId>,
    endpoints: BTreeSet<ServiceKey>,
    /// Names whose own Mappings changed.
    names: BTreeSet<Arc<str>>,
    /// Mappings for no single name that came, changed or went: before and after.
    wild: Vec<Arc<Compiled>>,
    clusters: BTreeSet<ClusterName>,
}

impl World {
    /// A world without objects.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            objects: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            module: Arc::default(),
            services: Services::default(),
            secrets: Secrets::default(),
            resolvers: BTreeMap::new(),
            tls_contexts: BTreeMap::new(),
            mappings: BTreeMap::new(),
            names: Names::default(),
            users: Users::default(),
            frame: Frame::default(),
            table_clusters: BTreeMap::new(),
            table_problems: BTreeMap::new(),
            clusters: Clusters::default(),
            model: Model::default(),
        }
    }

    /// What the gateway does now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Every object for this instance.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// One object.
    #[must_use]
    pub fn object(&self, id: &ObjectId) -> Option<&Arc<Object>> {
        self.objects.get(id)
    }

    /// The Secrets that something names, there or not, by namespace and name; `None` if they are those that were
    /// told last.
    pub fn newly_wanted_secrets(&mut self) -> Option<BTreeSet<(Arc<str>, Arc<str>)>> {
        let names = self.secrets.newly_asked()?;
        Some(names.into_iter().map(|name| (name.namespace, name.name)).collect())
    }

    /// Takes objects in (`Some`) or out (`None`) and brings the model up to date.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = (ObjectId, Option<Arc<Object>>)>) -> Delta {
        let mut dirty = Dirty::default();
        for (id, object) in changes {
            let object = object.filter(|object| is_for(&object.ambassador_id, &self.settings.ambassador_id, id.kind));
            self.take(id, object.as_ref(), &mut dirty);
        }
        self.rebuild(dirty)
    }

    /// Takes an object out that the proxy refused, for as long as it stays as it is. Of the Module only
    /// its texts (scripts, formats) go; its access lists stay. Of a Mapping the conditions stay, and answer
    /// 503; refused again, they go too.
    pub fn quarantine(&mut self, id: &ObjectId, message: &str) -> Delta {
        let mut dirty = Dirty::default();
        if let Some(object) = self.objects.get(id).cloned() {
            let conditions = self.quarantine.contains_key(id);
            self.quarantine.insert(id.clone(), Refusal { message: message.to_owned(), conditions });
            self.untake(&object, &mut dirty);
        }
        self.rebuild(dirty)
    }

    /// Lets an object in again.
    pub fn release(&mut self, id: &ObjectId) -> Delta {
        let mut dirty = Dirty::default();
        let released = self.quarantine.remove(id).and_then(|_| self.objects.get(id).cloned());
        if let Some(object) = released {
            self.touch(&object, &mut dirty);
        }
        self.rebuild(dirty)
    }

    // Taking objects in

    fn take(&mut self, id: ObjectId, object: Option<&Arc<Object>>, dirty: &mut Dirty) {
        let old = match object {
            Some(object) => self.objects.insert(id, Arc::clone(object)),
            None => self.objects.remove(&id),
        };
        let reason = |object: &Object| matches!(object.spec, Spec::Invalid(_)).then(|| invalid_reason(object));
        let equal = |a: &Object, b: &Object| a.spec == b.spec && a.labels == b.labels && reason(a) == reason(b);
        match (&old, object) {
            (Some(old), Some(new)) if equal(old, new) => return,
            _ => {}
        }
        for object in old.iter().chain(object) {
            self.quarantine.remove(&object.id);
        }
        if let Some(old) = &old {
            self.untake(old, dirty);
        }
        if let Some(new) = object {
            self.touch(new, dirty);
        }
    }

    /// Forgets what an object said.
    fn untake(&mut self, object: &Object, dirty: &mut Dirty) {
        let id = &object.id;
        match id.kind {
            Kind::Service => self.services.put(service_key(id), None),
            Kind::EndpointSlice => {
                if let Some(key) = slice_service(object) {
                    self.services.put_slice(&key, Arc::clone(&id.name), None);
                    dirty.endpoints.insert(key);
                }
            }
            Kind::Secret => self.secrets.put(secret_ref(id), None),
            Kind::TLSContext => drop(self.tls_contexts.remove(id)),
            Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver => drop(self.resolvers.remove(&id.name)),
            Kind::Mapping | Kind::TCPMapping | Kind::Host | Kind::Listener | Kind::Module => {}
        }
        self.mark(id, dirty);
    }

    /// Learns what an object says.
    fn touch(&mut self, object: &Arc<Object>, dirty: &mut Dirty) {
        let id = &object.id;
        match &object.spec {
            Spec::Service(service) => self.services.put(service_key(id), Some(Arc::new((**service).clone()))),
            Spec::EndpointSlice(slice) => {
                if let Some(key) = slice_service(object) {
                    self.services.put_slice(&key, Arc::clone(&id.name), Some(Arc::new((**slice).clone())));
                    dirty.endpoints.insert(key);
                }
            }
            Spec::Secret(secret) => self.secrets.put(secret_ref(id), Some(Arc::new((**secret).clone()))),
            Spec::TlsContext(context) => {
                self.tls_contexts.insert(id.clone(), Arc::new((**context).clone()));
            }
            Spec::ServiceResolver(_) => drop(self.resolvers.insert(Arc::clone(&id.name), Resolver::Service)),
            Spec::EndpointResolver(_) => drop(self.resolvers.insert(Arc::clone(&id.name), Resolver::Endpoint)),
            Spec::Mapping(_) | Spec::TcpMapping(_) | Spec::Host(_) | Spec::Listener(_) | Spec::Module(_) => {}
            Spec::Invalid(_) => {}
        }
        self.mark(id, dirty);
    }

    /// Marks whatever hangs on an object.
    fn mark(&self, id: &ObjectId, dirty: &mut Dirty) {
        match id.kind {
            Kind::Mapping => drop(dirty.mappings.insert(id.clone())),
            Kind::Host | Kind::Listener | Kind::TCPMapping => dirty.frame = true,
            Kind::Module => dirty.module = true,
            Kind::Service => {
                let key = service_key(id);
                dirty.mappings.extend(self.users.of_service(&key));
                dirty.endpoints.insert(key);
                dirty.frame |= self.has_tcp();
            }
            Kind::EndpointSlice => {}
            Kind::TLSContext | Kind::Secret | Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver => {
                dirty.frame = true;
                self.secrets.forget_mappings();
                dirty.mappings.extend(self.users.of_names());
                // The Module's resolver is that of every Mapping that names none.
                dirty.module |= self.module.resolver.as_deref() == Some(&*id.name);
            }
        }
    }

    fn has_tcp(&self) -> bool {
        self.ids_of(Kind::TCPMapping).next().is_some()
    }

    fn ids_of(&self, kind: Kind) -> impl Iterator<Item = &ObjectId> {
        let first = ObjectId::new(kind, "", "");
        self.objects.range(first..).map(|(id, _)| id).take_while(move |id| id.kind == kind)
    }

    // Bringing the model up to date

    fn rebuild(&mut self, mut dirty: Dirty) -> Delta {
        let mut delta = Delta::default();
        if dirty.module {
            self.module = self.effective_module(|id| self.is_quarantined(id));
            dirty.frame = true;
            let all = self.objects.keys().filter(|id| id.kind == Kind::Mapping).cloned();
            dirty.mappings.extend(all);
        }
        self.compile_mappings(&mut dirty);
        let old_classes = self.frame.classes.clone();
        if dirty.frame {
            self.rebuild_frame(&mut dirty, &mut delta);
        }
        self.rebuild_tables(&mut dirty, &old_classes, &mut delta);
        self.settle_clusters(&dirty, &mut delta);
        self.settle_secrets(&mut delta);
        delta
    }

    fn compile_mappings(&mut self, dirty: &mut Dirty) {
        for id in std::mem::take(&mut dirty.mappings) {
            let compiled = self.compile(&id).map(Arc::new);
            let old = match &compiled {
                Some(compiled) => self.mappings.insert(id.clone(), Arc::clone(compiled)),
                None => self.mappings.remove(&id),
            };
            if let Some(old) = old {
                self.names.remove(&old);
                dirty.touch(old);
            }
            if let Some(new) = compiled {
                self.names.insert(&new);
                dirty.touch(new);
            }
        }
    }

    fn compile(&mut self, id: &ObjectId) -> Option<Compiled> {
        let object = self.objects.get(id).cloned();
        let Some((object, mapping)) = object.as_ref().and_then(|object| Some((object, self.usable(object)?))) else {
            self.users.put(id, None);
            return self.compile_invalid(object.as_deref()?);
        };
        let namespace = self.context().lookup_namespace(&id.namespace).to_owned();
        self.users.put(id, Some((mapping, &namespace)));
        let mut compiled = mapping::compile(id, &object.labels, mapping, &self.context());
        // Many Mappings send to one cluster: they share what describes it.
        if let Some(upstream) = compiled.upstream_mut()
            && let Some(known) = self.clusters.get(upstream.name()).filter(|known| **known == *upstream)
        {
            *upstream = Arc::clone(known);
        }
        Some(compiled)
    }

    fn usable<'a>(&self, object: &'a Object) -> Option<&'a Mapping> {
        match &object.spec {
            Spec::Mapping(mapping) if !self.is_quarantined(&object.id) => Some(mapping),
            _ => None,
        }
    }

    /// What is left of a Mapping that cannot be used: its conditions. Those of one that the proxy refused stay
    /// only if none of them may be what it refused.
    fn compile_invalid(&self, object: &Object) -> Option<Compiled> {
        let (Spec::Mapping(mapping) | Spec::Invalid(Remains::Conditions(mapping))) = &object.spec else { return None };
        let reason = match self.quarantine.get(&object.id) {
            Some(refusal) => format!("{} was refused by Envoy: {}", object.id, refusal.message),
            None => invalid_reason(object),
        };
        let compiled = mapping::invalid(&object.id, &object.labels, mapping, reason);
        let refusal = self.quarantine.get(&object.id);
        let refused = refusal.is_some_and(|refusal| refusal.conditions || compiled.has_regex());
        (!refused).then_some(compiled)
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: &self.settings,
            module: &self.module,
            services: &self.services,
            resolvers: &self.resolvers,
            tls_contexts: &self.tls_contexts,
            secrets: &self.secrets,
        }
    }

    fn rebuild_frame(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        let is_out = |id: &ObjectId| self.is_quarantined(id);
        let objects: Vec<_> = FRAME_KINDS.into_iter().flat_map(|kind| self.of_kind(kind, is_out)).collect();
        self.secrets.begin_frame();
        let mut frame = frame::build(objects.iter(), &self.context());
        self.secrets.end_frame();
        let wanted: BTreeMap<_, _> =
            frame.listeners.drain(..).map(|listener| (Arc::clone(&listener.name), listener)).collect();
        let gone: Vec<_> = self.model.listeners.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            put(&mut self.model.listeners, &mut delta.listeners, name, None);
        }
        for (name, listener) in wanted {
            put(&mut self.model.listeners, &mut delta.listeners, name, Some(listener));
        }
        dirty.clusters.extend(self.clusters.change(&self.frame.upstream_names(), &frame.upstreams));
        self.frame = frame;
    }

    /// Objects of a kind; one that is out, because the proxy refused it, counts as not valid.
    fn of_kind<F: Fn(&ObjectId) -> bool>(
        &self,
        kind: Kind,
        is_out: F,
    ) -> impl Iterator<Item = Arc<Object>> + use<'_, F> {
        let first = ObjectId::new(kind, "", "");
        let objects = self.objects.range(first..).take_while(move |(id, _)| id.kind == kind);
        objects.map(move |(id, object)| match (&object.spec, is_out(id)) {
            (Spec::Host(host), true) => {
                let remains = Remains::Hostname(host.hostname.clone().unwrap_or_else(|| "*".to_owned()));
                Arc::new(Object { spec: Spec::Invalid(remains), ..(**object).clone() })
            }
            (_, true) => Arc::new(Object { spec: Spec::Invalid(Remains::Nothing), ..(**object).clone() }),
            (_, false) => Arc::clone(object),
        })
    }

    fn rebuild_tables(&mut self, dirty: &mut Dirty, old_classes: &[Class], delta: &mut Delta) {
        let gone: Vec<_> = old_classes
            .iter()
            .filter(|old| !self.frame.classes.iter().any(|class| class.key == old.key))
            .map(|class| Arc::clone(&class.key))
            .collect();
        for key in gone {
            let names: Vec<_> = self.names_of_tables(&key).collect();
            for name in names.into_iter().chain([Arc::from("*")]) {
                self.put_table(table_name(&key, &name), None, dirty, delta);
            }
        }
        for at in 0..self.frame.classes.len() {
            let old = old_classes.iter().find(|old| old.key == self.frame.classes[at].key);
            self.rebuild_class(at, old, dirty, delta);
        }
    }

    fn names_of_tables(&self, class: &str) -> impl Iterator<Item = Arc<str>> {
        let tables = self.model.tables.values().filter(move |table| *table.scope.class == *class);
        tables.map(|table| Arc::clone(&table.scope.host)).filter(|host| **host != *"*")
    }

    fn rebuild_class(&mut self, at: usize, old: Option<&Class>, dirty: &mut Dirty, delta: &mut Delta) {
        let mut names: BTreeSet<Arc<str>> = dirty.names.clone();
        let changed = dirty.frame && old != Some(&self.frame.classes[at]);
        if changed {
            names.extend(self.renamed(&self.frame.classes[at], old));
        }
        if !dirty.wild.is_empty() {
            names.extend(self.reached_by_wild(&self.frame.classes[at], &dirty.wild));
        }
        let mut rewild = changed || !dirty.wild.is_empty();
        for name in names {
            let built = self.build_exact(&self.frame.classes[at], &name);
            let key = table_name(&self.frame.classes[at].key, &name);
            let falls = |table: &nuncio_ir::Table| table.hosts.iter().any(|host| host.falls_through);
            let fell = self.model.tables.get(&key).is_some_and(|table| falls(table));
            rewild |= fell != built.as_ref().is_some_and(|built| falls(&built.table));
            self.put_table(key, built, dirty, delta);
        }
        if rewild {
            let built = self.build_wildcard(&self.frame.classes[at]);
            let key = table_name(&self.frame.classes[at].key, "*");
            self.put_table(key, Some(built), dirty, delta);
        }
    }

    /// Names whose Host is another than before.
    fn renamed(&self, class: &Class, old: Option<&Class>) -> Vec<Arc<str>> {
        let known: BTreeSet<_> = self
            .names
            .exact()
            .chain(class.exact.keys())
            .chain(old.into_iter().flat_map(|old| old.exact.keys()))
            .cloned()
            .collect();
        known.into_iter().filter(|name| old.is_none_or(|old| old.governing(name) != class.governing(name))).collect()
    }

    /// Names whose tables hold, or should hold, something of these Mappings for many names.
    fn reached_by_wild(&self, class: &Class, wild: &[Arc<Compiled>]) -> Vec<Arc<str>> {
        let tables = self.names_of_tables(&class.key);
        tables.filter(|name| wild.iter().any(|wild| self.reaches(class, name, wild))).collect()
    }

    fn reaches(&self, class: &Class, name: &Arc<str>, wild: &Compiled) -> bool {
        let Some(host) = class.governing(name) else { return false };
        let joins = |wild: &Compiled| host.takes(wild) && wild.host.may_take(name);
        if !joins(wild) {
            return false;
        }
        if table::is_acme(wild) || self.is_copied(name, wild) {
            return true;
        }
        // Whether a miss goes on to the wildcards changes with the first and the last that it may find.
        let table = self.model.tables.get(&table_name(&class.key, name));
        match table.and_then(|table| table.hosts.first()) {
            Some(host) if host.falls_through => !self.wild().any(|other| joins(other) && !self.is_copied(name, other)),
            Some(host) => host.routes.last().is_none_or(|last| last.origins.is_empty()),
            None => true,
        }
    }

    /// Whether the table of the name holds a Mapping for many names: one of its own comes later.
    fn is_copied(&self, name: &Arc<str>, wild: &Compiled) -> bool {
        let mut own = self.names.of(name).filter_map(|id| self.mappings.get(id));
        own.any(|own| wild.order(own).is_lt() && may_overlap(&wild.matches, &own.matches))
    }

    fn wild(&self) -> impl Iterator<Item = &Compiled> {
        self.names.wild().filter_map(|id| self.mappings.get(id)).map(|compiled| &**compiled)
    }

    fn build_exact(&self, class: &Class, name: &Arc<str>) -> Option<Built> {
        let host = class.governing(name)?;
        let own = self.names.of(name).filter_map(|id| self.mappings.get(id)).map(|compiled| &**compiled);
        let wild = self.wild().filter(|mapping| mapping.host.may_take(name));
        table::exact(class, host, name, own.chain(wild).filter(|mapping| host.takes(mapping)))
    }

    fn build_wildcard(&self, class: &Class) -> Built {
        let wild: Vec<_> = self.wild().collect();
        let mut shared: BTreeMap<Vec<&ObjectId>, Shared<'_>> = BTreeMap::new();
        for (name, host) in &class.exact {
            let table = self.model.tables.get(&table_name(&class.key, name));
            if !table.is_some_and(|table| table.hosts.iter().any(|host| host.falls_through)) {
                continue;
            }
            let mappings: Vec<_> =
                wild.iter().copied().filter(|mapping| host.takes(mapping) && mapping.host.may_take(name)).collect();
            let key = mappings.iter().map(|mapping| &mapping.id).collect();
            let share = shared.entry(key).or_insert_with(|| Shared { names: Vec::new(), mappings });
            share.names.push(Arc::clone(name));
        }
        table::wildcard(class, &wild, shared.into_values().collect())
    }

    fn put_table(&mut self, name: TableName, built: Option<Built>, dirty: &mut Dirty, delta: &mut Delta) {
        let old = self.table_clusters.remove(&name).unwrap_or_default();
        self.table_problems.remove(&name);
        let Some(Built { table, upstreams, problems }) = built else {
            dirty.clusters.extend(self.clusters.change(&old, &[]));
            put(&mut self.model.tables, &mut delta.tables, name, None);
            return;
        };
        dirty.clusters.extend(self.clusters.change(&old, &upstreams));
        let clusters = upstreams.iter().map(|upstream| upstream.name().clone()).collect();
        self.table_clusters.insert(name.clone(), clusters);
        if !problems.is_empty() {
            self.table_problems.insert(name.clone(), problems);
        }
        put(&mut self.model.tables, &mut delta.tables, name, Some(table));
    }

    /// Puts in the clusters that something uses now, and takes out those that nothing does.
    fn settle_clusters(&mut self, dirty: &Dirty, delta: &mut Delta) {
        let changed = dirty.endpoints.iter().flat_map(|service| self.clusters.of_service(service));
        let endpoints: BTreeSet<_> = changed.cloned().chain(dirty.clusters.iter().cloned()).collect();
        for name in &dirty.clusters {
            let cluster = self.clusters.get(name).map(|upstream| upstream.cluster.clone());
            put(&mut self.model.clusters, &mut delta.clusters, name.clone(), cluster);
        }
        for name in endpoints {
            let found = self.clusters.get(&name).and_then(|upstream| {
                let source = upstream.source.as_ref()?;
                let endpoints = self.services.endpoints(source).unwrap_or_default();
                Some(nuncio_ir::Endpoints { cluster: name.clone(), hostname: source.hostname.clone(), endpoints })
            });
            put(&mut self.model.endpoints, &mut delta.endpoints, name, found);
        }
    }

    /// Hands over the Secrets that listeners and clusters name, and no others.
    fn settle_secrets(&mut self, delta: &mut Delta) {
        let mut wanted: BTreeSet<_> = self.clusters.secrets().cloned().collect();
        wanted.extend(self.model.listeners.values().flat_map(|listener| listener.secrets()).cloned());
        let gone: Vec<_> = self.model.secrets.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
        for name in gone {
            put(&mut self.model.secrets, &mut delta.secrets, name, None);
        }
        for name in wanted {
            let value = self.secrets.value(&name).map(|value| nuncio_ir::Secret { name: name.clone(), value });
            put(&mut self.model.secrets, &mut delta.secrets, name, value);
        }
    }
}

impl Dirty {
    fn touch(&mut self, compiled: Arc<Compiled>) {
        match compiled.host.exact() {
            Some(name) => drop(self.names.insert(Arc::clone(name))),
            None => self.wild.push(compiled),
        }
    }
}

/// Whether an object is for this instance. Core objects are for all.
fn is_for(ids: &[String], instance: &str, kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::EndpointSlice | Kind::Secret)
        || ids.iter().any(|id| id == instance || id == "_automatic_")
}

/// Why an object cannot be used, in one sentence.
fn invalid_reason(object: &Object) -> String {
    let mut errors = object.problems.iter().map(|(problem, _)| problem);
    let error = errors.find(|problem| problem.severity == Severity::Error);
    format!("{} is not valid{}", object.id, error.map(|error| format!(": {error}")).unwrap_or_default())
}

fn service_key(id: &ObjectId) -> ServiceKey {
    ServiceKey { namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name) }
}

fn secret_ref(id: &ObjectId) -> SecretRef {
    SecretRef { namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name) }
}

fn slice_service(object: &Object) -> Option<ServiceKey> {
    let name = object.labels.get(SERVICE_NAME)?;
    Some(ServiceKey { namespace: Arc::clone(&object.id.namespace), name: name.as_str().into() })
}

//! The world: every object, and the model that they make together, kept in step change by change.
//!
//! The unit is the table of one host name. A changed Mapping compiles again, then the tables of the names
//! that it is for; the frame (Hosts, Listeners, TCPMappings, AuthServices, RateLimitServices) is made anew as a whole,
//! and touches the tables of those names whose Host changed. Whatever comes out equal to what was there is not a change.

mod apis;
mod ingresses;
mod intake;
mod limits;
mod mappings;
mod module;
mod portals;
mod previews;
mod protection;
mod report;
mod settle;
mod tables;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, ModuleConfig, Object, ObjectId, Remains, Spec, TcpMapping, TlsContext};
use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{ClusterName, Cors, Delta, Listener, Model, SecretName, TableName, put};

use crate::compiled::Compiled;
use crate::context::{Context, Settings};
use crate::coverage::Coverage;
use crate::frame::{self, Frame};
use crate::index::{Clusters, Names, TableProblems, Users};
use crate::protection::Protection;
use crate::secrets::{SecretError, Secrets};
use crate::service::{ServiceKey, Services};
use crate::upstream::Resolver;

/// The kinds that the frame is made of.
const FRAME_KINDS: [Kind; 5] =
    [Kind::Host, Kind::Listener, Kind::TCPMapping, Kind::AuthService, Kind::RateLimitService];

pub use apis::{PublicName, Served};
use ingresses::Ingresses;
use limits::Limiting;
pub(crate) use mappings::invalid_reason;
use previews::Previews;
pub use previews::{
    GonePreview, MeshRule, MeshService, PREVIEW_KEYS, PreviewMesh, PreviewProbe, PreviewReplacement, PreviewTimes,
    PreviewUrl,
};
use protection::RuleSets;
pub use report::{AskedPlace, Resources};

/// Every object and what they make.
#[derive(Debug)]
pub struct World {
    settings: Settings,
    objects: BTreeMap<ObjectId, Arc<Object>>,
    quarantine: BTreeMap<ObjectId, Refusal>,
    module: Arc<ModuleConfig>,
    /// The last that was in force without being refused; `None` at the start.
    sound_module: Option<Arc<ModuleConfig>>,
    services: Services,
    secrets: Secrets,
    resolvers: BTreeMap<ObjectId, Resolver>,
    tls_contexts: BTreeMap<ObjectId, Arc<TlsContext>>,
    /// Those that are there and cannot be used, each with the names that it is for.
    broken_contexts: BTreeMap<ObjectId, Vec<String>>,
    ingresses: Ingresses,
    /// By the Mapping's id; what an Ingress makes by its [key](crate::ingress::key).
    mappings: BTreeMap<ObjectId, Arc<Compiled>>,
    names: Names,
    users: Users,
    frame: Frame,
    /// What RateLimits and RateLimitServices mean to Mappings.
    limiting: Limiting,
    /// What Filters and FilterPolicies mean to routes.
    protection: Protection,
    /// The sets of rules that tables name.
    rule_sets: RuleSets,
    previews: Previews,
    /// Clusters of each table.
    table_clusters: BTreeMap<TableName, Vec<ClusterName>>,
    /// Problems that show only where Mappings meet.
    table_problems: TableProblems,
    /// The objects in each table of wildcards, sorted.
    wild_origins: BTreeMap<TableName, Vec<ObjectId>>,
    /// Secrets that listeners name.
    listener_secrets: BTreeSet<SecretName>,
    clusters: Clusters,
    /// Services that lost their last endpoint, or have their first.
    turned: BTreeSet<ServiceKey>,
    /// Objects with which something else is wrong, though they are the same.
    stirred: BTreeSet<ObjectId>,
    model: Model,
}

/// Why an object is out.
#[derive(Debug)]
struct Refusal {
    /// The proxy's words.
    message: String,
    /// What was left of it was refused as well.
    rest: bool,
}

/// What a round of changes touches.
#[derive(Default)]
struct Dirty {
    module: bool,
    frame: bool,
    /// Some RateLimitService is another.
    limiting: bool,
    /// RateLimits that are others.
    limits: BTreeSet<ObjectId>,
    /// Domains whose RateLimits are others.
    limit_domains: BTreeSet<Arc<str>>,
    /// Some Filter or FilterPolicy is another, or something that they name.
    protection: bool,
    /// What FilterPolicies were for, where that is something else now.
    old_coverage: Option<Arc<Coverage>>,
    /// Sets of rules that some table no longer names, or did not name before.
    rule_sets: BTreeSet<RuleSetId>,
    /// Some DevPortal is another.
    portals: bool,
    /// Some `PreviewPolicy` is another.
    preview_policy: bool,
    /// Services to which Mappings lead, or led, that are others.
    mapped: BTreeSet<ServiceKey>,
    /// Previews have another gate than before.
    preview_gate: bool,
    /// Other names than before are for previews alone.
    preview_domain: bool,
    /// A cookie chooses previews elsewhere than before.
    preview_choice: bool,
    /// Others than before are told keys of previews.
    preview_trust: bool,
    previews: BTreeSet<ObjectId>,
    /// Some `IngressClass` is another.
    ingress_classes: bool,
    ingresses: BTreeSet<ObjectId>,
    mappings: BTreeSet<ObjectId>,
    endpoints: BTreeSet<ServiceKey>,
    /// Names whose own Mappings changed.
    names: BTreeSet<Arc<str>>,
    /// Mappings for no single name that came, changed or went: before and after.
    wild: Vec<Arc<Compiled>>,
    clusters: BTreeSet<ClusterName>,
    /// Names that listeners no longer use, or did not use before.
    secrets: BTreeSet<SecretName>,
    /// Some Secret is another: whatever is used may be.
    all_secrets: bool,
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
            sound_module: None,
            services: Services::default(),
            secrets: Secrets::default(),
            resolvers: BTreeMap::new(),
            tls_contexts: BTreeMap::new(),
            broken_contexts: BTreeMap::new(),
            ingresses: Ingresses::default(),
            mappings: BTreeMap::new(),
            names: Names::default(),
            users: Users::default(),
            frame: Frame::default(),
            limiting: Limiting::default(),
            protection: Protection::default(),
            rule_sets: RuleSets::default(),
            previews: Previews::default(),
            table_clusters: BTreeMap::new(),
            table_problems: TableProblems::default(),
            wild_origins: BTreeMap::new(),
            listener_secrets: BTreeSet::new(),
            clusters: Clusters::default(),
            turned: BTreeSet::new(),
            stirred: BTreeSet::new(),
            model: Model::default(),
        }
    }

    /// What the gateway does now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether Envoys count the requests of each route by themselves.
    #[must_use]
    pub fn counts_routes(&self) -> bool {
        self.settings.route_stats
    }

    /// Whom Mappings answer of other origins where nobody has written anything of that.
    #[must_use]
    pub fn own_cors(&self) -> Option<&Cors> {
        self.settings.cors.as_ref()
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
            let object =
                object.filter(|object| intake::is_for(&object.ambassador_id, &self.settings.ambassador_id, id.kind));
            self.take(&id, object.as_ref(), &mut dirty);
        }
        self.rebuild(dirty)
    }

    /// Takes an object out that the proxy refused, for as long as it stays as it is. Of the Module only its texts (formats,
    /// paths) go; refused again, its script too. Its access lists stay. Of a Mapping the conditions stay, and answer 503;
    /// refused again, they go too.
    pub fn quarantine(&mut self, id: &ObjectId, message: &str) -> Delta {
        let mut dirty = Dirty::default();
        if let Some(object) = self.objects.get(id).cloned() {
            let rest = self.quarantine.contains_key(id);
            self.quarantine.insert(id.clone(), Refusal { message: message.to_owned(), rest });
            self.untake(&object, &mut dirty);
            if id.kind == Kind::Secret {
                self.secrets.take_out(SecretError::Refused(intake::secret_ref(id), message.to_owned()));
            }
            // It may ask for client certificates: who it is for is not served without it.
            if let Spec::TlsContext(context) = &object.spec {
                self.broken_contexts.insert(id.clone(), context.hosts.clone());
            }
        }
        let delta = self.rebuild(dirty);
        // It says nothing beside its script: that is what was refused.
        if delta.is_empty() && self.is_quarantined(id) && !self.is_out(id) {
            return self.quarantine(id, message);
        }
        delta
    }

    /// Lets an object in again.
    pub fn release(&mut self, id: &ObjectId) -> Delta {
        let mut dirty = Dirty::default();
        self.let_in_again(id, &mut dirty);
        self.rebuild(dirty)
    }

    fn ids_of(&self, kind: Kind) -> impl Iterator<Item = &ObjectId> {
        let first = ObjectId::new(kind, "", "");
        self.objects.range(first..).map(|(id, _)| id).take_while(move |id| id.kind == kind)
    }

    fn rebuild(&mut self, mut dirty: Dirty) -> Delta {
        let mut delta = Delta::default();
        // Every slot is filled from the beginning.
        dirty.frame |= self.model.extensions.is_empty();
        if dirty.module {
            self.module = self.effective_module(|_| false);
            dirty.frame = true;
            // Whose Service a bare name is that a Filter asks.
            dirty.protection |= self.has_filters();
            self.touch_all_mappings(&mut dirty);
        }
        self.settle_limiting(&mut dirty);
        self.settle_protection(&mut dirty, &mut delta);
        self.derive_ingresses(&mut dirty);
        self.settle_preview_policy(&mut dirty, &mut delta);
        self.compile_mappings(&mut dirty);
        let old_frame = dirty.frame.then(|| self.rebuild_frame(&mut dirty, &mut delta));
        self.rebuild_tables(&mut dirty, old_frame.as_ref(), &mut delta);
        self.settle_previews(&mut dirty, &mut delta);
        self.settle_clusters(&dirty, &mut delta);
        self.settle_secrets(&dirty, &mut delta);
        self.settle_rules(&dirty, &mut delta);
        self.settle_rule_sets(&dirty, &mut delta);
        self.settle_portals(&dirty);
        delta
    }

    fn touch_all_mappings(&self, dirty: &mut Dirty) {
        let all = self.objects.keys().filter(|id| id.kind == Kind::Mapping).cloned();
        dirty.mappings.extend(all);
        dirty.mappings.extend(self.ingresses.keys().cloned());
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: &self.settings,
            module: &self.module,
            services: &self.services,
            resolvers: &self.resolvers,
            tls_contexts: &self.tls_contexts,
            broken_contexts: &self.broken_contexts,
            secrets: &self.secrets,
            label_domain: self.limiting.domain.as_deref(),
            has_limits: self.limiting.has_limits,
            protection: &self.protection,
            auth: &self.frame.auth,
            previews: self.previews.entry(),
        }
    }

    /// Makes the frame anew; gives the old one.
    fn rebuild_frame(&mut self, dirty: &mut Dirty, delta: &mut Delta) -> Frame {
        let is_out = |id: &ObjectId| self.is_quarantined(id);
        let objects: Vec<_> = FRAME_KINDS.into_iter().flat_map(|kind| self.of_kind(kind, is_out)).collect();
        let ingress_hosts: Vec<_> = self.ingress_hosts(is_out).collect();
        self.secrets.begin_frame();
        let mut frame = frame::build(objects.iter(), &ingress_hosts, &self.context());
        self.secrets.end();
        let wanted: BTreeMap<_, _> =
            frame.listeners.drain(..).map(|listener| (Arc::clone(&listener.name), listener)).collect();
        let gone: Vec<_> = self.model.listeners.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            put(&mut self.model.listeners, &mut delta.listeners, name, None);
        }
        let secrets: BTreeSet<_> = wanted.values().flat_map(Listener::secrets).cloned().collect();
        dirty.secrets.extend(secrets.symmetric_difference(&self.listener_secrets).cloned());
        self.listener_secrets = secrets;
        for (name, listener) in wanted {
            put(&mut self.model.listeners, &mut delta.listeners, name, Some(listener));
        }
        for extension in [&frame.auth.extension, &frame.filters, &frame.limit] {
            put(&mut self.model.extensions, &mut delta.extensions, extension.slot, Some(extension.clone()));
        }
        dirty.clusters.extend(self.clusters.change(&self.frame.upstream_names(), &frame.upstreams));
        std::mem::replace(&mut self.frame, frame)
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
            (Spec::TcpMapping(mapping), true) => {
                let (address, host) = (mapping.address.clone(), mapping.host.clone());
                let connections = TcpMapping { port: mapping.port, address, host, ..TcpMapping::default() };
                let remains = Remains::Connections(Box::new(connections));
                Arc::new(Object { spec: Spec::Invalid(remains), ..(**object).clone() })
            }
            (_, true) => Arc::new(Object { spec: Spec::Invalid(Remains::Nothing), ..(**object).clone() }),
            (_, false) => Arc::clone(object),
        })
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

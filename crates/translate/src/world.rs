//! The world: every object, and the model that they make together, kept in step change by change.
//!
//! The unit is the table of one host name. A changed Mapping compiles again, then the tables of the names
//! that it is for; the frame (Hosts, Listeners, TCPMappings, AuthServices, RateLimitServices) is made anew as a whole,
//! and touches the tables of those names whose Host changed. Whatever comes out equal to what was there is not a change.

mod apis;
mod dirty;
mod frames;
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

use nuncio_api::{Kind, ModuleConfig, Object, ObjectId, Spec, TlsContext};
use nuncio_ir::{ClusterName, Cors, Delta, Model, SecretName, TableName};

use crate::compiled::Compiled;
use crate::context::{Context, Settings};
use crate::frame::Frame;
use crate::index::{Clusters, Names, TableProblems, Users};
use crate::protection::Protection;
use crate::secrets::{SecretError, Secrets};
use crate::service::{ServiceKey, Services};
use crate::upstream::Resolver;

pub use apis::{PublicName, Served};
use dirty::Dirty;
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
        let dirty = self.take_all(changes);
        self.rebuild(dirty)
    }

    /// The same, but for the previews that only follow routes which changed: a thousand of them keep nobody waiting who asks
    /// for no preview. [`World::follow`] brings them up to date, and whatever else changes the model.
    pub fn apply_ahead(&mut self, changes: impl IntoIterator<Item = (ObjectId, Option<Arc<Object>>)>) -> Delta {
        let dirty = self.take_all(changes);
        self.rebuild(Dirty { previews_follow: true, ..dirty })
    }

    /// Brings the previews up to date that [`World::apply_ahead`] left behind.
    pub fn follow(&mut self) -> Delta {
        if self.previews.has_late() { self.rebuild(Dirty::default()) } else { Delta::default() }
    }

    fn take_all(&mut self, changes: impl IntoIterator<Item = (ObjectId, Option<Arc<Object>>)>) -> Dirty {
        let mut dirty = Dirty::default();
        for (id, object) in changes {
            let object =
                object.filter(|object| intake::is_for(&object.ambassador_id, &self.settings.ambassador_id, id.kind));
            self.take(&id, object.as_ref(), &mut dirty);
        }
        dirty
    }

    /// Takes an object out that the proxy refused, for as long as it stays as it is. Of the Module only its texts (formats,
    /// paths) go; refused again, its script too. Its access lists stay. Of a Mapping the conditions stay, and answer 503;
    /// refused again, they go too.
    pub fn quarantine(&mut self, id: &ObjectId, message: &str) -> Delta {
        // What previews are late with is no effect of it.
        let mut delta = self.follow();
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
        let own = self.rebuild(dirty);
        // It says nothing beside its script: that is what was refused.
        let says_no_more = own.is_empty() && self.is_quarantined(id) && !self.is_out(id);
        delta.merge(if says_no_more { self.quarantine(id, message) } else { own });
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
}

//! Where objects ended up, and of which objects something is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::auth::{FilterId, RuleSetId};
use nuncio_ir::{Backend, ClusterName, RouteAction, SecretName, Slot, TableName};

use crate::table::table_name;
use crate::world::World;
use crate::world::intake::{secret_ref, service_key, slice_service};

/// The nodes of the model that an object is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Tables of routes.
    pub tables: Vec<TableName>,
    /// Listeners.
    pub listeners: Vec<Arc<str>>,
    /// Slots of the filter list.
    pub extensions: Vec<Slot>,
    /// Secrets.
    pub secrets: Vec<SecretName>,
    /// Clusters whose endpoints it is.
    pub endpoints: Vec<ClusterName>,
    /// Domains of rules for the service that counts.
    pub limits: Vec<Arc<str>>,
    /// Sets of rules for the service that decides by Filters.
    pub rule_sets: Vec<RuleSetId>,
    /// Filters for that service.
    pub filters: Vec<FilterId>,
}

impl World {
    /// Where an object ended up.
    #[must_use]
    pub fn resources_of(&self, id: &ObjectId) -> Resources {
        let mut found = Resources::default();
        match id.kind {
            Kind::Mapping => found.tables = self.tables_of(id),
            Kind::Host => found.tables = self.tables_of_hosts(id),
            Kind::Ingress => {
                found.tables = self.tables_of_hosts(id).into_iter().chain(self.tables_of(id)).collect();
                found.tables.sort_unstable();
                found.tables.dedup();
            }
            Kind::Listener | Kind::TCPMapping => {
                let listeners = self.model.listeners.values().filter(|listener| listener.origins.contains(id));
                found.listeners = listeners.map(|listener| Arc::clone(&listener.name)).collect();
            }
            Kind::Module => {
                let counts = self.chosen_module().is_some_and(|chosen| chosen.id == *id);
                let listeners = self.model.listeners.keys().filter(|_| counts);
                found.listeners = listeners.cloned().collect();
            }
            Kind::Secret => {
                found.secrets = self.secrets.made_of(&secret_ref(id));
                found.secrets.retain(|secret| self.model.secrets.contains_key(secret));
                let filters = self.secrets.filters_of(&secret_ref(id));
                found.filters = filters.iter().filter_map(|filter| self.filter_of(filter)).collect();
                if self.is_secret_of_keys(&secret_ref(id)) {
                    let previews: Vec<_> = self.objects.keys().filter(|id| id.kind == Kind::Preview).collect();
                    found.tables = previews.iter().flat_map(|id| self.previews.tables_of(id)).collect();
                    let of_links = previews.iter().filter_map(|id| self.previews.share_filter(id));
                    found.filters.extend(of_links.map(|filter| filter.id.clone()));
                }
            }
            Kind::Service | Kind::EndpointSlice => {
                let service = match id.kind {
                    Kind::Service => Some(service_key(id)),
                    _ => self.objects.get(id).and_then(|object| slice_service(object)),
                };
                let clusters = service.iter().flat_map(|service| self.clusters.of_service(service));
                found.endpoints = clusters.cloned().collect();
            }
            Kind::RateLimit => {
                let domains = self.model.limits.iter().filter(|(_, rules)| rules.origins.binary_search(id).is_ok());
                found.limits = domains.map(|(domain, _)| Arc::clone(domain)).collect();
            }
            Kind::AuthService | Kind::RateLimitService => {
                let slots = self.model.extensions.values().filter(|extension| extension.origins.contains(id));
                found.extensions = slots.map(|extension| extension.slot).collect();
            }
            Kind::FilterPolicy | Kind::GatewayFilterPolicy => found.rule_sets = self.rule_sets_of(id),
            Kind::Filter | Kind::GatewayFilter => found.filters = self.filter_of(id).into_iter().collect(),
            Kind::TLSContext | Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver => {
                found = self.resources_of_users(id);
            }
            Kind::IngressClass | Kind::PreviewPolicy | Kind::DevPortal => {}
            Kind::Preview => found.tables = self.previews.tables_of(id),
        }
        found
    }

    /// The Host or Ingress that speaks for a name, or a pattern for names, among the listeners of a class.
    #[must_use]
    pub fn speaker(&self, class: &str, name: &str) -> Option<&ObjectId> {
        let class = self.frame.classes.iter().find(|known| *known.key == *class)?;
        // The fallback for where there is no Host is nobody's object.
        class.governing(name).map(|host| &host.id).filter(|id| self.objects.contains_key(id))
    }

    fn tables_of_hosts(&self, id: &ObjectId) -> Vec<TableName> {
        let classes = self.frame.classes.iter();
        let own = classes.flat_map(|class| class.hosts().filter(|host| host.id == *id).map(move |host| (class, host)));
        own.map(|(class, host)| match host.pattern.exact() {
            Some(name) => table_name(&class.key, name),
            None => table_name(&class.key, "*"),
        })
        .collect()
    }

    fn tables_of(&self, id: &ObjectId) -> Vec<TableName> {
        let compiled = self.keys_of(id).into_iter().filter_map(|key| self.mappings.get(key));
        let hosts: BTreeSet<_> = compiled.map(|compiled| compiled.host.exact().map_or("*", |name| name)).collect();
        let classes = self.frame.classes.iter();
        let names = classes.flat_map(|class| hosts.iter().map(|host| table_name(&class.key, host)));
        let holds = |name: &TableName| {
            if let Some(origins) = self.wild_origins.get(name) {
                return origins.binary_search(id).is_ok();
            }
            let routes = self.model.tables.get(name).into_iter().flat_map(|table| &table.hosts);
            routes.flat_map(|host| &host.routes).any(|route| route.origins.contains(id))
        };
        names.filter(holds).collect()
    }

    /// The objects that send to a cluster.
    #[must_use]
    pub fn users_of_cluster(&self, cluster: &ClusterName) -> Vec<ObjectId> {
        let routes = self.model.tables.values().flat_map(|table| &table.hosts).flat_map(|host| &host.routes);
        let uses = |action: &RouteAction| match action {
            RouteAction::Forward(forward) => {
                forward.arms.iter().any(|arm| arm.backend == Backend::Cluster(cluster.clone()))
                    || forward.mirrors.iter().any(|mirror| mirror.cluster == *cluster)
            }
            RouteAction::Redirect(_) | RouteAction::Respond(_) => false,
        };
        let of_routes = routes.filter(|route| uses(&route.action)).flat_map(|route| &route.origins).filter(|id| {
            let own = self.keys_of(id).into_iter().filter_map(|key| self.mappings.get(key)?.upstream());
            own.into_iter().any(|upstream| upstream.name() == cluster)
        });
        let listeners = self.model.listeners.values().filter(|listener| listener.clusters().contains(cluster));
        let is_sender = |id: &&ObjectId| self.frame.senders.get(*id).is_some_and(|upstream| upstream == cluster);
        let of_listeners = listeners.flat_map(|listener| &listener.origins).filter(is_sender);
        let extensions = self.model.extensions.values().filter(|extension| extension.clusters().contains(cluster));
        let of_extensions = extensions.flat_map(|extension| &extension.origins);
        // A Mapping may have routes in many tables.
        let users: BTreeSet<_> = of_routes.chain(of_listeners).chain(of_extensions).collect();
        users.into_iter().cloned().collect()
    }

    /// The objects that a secret is made of.
    #[must_use]
    pub fn users_of_secret(&self, secret: &SecretName) -> Vec<ObjectId> {
        let secrets = self.objects.keys().filter(|id| id.kind == Kind::Secret);
        secrets.filter(|id| self.resources_of(id).secrets.contains(secret)).cloned().collect()
    }
}

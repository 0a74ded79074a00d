//! What the world tells of its objects: what is wrong with them, and where they ended up.

mod named;
mod secrets;

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem, Severity, Spec};
use nuncio_ir::auth::{FilterId, RuleSetId};
use nuncio_ir::{Backend, ClusterName, Discovery, RouteAction, SecretName, Slot, TableName};

use super::World;
use super::intake::{secret_ref, service_key, slice_service};
use crate::compiled::{Compiled, HostCondition};
use crate::pattern::HostPattern;
use crate::policy::HostPolicy;
use crate::service::{ANSWERED_503, Target, target};
use crate::table::table_name;

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

/// Where a service is that Envoy asks about requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPlace {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The objects that name it.
    pub objects: Vec<ObjectId>,
    /// In which field.
    pub field: &'static str,
}

impl World {
    /// What is wrong with an object besides what is wrong with its text.
    #[must_use]
    pub fn problems(&self, id: &ObjectId) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(refusal) = self.quarantine.get(id) {
            let by = if id.kind == Kind::RateLimit { "a rate limit service" } else { "Envoy" };
            problems.push(Problem::error("RefusedByProxy", "", format!("{by} refused it: {}", refusal.message)));
        }
        if let Some(compiled) = self.mappings.get(id) {
            problems.extend(self.mapping_problems(compiled));
        }
        problems.extend(self.ingress_problems(id));
        problems.extend(self.module_problems(id));
        problems.extend(self.secret_problems(id));
        problems.extend(self.limit_problems(id));
        problems.extend(self.auth_problems(id));
        problems.extend(self.protection_problems(id));
        problems.extend(self.preview_problems(id));
        problems.extend(self.reserved_host(id));
        problems.extend(self.portal_problem(id));
        problems.extend(self.frame.problems.get(id).into_iter().flatten().cloned());
        problems.extend(self.table_problems.of(id).cloned());
        problems.sort_unstable();
        problems.dedup();
        problems
    }

    pub(super) fn mapping_problems(&self, compiled: &Compiled) -> Vec<Problem> {
        let mut problems = compiled.problems.clone();
        problems.extend(self.reserved(compiled).or_else(|| self.unattached(compiled)));
        let sources = compiled.upstream().into_iter().flat_map(|upstream| &upstream.sources);
        let endpoints = sources.filter_map(|source| self.services.lacks_endpoints(source));
        problems.extend(endpoints.map(|error| Problem::warning("NoEndpoints", "spec.service", error.to_string())));
        problems.extend(self.no_service(compiled));
        problems.extend(self.keys_in_answers(compiled));
        problems
    }

    /// Whether DNS is asked for a name that is, most likely, that of a Service which is not there.
    fn no_service(&self, compiled: &Compiled) -> Option<Problem> {
        let Discovery::Dns { hosts, .. } = &compiled.upstream()?.cluster.discovery else { return None };
        // A name without a namespace is one of the edge's own here.
        let Target::Name(Some(key)) = target(&hosts.first()?.0, &self.settings.namespace) else { return None };
        let message = self.services.not_there(&key, ANSWERED_503)?;
        Some(Problem::warning("NoEndpoints", "spec.service", message))
    }

    /// Whether an AuthService that is asked has nobody behind it.
    fn auth_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let auth = &self.frame.auth;
        let upstream = auth.upstream.as_ref().filter(|_| auth.extension.origins.contains(id));
        let sources = upstream.into_iter().flat_map(|upstream| &upstream.sources);
        let errors = sources.filter_map(|source| self.services.lacks_endpoints(source));
        errors.map(|error| Problem::warning("NoEndpoints", "spec.auth_service", error.to_string())).collect()
    }

    /// Where services are that Envoy asks about requests, as far as nobody but the machine knows whether they are there.
    #[must_use]
    pub fn asked_places(&self) -> Vec<AskedPlace> {
        let place = |host: String, port, objects: &[ObjectId], field| {
            let objects = objects.to_vec();
            AskedPlace { host, port, objects, field }
        };
        let (auth, limit) = (&self.frame.auth, &self.frame.limit);
        let of_auth = auth.upstream.as_ref().map(|upstream| (upstream, &auth.extension.origins, "spec.auth_service"));
        let limits = limit.clusters().into_iter().filter(|_| !limit.origins.is_empty());
        let of_limits = limits.filter_map(|name| Some((self.clusters.get(&name)?, &limit.origins, "spec.service")));
        let asked = of_auth.into_iter().chain(of_limits);
        let places = asked.flat_map(|(upstream, objects, field)| match &upstream.cluster.discovery {
            Discovery::Dns { hosts, .. } => {
                hosts.iter().map(|(host, port)| place(host.clone(), *port, objects, field)).collect()
            }
            Discovery::Static(addresses) => {
                addresses.iter().map(|at| place(at.ip().to_string(), at.port(), objects, field)).collect()
            }
            Discovery::Endpoints | Discovery::Unix(_) => Vec::new(),
        });
        places.collect()
    }

    /// Whether the Mapping is for a name that previews have.
    fn reserved(&self, compiled: &Compiled) -> Option<Problem> {
        self.reserved_name(compiled.host.exact()?)
    }

    /// The same of a Host.
    fn reserved_host(&self, id: &ObjectId) -> Option<Problem> {
        let Spec::Host(host) = &self.objects.get(id)?.spec else { return None };
        self.reserved_name(HostPattern::parse(host.hostname.as_deref()?)?.exact()?)
    }

    fn reserved_name(&self, name: &str) -> Option<Problem> {
        let message = || format!("serves nothing: names like {name} are for previews alone");
        let is_reserved = self.previews.reserves(name);
        is_reserved.then(|| Problem::warning("ReservedForPreviews", "spec.hostname", message()))
    }

    /// Whether no Host takes the Mapping; if that is because its Host cannot be used, why.
    fn unattached(&self, compiled: &Compiled) -> Option<Problem> {
        let host = |is: &dyn Fn(&HostPolicy) -> bool| {
            self.frame.classes.iter().find_map(|class| match compiled.host.exact() {
                Some(name) => class.governing(name).filter(|host| is(host)),
                None => class.hosts().find(|host| is(host)),
            })
        };
        if host(&|host| host.takes(compiled)).is_some() {
            return None;
        }
        let (reason, message) = match host(&|host| host.invalid && host.wants(compiled)) {
            Some(host) => ("HostNotUsable", self.host_not_usable(&host.id)),
            None if self.frame.classes.is_empty() => {
                ("NoMatchingHost", "serves nothing: there is no Listener with a Host".to_owned())
            }
            None => {
                let what = match compiled.host {
                    HostCondition::None => {
                        "it has no hostname (\"*\" is for every Host), and no Host selects its labels"
                    }
                    _ => "no Host that a Listener binds takes its hostname and labels",
                };
                ("NoMatchingHost", format!("serves nothing: {what}"))
            }
        };
        Some(Problem::warning(reason, "spec.hostname", message))
    }

    /// `Host default/a is not usable: ` and its first error.
    fn host_not_usable(&self, id: &ObjectId) -> String {
        let refusal = self.quarantine.get(id).map(|refusal| format!("Envoy refused it: {}", refusal.message));
        let of_text = self.objects.get(id).into_iter().flat_map(|object| &object.problems).map(|(problem, _)| problem);
        let mut problems = of_text.chain(self.frame.problems.get(id).into_iter().flatten());
        let error = || problems.find(|problem| problem.severity == Severity::Error).map(ToString::to_string);
        let reason = refusal.or_else(error).map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{id} is not usable{reason}")
    }

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

//! What the world tells of its objects: what is wrong with them, and where they ended up.

mod named;
mod resources;
mod secrets;

use nuncio_api::{Kind, ObjectId, Problem, Severity, Spec};
use nuncio_ir::Discovery;

pub use self::resources::Resources;
use super::World;
use crate::compiled::{Compiled, HostCondition};
use crate::pattern::HostPattern;
use crate::policy::HostPolicy;
use crate::service::{ANSWERED_503, Target, target};

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
}

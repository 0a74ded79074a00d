//! The frame: Hosts, Listeners, TCPMappings, AuthServices and RateLimitServices, which are few and hang together. It is
//! made anew as a whole when one of them changes; the tables of routes are not.

mod binding;
mod ports;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Problem, ProtocolLayer, Spec};
use nuncio_ir::{ClusterName, Extension, Handler, HttpSettings, Listener, Slot, SlotFilter};

use self::binding::Binding;
pub(crate) use self::ports::Port;
use crate::auth_service::{self, Auth};
use crate::chains;
use crate::compiled::Upstream;
use crate::context::Context;
use crate::filter_service;
use crate::host::{self, CompiledHost};
use crate::ingress::IngressHost;
use crate::limit_service;
use crate::mapping::BODY_LIMIT;
use crate::module;
use crate::pattern::HostPattern;
use crate::policy::Class;
use crate::rivals::Verdict;
use crate::tcp;

/// What these make together.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) classes: Vec<Class>,
    /// The names of Hosts that cannot be used.
    pub(crate) unusable: Vec<HostPattern>,
    pub(crate) listeners: Vec<Listener>,
    /// What the AuthServices come to.
    pub(crate) auth: Auth,
    /// Who is asked about what FilterPolicies are for.
    pub(crate) filters: Extension,
    /// Of TCPMappings, AuthServices, and of the rate limit service.
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// The cluster of each TCPMapping that has one.
    pub(crate) senders: BTreeMap<ObjectId, ClusterName>,
    /// Whom Envoy asks about limits.
    pub(crate) limit: Extension,
    pub(crate) problems: BTreeMap<ObjectId, Vec<Problem>>,
    /// Of the Module that counts.
    pub(crate) module_problems: Vec<Problem>,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            unusable: Vec::new(),
            listeners: Vec::new(),
            auth: Auth::default(),
            filters: Extension::idle(Slot::Filters),
            upstreams: Vec::new(),
            senders: BTreeMap::new(),
            limit: Extension::idle(Slot::Limit),
            problems: BTreeMap::new(),
            module_problems: Vec::new(),
        }
    }
}

/// Makes the frame of these objects, given in the order of their ids, and of the Hosts of Ingresses, each with whether its Ingress
/// is out.
pub(crate) fn build<'a>(
    objects: impl Iterator<Item = &'a Arc<Object>> + Clone,
    ingress_hosts: &[(&IngressHost, bool)],
    context: &Context<'_>,
) -> Frame {
    let mut frame = Frame::default();
    let hosts = frame.hosts(objects.clone(), ingress_hosts, context);
    let problems = &mut frame.problems;
    let mut problem = |id: &ObjectId, problem| problems.entry(id.clone()).or_default().push(problem);
    frame.auth = auth_service::build(objects.clone(), context, &mut problem);
    frame.upstreams.extend(frame.auth.upstream.clone());
    let mut http = module::http_settings(context.module, context.previews, &mut frame.module_problems);
    frame.module_problems.extend(context.module_resolver_problem());
    http.identity_headers = identity_headers(&frame.auth, context);
    let (filters, upstream) = filter_service::compile(context);
    frame.filters = filters;
    frame.upstreams.extend(upstream);
    frame.limit_service(objects.clone(), context);
    let ports = frame.ports(objects, context);
    frame.unbound(&ports, &hosts);
    for (address, port) in ports {
        frame.listen(address, &port, &hosts, &http, context);
    }
    let unusable = frame.classes.iter().flat_map(Class::hosts).filter(|host| host.invalid);
    frame.unusable = unusable.map(|host| host.pattern.clone()).collect();
    frame
}

/// Headers by which upstreams learn who a request is from, sorted, each once.
fn identity_headers(auth: &Auth, context: &Context<'_>) -> Vec<String> {
    let all: BTreeSet<_> = auth.identity_headers.iter().chain(&context.protection.identity_headers).cloned().collect();
    all.into_iter().collect()
}

impl Frame {
    /// The names of its clusters.
    pub(crate) fn upstream_names(&self) -> Vec<nuncio_ir::ClusterName> {
        self.upstreams.iter().map(|upstream| upstream.name().clone()).collect()
    }

    pub(crate) fn problem(&mut self, id: &ObjectId, problem: Problem) {
        self.problems.entry(id.clone()).or_default().push(problem);
    }

    /// Whom Envoy asks about limits.
    fn limit_service<'a>(&mut self, objects: impl Iterator<Item = &'a Arc<Object>> + Clone, context: &Context<'_>) {
        let Some(chosen) = limit_service::choose(objects.clone(), context) else { return };
        let mut problems = Vec::new();
        let (service, upstream) = chosen.compile(context, &mut problems);
        if let Some(id) = chosen.id() {
            problems.into_iter().for_each(|problem| self.problem(id, problem));
            let others = objects.filter(|object| matches!(object.spec, Spec::RateLimitService(_)) && object.id != *id);
            others.for_each(|other| self.problem(&other.id, limit_service::another_counts(id)));
        }
        self.upstreams.extend(upstream.map(Arc::new));
        let (filter, origins) = (SlotFilter::Limit(Box::new(service)), chosen.id().into_iter().cloned().collect());
        self.limit = Extension { slot: Slot::Limit, filter, origins };
    }

    fn hosts<'a>(
        &mut self,
        objects: impl Iterator<Item = &'a Arc<Object>>,
        ingress_hosts: &[(&IngressHost, bool)],
        context: &Context<'_>,
    ) -> Vec<CompiledHost> {
        let of_ingresses = self.ingress_hosts(ingress_hosts, context);
        let mut hosts = Vec::new();
        let mut some = false;
        for object in objects.filter(|object| object.id.kind == Kind::Host) {
            some = true;
            let mut problems = Vec::new();
            hosts.extend(host::compile(object, context, &mut problems));
            if !problems.is_empty() {
                self.problems.insert(object.id.clone(), problems);
            }
        }
        if !some {
            hosts.push(host::fallback(context));
        }
        self.overridden(&of_ingresses, &hosts);
        // A Host goes before an Ingress of its name.
        of_ingresses.into_iter().chain(hosts).collect()
    }

    /// Certificates that Ingresses bring along. They take nothing from other names: what serves those without them does so
    /// with them.
    fn ingress_hosts(&mut self, ingress_hosts: &[(&IngressHost, bool)], context: &Context<'_>) -> Vec<CompiledHost> {
        let mut hosts = Vec::new();
        for (made, is_out) in ingress_hosts {
            let mut problems = Vec::new();
            hosts.extend(host::compile_ingress(made, *is_out, context, &mut problems));
            problems.into_iter().for_each(|problem| self.problem(&made.origin, problem));
        }
        hosts
    }

    /// Tells Ingresses whose names a Host of its own speaks for.
    fn overridden(&mut self, of_ingresses: &[CompiledHost], hosts: &[CompiledHost]) {
        for made in of_ingresses {
            let same = |host: &&CompiledHost| !host.is_fallback && host.policy.pattern == made.policy.pattern;
            if let Some(host) = hosts.iter().find(same) {
                let (name, id) = (&made.policy.pattern, &host.policy.id);
                let message = format!("the certificate is not shown for {name}: {id} speaks for that name");
                self.problem(&made.policy.id, Problem::warning("DuplicateHost", "spec.tls", message));
            }
        }
    }

    fn listen(
        &mut self,
        address: SocketAddr,
        port: &Port<'_>,
        hosts: &[CompiledHost],
        http: &HttpSettings,
        context: &Context<'_>,
    ) {
        let stat_prefix = match port.listener {
            Some((_, listener)) => listener.prefix_of_statistics(),
            None => format!("ingress_tcp_{}", address.port()),
        };
        let http = &HttpSettings { stat_prefix, ..http.clone() };
        let mut chains = tcp::chains(self, port, hosts, http, context);
        let mut proxy_protocol = false;
        if let Some((id, listener)) = port.listener {
            let layers = listener.layers();
            proxy_protocol = layers.contains(&ProtocolLayer::Proxy);
            if layers.contains(&ProtocolLayer::Http) {
                let binding = Binding::new(id, listener);
                let mut class = self.class(&binding, hosts);
                class.internal |= listener.is_internal();
                if class.hosts().next().is_none() {
                    let message = "no Host binds to this Listener, so its port stays closed";
                    self.problem(id, Problem::warning("NoHosts", "spec.hostBinding", message));
                } else {
                    chains::add(self, &mut chains, listener, &class, hosts, http);
                    self.classes.retain(|known| known.key != class.key);
                    self.classes.push(class);
                }
            }
        }
        let read = context.module.lua_scripts.is_some().then_some(BODY_LIMIT);
        let read = read.max(self.auth.large_part_of_body().map(|bytes| bytes.max(BODY_LIMIT)));
        // A port on which nobody is served stays closed.
        if chains.iter().all(|chain| chain.handler == Handler::Close) {
            return;
        }
        let mut origins: Vec<_> = port.listener.iter().map(|(id, _)| (*id).clone()).collect();
        origins.extend(port.tcp.iter().map(|(id, _)| (*id).clone()));
        chains.sort_by(|a, b| a.name.cmp(&b.name));
        self.listeners.push(Listener {
            name: address.to_string().into(),
            address,
            proxy_protocol,
            buffer_limit: context.module.buffer_limit_bytes.or(read),
            chains,
            origins,
        });
    }

    fn class(&mut self, binding: &Binding, hosts: &[CompiledHost]) -> Class {
        let key = binding.class_key();
        if let Some(class) = self.classes.iter().find(|class| class.key == key) {
            return class.clone();
        }
        let mut by_name = BTreeMap::<_, Vec<_>>::new();
        for host in hosts.iter().filter(|host| binding.takes(host)) {
            by_name.entry(&host.policy.pattern).or_default().push(host);
        }
        let settled = by_name.into_values().filter_map(|rivals| {
            let verdict = Verdict::of(&rivals)?;
            for (id, problem) in verdict.problems(&rivals) {
                self.problem(&id, problem);
            }
            Some(verdict.policy(&rivals))
        });
        let settled: Vec<_> = settled.collect();
        Class::new(key, binding.security, self.auth.is_on(), settled)
    }
}

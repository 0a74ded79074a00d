//! What translating one object needs to know of the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, ModuleConfig, ObjectId, Problem, ServiceRef, TlsConfig, TlsContext};
use nuncio_ir::{Cors, Discovery, Pem, PreviewEntry, SecretName, TlsSettings, TlsVersion, UpstreamTls};

use crate::auth_service::Auth;
use crate::endpoints::Topology;
use crate::protection::Protection;
use crate::secrets::Secrets;
use crate::service::{ServiceKey, Services};
use crate::upstream::Resolver;

/// What the process was told, not the objects.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `AMBASSADOR_ID`: objects for other instances are passed over.
    pub ambassador_id: String,
    /// `AMBASSADOR_NAMESPACE`: the edge's own namespace.
    pub namespace: Arc<str>,
    /// Certificate shown where there is no Host at all.
    pub fallback_certificate: Fallback,
    /// Address that Listeners bind to.
    pub bind_address: std::net::IpAddr,
    /// Unix socket of the rate limit service that belongs to this gateway, if it runs one when there are RateLimits.
    pub limit_socket: Option<Arc<str>>,
    /// The file in which the Envoy beside this gateway tells of requests that somebody follows, if there is one.
    pub probe_log: Option<Arc<str>>,
    /// Somebody makes what keys of previews are made of where a policy names nothing and there is nothing.
    pub makes_preview_keys: bool,
    /// Where Envoys find the authentication service that is told rules by this gateway, if there is one.
    pub authz: Option<Discovery>,
    /// How the gateway's zone counts where endpoints are chosen.
    pub topology: Topology,
    /// Whether Envoys count the requests of each route by themselves.
    pub route_stats: bool,
    /// Whom Mappings answer of other origins where neither they nor the Module say so: pages of a developer portal.
    pub cors: Option<Cors>,
}

/// A self-signed certificate with its key.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// PEM.
    pub chain: Pem,
    /// PEM.
    pub key: Pem,
}

/// The world around one object.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) module: &'a ModuleConfig,
    pub(crate) services: &'a Services,
    pub(crate) resolvers: &'a BTreeMap<ObjectId, Resolver>,
    pub(crate) tls_contexts: &'a BTreeMap<ObjectId, Arc<TlsContext>>,
    /// Those that are there and cannot be used, each with the names that it is for.
    pub(crate) broken_contexts: &'a BTreeMap<ObjectId, Vec<String>>,
    pub(crate) secrets: &'a Secrets,
    /// The domain of labels that limits are asked about in; `None` if nobody is asked.
    pub(crate) label_domain: Option<&'a str>,
    /// Whether there are RateLimits.
    pub(crate) has_limits: bool,
    /// What Filters and FilterPolicies come to.
    pub(crate) protection: &'a Protection,
    /// What AuthServices came to, as far as that is known already.
    pub(crate) auth: &'a Auth,
    /// How requests from clients belong to previews.
    pub(crate) previews: &'a PreviewEntry,
}

impl Context<'_> {
    /// Whether bare service names mean the edge's own namespace.
    pub(crate) fn edge_namespace(&self) -> bool {
        self.module.use_ambassador_namespace_for_service_resolution.unwrap_or(false)
    }

    /// The namespace of bare service names in an object of `namespace`.
    pub(crate) fn lookup_namespace<'b>(&'b self, namespace: &'b Arc<str>) -> &'b Arc<str> {
        if self.edge_namespace() { &self.settings.namespace } else { namespace }
    }

    /// The namespace of a bare name in what says whom the edge asks: its own, as in the original, unless the object's alone
    /// has such a Service.
    pub(crate) fn namespace_of_asked<'b>(&'b self, service: &ServiceRef, namespace: &'b Arc<str>) -> &'b Arc<str> {
        let own = &self.settings.namespace;
        let has = |namespace: &Arc<str>| {
            let name = service.host.as_str().into();
            self.services.get(&ServiceKey { namespace: Arc::clone(namespace), name }).is_some()
        };
        if !has(own) && has(namespace) { namespace } else { own }
    }

    /// Whether a header of requests, whatever its case, may be written by who is asked about them.
    pub(crate) fn is_written(&self, header: &str) -> bool {
        let header = header.to_ascii_lowercase();
        self.protection.written_headers.contains(&header) || self.auth.written_headers.contains(&header)
    }

    /// The resolver of this name, else the Module's. What is wrong with that is no Mapping's problem.
    pub(crate) fn resolver(&self, name: Option<&str>, namespace: &str) -> Result<Resolver, Problem> {
        match name {
            Some(name) => {
                let found = self.resolver_called(name, namespace).map(|(_, resolver)| resolver);
                found.ok_or_else(|| no_resolver(name, "spec.resolver"))
            }
            None => {
                let default = self.module.resolver.as_deref();
                let found = default.and_then(|name| self.resolver_called(name, namespace));
                Ok(found.map_or(Resolver::Service, |(_, resolver)| resolver))
            }
        }
    }

    /// Whether the Module names a resolver that is not there.
    pub(crate) fn module_resolver_problem(&self) -> Option<Problem> {
        let name = self.module.resolver.as_deref()?;
        let is_there = self.resolver_called(name, &self.settings.namespace).is_some();
        (!is_there).then(|| no_resolver(name, "spec.config.resolver"))
    }

    /// Of this namespace if there is one, else the first of any. Those that need no object have none.
    pub(crate) fn resolver_called(&self, name: &str, namespace: &str) -> Option<(Option<&ObjectId>, Resolver)> {
        match name {
            "kubernetes-service" => Some((None, Resolver::Service)),
            "endpoint" | "kubernetes-endpoint" => Some((None, Resolver::Endpoint)),
            _ => {
                let called = self.resolvers.iter().filter(|(id, _)| *id.name == *name);
                let nearest = called.min_by_key(|(id, _)| (*id.namespace != *namespace, *id));
                nearest.map(|(id, resolver)| (Some(id), *resolver))
            }
        }
    }

    /// Whether a dot in a Secret's name separates name and namespace, where an object says `own`.
    pub(crate) fn splits_names(&self, own: Option<bool>) -> bool {
        let default = self.module.defaults.as_ref().and_then(|defaults| defaults.tls_secret_namespacing);
        own.or(default).unwrap_or(true)
    }

    /// The TLSContext of this name: of the same namespace if there is one, else the first of any, else that of
    /// `name.namespace`. One of the same namespace that cannot be used is not made up for by another, which may ask less.
    pub(crate) fn tls_context(&self, name: &str, namespace: &str) -> Result<(&ObjectId, &TlsContext), NoTlsContext> {
        let called = |name: &str, namespace: &str| {
            let id = ObjectId::new(Kind::TLSContext, namespace, name);
            let found = self.tls_contexts.get_key_value(&id).map(|(id, context)| Ok((id, &**context)));
            found.or_else(|| self.broken_contexts.contains_key(&id).then_some(Err(NoTlsContext::Unusable(id))))
        };
        let first = ObjectId::new(Kind::TLSContext, "", name);
        let of_any = || self.tls_contexts.range(first.clone()..).next().filter(|(id, _)| *id.name == *name);
        let broken = || self.broken_contexts.range(first.clone()..).next().filter(|(id, _)| *id.name == *name);
        called(name, namespace)
            .or_else(|| of_any().map(|(id, context)| Ok((id, &**context))))
            .or_else(|| name.rsplit_once('.').and_then(|(name, namespace)| called(name, namespace)))
            .or_else(|| broken().map(|(id, _)| Err(NoTlsContext::Unusable(id.clone()))))
            .unwrap_or_else(|| Err(NoTlsContext::Missing(name.to_owned())))
    }

    /// TLS towards an upstream by the TLSContext of this name. Whatever is not there closes the way:
    /// nothing is sent in clear text, or to an upstream that was to be verified and cannot be.
    pub(crate) fn upstream_tls(&self, name: &str, namespace: &str) -> Result<UpstreamTls, Problem> {
        let (id, context) = self.tls_context(name, namespace).map_err(|none| {
            // What older versions took for a switch is a name.
            let mut problem = none.problem("spec.tls");
            problem.message += match name {
                "true" => "; for TLS without one leave `tls` out and write https:// before the service",
                "false" => "; for none leave `tls` out",
                _ => "",
            };
            problem
        })?;
        let config = context.config();
        let broken = |message: String| Problem::error("InvalidTLSContext", "spec.tls", format!("{id}: {message}"));
        if let Some(field) = file_field(&config) {
            return Err(broken(format!("`{field}` is not supported, name a Secret instead")));
        }
        let split = self.splits_names(context.secret_namespacing);
        let certificate = match &context.secret {
            None => None,
            Some(secret) => {
                let reference = SecretRef::parse(secret, &id.namespace, split);
                Some(self.secrets.certificate(&reference).map_err(|error| broken(error.to_string()))?.0)
            }
        };
        let authorities = match &config.ca_secret {
            None => None,
            Some(secret) => {
                let ca = SecretRef::parse(secret, &id.namespace, split);
                let crl = config.crl_secret.as_ref().map(|crl| SecretRef::parse(crl, &id.namespace, split));
                let found = self.secrets.validation(&ca, crl.as_ref());
                Some(found.map_err(|error| broken(error.to_string()))?)
            }
        };
        Ok(UpstreamTls { certificate, authorities, sni: config.sni.clone(), settings: tls_settings(&config) })
    }
}

/// Why there is no TLSContext for who names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTlsContext {
    /// None is called so.
    Missing(String),
    /// This one is, and cannot be used.
    Unusable(ObjectId),
}

impl NoTlsContext {
    /// Says so in `field`.
    pub(crate) fn problem(&self, field: &str) -> Problem {
        match self {
            Self::Missing(name) => {
                Problem::error("TLSContextNotFound", field, format!("there is no TLSContext called `{name}`"))
            }
            Self::Unusable(id) => Problem::error("InvalidTLSContext", field, format!("{id} cannot be used")),
        }
    }
}

fn no_resolver(name: &str, field: &str) -> Problem {
    let message = format!("there is no resolver of Kubernetes called `{name}`; Consul is not supported");
    Problem::error("ResolverNotFound", field, message)
}

/// Names a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SecretRef {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl SecretRef {
    pub(crate) fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Reads `name`, or `name.namespace` where `split` says so.
    pub(crate) fn parse(text: &str, namespace: &str, split: bool) -> Self {
        match text.rsplit_once('.') {
            Some((name, namespace)) if split => Self::new(namespace, name),
            _ => Self::new(namespace, text),
        }
    }

    pub(crate) fn sds_name(&self) -> SecretName {
        SecretName(self.to_string().into())
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The field that names a file, if there is one: certificates come from Secrets.
pub(crate) fn file_field(config: &TlsConfig) -> Option<&'static str> {
    [
        ("cert_chain_file", &config.cert_chain_file),
        ("private_key_file", &config.private_key_file),
        ("cacert_chain_file", &config.cacert_chain_file),
    ]
    .into_iter()
    .find_map(|(field, value)| value.as_ref().map(|_| field))
}

/// Handshake parameters of a TLSContext or of a Host's `tls`.
pub(crate) fn tls_settings(config: &TlsConfig) -> TlsSettings {
    TlsSettings {
        min_version: config.min_tls_version.map(tls_version),
        max_version: config.max_tls_version.map(tls_version),
        cipher_suites: config.cipher_suites.clone(),
        ecdh_curves: config.ecdh_curves.clone(),
        alpn: config.alpn_protocols.clone(),
    }
}

fn tls_version(version: nuncio_api::TlsVersion) -> TlsVersion {
    match version {
        nuncio_api::TlsVersion::V1_0 => TlsVersion::V1_0,
        nuncio_api::TlsVersion::V1_1 => TlsVersion::V1_1,
        nuncio_api::TlsVersion::V1_2 => TlsVersion::V1_2,
        nuncio_api::TlsVersion::V1_3 => TlsVersion::V1_3,
    }
}

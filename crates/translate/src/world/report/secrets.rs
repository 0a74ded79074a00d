//! What is wrong with the Secrets that a Host, TLSContext or Ingress names.

use std::sync::Arc;

use nuncio_api::{Host, Kind, ObjectId, Problem, Severity, Spec, TlsConfig, TlsContext};

use crate::context::SecretRef;
use crate::ingress::IngressHost;
use crate::secrets::SecretError;
use crate::world::World;

const REASON: &str = "InvalidTLSSecret";

/// Secrets with the fields that name them.
type Named = Vec<(&'static str, SecretRef)>;

impl World {
    /// Tells on a Host, TLSContext or Ingress what is wrong with its Secrets. What keeps a Host from serving is told where
    /// the Host is made; here is what it serves in spite of.
    pub(super) fn secret_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let splits = |own| self.context().splits_names(own);
        let (mut problems, named) = match self.objects.get(id).map(|object| &object.spec) {
            Some(Spec::Host(host)) => (Vec::new(), of_host(id, host, splits(host.secret_namespacing()))),
            Some(Spec::TlsContext(context)) => {
                let named = of_context(id, context, splits(context.secret_namespacing));
                (self.unusable(&named), named)
            }
            Some(Spec::Ingress(_)) => (Vec::new(), of_ingress(self.ingresses.hosts_of(id))),
            _ => return Vec::new(),
        };
        for (field, name) in named {
            let secret = ObjectId::new(Kind::Secret, Arc::clone(&name.namespace), Arc::clone(&name.name));
            // Of one that is out altogether more is told elsewhere.
            let in_force = self.objects.get(&secret).filter(|object| !matches!(object.spec, Spec::Invalid(_)));
            let texts = in_force.into_iter().flat_map(|object| &object.problems);
            let errors = texts.map(|(problem, _)| problem).filter(|problem| problem.severity == Severity::Error);
            problems.extend(errors.map(|error| Problem::warning(REASON, field, format!("{secret}: {error}"))));
        }
        problems
    }

    /// What is wrong with the Secrets of a TLSContext.
    fn unusable(&self, named: &Named) -> Vec<Problem> {
        let of = |wanted: &str| named.iter().find(|(field, _)| *field == wanted).map(|(_, name)| name);
        let errors = self.secrets.errors(of("spec.secret"), of("spec.ca_secret"), of("spec.crl_secret"));
        let problem = |error: SecretError| {
            let field = named.iter().find(|(_, name)| name == error.secret()).map_or("spec", |(field, _)| field);
            Problem::error(REASON, field, error.to_string())
        };
        errors.map(problem).collect()
    }
}

fn of_host(id: &ObjectId, host: &Host, split: bool) -> Named {
    let certificate = host.tls_secret.as_ref().map(|reference| {
        let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        ("spec.tlsSecret", SecretRef::new(namespace.unwrap_or(&id.namespace), reference.name.as_str()))
    });
    let config = host.tls.clone().unwrap_or_default();
    let fields = ["spec.tls.ca_secret", "spec.tls.crl_secret"];
    certificate.into_iter().chain(of_clients(id, &config, fields, split)).collect()
}

fn of_ingress(hosts: &[IngressHost]) -> Named {
    let secrets = hosts.iter().filter_map(|made| Some((made.host.tls_secret.as_ref()?, &made.origin.namespace)));
    secrets
        .map(|(secret, namespace)| ("spec.tls", SecretRef::new(Arc::clone(namespace), secret.name.as_str())))
        .collect()
}

fn of_context(id: &ObjectId, context: &TlsContext, split: bool) -> Named {
    let certificate =
        context.secret.as_ref().map(|secret| ("spec.secret", SecretRef::parse(secret, &id.namespace, split)));
    let fields = ["spec.ca_secret", "spec.crl_secret"];
    certificate.into_iter().chain(of_clients(id, &context.config(), fields, split)).collect()
}

fn of_clients(id: &ObjectId, config: &TlsConfig, fields: [&'static str; 2], split: bool) -> Named {
    let secrets = [config.ca_secret.as_ref(), config.crl_secret.as_ref()];
    let named = fields.into_iter().zip(secrets);
    named.filter_map(|(field, name)| Some((field, SecretRef::parse(name?, &id.namespace, split)))).collect()
}

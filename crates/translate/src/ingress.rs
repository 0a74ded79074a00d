//! An Ingress is Mappings, and for its certificates Hosts: here it is taken apart into them.
//!
//! Those of the original's controller behave as they do there, where that makes sense; those of our own as the conformance
//! tests of Kubernetes ask. `docs/ingress.md` has the differences.

mod path;

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{
    Host, Ingress, InsecureAction, InsecureRequestPolicy, LabelSelector, LabelSelectorOperator,
    LabelSelectorRequirement, ObjectId, Problem, RequestPolicy, SecretReference,
};

use crate::compiled::Labels;
use crate::pattern::HostPattern;
pub(crate) use path::{IngressPath, compile, refused};

/// Whose Ingress it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    /// The original's, named by the annotation or by `getambassador.io/ingress-controller`.
    Ambassador,
    /// Our own.
    Nuncio,
}

/// Label of whatever an Ingress makes, by which the Hosts of Ingresses select.
const INGRESS_LABEL: &str = "a10r-k8s-ingress";

/// Value of the annotation that names the original's class.
const AMBASSADOR: &str = "ambassador";

impl Controller {
    /// The controller that an `IngressClass` names, if it is this one.
    pub(crate) fn of_class(controller: &str) -> Option<Self> {
        match controller.to_ascii_lowercase().as_str() {
            "getambassador.io/ingress-controller" => Some(Self::Ambassador),
            "nuncio.dev/ingress-controller" => Some(Self::Nuncio),
            _ => None,
        }
    }

    /// The controller that the annotation names.
    pub(crate) fn of_annotation(ingress: &Ingress) -> Option<Self> {
        let class = ingress.class_annotation.as_deref()?;
        class.eq_ignore_ascii_case(AMBASSADOR).then_some(Self::Ambassador)
    }
}

/// What an Ingress makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Derived {
    pub(crate) paths: Vec<Arc<IngressPath>>,
    pub(crate) hosts: Vec<IngressHost>,
    pub(crate) problems: Vec<Problem>,
}

/// A Host that an Ingress makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IngressHost {
    /// The Ingress.
    pub(crate) origin: ObjectId,
    pub(crate) labels: Arc<Labels>,
    pub(crate) host: Host,
    /// Where the Secret is named.
    pub(crate) field: String,
}

/// The id under which a part of an Ingress is among the Mappings. No name of an object has a slash behind which there is no
/// other, so it is nobody else's.
fn key(origin: &ObjectId, part: &str) -> ObjectId {
    ObjectId::new(origin.kind, Arc::clone(&origin.namespace), format!("{}/{part}", origin.name))
}

/// Takes an Ingress apart.
pub(crate) fn derive(id: &ObjectId, labels: &Labels, ingress: &Ingress, controller: Controller) -> Derived {
    let mut own_labels = labels.clone();
    own_labels.insert(INGRESS_LABEL.to_owned(), format!("a10r-ingress-{}-{}", id.name, id.namespace));
    let mut maker = Maker {
        origin: Arc::new(id.clone()),
        labels: Arc::new(own_labels),
        controller,
        derived: Derived::default(),
        everywhere: vec!["*".to_owned()],
    };
    maker.certificates(ingress, &Arc::new(labels.clone()));
    if controller == Controller::Ambassador && !maker.derived.hosts.is_empty() {
        // A rule without a host is for the names of the certificates, where there are any.
        let names = maker.derived.hosts.iter().filter_map(|made| made.host.hostname.clone());
        maker.everywhere = names.collect::<BTreeSet<_>>().into_iter().collect();
    }
    maker.rules(ingress);
    maker.derived
}

/// Collects what an Ingress makes.
struct Maker {
    origin: Arc<ObjectId>,
    labels: Arc<Labels>,
    controller: Controller,
    derived: Derived,
    /// What a rule without a host is for.
    everywhere: Vec<String>,
}

impl Maker {
    fn invalid(&mut self, field: String, message: String) {
        self.derived.problems.push(Problem::error("InvalidValue", field, message));
    }

    fn certificates(&mut self, ingress: &Ingress, labels: &Arc<Labels>) {
        for (at, tls) in ingress.tls.iter().enumerate() {
            let Some(secret) = tls.secret_name.as_ref().filter(|secret| !secret.is_empty()) else { continue };
            let every = ["*".to_owned()];
            let hosts = if tls.hosts.is_empty() { &every[..] } else { &tls.hosts[..] };
            for (number, hostname) in hosts.iter().enumerate() {
                if HostPattern::parse(hostname).is_none() || hostname.is_empty() {
                    let message = format!("\"{hostname}\" is no host name");
                    self.invalid(format!("spec.tls[{at}].hosts[{number}]"), message);
                    continue;
                }
                let made = IngressHost {
                    origin: (*self.origin).clone(),
                    labels: Arc::clone(labels),
                    host: host(hostname, secret, self.controller),
                    field: format!("spec.tls[{at}].secretName"),
                };
                self.derived.hosts.push(made);
            }
        }
    }

    fn rules(&mut self, ingress: &Ingress) {
        if let Some(backend) = &ingress.default_backend {
            // The original's default backend is everybody's, whatever certificates the Ingress names.
            let rule = path::Rule::default_backend(backend);
            self.path("default-backend", "spec.defaultBackend", &["*".to_owned()], &rule);
        }
        for (at, rule) in ingress.rules.iter().enumerate() {
            let everywhere;
            let hosts = match rule.host.as_ref().filter(|host| !host.is_empty()) {
                Some(host) => std::slice::from_ref(host),
                None => {
                    everywhere = self.everywhere.clone();
                    &everywhere[..]
                }
            };
            if let Some(wrong) = hosts.iter().find(|host| HostPattern::parse(host).is_none()) {
                let message = format!("\"{wrong}\" is no host name: a star can only stand for the first label");
                self.invalid(format!("spec.rules[{at}].host"), message);
                continue;
            }
            for (number, path) in rule.http.iter().flat_map(|http| &http.paths).enumerate() {
                let field = format!("spec.rules[{at}].http.paths[{number}]");
                match path::Rule::read(path, self.controller) {
                    Ok(read) => self.path(&format!("{at}-{number}"), &format!("{field}.backend"), hosts, &read),
                    Err((name, message)) => self.invalid(format!("{field}.{name}"), message),
                }
            }
        }
    }

    /// A path on some hosts.
    fn path(&mut self, part: &str, field: &str, hosts: &[String], rule: &path::Rule<'_>) {
        for (number, host) in hosts.iter().enumerate() {
            let key = key(&self.origin, &if hosts.len() == 1 { part.to_owned() } else { format!("{part}-{number}") });
            let (origin, labels) = (Arc::clone(&self.origin), Arc::clone(&self.labels));
            self.derived.paths.push(Arc::new(rule.on(host, key, origin, labels, field.to_owned())));
        }
    }
}

/// The Host for a certificate. As in the original it takes what Ingresses make and nothing else; ours takes Mappings too.
fn host(hostname: &str, secret: &str, controller: Controller) -> Host {
    let of_ingresses = LabelSelectorRequirement {
        key: INGRESS_LABEL.to_owned(),
        operator: LabelSelectorOperator::Exists,
        values: Vec::new(),
    };
    let selector = LabelSelector { match_expressions: vec![of_ingresses], ..LabelSelector::default() };
    let insecure = InsecureRequestPolicy { action: Some(InsecureAction::Route), additional_port: None };
    Host {
        hostname: Some(hostname.to_owned()),
        mapping_selector: (controller == Controller::Ambassador).then_some(selector),
        tls_secret: Some(SecretReference { name: secret.to_owned(), namespace: None }),
        request_policy: Some(RequestPolicy { insecure: Some(insecure) }),
        ..Host::default()
    }
}

//! A path of an Ingress, as a Mapping.

use std::sync::Arc;

use nuncio_api::{HttpIngressPath, IngressBackend, Mapping, ObjectId, Problem, Service, ServiceRef, without_port};
use nuncio_ir::PathMatch;

use super::Controller;
use crate::compiled::{Compiled, Labels};
use crate::context::Context;
use crate::mapping;
use crate::service::ServiceKey;

/// A path on one host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IngressPath {
    /// Among the Mappings.
    pub(crate) key: ObjectId,
    /// The Ingress.
    pub(crate) origin: Arc<ObjectId>,
    labels: Arc<Labels>,
    /// Where its backend stands.
    pub(crate) field: String,
    /// Without the port of the service, where that has a name.
    pub(crate) mapping: Mapping,
    /// The condition on the path, where a Mapping cannot say it.
    segments: Option<String>,
    /// What stands behind the star of the host.
    below: Option<String>,
    backend: Result<Port, Problem>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq)]
enum Port {
    Number(u16),
    Name(String),
}

/// A path, not yet on a host.
#[derive(Clone)]
pub(super) struct Rule<'a> {
    mapping: Mapping,
    segments: Option<String>,
    backend: &'a IngressBackend,
}

impl<'a> Rule<'a> {
    /// Every path. Replacing `/` by `/` leaves it as it is.
    pub(super) fn default_backend(backend: &'a IngressBackend) -> Self {
        let mapping = Mapping { prefix: "/".to_owned(), ..Mapping::default() };
        Self { mapping, segments: None, backend }
    }

    /// Reads a path; or says which field is wrong, and why.
    pub(super) fn read(path: &'a HttpIngressPath, controller: Controller) -> Result<Self, (&'static str, String)> {
        let prefix = path.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/");
        if !prefix.starts_with('/') {
            return Err(("path", format!("\"{prefix}\" does not begin with a slash")));
        }
        if prefix.chars().any(char::is_control) {
            return Err(("path", "holds a control character".to_owned()));
        }
        let (exact, by_element) = match (path.path_type.as_deref(), controller) {
            (Some("Exact"), _) => (true, false),
            // The original replaces the prefix, slash and all.
            (Some("Prefix"), Controller::Ambassador) => (false, !prefix.ends_with('/')),
            (None | Some("ImplementationSpecific"), Controller::Ambassador) => (false, false),
            (None | Some("ImplementationSpecific" | "Prefix"), Controller::Nuncio) => (false, true),
            (Some(other), _) => {
                return Err((
                    "pathType",
                    format!("expected Exact, Prefix or ImplementationSpecific, found \"{other}\""),
                ));
            }
        };
        let mapping = Mapping {
            prefix: prefix.to_owned(),
            prefix_exact: Some(exact),
            // An exact path goes before every other, also of a host that says more. Kubernetes asks for the host first.
            precedence: (exact && controller == Controller::Ambassador).then_some(1),
            rewrite: (controller == Controller::Nuncio).then(String::new),
            ..Mapping::default()
        };
        let segments = by_element.then(|| prefix.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty());
        Ok(Self { mapping, segments, backend: &path.backend })
    }

    pub(super) fn on(
        &self,
        host: &str,
        key: ObjectId,
        origin: Arc<ObjectId>,
        labels: Arc<Labels>,
        field: String,
    ) -> IngressPath {
        let mut mapping = self.mapping.clone();
        let below = host.strip_prefix("*.").map(|below| without_port(below).to_ascii_lowercase());
        match &below {
            // The star is one label, where that of a Mapping crosses dots.
            Some(below) => {
                mapping.host = Some(format!("[^.]+\\.{}", regex::escape(below)));
                mapping.host_regex = Some(true);
            }
            None => mapping.hostname = Some(host.to_owned()),
        }
        let backend = port(self.backend).map_err(|(reason, message)| Problem::error(reason, field.clone(), message));
        if let (Ok(port), Some(service)) = (&backend, &self.backend.service) {
            let number = if let Port::Number(number) = port { Some(*number) } else { None };
            let host = format!("{}.{}", service.name, origin.namespace);
            mapping.service = ServiceRef { host, port: number, ..ServiceRef::default() };
        }
        IngressPath { key, origin, labels, field, mapping, segments: self.segments.clone(), below, backend }
    }
}

/// The port of a backend; or why it has none.
fn port(backend: &IngressBackend) -> Result<Port, (&'static str, String)> {
    let Some(service) = &backend.service else {
        return Err(match &backend.resource {
            Some(resource) => {
                let message = format!("backends of the kind {} are not supported, only Services are", resource.kind);
                ("UnsupportedBackend", message)
            }
            None => ("MissingField", "names no service".to_owned()),
        });
    };
    let is_label = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if service.name.is_empty() || !service.name.bytes().all(is_label) {
        return Err(("InvalidValue", format!("\"{}\" is no name of a Service", service.name)));
    }
    match (&service.port.number, &service.port.name) {
        (Some(number @ 1..), _) => Ok(Port::Number(*number)),
        (None, Some(name)) if !name.is_empty() => Ok(Port::Name(name.clone())),
        _ => Err(("MissingField", "needs a port of the service, by number or by name".to_owned())),
    }
}

impl IngressPath {
    /// The number of the backend's port, which is looked up where it has a name.
    fn port(&self, context: &Context<'_>) -> Result<u16, Problem> {
        let name = match self.backend.as_ref().map_err(Problem::clone)? {
            Port::Number(number) => return Ok(*number),
            Port::Name(name) => name,
        };
        let (service, _) = self.mapping.service.host.split_once('.').unwrap_or_default();
        let key = ServiceKey { namespace: Arc::clone(&self.origin.namespace), name: service.into() };
        let found = context.services.get(&key);
        let port = found.and_then(|service| service.ports.iter().find(|port| port.name.as_deref() == Some(name)));
        port.map(|port| port.port).ok_or_else(|| {
            let message = match found {
                Some(service) => format!("Service {key} has no port called \"{name}\"; it has {}", names(service)),
                None => format!("there is no Service {key} that could say which port \"{name}\" is"),
            };
            Problem::error("PortNotFound", self.field.clone(), message)
        })
    }
}

fn names(service: &Service) -> String {
    let names: Vec<_> = service.ports.iter().filter_map(|port| port.name.as_deref()).collect();
    if names.is_empty() { "none with a name".to_owned() } else { names.join(", ") }
}

/// Takes a path apart as if it were a Mapping. One without a backend that can be used answers 503.
pub(crate) fn compile(path: &IngressPath, context: &Context<'_>) -> Compiled {
    let (id, labels) = (&path.key, &path.labels);
    let mut compiled = match path.port(context) {
        Ok(port) => {
            let mut mapping = path.mapping.clone();
            mapping.service.port = Some(port);
            mapping::compile(id, labels, &mapping, context)
        }
        Err(problem) => {
            let reason = format!("{}: {problem}", path.origin);
            Compiled { problems: vec![problem], ..mapping::invalid(id, labels, &path.mapping, reason) }
        }
    };
    for problem in &mut compiled.problems {
        problem.field.clone_from(&path.field);
    }
    place(path, &mut compiled);
    compiled
}

/// Takes a path apart of an Ingress that the proxy refused: its conditions stay.
pub(crate) fn refused(path: &IngressPath, reason: String) -> Compiled {
    let mut compiled = mapping::invalid(&path.key, &path.labels, &path.mapping, reason);
    place(path, &mut compiled);
    compiled
}

/// What a Mapping does not say.
fn place(path: &IngressPath, compiled: &mut Compiled) {
    compiled.origin = Some(Arc::clone(&path.origin));
    if let Some(segments) = &path.segments {
        compiled.lengths.path = mapping::length(segments);
        compiled.matches.path = PathMatch::Segments(segments.clone());
    }
    if let Some(below) = &path.below {
        // Shorter than that of any name that it takes, which therefore goes first.
        compiled.lengths.headers = mapping::text_length(mapping::AUTHORITY, below, false);
    }
}

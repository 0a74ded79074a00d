//! From a document's tree to its objects.

mod refused;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reader;
use super::annotation::CONFIG;
use super::envelope::{Class, Given, Metadata, Version, called, classify, names, own_annotations, top};
use super::issues::Issues;
use super::{module, name, typed};
use crate::object::GROUP;
use crate::text::closest;
use crate::yaml::{DEPTH, Node, Path, expand};
use crate::{Kind, Object, ObjectId, Problem, Remains, Spec};

/// The object whose annotation holds others, which inherit from it.
pub(super) struct Carrier {
    pub(super) namespace: Arc<str>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// The version of a group of ours that was meant by one as it is written: that one if there is it, else the newest.
fn version_meant<'v>(group: &str, version: &'v str) -> &'v str {
    match (group, version) {
        (GROUP, "v1" | "v2" | "v3alpha1") => version,
        (GROUP, _) => "v3alpha1",
        _ => "v1alpha1",
    }
}

/// Whether a Module is what an `AuthService` was before there were any.
fn is_authentication(module: &Node<'_>) -> bool {
    names(module).name.as_deref() == Some(module::AUTHENTICATION)
}

impl Reader<'_> {
    /// Reads a document: an object, or several in a `List`.
    pub(super) fn document(&mut self, node: Node<'_>) {
        self.read(node, None);
    }

    /// Keeps what can be told of a document that is nested deeper than is read.
    pub(super) fn too_deep(&mut self, node: &Node<'_>) {
        let (Some(api_version), Some(kind)) = (top(node, "apiVersion").0, top(node, "kind").0) else { return };
        let kind = match classify(api_version, kind, false) {
            Class::Known(Kind::Module, _) if is_authentication(node) => Some(Kind::AuthService),
            Class::Known(kind, _) => Some(kind),
            Class::Foreign => {
                self.parsed.ignored += 1;
                return;
            }
            _ => None,
        };
        let problem = Problem::error("TooDeep", "", format!("nested more than {DEPTH} deep"));
        self.refuse(node, kind, None, node.mark, problem);
    }

    pub(super) fn read(&mut self, node: Node<'_>, carrier: Option<&Carrier>) {
        if node.is_null() {
            return;
        }
        let (api_version, version_mark) = top(&node, "apiVersion");
        let (kind, kind_mark) = top(&node, "kind");
        let (Some(api_version), Some(kind)) = (api_version, kind) else {
            return self.no_object(&node, api_version, kind);
        };
        match classify(api_version, kind, carrier.is_some()) {
            Class::Known(kind, version) => self.known(node, kind, version, carrier),
            Class::List => self.list(node, carrier),
            Class::OldIngress => {
                let message = format!(
                    "the version {api_version} of Ingress is not supported: expected networking.k8s.io/v1, which every \
                     cluster since Kubernetes 1.19 has"
                );
                self.not_read(
                    &node,
                    carrier,
                    version_mark,
                    None,
                    Problem::warning("UnknownVersion", "apiVersion", message),
                );
                self.annotations(&node);
            }
            Class::OldEndpoints => {
                let message = "Endpoints are not read: an EndpointSlice of discovery.k8s.io/v1 says the same";
                self.not_read(&node, carrier, kind_mark, None, Problem::warning("NoEffect", "kind", message));
            }
            Class::Foreign => self.parsed.ignored += 1,
            Class::Later => {
                let message = format!(
                    "the kind {kind} is not yet supported: {} has no effect",
                    called(&node, self.inherited(carrier))
                );
                self.not_read(&node, carrier, kind_mark, None, Problem::warning("NotYetSupported", "kind", message));
            }
            Class::GuardOfLater => {
                let message = format!(
                    "the kind {kind} is not supported: what {} was to keep out is not kept out",
                    called(&node, self.inherited(carrier))
                );
                self.not_read(&node, carrier, kind_mark, None, Problem::error("NotYetSupported", "kind", message));
            }
            Class::UnknownKind => {
                let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.is_ours()).map(Kind::as_str).collect();
                let meant = closest(kind, &kinds).map(|kind| format!(": did you mean {kind}?")).unwrap_or_default();
                let group = api_version.split('/').next().unwrap_or(GROUP);
                let message = format!("{group} has no kind {kind}{meant}");
                let id = self.meant_guard(&node, Some(kind), carrier);
                self.not_read(&node, carrier, kind_mark, id, Problem::error("UnknownKind", "kind", message));
            }
            Class::UnknownGroup => {
                let version = api_version.rsplit('/').next().unwrap_or_default();
                let group = Kind::from_name(kind).map_or(GROUP, Kind::group);
                let version = version_meant(group, version);
                let message = format!("{api_version} is no version of {group}: did you mean {group}/{version}?");
                let id = self.meant_guard(&node, Some(kind), carrier);
                self.not_read(&node, carrier, version_mark, id, Problem::error("UnknownGroup", "apiVersion", message));
            }
            Class::UnknownVersion(kind) => {
                let expected = match kind {
                    Some(kind) if kind.is_filter() || kind.is_filter_policy() => {
                        "getambassador.io/v3alpha1 or gateway.getambassador.io/v1alpha1"
                    }
                    Some(Kind::Preview | Kind::PreviewPolicy) => "nuncio.dev/v1alpha1",
                    _ => "getambassador.io/v3alpha1, v2 or v1",
                };
                let message = format!("the version {api_version} is not known: expected {expected}");
                let problem = Problem::error("UnknownVersion", "apiVersion", message);
                self.refuse(&node, kind, carrier, version_mark, problem);
            }
        }
    }

    fn list(&mut self, mut node: Node<'_>, carrier: Option<&Carrier>) {
        let Some(items) = node.remove("items") else { return };
        match items.node.value {
            crate::yaml::Value::List(items) => items.into_iter().for_each(|item| self.read(item, carrier)),
            _ if items.node.is_null() => {}
            _ => {
                let problem = Problem::error("InvalidValue", "items", "expected a list of objects");
                self.problem(items.node.mark, None, problem);
            }
        }
    }

    fn known(&mut self, mut node: Node<'_>, kind: Kind, version: Version, carrier: Option<&Carrier>) {
        let mut kind = kind;
        if kind == Kind::Module && is_authentication(&node) {
            module::flatten(&mut node);
            kind = Kind::AuthService;
        }
        let metadata = Metadata::read(&node);
        let (metadata, wrong) = match metadata {
            Ok(metadata) => (metadata, None),
            Err(error) => (names(&node), Some(error)),
        };
        let Some(id) = self.id(kind, &metadata, carrier) else {
            return self.nameless(&node, kind, wrong);
        };
        if let (true, Some(env)) = (kind.is_ours(), &self.defaults.env) {
            // Metadata is not expanded: an object's identity must not hang on where it is read.
            if let Some(spec) = node.get_mut("spec") {
                expand(spec, env);
            }
        }
        let inherited = carrier.filter(|_| metadata.labels.is_empty()).map(|carrier| carrier.labels.clone());
        let labels = inherited.unwrap_or(metadata.labels);
        let annotations = carrier.map_or_else(|| own_annotations(&node), |carrier| carrier.annotations.clone());
        let location = self.location(node.mark);
        let annotated = carrier.is_some();
        let Given { generation, uid, created } = Given::of(&node);
        let head = Object {
            id,
            location,
            labels,
            annotations,
            ambassador_id: Vec::new(),
            spec: Spec::Invalid(Remains::Nothing),
            problems: Vec::new(),
            generation,
            uid,
            created,
            annotated,
        };
        let mut object = typed::object(head, &mut node, version, wrong, self.file);
        // What stands in an annotation never gets to Kubernetes.
        if !annotated {
            let mut issues = Issues::new(&node, self.file);
            name::check(&object.id.name, &mut issues);
            object.problems.extend(issues.finish());
        }
        self.keep(object, &node);
        if matches!(kind, Kind::Service | Kind::Ingress) {
            self.annotations(&node);
        }
    }

    /// Takes an object that was read from this tree.
    fn keep(&mut self, object: Object, node: &Node<'_>) {
        if let Some(seek) = &mut self.seek {
            seek.object(&object, node);
        }
        self.parsed.objects.push(object);
    }

    fn id(&mut self, kind: Kind, metadata: &Metadata, carrier: Option<&Carrier>) -> Option<ObjectId> {
        let name = metadata.name.as_deref().filter(|name| !name.is_empty())?;
        let namespace = match metadata.namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => self.namespace(namespace),
            None => Arc::clone(self.inherited(carrier)),
        };
        Some(ObjectId::new(kind, namespace, name))
    }

    /// Reads the objects in an object's annotation.
    fn annotations(&mut self, node: &Node<'_>) {
        let Some(annotation) = node.get("metadata").and_then(|m| m.get("annotations")?.get(CONFIG)) else { return };
        let (root, names) = (Path::Root, names(node));
        let (metadata, namespace) = (root.key("metadata"), names.namespace.as_deref());
        if let Some(text) = annotation.as_text() {
            let namespace = match namespace {
                Some(namespace) => self.namespace(namespace),
                None => Arc::clone(&self.defaults.namespace),
            };
            let labels = Metadata::read(node).map(|metadata| metadata.labels).unwrap_or_default();
            let carrier = Carrier { namespace, labels, annotations: own_annotations(node) };
            self.annotation(text, annotation, &carrier);
        } else if !annotation.is_null() {
            let annotations = metadata.key("annotations");
            let field = annotations.key(CONFIG).to_string();
            self.problem(
                annotation.mark,
                None,
                Problem::error("InvalidValue", field, "expected text that holds objects"),
            );
        }
    }
}

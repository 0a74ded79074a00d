//! Previews as objects of the Gateway API that a mesh takes (GAMMA): of each Service that one replaces an `HTTPRoute`, whose
//! parent the Service is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Object, PreviewMatch};
use nuncio_ir::{BAGGAGE_HEADER, BAGGAGE_NAME_MEMBER};
use nuncio_translate::{MeshRule, MeshService, PreviewMesh};
use serde_json::{Map, Value, json};

use crate::admin::{ObjectRef, PreviewMeshView};
use crate::clock::text as time_text;
use crate::engine::Engine;

/// By which `kubectl apply --prune` and people find them; and of which Preview they are.
const MANAGED_BY: &str = "nuncio-preview-mesh";
const OF_PREVIEW: &str = "nuncio.dev/preview";
/// Until when they are of use.
const EXPIRES: &str = "nuncio.dev/expires-at";

const GROUP: &str = "gateway.networking.k8s.io";
/// What an `HTTPRoute` holds, and what labels and names of objects do.
const MOST_RULES: usize = 16;
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;
/// The methods that it knows.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

pub(crate) fn preview_mesh(engine: &Engine, object: &Object) -> PreviewMeshView {
    let id = &object.id;
    let name = format!("{}.{}", id.namespace, id.name);
    let known = engine.world.preview_mesh(id);
    let is_label =
        |name: &str| name.len() <= LONGEST_LABEL && name.ends_with(|last: char| last.is_ascii_alphanumeric());
    let known = known.and_then(|mesh| match is_label(&name) {
        true => Ok(mesh),
        false => Err(format!("{name} is no label: it is longer than {LONGEST_LABEL} characters")),
    });
    let PreviewMesh { services, left_out } = match known {
        Ok(mesh) => mesh,
        Err(why) => return PreviewMeshView { id: ObjectRef::from(id), objects: Vec::new(), left_out: vec![why] },
    };
    let mut written = Written { name, ends: engine.world.preview_end(id).map(time_text), left_out };
    let routes: Vec<_> = services.iter().filter_map(|(service, rules)| written.route(service, rules)).collect();
    let objects = written.grants(&services).into_iter().chain(routes).collect();
    PreviewMeshView { id: ObjectRef::from(id), objects, left_out: written.left_out }
}

/// A namespace, and one whose routes lead to it.
type FromTo<'a> = (&'a Arc<str>, &'a Arc<str>);

/// What all objects of a preview say.
struct Written {
    /// What services hand on.
    name: String,
    ends: Option<String>,
    left_out: Vec<String>,
}

impl Written {
    fn object(&self, version: &str, kind: &str, (namespace, name): (&str, &str), spec: &Value) -> Value {
        let labels = json!({ "app.kubernetes.io/managed-by": MANAGED_BY, OF_PREVIEW: self.name });
        let mut metadata = json!({ "name": name, "namespace": namespace, "labels": labels });
        if let Some(ends) = &self.ends {
            metadata["annotations"] = json!({ EXPIRES: ends });
        }
        json!({ "apiVersion": format!("{GROUP}/{version}"), "kind": kind, "metadata": metadata, "spec": spec })
    }

    fn route(&mut self, service: &MeshService, rules: &[MeshRule]) -> Option<Value> {
        let MeshService { namespace, name, port } = service;
        let named = format!("preview.{}.{name}.{port}", self.name);
        if named.len() > LONGEST_NAME || rules.len() >= MOST_RULES {
            let why = format!(
                "its HTTPRoute would have a name of more than {LONGEST_NAME} characters, or more than {MOST_RULES} rules"
            );
            self.left_out.push(format!("{name}.{namespace}:{port}: {why}"));
            return None;
        }
        let mut told: Vec<_> = rules.iter().filter_map(|rule| self.rule(service, rule)).collect();
        told.push(json!({ "backendRefs": [backend(service, namespace)] }));
        let parent = json!({ "group": "", "kind": "Service", "name": name, "port": port });
        Some(self.object("v1", "HTTPRoute", (namespace, &named), &json!({ "parentRefs": [parent], "rules": told })))
    }

    fn rule(&mut self, service: &MeshService, rule: &MeshRule) -> Option<Value> {
        let nothing = PreviewMatch::default();
        let matches = rule.matches.as_ref().unwrap_or(&nothing);
        if let Some(method) = matches.method.as_deref().filter(|method| !METHODS.contains(method)) {
            self.left_out.push(format!("{}.{}: HTTPRoutes know no method {method}", service.name, service.namespace));
            return None;
        }
        let exact = |(name, value): (&String, &String)| json!({ "type": "Exact", "name": name, "value": value });
        let headers: Vec<_> = std::iter::once(self.by_name()).chain(matches.headers.iter().map(exact)).collect();
        let mut condition = Map::from_iter([("headers".to_owned(), json!(headers))]);
        let path = matches.prefix.iter().map(|prefix| json!({ "type": "PathPrefix", "value": prefix }));
        condition.extend(path.map(|path| ("path".to_owned(), path)));
        condition.extend(matches.method.iter().map(|method| ("method".to_owned(), json!(method))));
        Some(json!({ "matches": [condition], "backendRefs": [backend(&rule.backend, &service.namespace)] }))
    }

    /// That a request's baggage has the preview's name: among other members, and with properties behind it.
    fn by_name(&self) -> Value {
        let name = self.name.replace('.', "\\.");
        let value = format!("^(.*,)?\\s*{BAGGAGE_NAME_MEMBER}={name}\\s*([,;].*)?$");
        json!({ "type": "RegularExpression", "name": BAGGAGE_HEADER, "value": value })
    }

    /// What lets routes lead to Services of other namespaces.
    fn grants(&self, services: &BTreeMap<MeshService, Vec<MeshRule>>) -> Vec<Value> {
        let led = services.iter().flat_map(|(service, rules)| rules.iter().map(move |rule| (service, &rule.backend)));
        let mut wanted: BTreeMap<FromTo<'_>, BTreeSet<&Arc<str>>> = BTreeMap::new();
        for (service, backend) in led.filter(|(service, backend)| service.namespace != backend.namespace) {
            wanted.entry((&backend.namespace, &service.namespace)).or_default().insert(&backend.name);
        }
        let grant = |((namespace, from), names): (FromTo<'_>, BTreeSet<&Arc<str>>)| {
            let to: Vec<_> = names.iter().map(|name| json!({ "group": "", "kind": "Service", "name": name })).collect();
            let spec = json!({ "from": [{ "group": GROUP, "kind": "HTTPRoute", "namespace": from }], "to": to });
            let name = format!("preview.{}.{from}", self.name);
            self.object("v1beta1", "ReferenceGrant", (namespace, &name), &spec)
        };
        wanted.into_iter().map(grant).collect()
    }
}

fn backend(service: &MeshService, namespace: &str) -> Value {
    let mut backend = json!({ "name": service.name, "port": service.port });
    if *service.namespace != *namespace {
        backend["namespace"] = json!(service.namespace);
    }
    backend
}

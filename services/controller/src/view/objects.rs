//! Objects, and how far each has come.

use std::sync::Arc;

use nuncio_api::{ObjectId, Severity, Spec};
use nuncio_xds::{Key, ResourceType};

use crate::admin::{LocationView, ObjectRef, ObjectState, ObjectView, ProblemView, PurposeView};
use crate::engine::Engine;
use crate::event::LocatedProblem;

pub(super) fn object_view(engine: &Engine, object: &nuncio_api::Object, problems: &[LocatedProblem]) -> ObjectView {
    let keys = keys_of(engine, &object.id);
    let envoys = engine.audience(&object.id).len();
    let counts: Vec<_> = keys.iter().map(|key| engine.server.counts(key)).collect();
    let acked_by = counts.iter().map(|counts| counts.acked).min().unwrap_or(0);
    let failed = matches!(object.spec, Spec::Invalid { .. })
        || problems.iter().any(|problem| problem.problem.reason == "RefusedByProxy");
    let state = if keys.is_empty() || failed && problems.iter().any(|p| p.problem.severity == Severity::Error) {
        ObjectState::Parsed
    } else if envoys == 0 {
        ObjectState::Translated
    } else if acked_by < envoys {
        ObjectState::Sent
    } else {
        ObjectState::Acked
    };
    ObjectView {
        id: ObjectRef::from(&object.id),
        location: LocationView::from(&object.location),
        state,
        acked_by,
        envoys,
        is_editable: crate::edit::is_editable(object.id.kind),
        purpose: purpose(engine, object),
        problems: problems.iter().map(ProblemView::from).collect(),
    }
}

/// What an object is for of which no route is made.
fn purpose(engine: &Engine, object: &nuncio_api::Object) -> Option<PurposeView> {
    match &object.spec {
        Spec::TcpMapping(spec) => Some(PurposeView::Connections {
            port: spec.port,
            host: spec.host.clone(),
            service: spec.service.to_string(),
        }),
        Spec::PreviewPolicy(spec) => {
            let is_in_force = engine.world.preview_policy().is_some_and(|(id, _)| *id == object.id);
            let ruled = engine.world.all_previews().filter(|preview| spec.takes_namespace(&preview.id.namespace));
            Some(PurposeView::Previews {
                namespaces: spec.namespaces.clone(),
                hosts: spec.hosts.clone(),
                domain: spec.domain.clone(),
                count: is_in_force.then(|| ruled.count()),
            })
        }
        _ => None,
    }
}

/// The resources that an object is part of.
pub(crate) fn keys_of(engine: &Engine, id: &ObjectId) -> Vec<Key> {
    let resources = engine.world.resources_of(id);
    let key = |kind, name: &Arc<str>| Key::new(kind, Arc::clone(name));
    let tables = resources.tables.iter().map(|name| key(ResourceType::Route, &name.0));
    let listeners = resources.listeners.iter().map(|name| key(ResourceType::Listener, name));
    let secrets = resources.secrets.iter().map(|name| key(ResourceType::Secret, &name.0));
    let endpoints = resources.endpoints.iter().map(|name| key(ResourceType::Endpoints, &name.0));
    let limits = resources.limits.iter().map(|domain| key(ResourceType::Limits, domain));
    let extensions = resources.extensions.iter().map(|slot| Key::new(ResourceType::Extension, slot.name()));
    let sets = resources.rule_sets.iter().map(|set| key(ResourceType::RuleSet, &set.0));
    let filters = resources.filters.iter().map(|filter| key(ResourceType::AuthFilter, &filter.0));
    let of_envoy = tables.chain(listeners).chain(secrets).chain(endpoints).chain(extensions);
    of_envoy.chain(limits).chain(sets).chain(filters).collect()
}

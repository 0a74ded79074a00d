//! What has happened to previews, and whom they lead to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use nuncio_api::{Kind, Object};
use nuncio_ir::{Backend, HostRewrite, Route, RouteAction};

use super::apis::upstream;
use crate::admin::{ObjectRef, PreviewDetailView, PreviewUpstreamView, UpstreamView};
use crate::engine::Engine;

pub(super) fn detail(engine: &Engine, object: &Object) -> PreviewDetailView {
    let id = &object.id;
    let mut upstreams = BTreeMap::new();
    for route in engine.world.preview_routes(id) {
        for origin in route.origins.iter().filter(|origin| origin.kind != Kind::Preview) {
            // Of several for the same object, such as one with another method, the first says where its document is.
            if let Entry::Vacant(place) = upstreams.entry(origin.clone())
                && let Some(upstream) = leads(engine, route)
            {
                place.insert(upstream);
            }
        }
    }
    let upstreams = upstreams.into_iter();
    PreviewDetailView {
        id: ObjectRef::from(id),
        events: engine.events.of(id).cloned().collect(),
        upstreams: upstreams
            .map(|(object, upstream)| PreviewUpstreamView { object: ObjectRef::from(&object), upstream })
            .collect(),
    }
}

/// Whom a route leads to.
fn leads(engine: &Engine, route: &Route) -> Option<UpstreamView> {
    let RouteAction::Forward(forward) = &route.action else { return None };
    let arm = forward.arms.first()?;
    let Backend::Cluster(name) = &arm.backend else { return None };
    let model = engine.world.model();
    let host = match &arm.host_rewrite {
        Some(HostRewrite::Literal(host)) => Some(host.clone()),
        Some(HostRewrite::Endpoint) | None => None,
    };
    Some(UpstreamView { host, ..upstream(model, model.clusters.get(name)?) })
}

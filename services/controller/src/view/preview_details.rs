//! What has happened to previews, and whom they lead to.

use std::collections::BTreeMap;

use nuncio_api::{Kind, Object, ObjectId};
use nuncio_ir::{Backend, HostRewrite, PreviewWay, Route, RouteAction};
use nuncio_translate::PreviewReplacement;

use super::apis::upstream;
use crate::admin::{ObjectRef, PreviewDetailView, PreviewDocsView, PreviewUpstreamView, UpstreamView};
use crate::engine::Engine;

pub(super) fn detail(engine: &Engine, object: &Object) -> PreviewDetailView {
    let id = &object.id;
    let replacements = engine.world.preview_replacements(id);
    let mut upstreams: BTreeMap<&ObjectId, PreviewUpstreamView> = BTreeMap::new();
    for route in engine.world.preview_routes(id) {
        let docs = docs(&replacements, route);
        for origin in route.origins.iter().filter(|origin| origin.kind != Kind::Preview) {
            // Of several for the same object, such as one with another method, the first that is not to be ignored says where
            // its document is.
            let is_wanted = upstreams.get(origin).is_none_or(|known| known.docs.ignored && !docs.ignored);
            if is_wanted && let Some(upstream) = leads(engine, route) {
                let view = PreviewUpstreamView { object: ObjectRef::from(origin), upstream, docs: docs.clone() };
                upstreams.insert(origin, view);
            }
        }
    }
    PreviewDetailView {
        id: ObjectRef::from(id),
        events: engine.events.of(id).cloned().collect(),
        upstreams: upstreams.into_values().collect(),
    }
}

/// What the Preview says of the document of whom a route leads to.
fn docs(replacements: &[PreviewReplacement<'_>], route: &Route) -> PreviewDocsView {
    let place = match route.counted.as_deref().and_then(PreviewWay::parse) {
        Some((_, PreviewWay::Preview(place))) => replacements.get(place),
        _ => None,
    };
    let Some(PreviewReplacement { service, .. }) = place else { return PreviewDocsView::default() };
    let docs = service.docs.clone().unwrap_or_default();
    // Through a tunnel none is asked for, wherever it is.
    PreviewDocsView { path: docs.path.filter(|_| !service.is_tunnel()), ignored: docs.ignored.unwrap_or_default() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixture;

    /// Services of a Preview, where requests of one method go elsewhere than all others.
    const SERVICES: &str = "services:
  - {baseline: cart, match: {method: POST}, backend: '127.0.0.1:9102', docs: POSTED}
  - {baseline: cart, backend: '127.0.0.1:9103', docs: {path: /v2/openapi.json}}";

    #[test]
    fn of_the_first_service_whose_document_is_not_ignored_it_is_told_where_that_is() {
        let v2 = Some("/v2/openapi.json");
        let shop = fixture::previewed_shop()
            .replace("access: [Public]}", "access: [Public], backends: Any}")
            .replace("services: [{baseline: cart, backend: cart-42}]", SERVICES);
        for (posted, all, service, path, ignored) in [
            ("{ignored: true}", false, "127.0.0.1:9103", v2, false),
            ("{path: /posts.json}", false, "127.0.0.1:9102", Some("/posts.json"), false),
            ("null", false, "127.0.0.1:9102", None, false),
            ("{ignored: true}", true, "127.0.0.1:9102", None, true),
        ] {
            let mut manifests = shop.replace("POSTED", posted);
            if all {
                manifests = manifests.replace("{path: /v2/openapi.json}", posted);
            }
            let engine = fixture::engine_of(&manifests);
            let preview = engine.world.all_previews().next().unwrap();
            let upstreams = detail(&engine, preview).upstreams;
            let [told] = &upstreams[..] else { panic!("{posted}: {upstreams:?}") };
            let expected = PreviewDocsView { path: path.map(str::to_owned), ignored };
            assert_eq!((&*told.upstream.service, &told.docs), (service, &expected), "{posted}");
        }
    }
}

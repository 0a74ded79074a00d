//! Previews, as the admin server shows them.

use nuncio_api::{Object, Preview, PreviewSource, PreviewedService, Spec};
use nuncio_ir::PreviewWay;
use nuncio_translate::{PreviewReplacement, PreviewUrl};

use crate::admin::{
    ListQuery, ObjectRef, PreviewSourceView, PreviewUrlView, PreviewView, PreviewedServiceView, ProblemView,
};
use crate::engine::Engine;
use crate::previews::has_links;
use crate::previews::traffic::Counts;

/// Those that are wanted, by name.
pub(crate) fn previews<'e>(engine: &'e Engine, query: &'e ListQuery) -> impl Iterator<Item = &'e Object> {
    engine.world.all_previews().filter(|object| super::wants(query, &object.id)).map(|object| &**object)
}

pub(crate) fn preview_view(engine: &Engine, object: &Object) -> PreviewView {
    let nothing = Preview::default();
    let spec = if let Spec::Preview(spec) = &object.spec { spec } else { &nothing };
    let access = spec.access.as_ref().and_then(|access| access.mode);
    let mut problems = engine.object_problems(&object.id);
    engine.files.locate(&mut problems);
    let urls = engine.world.preview_urls(&object.id).into_iter().map(PreviewUrlView::from);
    let counts = engine.traffic.of(&object.id);
    let (counts, times) = (counts.as_ref(), engine.world.preview_times(object));
    let replacements = engine.world.preview_replacements(&object.id).into_iter().enumerate();
    let services = replacements.map(|(at, PreviewReplacement { service, included, .. })| PreviewedServiceView {
        baseline: service.baseline.to_string(),
        backend: backend_words(service),
        only: service.matches.as_ref().map(ToString::to_string),
        included: included.map(|id| format!("{}/{}", id.namespace, id.name)),
        requests: counts.map(|counts| counts.of(PreviewWay::Preview(at))),
        fallbacks: counts.map(|counts| counts.of(PreviewWay::Fallback(at))),
        served_by: None,
    });
    PreviewView {
        id: ObjectRef::from(&object.id),
        is_valid: matches!(object.spec, Spec::Preview(_)),
        access: access.map(|mode| format!("{mode:?}")).unwrap_or_default(),
        owner: spec.access.as_ref().and_then(|access| access.owner.clone()),
        urls: urls.collect(),
        services: services.collect(),
        expires_at: engine.world.preview_expires(&object.id),
        has_ended: times.has_ended,
        latest: times.latest,
        has_links: has_links(spec),
        last_request: counts.and_then(|counts| counts.last),
        requests: counts.map(Counts::all),
        fallbacks: counts.map(Counts::fallbacks),
        counted_since: counts.map(|counts| counts.since),
        key_fingerprint: engine.world.preview_fingerprint(&object.id),
        source: spec.source.as_ref().map(source),
        problems: problems.iter().map(ProblemView::from).collect(),
        may_change: true,
        written_in: None,
    }
}

/// Who stands in for a service.
pub(crate) fn backend_words(service: &PreviewedService) -> String {
    if service.is_tunnel() { "a tunnel".to_owned() } else { service.backend.to_string() }
}

impl From<PreviewUrl> for PreviewUrlView {
    fn from(it: PreviewUrl) -> Self {
        Self { entrypoint: it.entrypoint, baseline: it.baseline.to_string(), url: it.url, selector: it.selector }
    }
}

fn source(source: &PreviewSource) -> PreviewSourceView {
    PreviewSourceView {
        provider: source.provider.map(|provider| format!("{provider:?}")).unwrap_or_default(),
        repository: source.repository.clone().unwrap_or_default(),
        pull_request: source.pull_request,
        branch: source.branch.clone(),
        commit: source.commit.clone(),
        author: source.author.clone(),
        author_issuer: source.author_issuer.clone(),
    }
}

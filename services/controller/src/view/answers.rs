//! What the admin server is answered.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use nuncio_telemetry::{Health, Metrics};

use super::clusters::cluster_view;
use super::hosts::hosts;
use super::preview_mesh::preview_mesh;
use super::previews::{preview_view, previews};
use super::problems::problems;
use super::routes::{Listed, routes};
use super::{apis, certificates, envoys, limits, objects, portal, preview_details, topology, wants};
use crate::admin::{
    ApiView, AuthoritiesView, Carry, CertificateView, ChangeError, ChangeRequest, ClusterView, ConflictView, Counted,
    DeletePreview, Delivery, DryRunView, EnvoyView, ExplainRequest, Explanation, ExtendPreview, GatewayView, HostView,
    KeyUseView, LimitView, LimitedView, ListQuery, ManifestQuery, ManifestView, ObjectView, OpenTunnel,
    OperationsRequest, OperationsView, Page, PlacedCallView, PortalView, PreviewChanged, PreviewDetailView,
    PreviewError, PreviewManifestView, PreviewMeshView, PreviewRightsView, PreviewShareView, PreviewShared,
    PreviewView, ProbePreview, ProbeView, ProblemView, PutPreview, ReadPreview, RouteView, SeePreviewRights,
    SeePreviews, SharePreview, SightingsQuery, SightingsView, TopologyQuery, TopologyView, View, WatchView,
    WatchedPreview, WayView, WithdrawLinks,
};
use crate::beside::{KeyUses, Limited, OwnAuthz};
use crate::edit::Editor;
use crate::engine::{Engine, located};
use crate::explain;
use crate::policies::Cache;
use crate::previews::sightings::sightings;
use crate::previews::{Lifecycle, may_change, may_know};
use crate::run::lock;

/// Shows the engine.
pub(crate) struct EngineView {
    gateway: GatewayView,
    engine: Arc<Mutex<Engine>>,
    envoy_admin: Option<PathBuf>,
    health: Health,
    limited: Option<Limited>,
    authz: Option<Metrics>,
    key_uses: Option<KeyUses>,
    changes: Changes,
    demands: Cache,
}

/// What changes manifests.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) editor: Editor,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

impl EngineView {
    pub(crate) fn new(
        gateway: GatewayView,
        engine: Arc<Mutex<Engine>>,
        envoy_admin: Option<PathBuf>,
        health: Health,
        limited: Option<Limited>,
        authz: Option<&OwnAuthz>,
        changes: Changes,
    ) -> Self {
        let (authz, key_uses) = authz.map(|own| (own.metrics.clone(), own.key_uses.clone())).unzip();
        Self { gateway, engine, envoy_admin, health, limited, authz, key_uses, changes, demands: Cache::default() }
    }
}

impl View for EngineView {
    fn ready(&self) -> Result<(), String> {
        self.health.ready().map_err(|reasons| reasons.to_string())
    }

    fn metrics(&self) -> String {
        let authz = self.authz.as_ref().map(Metrics::encode).unwrap_or_default();
        lock(&self.engine).metrics.encode() + &authz
    }

    fn limiter_metrics(&self) -> String {
        self.limited.as_ref().map(Limited::metrics).unwrap_or_default()
    }

    fn key_use(&self, id: &str) -> Option<KeyUseView> {
        let (count, last) = self.key_uses.as_ref()?.0(id)?;
        Some(KeyUseView { count, last })
    }

    fn gateway(&self) -> GatewayView {
        self.gateway.clone()
    }

    fn envoy_admin(&self) -> Option<PathBuf> {
        self.envoy_admin.clone()
    }

    fn objects(&self, query: &ListQuery) -> Page<ObjectView> {
        let engine = lock(&self.engine);
        let wanted = engine.world.objects().filter(|object| wants(query, &object.id));
        let mut page = Page::of(query, wanted, |object| {
            let behind = engine.files.problems_behind(&object.id).into_iter().map(located);
            (object, engine.object_problems(&object.id).into_iter().chain(behind).collect::<Vec<_>>())
        });
        engine.files.locate(page.items.iter_mut().flat_map(|(_, problems)| problems));
        page.map(|(object, problems)| objects::object_view(&engine, object, &problems))
    }

    fn hosts(&self, query: &ListQuery) -> Page<HostView> {
        let engine = lock(&self.engine);
        Page::of(query, hosts(&engine.world, query), |host| host)
    }

    fn routes(&self, query: &ListQuery) -> Page<RouteView> {
        let engine = lock(&self.engine);
        Page::of(query, routes(engine.world.model(), query), Listed::view)
    }

    fn apis(&self, query: &ListQuery) -> Page<ApiView> {
        let apis = apis::apis(&lock(&self.engine).world, query);
        Page::of(query, apis.into_iter(), |api| api)
    }

    fn authorities(&self, name: &str) -> Option<AuthoritiesView> {
        certificates::authorities(lock(&self.engine).world.model(), name)
    }

    fn portal(&self) -> PortalView {
        portal::portal(&lock(&self.engine).world)
    }

    fn previews(&self, query: &ListQuery) -> Page<PreviewView> {
        let engine = lock(&self.engine);
        Page::of(query, previews(&engine, query), |object| preview_view(&engine, object))
    }

    fn seen_previews(&self, SeePreviews { namespace, name, by, limit }: &SeePreviews) -> Page<PreviewView> {
        let (engine, by) = (lock(&self.engine), by.as_ref());
        let (namespace, name) = (namespace.clone(), name.clone());
        let query = ListQuery { namespace, name, limit: *limit, ..ListQuery::default() };
        let known = previews(&engine, &query).filter(|object| may_know(&engine, object, by));
        let can = self.changes.lifecycle.may_write();
        Page::of(&query, known, |object| {
            let may_change = can && may_change(&engine, object, by);
            let written_in = self.changes.lifecycle.written_in(object).filter(|_| may_change);
            let told = PreviewView { may_change, written_in, ..preview_view(&engine, object) };
            self.changes.lifecycle.with_servers(object, told)
        })
    }

    fn preview_rights(&self, wanted: &SeePreviewRights) -> PreviewRightsView {
        self.changes.lifecycle.rights(&self.engine, wanted)
    }

    fn preview_details(&self, query: &ListQuery) -> Page<PreviewDetailView> {
        let engine = lock(&self.engine);
        Page::of(query, previews(&engine, query), |object| preview_details::detail(&engine, object))
    }

    fn preview_sightings(&self, query: &SightingsQuery) -> SightingsView {
        sightings(&lock(&self.engine), &self.changes.lifecycle, query)
    }

    fn preview_meshes(&self, query: &ListQuery) -> Page<PreviewMeshView> {
        let engine = lock(&self.engine);
        Page::of(query, previews(&engine, query), |object| preview_mesh(&engine, object))
    }

    fn edition(&self) -> String {
        lock(&self.engine).edition.to_string()
    }

    fn clusters(&self, query: &ListQuery) -> Page<ClusterView> {
        let engine = lock(&self.engine);
        let model = engine.world.model();
        let wanted = model.clusters.values().filter(|cluster| query.wants_name(&cluster.name.0));
        Page::of(query, wanted, |cluster| cluster_view(model, cluster))
    }

    fn limits(&self, query: &ListQuery) -> Page<LimitView> {
        let engine = lock(&self.engine);
        Page::of(query, limits::limits(&engine, query), |limit| limit)
    }

    fn limited(&self, query: &ListQuery) -> Page<LimitedView> {
        let limited = self.limited.as_ref().map(|limited| limited.list()).unwrap_or_default();
        Page::of(query, limited.into_iter().filter(|limited| query.wants_name(&limited.name)), |limited| limited)
    }

    fn envoys(&self, query: &ListQuery) -> Page<EnvoyView> {
        envoys::envoys(&lock(&self.engine), query)
    }

    fn problems(&self, query: &ListQuery) -> Page<ProblemView> {
        let engine = lock(&self.engine);
        let wanted = problems(&engine).into_iter().filter(|problem| match &problem.object {
            Some(id) => wants(query, id),
            None => query.kind.is_none() && query.namespace.is_none() && query.name.is_none(),
        });
        let mut page = Page::of(query, wanted, |problem| problem);
        engine.files.locate(&mut page.items);
        page.map(|problem| ProblemView::from(&problem))
    }

    fn topology(&self, query: &TopologyQuery) -> TopologyView {
        let engine = lock(&self.engine);
        TopologyView { counts_routes: engine.world.counts_routes(), ..topology::topology(&engine.world, query) }
    }

    fn certificates(&self, query: &ListQuery) -> Page<CertificateView> {
        let certificates = certificates::certificates(lock(&self.engine).world.model(), query);
        Page::of(query, certificates.into_iter(), |certificate| certificate)
    }

    fn counted(&self) -> BTreeMap<String, Counted> {
        topology::counted(lock(&self.engine).world.model())
    }

    fn counts_routes(&self) -> bool {
        lock(&self.engine).world.counts_routes()
    }

    fn counted_routes(&self, names: &[String], limit: usize) -> (Vec<WayView>, usize) {
        topology::counted_routes(&lock(&self.engine).world, names, limit)
    }

    fn manifest(&self, query: &ManifestQuery) -> Result<ManifestView, ChangeError> {
        self.changes.editor.manifest(&self.engine, query)
    }

    fn dry_run(&self, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        self.changes.editor.dry_run(&self.engine, change)
    }

    fn compare(&self, change: &ChangeRequest) -> Result<ConflictView, ChangeError> {
        self.changes.editor.compare(&self.engine, change)
    }

    fn apply(&self, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        self.changes.editor.apply(&self.engine, change)
    }

    fn put_preview(&self, wanted: &PutPreview) -> Result<PreviewChanged, PreviewError> {
        self.changes.lifecycle.put(&self.engine, wanted)
    }

    fn delete_preview(&self, wanted: &DeletePreview) -> Result<PreviewChanged, PreviewError> {
        self.changes.lifecycle.delete(&self.engine, wanted)
    }

    fn share_preview(&self, wanted: &SharePreview) -> Result<PreviewShared, PreviewError> {
        self.changes.lifecycle.share(&self.engine, wanted)
    }

    fn preview_shareable(&self, wanted: &SharePreview) -> Result<PreviewShareView, PreviewError> {
        self.changes.lifecycle.shareable(&self.engine, wanted)
    }

    fn withdraw_links(&self, wanted: &WithdrawLinks) -> Result<PreviewChanged, PreviewError> {
        self.changes.lifecycle.withdraw(&self.engine, wanted)
    }

    fn preview_manifest(&self, wanted: &ReadPreview) -> Result<PreviewManifestView, PreviewError> {
        self.changes.lifecycle.read(&self.engine, wanted)
    }

    fn probe_preview(&self, wanted: &ProbePreview) -> Result<ProbeView, PreviewError> {
        self.changes.lifecycle.probe(&self.engine, wanted)
    }

    fn watch_preview(&self, wanted: &WatchedPreview) -> Result<WatchView, PreviewError> {
        self.changes.lifecycle.watch(&self.engine, wanted)
    }

    fn watched_preview(&self, wanted: &WatchedPreview) -> Result<Vec<PlacedCallView>, PreviewError> {
        self.changes.lifecycle.watched(&self.engine, wanted)
    }

    fn extend_preview(&self, wanted: &ExtendPreview) -> Result<PreviewChanged, PreviewError> {
        self.changes.lifecycle.extend(&self.engine, wanted)
    }

    fn hook(&self, delivery: &Delivery) -> Result<PreviewChanged, PreviewError> {
        self.changes.lifecycle.hook(&self.engine, delivery)
    }

    fn open_tunnel(&self, wanted: &OpenTunnel) -> Result<Carry, PreviewError> {
        self.changes.lifecycle.open_tunnel(&self.engine, wanted)
    }

    fn explain(&self, request: &ExplainRequest) -> Explanation {
        let engine = lock(&self.engine);
        explain::explain(&engine.world, Some(&engine.server), request)
    }

    fn operations(&self, request: &OperationsRequest) -> OperationsView {
        let engine = lock(&self.engine);
        let known = explain::Known { cache: &self.demands, edition: engine.edition };
        explain::operations(&engine.world, Some(&engine.server), known, request)
    }
}

//! What the admin server needs to know, whoever tells it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{
    ApiView, AuthoritiesView, Carry, CertificateView, ChangeError, ChangeRequest, ClusterView, ConflictView, Counted,
    DeletePreview, Delivery, DryRunView, EnvoyView, ExplainRequest, Explanation, ExtendPreview, GatewayView, HostView,
    KeyUseView, LimitView, LimitedView, ListQuery, ManifestQuery, ManifestView, ObjectView, OpenTunnel,
    OperationsRequest, OperationsView, Page, PlacedCallView, PortalView, PreviewChanged, PreviewDetailView,
    PreviewError, PreviewManifestView, PreviewMeshView, PreviewRightsView, PreviewShareView, PreviewShared,
    PreviewView, ProbePreview, ProbeView, ProblemView, PutPreview, ReadPreview, RouteView, SeePreviewRights,
    SeePreviews, SharePreview, SightingsQuery, SightingsView, TopologyQuery, TopologyView, WatchView, WatchedPreview,
    WayView, WithdrawLinks,
};

/// What the admin server shows. Every call gives a state that was true at one moment.
pub trait View: Send + Sync + 'static {
    /// Whether the gateway should get traffic; if not, why.
    ///
    /// # Errors
    /// The reasons, for people.
    fn ready(&self) -> Result<(), String>;
    /// The controller's own metrics and those of the authentication service that belongs to it, in the `OpenMetrics` text
    /// format.
    fn metrics(&self) -> String;
    /// Those of the limiter that belongs to it, in the older text format of Prometheus; none if there is none.
    fn limiter_metrics(&self) -> String;
    /// How often the API key with this id was used; none if that is not known.
    fn key_use(&self, id: &str) -> Option<KeyUseView>;
    /// Which gateway it is.
    fn gateway(&self) -> GatewayView;
    /// The admin socket of the Envoy that runs beside the controller, if there is one.
    fn envoy_admin(&self) -> Option<PathBuf>;
    /// Objects by kind, namespace, name.
    fn objects(&self, query: &ListQuery) -> Page<ObjectView>;
    /// Host names, and what serves them.
    fn hosts(&self, query: &ListQuery) -> Page<HostView>;
    /// Routes by host, in the order in which Envoy tries them.
    fn routes(&self, query: &ListQuery) -> Page<RouteView>;
    /// What sends requests to services, as a portal needs it.
    fn apis(&self, query: &ListQuery) -> Page<ApiView>;
    /// What the DevPortal in force says.
    fn portal(&self) -> PortalView;
    /// Previews, and where they can be seen.
    fn previews(&self, query: &ListQuery) -> Page<PreviewView>;
    /// Of Previews those that somebody may know of.
    fn seen_previews(&self, wanted: &SeePreviews) -> Page<PreviewView>;
    /// Where somebody may make Previews, and what they may be.
    fn preview_rights(&self, wanted: &SeePreviewRights) -> PreviewRightsView;
    /// What has happened to them, and whom they lead to.
    fn preview_details(&self, query: &ListQuery) -> Page<PreviewDetailView>;
    /// What this gateway has seen of them by itself.
    fn preview_sightings(&self, query: &SightingsQuery) -> SightingsView;
    /// What a mesh is told of them.
    fn preview_meshes(&self, query: &ListQuery) -> Page<PreviewMeshView>;
    /// Another whenever an answer of [`Self::apis`] or [`Self::portal`] may be another.
    fn edition(&self) -> String;
    /// Upstream clusters.
    fn clusters(&self, query: &ListQuery) -> Page<ClusterView>;
    /// Limits of RateLimits by domain and labels, and whether they are in force.
    fn limits(&self, query: &ListQuery) -> Page<LimitView>;
    /// What was most often over a limit, as the rate limit service beside the controller counts it.
    fn limited(&self, query: &ListQuery) -> Page<LimitedView>;
    /// Connected Envoys.
    fn envoys(&self, query: &ListQuery) -> Page<EnvoyView>;
    /// What is wrong, with objects and with files.
    fn problems(&self, query: &ListQuery) -> Page<ProblemView>;
    /// Routes with what is before and behind them.
    fn topology(&self, query: &TopologyQuery) -> TopologyView;
    /// The services, by the name under which Envoy counts requests to them.
    fn counted(&self) -> BTreeMap<String, Counted>;
    /// Whether Envoys count requests by route.
    fn counts_routes(&self) -> bool;
    /// Of the routes that are counted under these names the first that there are, in this order; and how many there are.
    fn counted_routes(&self, names: &[String], limit: usize) -> (Vec<WayView>, usize);
    /// Authorities in use, by name.
    fn authorities(&self, name: &str) -> Option<AuthoritiesView>;
    /// Certificates in use, those that end first at the beginning.
    fn certificates(&self, query: &ListQuery) -> Page<CertificateView>;
    /// The text of an object.
    ///
    /// # Errors
    /// When it cannot be changed here: why.
    fn manifest(&self, query: &ManifestQuery) -> Result<ManifestView, ChangeError>;
    /// What a change would do.
    ///
    /// # Errors
    /// When it is none.
    fn dry_run(&self, change: &ChangeRequest) -> Result<DryRunView, ChangeError>;
    /// A change of a text that somebody else has changed since, beside that change.
    ///
    /// # Errors
    /// When it is none.
    fn compare(&self, change: &ChangeRequest) -> Result<ConflictView, ChangeError>;
    /// Writes a change where the object stands.
    ///
    /// # Errors
    /// When that is not allowed, or cannot be.
    fn apply(&self, change: &ChangeRequest) -> Result<DryRunView, ChangeError>;
    /// Makes a Preview be as it is written.
    ///
    /// # Errors
    /// When that is not allowed, or cannot be.
    fn put_preview(&self, wanted: &PutPreview) -> Result<PreviewChanged, PreviewError>;
    /// Takes a Preview away.
    ///
    /// # Errors
    /// When that is not allowed, or there is none.
    fn delete_preview(&self, wanted: &DeletePreview) -> Result<PreviewChanged, PreviewError>;
    /// Sends a request through the services of a Preview, and tells where its key was handed on.
    ///
    /// # Errors
    /// When that is not allowed, or nobody would see it.
    fn probe_preview(&self, wanted: &ProbePreview) -> Result<ProbeView, PreviewError>;
    /// Has the Envoy beside this gateway write down what it sees of a request that another one follows.
    ///
    /// # Errors
    /// When that is not allowed, or something else is followed.
    fn watch_preview(&self, wanted: &WatchedPreview) -> Result<WatchView, PreviewError>;
    /// What it has seen of that.
    ///
    /// # Errors
    /// When nobody watches for it.
    fn watched_preview(&self, wanted: &WatchedPreview) -> Result<Vec<PlacedCallView>, PreviewError>;
    /// Makes links to a Preview.
    ///
    /// # Errors
    /// When that is not allowed, or they would let nobody in.
    fn share_preview(&self, wanted: &SharePreview) -> Result<PreviewShared, PreviewError>;
    /// What links to a Preview would be.
    ///
    /// # Errors
    /// As those of [`Self::share_preview`].
    fn preview_shareable(&self, wanted: &SharePreview) -> Result<PreviewShareView, PreviewError>;
    /// Withdraws all links to a Preview.
    ///
    /// # Errors
    /// When that is not allowed, or nobody sees it by a link.
    fn withdraw_links(&self, wanted: &WithdrawLinks) -> Result<PreviewChanged, PreviewError>;
    /// What a Preview says that a request has made.
    ///
    /// # Errors
    /// When he may not change it, or no request has made it.
    fn preview_manifest(&self, wanted: &ReadPreview) -> Result<PreviewManifestView, PreviewError>;
    /// Has a Preview shown for longer.
    ///
    /// # Errors
    /// When that is not allowed, or cannot be.
    fn extend_preview(&self, wanted: &ExtendPreview) -> Result<PreviewChanged, PreviewError>;
    /// Does what a forge's webhook asks for.
    ///
    /// # Errors
    /// When it is not signed as it should be, or cannot be read.
    fn hook(&self, delivery: &Delivery) -> Result<PreviewChanged, PreviewError>;
    /// Lets a process stand in for a service of a Preview.
    ///
    /// # Errors
    /// When it may not, or somebody else's does.
    fn open_tunnel(&self, wanted: &OpenTunnel) -> Result<Carry, PreviewError>;
    /// What becomes of a request.
    fn explain(&self, request: &ExplainRequest) -> Explanation;
    /// What becomes of requests for operations of a document.
    fn operations(&self, request: &OperationsRequest) -> OperationsView;
}

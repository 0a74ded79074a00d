//! The HTTP server for operators: probes, metrics, and what the controller knows, as JSON.
//!
//! Who may ask for what is said in `access`: all but probes, metrics and descriptions is for who is on this machine or shows a token. All in
//! it is read-only but `/api/v1/apply` and `/api/v1/preview-…`, which answer 403 unless the gateway was told to allow edits, and changes of
//! previews. Secrets' contents are in none of its types. It answers only to names that no page of a stranger can have (`names`).
//!
//! | Path | What |
//! |---|---|
//! | `/` | a page that lists the others |
//! | `/ambassador/v0/check_alive`, `/ambassador/v0/check_ready` | 200, or 503 and the reason |
//! | `/metrics` | the controller's metrics, then those of its limiter, and of the Envoy beside it |
//! | `/api/v1/{objects,hosts,routes,apis,previews,preview-details,preview-meshes,clusters,limits,limited,envoys,problems,certificates}` | lists, see [`ListQuery`] |
//! | `/api/v1/authorities` | certificates by which services are verified |
//! | `/api/v1/gateway` | which gateway it is, and where its objects are |
//! | `/api/v1/portal` | what the DevPortal in force says |
//! | `/api/v1/topology` | routes with what is before and behind them |
//! | `/api/v1/{manifest,dry-run,apply}` | the text of an object, what a change of it would do, and doing it |
//! | `/api/v1/preview-list` | of Previews those that somebody may know of |
//! | `/api/v1/preview-rights` | where somebody may make Previews, and what they may be |
//! | `/api/v1/preview-shareable` | what links to a Preview would be |
//! | `/api/v1/preview-manifest` | what a Preview says, for who may change it |
//! | `/api/v1/preview-{put,delete,extend,share,withdraw,probe,hook}` | Previews that come, change and go by requests |
//! | `/api/v1/preview-sightings` | what this gateway alone has seen of previews, for the others |
//! | `/api/v1/preview-{watch,watched}` | what is seen of a request that another gateway follows |
//! | `/api/v1/preview-tunnel` | a process that stands in for a service of one |
//! | `/api/v1/traffic` | requests to services, as the Envoy beside counts them |
//! | `/api/v1/route-traffic` | the same by route, where it counts so |
//! | `/api/v1/explain` | which route a request gets, and why |
//! | `/api/v1/operations` | which routes the operations of a document get, and what these hold requests to |
//! | `/api/v1/openapi.json` | the description of all that |

mod access;
mod apis;
mod caller;
mod certificates;
mod client;
mod document;
mod edit;
mod explain;
mod failures;
mod gateway;
mod health;
mod index;
mod key_uses;
mod lists;
mod metrics;
mod model;
mod names;
mod operations;
mod page;
mod portal;
mod preview_changes;
mod preview_manifest;
mod preview_mesh;
mod preview_probe;
mod preview_refusals;
mod preview_rights;
mod preview_share;
mod preview_sightings;
mod preview_watch;
mod previews;
mod probes;
mod refusals;
mod stats;
mod topology;
mod traffic;
mod tunnels;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::Html;
use axum::routing::get;
use axum::{Extension, Router};
use nuncio_telemetry::SharedToken;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use access::peer_token;
pub use apis::{
    ApiView, CredentialView, DocsView, PathView, PublicHostView, RewriteView, UpstreamTlsView, UpstreamView,
};
pub use caller::{Caller, Callers, IdentityKeys};
pub use certificates::{AuthoritiesView, CertificateView};
pub use client::{AdminClient, AdminError, AdminReply};
pub use edit::{
    Act, AddView, ChangeError, ChangeRequest, ConflictView, DryRunView, EffectView, FieldView, LossKind, LossView,
    ManifestQuery, ManifestView, RouteEffect, SectionView,
};
pub use explain::{ExplainRequest, InvalidRequest};
pub use gateway::{GatewaySource, GatewayView};
pub use key_uses::KeyUseView;
pub use model::{
    BackendView, ClusterView, EndpointView, EnvoyView, Explanation, FailureView, HeaderView, HostView, LimitExplained,
    LimitView, LimitedView, ListenerView, LocationView, Lost, ObjectRef, ObjectState, ObjectView, ProblemView,
    ProtectionExplained, PurposeView, RouteView, TcpView,
};
pub use operations::{
    HealthChecks, LimitTermView, OperationAsked, OperationLimitView, OperationRouteView, OperationView,
    OperationsRequest, OperationsView, RetryView, UpstreamHealthView,
};
pub(crate) use page::holds_words;
pub use page::{ListQuery, Page};
pub use portal::{PortalDocsView, PortalNaming, PortalSearch, PortalView};
pub use preview_changes::{DeletePreview, Delivery, ExtendPreview, PreviewChanged, PreviewOutcome, PutPreview};
pub use preview_manifest::{PreviewManifestView, ReadPreview};
pub use preview_mesh::PreviewMeshView;
pub use preview_probe::{Handed, ProbePreview, ProbeView, ProbedCallView, ProbedServiceView};
pub use preview_refusals::{PreviewError, PreviewFault, ProblemDetails};
pub use preview_rights::{PreviewRightsView, PreviewRoomView, SeePreviewRights};
pub use preview_share::{PreviewShareView, PreviewShared, SharePreview, WithdrawLinks};
pub use preview_sightings::{SightingView, SightingsQuery, SightingsView};
pub use preview_watch::{PlacedCallView, WatchView, WatchedPreview};
pub use previews::{
    PreviewDetailView, PreviewDocsView, PreviewEventKind, PreviewEventView, PreviewServerView, PreviewSourceView,
    PreviewUpstreamView, PreviewUrlView, PreviewView, PreviewedServiceView, SeePreviews,
};
pub use stats::{CountsView, LatencyView};
pub(crate) use stats::{Stats, Wanted};
pub use topology::{EntryView, TopologyQuery, TopologyView, WayView};
pub use traffic::{Counted, RouteTrafficQuery, RouteTrafficView, TrafficView};
pub use tunnels::{Carry, OpenTunnel};
pub use view::View;

/// The largest body of a request: a webhook's megabyte, every character of it escaped.
const MAX_BODY: usize = 8 << 20;

/// The shared state of all handlers.
type Shared = Arc<dyn View>;

/// Who is let in, and by whom what he wants is.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Host names that are answered besides addresses and `localhost`.
    pub names: Vec<String>,
    /// What opens to who is on another machine.
    pub tokens: Vec<SharedToken>,
    /// Finds out by whom requests are.
    pub callers: Callers,
}

/// All routes, over `view`, for those whom the guards let in.
pub fn router(view: Arc<dyn View>, guards: Guards) -> Router {
    let Guards { names, tokens, callers } = guards;
    let (api, document) = OpenApiRouter::with_openapi(document::begin())
        .routes(routes!(probes::check_alive))
        .routes(routes!(probes::check_ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(gateway::gateway))
        .routes(routes!(lists::objects))
        .routes(routes!(lists::hosts))
        .routes(routes!(lists::routes))
        .routes(routes!(apis::apis))
        .routes(routes!(portal::portal))
        .routes(routes!(previews::previews))
        .routes(routes!(previews::seen))
        .routes(routes!(previews::details))
        .routes(routes!(preview_sightings::sightings))
        .routes(routes!(preview_mesh::meshes))
        .routes(routes!(preview_rights::rights))
        .routes(routes!(preview_share::shareable))
        .routes(routes!(preview_manifest::manifest))
        .routes(routes!(lists::clusters))
        .routes(routes!(lists::limits))
        .routes(routes!(lists::limited))
        .routes(routes!(lists::envoys))
        .routes(routes!(lists::problems))
        .routes(routes!(topology::topology))
        .routes(routes!(certificates::certificates))
        .routes(routes!(certificates::authorities))
        .routes(routes!(traffic::traffic))
        .routes(routes!(traffic::route_traffic))
        .routes(routes!(key_uses::key_uses))
        .routes(routes!(edit::manifest))
        .routes(routes!(edit::dry_run))
        .routes(routes!(edit::compare))
        .routes(routes!(edit::apply))
        .routes(routes!(preview_changes::put))
        .routes(routes!(preview_changes::delete))
        .routes(routes!(preview_changes::extend))
        .routes(routes!(preview_changes::hook))
        .routes(routes!(preview_share::share))
        .routes(routes!(preview_share::withdraw))
        .routes(routes!(tunnels::open))
        .routes(routes!(preview_probe::probe))
        .routes(routes!(preview_watch::watch))
        .routes(routes!(preview_watch::watched))
        .routes(routes!(explain::by_query, explain::by_body))
        .routes(routes!(operations::operations))
        .split_for_parts();
    let document = document::with_refusals(document);
    let index = index::page(&document);
    api.route("/", get(move || async move { Html(index) }))
        .route("/api/v1/openapi.json", get(move || async move { axum::Json(document) }))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(access::Door::new(tokens), access::check))
        .layer(Extension(callers))
        .layer(middleware::from_fn_with_state(names::Names::new(names), names::check))
        .with_state(view)
}

/// Serves `router` on `listener` until `shutdown`, then lets replies that have begun finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

#[cfg(test)]
mod tests;

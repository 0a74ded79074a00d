//! What a controller needs to know, and why it ends.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nuncio_telemetry::{AuditLog, Health, SharedToken};
use nuncio_translate::Topology;
use nuncio_xds::ServeError;
use tokio::net::TcpListener;

use crate::admin::IdentityKeys;
use crate::beside::{OwnLimiter, Secrets};
use crate::decider::Decider;
use crate::leader::LeaseTimes;
use crate::manifests::Manifests;
use crate::origins::PortalOrigins;
use crate::source::SourceError;
use crate::source::kubernetes::AccessError;
use crate::status::StatusOptions;
use crate::webhook::WebhookOptions;

/// Where Envoys connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XdsAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

/// What a controller needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where manifests come from.
    pub manifests: Manifests,
    /// `AMBASSADOR_ID`: objects for other instances are passed over.
    pub ambassador_id: String,
    /// `AMBASSADOR_NAMESPACE`: namespace of the edge, and of objects that name none.
    pub namespace: String,
    /// Replace `$NAME` and `${NAME}` in manifests from the environment. Off by default: it can leak secrets.
    pub expand_environment: bool,
    /// How the gateway's zone counts.
    pub topology: Topology,
    /// Address that Listeners bind to.
    pub bind_address: IpAddr,
    /// Where Envoys connect to.
    pub xds: XdsAddress,
    /// The bound socket of the admin server.
    pub admin: TcpListener,
    /// Host names that the admin server answers to besides addresses and `localhost`.
    pub admin_names: Vec<String>,
    /// What opens it to who is on another machine.
    pub admin_tokens: Vec<SharedToken>,
    /// Admin addresses of other gateways of the same objects. A name stands for all of its addresses, the own among them.
    pub peers: Vec<String>,
    /// Whether whoever reaches the admin server may change manifests, if they are files.
    pub allow_edits: bool,
    /// Where it is noted who did what: who served previews by processes of their own.
    pub audit: Option<Arc<AuditLog>>,
    /// Whether the admin server has requests change previews.
    pub allow_previews: bool,
    /// By which it verifies by whom they are, where they come from elsewhere.
    pub identity_keys: Option<IdentityKeys>,
    /// Whether Envoys count the requests of each route by themselves, and not by service alone.
    pub route_stats: bool,
    /// Admin socket of the Envoy beside this controller.
    pub envoy_admin: Option<PathBuf>,
    /// The rate limit service that can run beside this controller.
    pub limiter: Option<OwnLimiter>,
    /// Who decides by Filters; without anybody, what FilterPolicies are for is refused.
    pub authz: Option<Decider>,
    /// Which statuses are written to a cluster, if any, by the replica that leads.
    pub status: Option<StatusOptions>,
    /// How long requests in flight may take to finish. A cluster that no route names any more is kept for as long, and
    /// no shorter than [`Options`](nuncio_xds::Options) says by itself.
    pub drain_time: Duration,
    /// How long a lead lasts.
    pub lease: LeaseTimes,
    /// How to serve the webhook, if it is served.
    pub webhook: Option<WebhookOptions>,
    /// Where a developer portal's pages are from which requests are sent.
    pub portal_origins: PortalOrigins,
    /// What the gateway calls the service that it is, in words of who asks.
    pub portal_audiences: Vec<String>,
    /// Who in this process is told secrets asks there.
    pub secrets: Secrets,
    /// Where sockets may be through which the Envoy beside this controller reaches processes that stand in for services of
    /// previews: a directory that nobody else may enter.
    pub tunnels: Option<PathBuf>,
    /// Whether the gateway takes traffic; the controller adds its own conditions.
    pub health: Health,
}

/// Why a controller ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory cannot be watched.
    #[error("cannot watch the directory: {0}")]
    Watch(#[source] std::io::Error),
    /// The watch ended.
    #[error("the watch of the manifests ended")]
    WatchEnded,
    /// There is no way to the cluster.
    #[error(transparent)]
    Cluster(#[from] AccessError),
    /// The cluster could not be read in time.
    #[error("the cluster could not be read within {patience:?}: {why}")]
    NotRead {
        /// How long it was waited.
        patience: Duration,
        /// What for.
        why: String,
    },
    /// No certificate could be made.
    #[error("cannot make the fallback certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The xDS server failed.
    #[error("cannot serve xDS: {0}")]
    Xds(#[from] ServeError),
    /// The admin server failed.
    #[error("cannot serve diagnostics: {0}")]
    Admin(#[source] std::io::Error),
}

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(String);

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        Self::Directory(DirectoryError(error.to_string()))
    }
}

impl From<SourceError> for DirectoryError {
    fn from(error: SourceError) -> Self {
        Self(error.to_string())
    }
}

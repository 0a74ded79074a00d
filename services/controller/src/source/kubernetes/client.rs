//! The way to the API server.

use std::path::PathBuf;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

/// Silence after which a connection is asked whether it is still one. With [`PROBE_INTERVAL`] and [`PROBES`]
/// a server that vanished without a word is noticed within 25 s, not after the 5 minutes of a watch.
const SILENCE: Duration = Duration::from_secs(10);
/// Time between questions.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// Questions without an answer.
const PROBES: u32 = 3;

/// Where a pod finds the name of its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterAccess {
    /// A kubeconfig. Without it: the pod's service account, and outside of a pod `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig other than the current one.
    pub context: Option<String>,
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig {file}: {error}", file = .file.display())]
    Kubeconfig {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        error: Box<kube::config::KubeconfigError>,
    },
    /// Nothing says where the cluster is.
    #[error(
        "no cluster to connect to: this is no pod, and neither KUBECONFIG nor ~/.kube/config can be used: {0}. \
        Name a file with --kubeconfig"
    )]
    Nowhere(#[source] Box<kube::config::KubeconfigError>),
    /// The pod's service account cannot be used.
    #[error("cannot use the service account of this pod: {0}")]
    Pod(#[source] Box<kube::config::InClusterError>),
    /// The certificates or credentials cannot be used.
    #[error("cannot make a client for {server}: {error}")]
    Client {
        /// The API server.
        server: String,
        /// Why not.
        #[source]
        error: Box<kube::Error>,
    },
}

/// A cluster that can be asked.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// URL of the API server, for messages.
    pub(crate) server: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Finds out where the cluster is. Connects to nothing yet.
    pub(crate) async fn find(access: &ClusterAccess) -> Result<Self, AccessError> {
        let mut config = config(access).await?;
        // The default waits as long as a system does; an address of a server that is gone may swallow everything.
        config.connect_timeout = Some(Duration::from_secs(5));
        let server = config.cluster_url.to_string();
        let made = client(config).map_err(Box::new);
        let client = made.map_err(|error| AccessError::Client { server: server.clone(), error })?;
        Ok(Self { client, server })
    }
}

/// The namespace of the pod that this process is in.
#[must_use]
pub fn pod_namespace() -> Option<String> {
    let namespace = std::fs::read_to_string(NAMESPACE_FILE).ok()?;
    Some(namespace.trim().to_owned()).filter(|namespace| !namespace.is_empty())
}

async fn config(access: &ClusterAccess) -> Result<Config, AccessError> {
    let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
    if let Some(file) = &access.kubeconfig {
        let wrong = |error| AccessError::Kubeconfig { file: file.clone(), error: Box::new(error) };
        let kubeconfig = Kubeconfig::read_from(file).map_err(wrong)?;
        return Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(wrong);
    }
    if access.context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Config::incluster().map_err(|error| AccessError::Pod(Box::new(error)));
    }
    Config::from_kubeconfig(&options).await.map_err(|error| AccessError::Nowhere(Box::new(error)))
}

/// A client that neither logs each failure nor tries again by itself: who watches does that, once.
fn client(config: Config) -> Result<Client, kube::Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(config.connect_timeout);
    http.set_keepalive(Some(SILENCE));
    http.set_keepalive_interval(Some(PROBE_INTERVAL));
    http.set_keepalive_retries(Some(PROBES));
    let https = config.rustls_https_connector_with_connector(http)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build::<_, Body>(https));
    Ok(Client::new(service, config.default_namespace))
}

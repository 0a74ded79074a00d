//! A gateway to ask: one made from manifests for the occasion, or one that runs.

use std::io::Read;
use std::path::Path;

use nuncio_api::{Defaults, Severity, parse};
use nuncio_controller::Topology;
use nuncio_controller::admin::{
    AdminClient, ExplainRequest, Explanation, ListQuery, Page, PreviewMeshView, PreviewView, RouteView,
};
use nuncio_controller::offline::{self, Offline, OfflineConfig};

use crate::cli::{Identity, Origin, Place};
use crate::controller::runtime;
use crate::exit::Failure;

/// Who answers.
pub(crate) enum Gateway {
    /// What is in a directory or a cluster.
    Offline(Box<Offline>),
    /// The gateway with this admin interface.
    Running {
        /// Where it is, for messages.
        address: String,
        /// The way to it.
        client: AdminClient,
    },
}

/// Reads manifests as if they were served.
pub(crate) fn load(place: &Place, identity: &Identity, topology: Topology) -> Result<Offline, Failure> {
    let manifests = place.manifests(identity)?;
    runtime()?.block_on(offline::load(&manifests, &config(place, identity, topology))).map_err(Failure::usage)
}

/// The same of one file; `-` is what comes in.
pub(crate) fn load_file(path: &Path, place: &Place, identity: &Identity) -> Result<Offline, Failure> {
    let is_piped = path.as_os_str() == "-";
    let mut bytes = Vec::new();
    let read = if is_piped {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    let name = if is_piped { "stdin".to_owned() } else { path.display().to_string() };
    read.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    if is_piped && !holds_something(&bytes) {
        let message = "there is no object in what came in: did the command before it fail, or print something else?";
        return Err(Failure::new(message));
    }
    offline::of_file(&name, bytes, &config(place, identity, Topology::default())).map_err(Failure::usage)
}

/// Whether a text holds an object, be it somebody else's, or what was meant as one.
fn holds_something(text: &[u8]) -> bool {
    let parsed = parse(text, &"stdin".into(), &Defaults::default());
    let is_meant = parsed.problems.iter().any(|found| found.problem.severity == Severity::Error);
    !parsed.objects.is_empty() || parsed.ignored > 0 || is_meant
}

fn config(place: &Place, identity: &Identity, topology: Topology) -> OfflineConfig {
    let Identity { ambassador_id, namespace: _, expand_environment } = identity.clone();
    OfflineConfig { ambassador_id, namespace: place.namespace(identity), expand_environment, topology }
}

impl Gateway {
    /// The gateway that the command line names.
    pub(crate) fn open(origin: &Origin, identity: &Identity) -> Result<Self, Failure> {
        let Origin { dir, admin, cluster } = origin;
        if let Some(address) = admin {
            return Ok(Self::Running { client: AdminClient::gateway(address), address: address.clone() });
        }
        let place = Place { dir: dir.clone(), cluster: cluster.clone() };
        Ok(Self::Offline(Box::new(load(&place, identity, Topology::default())?)))
    }

    /// Routes by host, in the order in which they are tried.
    pub(crate) fn routes(&self, query: &ListQuery) -> Result<Page<RouteView>, Failure> {
        match self {
            Self::Offline(offline) => Ok(Page::of(query, offline.routes(query).into_iter(), |route| route)),
            Self::Running { address, client } => ask("the gateway", address, client, &query.to_path("routes")),
        }
    }

    /// Previews, and where they can be seen.
    pub(crate) fn previews(&self, query: &ListQuery) -> Result<Page<PreviewView>, Failure> {
        match self {
            Self::Offline(offline) => Ok(offline.previews(query)),
            Self::Running { address, client } => ask("the gateway", address, client, &query.to_path("previews")),
        }
    }

    /// What a mesh is told of previews.
    pub(crate) fn preview_meshes(&self, query: &ListQuery) -> Result<Page<PreviewMeshView>, Failure> {
        match self {
            Self::Offline(offline) => Ok(offline.preview_meshes(query)),
            Self::Running { address, client } => ask("the gateway", address, client, &query.to_path("preview-meshes")),
        }
    }

    /// What becomes of a request.
    pub(crate) fn explain(&self, request: &ExplainRequest) -> Result<Explanation, Failure> {
        match self {
            Self::Offline(offline) => Ok(offline.explain(request)),
            Self::Running { address, client } => ask("the gateway", address, client, &request.to_path()),
        }
    }
}

/// Asks a server, `who` in messages, for something in JSON.
pub(crate) fn ask<T: serde::de::DeserializeOwned>(
    who: &str,
    address: &str,
    client: &AdminClient,
    path: &str,
) -> Result<T, Failure> {
    let failed = |what: String| Failure::new(format!("{who} at {address}: {what}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    let reply = runtime.block_on(client.get(path)).map_err(|error| failed(error.to_string()))?;
    if !reply.status.is_success() {
        return Err(failed(format!("status {}", reply.why())));
    }
    serde_json::from_slice(&reply.body).map_err(|error| failed(format!("an answer that is not understood: {error}")))
}

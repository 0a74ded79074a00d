//! Manifests, looked at without serving them: for commands that check, explain and list.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use nuncio_envoy::{JsonError, to_json};
use nuncio_ir::{Discovery, SecretValue};
use nuncio_translate::{Settings, Topology, World};
use nuncio_xds::{Options, Server};

use crate::admin::{ExplainRequest, Explanation, ListQuery, Page, PreviewMeshView, PreviewView, RouteView};
use crate::engine::{Engine, served};
use crate::event::{LocatedProblem, ServedListener};
use crate::files::Files;
use crate::manifests::{Manifests, read_once};
use crate::metrics::Metrics;
use crate::run::{Error, defaults};
use crate::source::{Content, FileChange};
use crate::view::{self, Listed};
use crate::{explain, fallback, resources};

/// What manifests would serve.
pub struct Offline {
    engine: Engine,
    ambassador_id: String,
}

/// How to read them.
#[derive(Clone, Debug)]
pub struct OfflineConfig {
    /// `AMBASSADOR_ID`.
    pub ambassador_id: String,
    /// `AMBASSADOR_NAMESPACE`.
    pub namespace: String,
    /// Replace `$NAME` in manifests from the environment.
    pub expand_environment: bool,
    /// How the gateway's zone counts.
    pub topology: Topology,
}

/// How long a cluster may take to show what it has.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads everything once.
///
/// # Errors
/// When it cannot be read. What is wrong with what is read is no error but a problem.
pub async fn load(manifests: &Manifests, config: &OfflineConfig) -> Result<Offline, Error> {
    let engine = read_once(manifests, empty(manifests.directory(), config)?, PATIENCE).await?;
    Ok(Offline { engine, ambassador_id: config.ambassador_id.clone() })
}

/// What one file would serve, called `name`.
///
/// # Errors
/// When no certificate can be made.
pub fn of_file(name: &str, bytes: Vec<u8>, config: &OfflineConfig) -> Result<Offline, Error> {
    let mut engine = empty(None, config)?;
    engine.ingest(vec![FileChange { file: name.into(), content: Content::Bytes(bytes) }], Instant::now());
    Ok(Offline { engine, ambassador_id: config.ambassador_id.clone() })
}

/// An engine that knows of nothing yet.
fn empty(directory: Option<&Path>, config: &OfflineConfig) -> Result<Engine, Error> {
    let settings = Settings {
        ambassador_id: config.ambassador_id.clone(),
        namespace: config.namespace.as_str().into(),
        fallback_certificate: fallback::certificate()?,
        bind_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        probe_log: None,
        makes_preview_keys: false,
        limit_socket: Some("ratelimit.sock".into()),
        authz: Some(Discovery::Unix("authz.sock".into())),
        topology: config.topology.clone(),
        route_stats: false,
        cors: None,
    };
    let known = Files::new(defaults(&config.namespace, config.expand_environment)).within(directory);
    let (server, _) = Server::new(Options::default());
    Ok(Engine::new(known, World::new(settings), server, Metrics::new()))
}

impl Offline {
    /// The id of the gateway that it was read for, and what was read.
    pub(crate) fn into_parts(self) -> (String, Engine) {
        (self.ambassador_id, self.engine)
    }

    /// Everything that is wrong, by place.
    #[must_use]
    pub fn problems(&self) -> Vec<LocatedProblem> {
        let mut problems = view::problems(&self.engine);
        self.engine.files.locate(&mut problems);
        problems.sort_by(view::by_place);
        problems
    }

    /// How many objects there are.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.engine.world.objects().count()
    }

    /// Where connections are taken.
    #[must_use]
    pub fn listeners(&self) -> Vec<ServedListener> {
        self.engine.world.model().listeners.values().map(|listener| served(listener)).collect()
    }

    /// The certificates and authorities that are in use, by the names that Envoy knows them by.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&str, &SecretValue)> {
        self.engine.world.model().secrets.iter().map(|(name, secret)| (&*name.0, &secret.value))
    }

    /// Routes by host, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self, query: &ListQuery) -> Vec<RouteView> {
        view::routes(self.engine.world.model(), query).map(Listed::view).collect()
    }

    /// Previews, and where they can be seen.
    #[must_use]
    pub fn previews(&self, query: &ListQuery) -> Page<PreviewView> {
        Page::of(query, view::previews(&self.engine, query), |object| view::preview_view(&self.engine, object))
    }

    /// What a mesh is told of previews.
    #[must_use]
    pub fn preview_meshes(&self, query: &ListQuery) -> Page<PreviewMeshView> {
        Page::of(query, view::previews(&self.engine, query), |object| view::preview_mesh(&self.engine, object))
    }

    /// What Envoy would be sent, as canonical JSON: by kind, then by name. Private keys are blotted out.
    ///
    /// # Errors
    /// When a resource has no JSON form.
    pub fn envoy_configuration(&self) -> Result<BTreeMap<String, BTreeMap<String, serde_json::Value>>, JsonError> {
        let mut configuration: BTreeMap<String, BTreeMap<String, serde_json::Value>> = BTreeMap::new();
        for resource in resources::all(self.engine.world.model()) {
            let json = to_json(resource.kind.type_url(), &resource.body)?;
            configuration.entry(format!("{:?}", resource.kind)).or_default().insert(resource.name.to_string(), json);
        }
        Ok(configuration)
    }

    /// What becomes of a request.
    #[must_use]
    pub fn explain(&self, request: &ExplainRequest) -> Explanation {
        explain::explain(&self.engine.world, None, request)
    }
}

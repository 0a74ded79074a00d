//! A directory, looked at without serving it: for commands that check, explain and list.

use std::path::Path;
use std::time::Instant;

use nuncio_translate::{Settings, World};
use nuncio_xds::{Options, Server};

use crate::admin::{ExplainRequest, Explanation, ListQuery, RouteView};
use crate::engine::Engine;
use crate::event::LocatedProblem;
use crate::files::Files;
use crate::metrics::Metrics;
use crate::run::{Error, defaults};
use crate::view::{self, Listed};
use crate::{explain, fallback, source};

/// What a directory would serve.
pub struct Offline {
    engine: Engine,
}

/// How to read a directory.
#[derive(Clone, Debug)]
pub struct OfflineConfig {
    /// `AMBASSADOR_ID`.
    pub ambassador_id: String,
    /// `AMBASSADOR_NAMESPACE`.
    pub namespace: String,
    /// Replace `$NAME` in manifests from the environment.
    pub expand_environment: bool,
}

/// Reads a directory once.
///
/// # Errors
/// When it cannot be read. What is wrong with its files is no error but a problem.
pub fn load(directory: &Path, config: &OfflineConfig) -> Result<Offline, Error> {
    let files = source::read(directory, source::Options::default())?;
    let settings = Settings {
        ambassador_id: config.ambassador_id.clone(),
        namespace: config.namespace.as_str().into(),
        fallback_certificate: fallback::certificate()?,
        bind_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
    };
    let known = Files::new(defaults(&config.namespace, config.expand_environment));
    let (server, _) = Server::new(Options::default());
    let mut engine = Engine::new(known, World::new(settings), server, Metrics::new());
    engine.ingest(files, Instant::now());
    Ok(Offline { engine })
}

impl Offline {
    /// Everything that is wrong, by place.
    #[must_use]
    pub fn problems(&self) -> Vec<LocatedProblem> {
        view::problems(&self.engine)
    }

    /// How many objects there are.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.engine.world.objects().count()
    }

    /// Routes by host, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self, query: &ListQuery) -> Vec<RouteView> {
        view::routes(self.engine.world.model(), query).map(Listed::view).collect()
    }

    /// What becomes of a request.
    #[must_use]
    pub fn explain(&self, request: &ExplainRequest) -> Explanation {
        explain::explain(&self.engine.world, request)
    }
}

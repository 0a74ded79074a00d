//! Where manifests come from: a directory or a cluster, behind one face.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nuncio_telemetry::Condition;

use crate::admin::GatewaySource;
use crate::engine::Engine;
use crate::event::Event;
use crate::run::{Error, lock};
use crate::source::kubernetes::{Cluster, ClusterAccess, KubernetesSource, Selection};
use crate::source::{self, Batch, Changes, DirectorySource, FileChange};
use crate::status::Held;

/// How long a change waits for Secrets that it names and that are new. A lost API server must not hold up what Envoys say.
const SECRETS_PATIENCE: Duration = Duration::from_secs(2);

/// How often it is said what the first state waits for.
const WAITING: Duration = Duration::from_millis(250);

/// Where manifests come from.
#[derive(Clone, Debug)]
pub enum Manifests {
    /// Files.
    Directory(PathBuf),
    /// The objects of a Kubernetes cluster.
    Kubernetes {
        /// Which cluster.
        access: ClusterAccess,
        /// Which of its objects.
        selection: Selection,
    },
}

/// What changes.
pub(crate) enum Source {
    Directory(Changes),
    Kubernetes(Box<KubernetesSource>),
}

/// A source that was opened, before anything was read of it.
pub(crate) enum Opened {
    Directory(Box<DirectorySource>),
    Kubernetes(Box<KubernetesSource>),
}

impl Manifests {
    /// The directory, if they are files.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) => Some(path),
            Self::Kubernetes { .. } => None,
        }
    }

    /// What people call it, of which this was opened.
    pub(crate) fn called(&self, opened: &Opened) -> GatewaySource {
        match self {
            Self::Directory(path) => GatewaySource::directory(path),
            Self::Kubernetes { .. } => {
                GatewaySource::Cluster(opened.cluster().map(|cluster| cluster.server).unwrap_or_default())
            }
        }
    }

    /// Opens the source. Whatever cannot get better by itself is an error here.
    pub(crate) async fn open(&self) -> Result<Opened, Error> {
        match self {
            Self::Directory(path) => {
                let source = DirectorySource::open(path, source::Options::default())?;
                Ok(Opened::Directory(Box::new(source)))
            }
            Self::Kubernetes { access, selection } => {
                let cluster = Cluster::find(access).await?;
                let source = KubernetesSource::follow(cluster, selection.clone());
                Ok(Opened::Kubernetes(Box::new(source)))
            }
        }
    }
}

impl Opened {
    /// The cluster that it is.
    pub(crate) fn cluster(&self) -> Option<Cluster> {
        match self {
            Self::Directory(_) => None,
            Self::Kubernetes(source) => Some(source.cluster().clone()),
        }
    }

    /// Tells of the statuses of objects, if they have any.
    pub(crate) fn tell_statuses(&mut self, to: Arc<Held>) {
        match self {
            Self::Directory(_) => {}
            Self::Kubernetes(source) => source.tell_statuses(to),
        }
    }

    /// Reads everything and takes it in; then changes follow. Until then `condition` says what is waited for.
    pub(crate) async fn read(
        self,
        engine: &Mutex<Engine>,
        condition: &Condition,
    ) -> Result<(Source, Vec<Event>), Error> {
        match self {
            Self::Directory(mut source) => {
                let noticed = Instant::now();
                let first = source.scan();
                let told = lock(engine).ingest(first, noticed);
                let changes = source.changes().map_err(Error::Watch)?;
                condition.set_ready();
                Ok((Source::Directory(changes), told))
            }
            Self::Kubernetes(mut source) => {
                let first = loop {
                    tokio::select! {
                        batch = source.next() => break batch.ok_or(Error::WatchEnded)?,
                        () = tokio::time::sleep(WAITING) => {
                            source.waiting().into_iter().for_each(|reason| condition.set_not_ready(reason));
                        }
                    }
                };
                condition.set_not_ready("waiting for Secrets");
                let told = take_in(engine, &mut source, first, None).await;
                condition.set_ready();
                Ok((Source::Kubernetes(source), told))
            }
        }
    }
}

impl Source {
    /// The next changes. Cancel safe. `None` if none will come.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        match self {
            Self::Directory(changes) => changes.next().await,
            Self::Kubernetes(source) => source.next().await,
        }
    }

    /// Takes changes in, with whatever they turn out to need.
    pub(crate) async fn take_in(&mut self, engine: &Mutex<Engine>, batch: Batch) -> Vec<Event> {
        match self {
            Self::Directory(_) => lock(engine).ingest(batch.changes, batch.noticed),
            Self::Kubernetes(source) => take_in(engine, source, batch, Some(SECRETS_PATIENCE)).await,
        }
    }
}

/// Nothing is sent before the Secrets are there that the changes name, as far as they can be had.
async fn take_in(
    engine: &Mutex<Engine>,
    source: &mut KubernetesSource,
    batch: Batch,
    patience: Option<Duration>,
) -> Vec<Event> {
    let Batch { changes, noticed } = batch;
    stage(engine, changes, noticed);
    // One Secret can lead to the next: a Host's authorities are looked for once it has a certificate.
    while let Some(wanted) = newly_wanted(engine) {
        let secrets = source.secrets(wanted, patience).await;
        if !secrets.is_empty() {
            stage(engine, secrets, noticed);
        }
    }
    lock(engine).send_staged()
}

fn stage(engine: &Mutex<Engine>, changes: Vec<FileChange>, noticed: Instant) {
    lock(engine).stage(changes, noticed);
}

fn newly_wanted(engine: &Mutex<Engine>) -> Option<BTreeSet<(Arc<str>, Arc<str>)>> {
    lock(engine).world.newly_wanted_secrets()
}

/// Everything there is, taken in once, for commands that look and leave.
pub(crate) async fn read_once(manifests: &Manifests, engine: Engine, patience: Duration) -> Result<Engine, Error> {
    match manifests {
        Manifests::Directory(path) => {
            let mut engine = engine;
            engine.ingest(source::read(path, source::Options::default())?, Instant::now());
            Ok(engine)
        }
        Manifests::Kubernetes { access, selection } => {
            let mut source = KubernetesSource::follow(Cluster::find(access).await?, selection.clone());
            let first = tokio::time::timeout(patience, source.next()).await;
            let Ok(first) = first else {
                return Err(Error::NotRead { patience, why: source.waiting().unwrap_or_default() });
            };
            let engine = Mutex::new(engine);
            take_in(&engine, &mut source, first.ok_or(Error::WatchEnded)?, Some(patience)).await;
            Ok(engine.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
        }
    }
}

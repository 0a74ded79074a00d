//! Manifests from the API server of a Kubernetes cluster.
//!
//! ```text
//!  API server ──► reflector of each kind ──► what is known ──► intake ──► batches
//!       ▲            (list, watch)          (digests only)    (2 ms)
//!       └── GET ── wanted Secrets ◄── metadata of all Secrets
//! ```
//!
//! Each object is a file of its own, `GROUP/KIND/NAMESPACE/NAME`, so whatever holds for files holds for objects. The first
//! batch is everything, and comes when every kind was listed. A kind that the server does not have holds nothing up: there
//! are no objects of it. A kind that may not be read does, because what is missing could be what closes a door.
//!
//! A server that is lost takes nothing away: what was read stays, and once it is back only what differs is a change.

mod arrivals;
pub(crate) mod backoff;
mod client;
mod discovery;
mod intake;
mod known;
pub(crate) mod managed;
pub(crate) mod notice;
pub(crate) mod object;
mod reflector;
mod reflectors;
mod request;
pub(crate) mod resources;
mod secrets;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use nuncio_api::Kind;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use self::client::Cluster;
pub use self::client::{AccessError, ClusterAccess, pod_namespace};
use self::intake::Intake;
use self::known::Known;
use self::object::{Item, file_of};
pub use self::reflector::Selection;
use self::reflector::{Message, Told, patient};
use self::request::{Failure, Form};
use self::resources::{ApiKind, Depth, api_kind, watched};
use self::secrets::{Fetch, Fetched, Secrets};
use self::troubles::Troubles;
use super::{Batch, Content, FileChange};
use crate::status::Held;

/// Messages that may wait; while they do, reflectors read no further.
const QUEUED_MESSAGES: usize = 1024;
/// Secrets fetched at the same time.
const FETCHES: usize = 32;

/// The objects of a cluster, as files.
pub(crate) struct KubernetesSource {
    cluster: Cluster,
    selection: Arc<Selection>,
    kinds: Vec<ApiKind>,
    known: Vec<Known>,
    /// Kinds that were not listed yet.
    unlisted: BTreeSet<usize>,
    first_given: bool,
    secrets: Secrets,
    /// When Secrets are to be tried again.
    retries: BTreeMap<Arc<str>, Instant>,
    fetches: FuturesUnordered<BoxFuture<'static, (Fetch, Fetched)>>,
    intake: Intake,
    troubles: Troubles,
    messages: mpsc::Receiver<Message>,
    /// Whoever wants to know of statuses.
    statuses: Option<Arc<Held>>,
    /// Ends the reflectors when it is dropped.
    _reflectors: JoinSet<()>,
}

impl KubernetesSource {
    /// Begins to follow a cluster.
    pub(crate) fn follow(cluster: Cluster, selection: Selection) -> Self {
        let (sender, messages) = mpsc::channel(QUEUED_MESSAGES);
        let kinds = watched(selection.namespace.is_none());
        let selection = Arc::new(selection);
        let reflectors = reflectors::follow(&cluster.client, &kinds, &selection, &sender);
        Self {
            troubles: Troubles::new(cluster.server.clone()),
            cluster,
            selection,
            known: kinds.iter().map(|_| Known::default()).collect(),
            unlisted: (0..kinds.len()).collect(),
            kinds,
            first_given: false,
            secrets: Secrets::default(),
            retries: BTreeMap::new(),
            fetches: FuturesUnordered::new(),
            intake: Intake::default(),
            messages,
            statuses: None,
            _reflectors: reflectors,
        }
    }

    /// The cluster.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Tells of statuses from now on.
    pub(crate) fn tell_statuses(&mut self, to: Arc<Held>) {
        self.statuses = Some(to);
    }

    /// The next batch; the first is the whole state, however little that is. Cancel safe. `None` if nothing follows.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        loop {
            if let Some(batch) = self.batch() {
                return Some(batch);
            }
            self.step(None).await?;
        }
    }

    /// Why the first batch is not there yet.
    pub(crate) fn waiting(&self) -> Option<String> {
        let is_waited_for = |index| self.unlisted.contains(&index);
        (!self.first_given).then(|| self.troubles.waiting(&self.kinds, is_waited_for))
    }

    /// Says which Secrets are wanted, by namespace and name, and gives those that are new; those that
    /// cannot be had within `patience` come with a later batch. Without `patience` it waits as long as it takes.
    pub(crate) async fn secrets(
        &mut self,
        wanted: impl IntoIterator<Item = (Arc<str>, Arc<str>)>,
        patience: Option<Duration>,
    ) -> Vec<FileChange> {
        let Some(api) = api_kind(Kind::Secret) else { return Vec::new() };
        let files = wanted.into_iter().map(|(namespace, name)| file_of(&api, &namespace, &name)).collect();
        let gone = self.secrets.want(files);
        self.intake.put(gone, Instant::now());
        let deadline = patience.map(|patience| Instant::now() + patience);
        while !self.secrets.is_answered() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            if self.step(deadline).await.is_none() {
                break;
            }
        }
        let directory = format!("{}/", api.directory());
        self.intake.take_of(|file| file.starts_with(&directory))
    }

    fn batch(&mut self) -> Option<Batch> {
        if self.first_given {
            // What came while the last batch was worked on goes with this one.
            while let Ok(message) = self.messages.try_recv() {
                self.take(message);
            }
            return self.intake.take_due(Instant::now());
        }
        if !self.unlisted.is_empty() {
            return None;
        }
        self.first_given = true;
        Some(self.intake.take(Instant::now()))
    }

    /// Waits until something happens. Cancel safe. `None` if nothing follows.
    async fn step(&mut self, deadline: Option<Instant>) -> Option<()> {
        self.fetch();
        let intake = self.intake.due().filter(|_| self.first_given && deadline.is_none());
        let retry = self.retries.values().min().copied();
        let wake = [deadline, intake, retry].into_iter().flatten().min();
        let sleep = async {
            match wake {
                Some(wake) => tokio::time::sleep_until(wake.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = self.messages.recv() => self.take(message?),
            Some((fetch, fetched)) = self.fetches.next() => self.fetched(&fetch, fetched),
            () = sleep => {}
        }
        Some(())
    }

    fn take(&mut self, message: Message) {
        let Message { from, noticed, told } = message;
        let Some(api) = self.kinds.get(from).copied() else { return };
        match told {
            Told::Failed(failure) => {
                if failure == Failure::Missing {
                    self.unlisted.remove(&from);
                }
                let problem = self.troubles.failed(from, &api, &self.selection, &failure);
                self.intake.put(problem, noticed);
            }
            Told::Works => {
                let problem = self.troubles.works(from, &api);
                self.intake.put(problem, noticed);
            }
            told => {
                if matches!(told, Told::Complete) {
                    self.unlisted.remove(&from);
                }
                match api.depth {
                    Depth::Whole => self.take_object(from, told, noticed),
                    Depth::Metadata => self.take_metadata(told),
                }
            }
        }
    }

    fn take_object(&mut self, from: usize, told: Told, noticed: Instant) {
        let Some(known) = self.known.get_mut(from) else { return };
        match told {
            Told::Begin => known.begin(),
            Told::Object(item) => {
                if let Some(statuses) = &self.statuses {
                    statuses.put(&item.file, item.status.0, &item.status.1);
                }
                self.intake.put(known.put(item), noticed);
            }
            Told::Gone(file) => {
                let gone = known.remove(&file);
                self.gone(gone, noticed);
            }
            Told::Complete => {
                let gone = known.end();
                self.gone(gone, noticed);
            }
            Told::Failed(_) | Told::Works => {}
        }
    }

    fn gone(&mut self, gone: impl IntoIterator<Item = FileChange>, noticed: Instant) {
        let statuses = self.statuses.clone();
        let gone = gone.into_iter().inspect(|change| {
            if let (Some(statuses), Content::Gone) = (&statuses, &change.content) {
                statuses.remove(&change.file);
            }
        });
        self.intake.put(gone, noticed);
    }

    fn take_metadata(&mut self, told: Told) {
        match told {
            Told::Begin => self.secrets.begin(),
            Told::Object(item) => self.secrets.seen(&item.file, item.digest),
            Told::Gone(file) => self.secrets.gone(&file),
            Told::Complete => self.secrets.end(),
            Told::Failed(_) | Told::Works => {}
        }
    }

    /// Begins whatever fetches are due.
    fn fetch(&mut self) {
        let now = Instant::now();
        for (file, _) in self.retries.extract_if(.., |_, at| *at <= now) {
            self.secrets.retry(&file);
        }
        let Some(api) = api_kind(Kind::Secret) else { return };
        let free = FETCHES.saturating_sub(self.fetches.len());
        for due in self.secrets.take_due(free) {
            self.fetches.push(Box::pin(fetch(self.cluster.clone(), api, due)));
        }
    }

    fn fetched(&mut self, fetch: &Fetch, fetched: Fetched) {
        let (change, retry) = self.secrets.fetched(fetch, fetched);
        self.intake.put(change, Instant::now());
        if let Some(wait) = retry {
            self.retries.insert(Arc::clone(&fetch.file), Instant::now() + wait);
        }
    }
}

async fn fetch(cluster: Cluster, api: ApiKind, fetch: Fetch) -> (Fetch, Fetched) {
    let mut parts = fetch.file.rsplitn(3, '/');
    let (name, namespace) = (parts.next().unwrap_or_default(), parts.next());
    let path = format!("{}/{name}", api.path(namespace));
    let found = patient(request::get(&cluster.client, &path, Form::Whole)).await;
    let item = found.and_then(|text| Item::fetched(&api, request::read(&text)?).ok_or(Failure::Missing));
    (fetch, item)
}

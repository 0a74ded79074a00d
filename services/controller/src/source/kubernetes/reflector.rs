//! Follows the objects of one kind: a listing, then what changes, for as long as it is wanted.
//!
//! This is what kube's `watcher` does, and a little more that a gateway needs: a listing that breaks off begins visibly
//! anew, failures are told apart, and nothing is logged here, so that fifteen watches of one lost server
//! are one line.

mod paths;
mod position;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use serde::Deserialize;
use tokio::sync::mpsc;

use self::position::{Listing, Position};
use super::arrivals::Arrivals;
use super::discovery::Discovery;
use super::object::{Item, Object};
use super::request::{self, Events, Failure, Form, Status, WatchEvent, WatchEventKind};
use super::resources::ApiKind;

/// Objects asked for at once where the server has no streaming lists.
const PAGE: u32 = 500;
/// A watch ends after this many seconds, and is begun anew where it ended.
pub(super) const WATCH_SECONDS: u32 = 290;
/// How long an answer may take. Watches answer at once.
const PATIENCE: Duration = Duration::from_secs(30);
/// Annotation of the bookmark that ends a streamed listing.
const LISTING_ENDS: &str = "k8s.io/initial-events-end";
/// A watch that ends sooner was not a watch: the next one waits.
const SHORT: Duration = Duration::from_secs(1);

/// Which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only this namespace.
    pub namespace: Option<String>,
    /// `AMBASSADOR_LABEL_SELECTOR`.
    pub labels: Option<String>,
    /// `AMBASSADOR_FIELD_SELECTOR`.
    pub fields: Option<String>,
}

impl Selection {
    /// The same for Secrets that objects name: with whatever labels and fields.
    pub(super) fn of_named(&self) -> Self {
        Self { namespace: self.namespace.clone(), ..Self::default() }
    }
}

/// What a reflector tells.
#[derive(Debug)]
pub(super) enum Told {
    /// A listing begins; whatever an earlier one said that was not complete does not count.
    Begin,
    /// An object is there.
    Object(Item),
    /// An object is gone.
    Gone(Arc<str>),
    /// The listing is complete.
    Complete,
    /// It could not go on, and tries again.
    Failed(Failure),
    /// It could go on.
    Works,
}

/// What a reflector tells, with which one it is and when it heard of it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) from: usize,
    pub(super) noticed: Instant,
    pub(super) told: Told,
}

/// Nobody listens any more.
struct Unheard;

/// One kind of objects, followed.
pub(super) struct Reflector {
    pub(super) index: usize,
    pub(super) api: ApiKind,
    pub(super) client: Client,
    pub(super) selection: Arc<Selection>,
    pub(super) discovery: Arc<Discovery>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) messages: mpsc::Sender<Message>,
}

/// How a try ended.
enum Ended {
    Failed(Failure),
    Unheard,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Unheard> for Ended {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

#[derive(Deserialize)]
struct List<'a> {
    metadata: ListMetadata,
    /// Null for none, where only metadata is asked for.
    #[serde(default, borrow)]
    items: Option<Vec<Object<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    more: String,
}

impl Reflector {
    /// One by itself.
    pub(super) fn of(api: ApiKind, client: Client, selection: Selection, messages: mpsc::Sender<Message>) -> Self {
        let selection = Arc::new(selection);
        Self { index: 0, api, client, selection, discovery: Arc::default(), arrivals: Arc::default(), messages }
    }

    /// Follows until nobody listens.
    pub(super) async fn run(self) {
        let mut position = Position::default();
        loop {
            let begun = Instant::now();
            let failure = match self.follow(&mut position).await {
                Ok(()) => None,
                Err(Ended::Failed(Failure::Expired)) => {
                    position.version = None;
                    None
                }
                Err(Ended::Failed(failure)) => Some(failure),
                Err(Ended::Unheard) => return,
            };
            match failure {
                None if begun.elapsed() > SHORT => {}
                None => tokio::time::sleep(position.backoff.next().min(SHORT)).await,
                // It is asked in the other way at once.
                Some(failure) if position.turns_to_pages(&failure) => {}
                Some(failure) => {
                    if self.recover(&mut position, failure).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Tells of a failure, and waits until another try may go better.
    async fn recover(&self, position: &mut Position, failure: Failure) -> Result<(), Unheard> {
        let failure = self.or_missing(failure).await;
        let (missing, lost) = (failure == Failure::Missing, failure.is_lost());
        // A connection that is closed once is no news.
        if !lost || position.backoff.tries() > 0 {
            self.tell(Told::Failed(failure)).await?;
        }
        position.failed = true;
        if missing {
            // Nothing hangs on it but what the user installs next.
            self.arrivals.may_be_there(&self.api.resource(), &mut position.backoff).await;
        } else {
            tokio::time::sleep(position.backoff.next()).await;
        }
        Ok(())
    }

    /// Who may not read a kind is told so whether the server has it or not. One that it has not holds nothing up.
    async fn or_missing(&self, failure: Failure) -> Failure {
        let denied = matches!(failure, Failure::Denied(_));
        match denied && self.discovery.has(&self.client, &self.api).await == Some(false) {
            true => Failure::Missing,
            false => failure,
        }
    }

    /// Lists if need be, and follows what changes until the server ends the watch.
    async fn follow(&self, position: &mut Position) -> Result<(), Ended> {
        if position.version.is_none() && position.listing != Listing::Streamed {
            let version = self.list(position).await?;
            position.has_listed(version);
        }
        let listing = position.version.is_none();
        let path = self.watch_path(position.version.as_deref());
        let body = patient(request::ask(&self.client, &path, Form::watch(self.api.depth))).await?;
        if listing {
            self.tell(Told::Begin).await?;
        } else {
            self.works(position).await?;
        }
        self.events(Events::new(body), position).await
    }

    async fn events(&self, mut events: Events, position: &mut Position) -> Result<(), Ended> {
        while let Some(text) = events.next().await? {
            let WatchEvent { kind, object } = request::read(&text)?;
            match kind {
                WatchEventKind::Error => {
                    let status: Status = object.read().unwrap_or_default();
                    return Err(status.failure().into());
                }
                WatchEventKind::Bookmark => {
                    let complete = object.has_annotation(LISTING_ENDS);
                    if position.version.is_some() || complete {
                        position.version = object.version();
                    }
                    if complete {
                        self.works(position).await?;
                        self.tell(Told::Complete).await?;
                    }
                    continue;
                }
                WatchEventKind::Added | WatchEventKind::Modified | WatchEventKind::Deleted => {}
            }
            // Versions of a listing's objects are in no order: only its end can be gone on from.
            if position.version.is_some() {
                position.version = object.version();
            }
            let told = match kind {
                WatchEventKind::Deleted => object.file(&self.api).map(Told::Gone),
                _ => Item::read(&self.api, object).map(Told::Object),
            };
            if let Some(told) = told {
                self.tell(told).await?;
            }
        }
        Ok(())
    }

    /// Lists page by page; says from which version to go on.
    async fn list(&self, position: &mut Position) -> Result<String, Ended> {
        let mut more = String::new();
        self.tell(Told::Begin).await?;
        loop {
            let path = self.list_path(&more);
            let text = patient(request::get(&self.client, &path, Form::list(self.api.depth))).await?;
            let list: List<'_> = request::read(&text)?;
            for object in list.items.unwrap_or_default() {
                if let Some(item) = Item::read(&self.api, object) {
                    self.tell(Told::Object(item)).await?;
                }
            }
            more = list.metadata.more;
            if more.is_empty() {
                self.works(position).await?;
                self.tell(Told::Complete).await?;
                return Ok(list.metadata.resource_version);
            }
        }
    }

    /// The server does what it is asked.
    async fn works(&self, position: &mut Position) -> Result<(), Unheard> {
        position.backoff.reset();
        if std::mem::take(&mut position.failed) {
            self.tell(Told::Works).await?;
        }
        Ok(())
    }

    async fn tell(&self, told: Told) -> Result<(), Unheard> {
        let message = Message { from: self.index, noticed: Instant::now(), told };
        self.messages.send(message).await.map_err(|_| Unheard)
    }
}

pub(super) async fn patient<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Failure::Lost(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

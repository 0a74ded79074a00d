//! The shell: a handle on the machine, and the gRPC server that feeds it.

mod ads;
mod serve;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use crate::event::{Counts, Event, StreamId, StreamInfo, StreamState};
use crate::machine::{Machine, Output, Response};
use crate::options::Options;
use crate::resource::{Key, Revision, Update};

pub use serve::ServeError;

/// A handle on the server; clones share the resources and the streams.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    machine: Machine,
    /// Where the outputs of each stream go.
    links: HashMap<StreamId, Link>,
    /// Unbounded, but a client causes a handful of events at most for each change and each answer.
    events: mpsc::UnboundedSender<Event>,
}

/// The way to the task that serves a stream.
#[derive(Debug)]
struct Link {
    /// Unbounded, but the machine has one response in flight for each type.
    responses: mpsc::UnboundedSender<Response>,
    timer: watch::Sender<Option<Instant>>,
}

/// What the task that serves a stream receives.
struct Ends {
    id: StreamId,
    responses: mpsc::UnboundedReceiver<Response>,
    timer: watch::Receiver<Option<Instant>>,
}

impl Server {
    /// A server without resources, which answers nothing until the first [`Self::update`], and the
    /// receiver of its events.
    #[must_use]
    pub fn new(options: Options) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let shared = Shared { machine: Machine::new(options), links: HashMap::new(), events };
        (Self { shared: Arc::new(Mutex::new(shared)) }, receiver)
    }

    /// Changes what is served. It costs what the changed resources cost, on each stream; responses are
    /// encoded elsewhere. The first update, which may be empty, makes the server answer.
    pub fn update(&self, update: Update) -> Revision {
        let mut shared = self.lock();
        let (revision, outputs) = shared.machine.update(update, Instant::now());
        shared.deliver(outputs);
        revision
    }

    /// The connected clients.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamInfo> {
        self.lock().machine.streams()
    }

    /// How far the newest version of a resource, or its removal, has come with each client.
    #[must_use]
    pub fn state(&self, key: &Key) -> Vec<StreamState> {
        self.lock().machine.state(key)
    }

    /// With how many clients a resource has arrived.
    #[must_use]
    pub fn counts(&self, key: &Key) -> Counts {
        self.lock().machine.counts(key)
    }

    /// Serves on a TCP address until `shutdown` completes; then streams are ended and connections closed.
    ///
    /// # Errors
    /// When the address cannot be bound, or the server fails.
    pub async fn serve_tcp(&self, addr: SocketAddr, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        serve::tcp(self.clone(), addr, shutdown).await
    }

    /// Serves on a Unix socket until `shutdown` completes; then streams are ended, connections closed and
    /// the socket file is removed. A socket file that a dead server left behind is replaced.
    ///
    /// # Errors
    /// When the path cannot be bound (another server listens there, or it is not a socket), or the server
    /// fails.
    pub async fn serve_unix(&self, path: &Path, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        serve::unix(self.clone(), path, shutdown).await
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Passes outputs on. A receiver that is gone belongs to a stream that is about to be closed, or to an
    /// owner who does not listen to events.
    fn deliver(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Response(stream, response) => {
                    if let Some(link) = self.links.get(&stream) {
                        let _ = link.responses.send(response);
                    }
                }
                Output::Timer(stream, at) => {
                    if let Some(link) = self.links.get(&stream) {
                        link.timer.send_replace(at);
                    }
                }
                Output::Event(event) => {
                    let _ = self.events.send(event);
                }
            }
        }
    }
}

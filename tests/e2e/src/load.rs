//! Requests without a pause, while something else happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Ask, Client, Connection, Reply, eventually};

/// Failures that are kept in words.
const REMEMBERED: usize = 5;

/// Clients that ask again and again.
#[derive(Debug)]
pub struct Load {
    workers: JoinSet<()>,
    stop: CancellationToken,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sent: AtomicU64,
    failed: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Requests that were sent.
    pub sent: u64,
    /// Of those, the ones without the reply that they should have had.
    pub failed: u64,
    /// The first of those, in words.
    pub failures: Vec<String>,
}

impl Outcome {
    /// # Panics
    /// If a request was lost, or fewer than `least` were sent.
    pub fn assert_nothing_lost(&self, least: u64) {
        assert_eq!(self.failed, 0, "{self:#?}");
        assert!(self.sent >= least, "only {} requests were sent", self.sent);
    }
}

impl Load {
    /// Clients that keep their connections: one for each of `asks`.
    #[must_use]
    pub fn kept(client: &Client, asks: Vec<Ask>, good: fn(&Reply) -> bool) -> Self {
        Self::start(client, asks, good, true)
    }

    /// Clients that make a new connection for each request: one for each of `asks`.
    #[must_use]
    pub fn fresh(client: &Client, asks: Vec<Ask>, good: fn(&Reply) -> bool) -> Self {
        Self::start(client, asks, good, false)
    }

    fn start(client: &Client, asks: Vec<Ask>, good: fn(&Reply) -> bool, keep: bool) -> Self {
        let (stop, shared) = (CancellationToken::new(), Arc::new(Shared::default()));
        let mut workers = JoinSet::new();
        for ask in asks {
            workers.spawn(work(client.clone(), ask, good, keep, stop.clone(), Arc::clone(&shared)));
        }
        Self { workers, stop, shared }
    }

    /// Waits until `count` more requests were sent.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn more(&self, count: u64) {
        let until = self.shared.sent.load(Ordering::Relaxed) + count;
        eventually("requests are sent", async || {
            let sent = self.shared.sent.load(Ordering::Relaxed);
            if sent >= until { Ok(()) } else { Err(format!("{sent} of {until}")) }
        })
        .await;
    }

    /// Ends it; requests in flight end first.
    pub async fn stop(mut self) -> Outcome {
        self.stop.cancel();
        while self.workers.join_next().await.is_some() {}
        Outcome {
            sent: self.shared.sent.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
            failures: std::mem::take(&mut *self.shared.failures.lock().unwrap()),
        }
    }
}

async fn work(
    client: Client,
    ask: Ask,
    good: fn(&Reply) -> bool,
    keep: bool,
    stop: CancellationToken,
    shared: Arc<Shared>,
) {
    let mut kept: Option<Connection> = None;
    while !stop.is_cancelled() {
        let result = async {
            let mut connection = match open(kept.take()).await {
                Some(connection) => connection,
                None => client.connect().await?,
            };
            let reply = connection.send(&ask).await?;
            Ok::<_, crate::Failure>((connection, reply))
        };
        let failure = match result.await {
            Ok((connection, reply)) => {
                kept = keep.then_some(connection);
                (!good(&reply)).then(|| format!("{} {}", reply.status, reply.text()))
            }
            Err(failure) => Some(failure.to_string()),
        };
        shared.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(failure) = failure {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            let mut failures = shared.failures.lock().unwrap();
            if failures.len() < REMEMBERED {
                failures.push(failure);
            }
        }
    }
}

/// A kept connection, unless the other side has closed it since.
async fn open(kept: Option<Connection>) -> Option<Connection> {
    let mut connection = kept?;
    connection.is_open().await.then_some(connection)
}

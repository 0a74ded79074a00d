//! A connection to one server that is made again whenever it breaks.

mod serving;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use smallvec::smallvec;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::RedisOptions;
use super::connect::Connection;
use super::job::{How, Job};
use super::pool::{Pool, Server};
use super::resolve::Resolver;
use crate::store::{Count, Counts, Op, Ops, StoreError};
use serving::Serving;

/// How many requests may wait for a server; each takes some hundred bytes.
const QUEUE: usize = 65_536;
/// How long to wait before connecting again: at first, and at most. Within two seconds of its return a server is used.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a link needs.
pub(super) struct Setup {
    pub(super) resolver: Resolver,
    pub(super) options: Arc<RedisOptions>,
    pub(super) pool: Arc<Pool>,
    /// Told whether there is a connection.
    pub(super) alive: Arc<watch::Sender<bool>>,
}

/// Hands requests to the task of a connection. The task ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Link {
    queue: mpsc::Sender<Job>,
}

impl Link {
    pub(super) fn start(setup: Setup) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(Task::new(setup, jobs).run());
        Self { queue }
    }

    /// Whether both hand to the same task.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.queue.same_channel(&other.queue)
    }

    /// Does all operations in this way, unless there is no answer `by` then.
    pub(super) async fn send(&self, ops: Ops, how: How, by: Option<Instant>) -> Counts {
        let count = ops.len();
        self.ask(ops, how, by).await.unwrap_or_else(|error| smallvec![Err(error); count])
    }

    /// The same for one operation.
    pub(super) async fn send_one(&self, op: &Op, how: How, by: Option<Instant>) -> Result<Count, StoreError> {
        let results = self.ask(Ops::from_iter([op.clone()]), how, by).await?;
        results.into_iter().next().unwrap_or(Ok(Count::from(0)))
    }

    async fn ask(&self, ops: Ops, how: How, by: Option<Instant>) -> Result<Counts, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Job::new(ops, how, reply)).map_err(|_| StoreError::Overloaded)?;
        let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
        let answer = match by {
            Some(by) => tokio::time::timeout_at(by, answer).await.map_err(|_| unavailable("no answer in time"))?,
            None => answer.await,
        };
        answer.unwrap_or_else(|_| Err(unavailable("stopped")))
    }
}

struct Task {
    setup: Setup,
    server: Server,
    jobs: mpsc::Receiver<Job>,
    out: BytesMut,
}

/// Why serving a connection ended.
enum End {
    /// Nobody has a handle any more.
    Unused,
    Broken(String),
    /// The server does not answer in time.
    Hung(String),
    /// The server will do nothing that it is asked: it is no master any more, or wants another login.
    Useless(String),
}

impl Task {
    fn new(setup: Setup, jobs: mpsc::Receiver<Job>) -> Self {
        let server = Server::new(&setup.pool, setup.resolver.name());
        Self { setup, server, jobs, out: BytesMut::new() }
    }

    async fn run(mut self) {
        let mut wait = BACK_OFF.0;
        // Why there is no connection; none where there may be one at once, which is worth waiting for.
        let mut failed = None;
        loop {
            let error = match self.connect(failed.take()).await {
                Ok(connection) => {
                    self.server.connected();
                    let since = Instant::now();
                    let (end, useful) = self.used(connection).await;
                    let held = useful || since.elapsed() >= BACK_OFF.1;
                    if held {
                        wait = BACK_OFF.0;
                    }
                    match end {
                        End::Unused => return,
                        // Servers close what is idle, and one that restarts quickly is back already: the first attempt is
                        // made at once, and there is nothing to tell unless it fails.
                        End::Broken(_) if held => continue,
                        End::Hung(error) => {
                            self.server.fails(&error);
                            failed = Some(StoreError::Unavailable(error));
                            continue;
                        }
                        End::Useless(error) => {
                            self.server.refuses(&error);
                            error
                        }
                        End::Broken(error) => {
                            self.server.fails(&error);
                            error
                        }
                    }
                }
                Err(error) => {
                    self.server.fails(&error);
                    error
                }
            };
            let error = StoreError::Unavailable(error);
            if !self.refuse(&error, wait).await {
                return;
            }
            failed = Some(error);
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    /// Serves with a connection, which is told and counted, until it ends. Says too whether it was of any use.
    async fn used(&mut self, connection: Connection) -> (End, bool) {
        let stats = self.setup.pool.stats.clone();
        stats.connections.fetch_add(1, Ordering::Relaxed);
        self.setup.alive.send_replace(true);
        let served = self.serve(connection).await;
        stats.disconnections.fetch_add(1, Ordering::Relaxed);
        self.setup.alive.send_replace(false);
        served
    }

    /// Connects. Whoever asks meanwhile is refused where it `failed` before, and else waits no longer than for a reply.
    async fn connect(&mut self, mut failed: Option<StoreError>) -> Result<Connection, String> {
        let Self { setup, jobs, .. } = self;
        let mut waited = std::pin::pin!(tokio::time::sleep(setup.options.reply_timeout));
        let mut connecting = std::pin::pin!(setup.resolver.connect(&setup.options));
        loop {
            tokio::select! {
                connected = &mut connecting => return connected,
                () = &mut waited, if failed.is_none() => {
                    failed = Some(StoreError::Unavailable("connecting takes too long".to_owned()));
                }
                Some(job) = jobs.recv(), if failed.is_some() => {
                    if let Some(error) = &failed {
                        _ = job.reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Fails whatever comes for so long: the breaker is open. False when nothing can come any more.
    async fn refuse(&mut self, error: &StoreError, wait: Duration) -> bool {
        let until = Instant::now() + wait + wait.mul_f32(fastrand::f32() / 4.0);
        loop {
            match tokio::time::timeout_at(until, self.jobs.recv()).await {
                Err(_) => return true,
                Ok(None) => return false,
                Ok(Some(job)) => _ = job.reply.send(Err(error.clone())),
            }
        }
    }

    /// Says too whether the server did what it was asked.
    async fn serve(&mut self, mut connection: Connection) -> (End, bool) {
        let mut serving = Serving::new(&self.setup.options);
        let end = serving.run(self, &mut connection).await;
        let useful = serving.useful;
        if let End::Broken(error) | End::Hung(error) | End::Useless(error) = &end {
            serving.fail(&StoreError::Unavailable(error.clone()));
        }
        (end, useful)
    }
}

#[cfg(test)]
mod tests;

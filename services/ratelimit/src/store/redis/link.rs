//! A connection to one server that is made again whenever it breaks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use smallvec::smallvec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::RedisOptions;
use super::batch::{Batch, Writer};
use super::connect::Connection;
use super::job::{self, How, Job};
use super::resolve::Resolver;
use super::resp;
use crate::stats::Registry;
use crate::store::{Count, Counts, Op, Ops, StoreError};

/// How many requests may wait for a server; each takes some hundred bytes.
const QUEUE: usize = 65_536;
/// How many requests are sent at once.
const BATCH: usize = 1_024;
/// How many batches may be on their way. With more, batches would be smaller, and cost Redis more.
const IN_FLIGHT: usize = 2;
/// How long to wait before connecting again: at first, and at most. Within two seconds of its return a server is used.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a link needs.
pub(super) struct Setup {
    pub(super) resolver: Resolver,
    pub(super) options: Arc<RedisOptions>,
    pub(super) stats: Arc<Registry>,
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
        tokio::spawn(Task { setup, jobs, out: BytesMut::new() }.run());
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
    async fn run(mut self) {
        let mut wait = BACK_OFF.0;
        // Why there is no connection; none where there may be one at once, which is worth waiting for.
        let mut failed = None;
        loop {
            let error = match self.connect(failed.take()).await {
                Ok(connection) => {
                    self.setup.stats.service.redis_connections.fetch_add(1, Ordering::Relaxed);
                    self.setup.alive.send_replace(true);
                    let (end, useful) = self.serve(connection).await;
                    if useful {
                        wait = BACK_OFF.0;
                    }
                    self.setup.stats.service.redis_disconnections.fetch_add(1, Ordering::Relaxed);
                    self.setup.alive.send_replace(false);
                    match end {
                        End::Unused => return,
                        // A server that restarts quickly is back already: the first attempt is made at once.
                        End::Broken(error) if useful => {
                            tracing::warn!("the connection to redis broke: {error}");
                            failed = None;
                            continue;
                        }
                        End::Hung(error) => {
                            tracing::warn!("redis hangs: {error}");
                            failed = Some(StoreError::Unavailable(error));
                            continue;
                        }
                        // It may take connections and then do nothing for as long as it is there.
                        End::Broken(error) | End::Useless(error) => error,
                    }
                }
                Err(error) => error,
            };
            tracing::warn!("cannot use redis: {error}");
            let error = StoreError::Unavailable(error);
            if !self.refuse(&error, wait).await {
                return;
            }
            failed = Some(error);
            wait = (wait * 2).min(BACK_OFF.1);
        }
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

    /// Says too whether the server did anything that it was asked.
    async fn serve(&mut self, mut connection: Connection) -> (End, bool) {
        let mut serving = Serving {
            writer: Writer::new(self.setup.options.expiration_jitter),
            in_flight: VecDeque::new(),
            timeout: self.setup.options.reply_timeout,
            useful: false,
        };
        let end = serving.run(self, &mut connection).await;
        if let End::Broken(error) | End::Hung(error) | End::Useless(error) = &end {
            let error = StoreError::Unavailable(error.clone());
            serving.in_flight.into_iter().for_each(|(batch, _)| batch.fail(&error));
        }
        (end, serving.useful)
    }
}

/// A connection at work.
struct Serving {
    writer: Writer,
    /// Batches whose replies are awaited, each with when it was sent.
    in_flight: VecDeque<(Batch, Instant)>,
    timeout: Duration,
    /// The server did something that it was asked.
    useful: bool,
}

impl Serving {
    async fn run(&mut self, task: &mut Task, connection: &mut Connection) -> End {
        let mut jobs: Vec<Job> = Vec::with_capacity(64);
        loop {
            let deadline = self.in_flight.front().map(|(_, sent)| *sent + self.timeout);
            tokio::select! {
                biased;
                read = connection.stream.read_buf(&mut connection.input) => match read {
                    Ok(0) => return End::Broken("the server closed the connection".to_owned()),
                    Ok(_) => if let Err(end) = self.replies(&mut connection.input, &mut task.out) {
                        return end;
                    },
                    Err(error) => return End::Broken(error.to_string()),
                },
                count = task.jobs.recv_many(&mut jobs, BATCH), if self.in_flight.len() < IN_FLIGHT => {
                    if count == 0 {
                        return End::Unused;
                    }
                    let now = Instant::now();
                    job::keep_timely(&mut jobs, now, self.timeout);
                    if !jobs.is_empty() {
                        let batch = self.writer.write(&mut jobs, &mut task.out);
                        self.in_flight.push_back((batch, now));
                    }
                }
                () = sleep_until(deadline), if deadline.is_some() => {
                    return End::Hung(format!("no reply within {:?}", self.timeout));
                }
            }
            if !task.out.is_empty() {
                let writing = connection.stream.write_all(&task.out);
                let written = tokio::time::timeout(self.timeout, writing).await;
                task.out.clear();
                match written {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return End::Broken(error.to_string()),
                    Err(_) => return End::Hung("writing timed out".to_owned()),
                }
            }
        }
    }

    /// Hands out the replies that are complete. Keys found to lack a time to live are given one in `out`.
    fn replies(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<(), End> {
        let mut expires = 0;
        let mut give_up = None;
        while let Some(reply) = resp::take(input).map_err(|error| End::Broken(error.to_string()))? {
            let Some((batch, _)) = self.in_flight.front_mut() else {
                return Err(End::Broken("a reply to nothing".to_owned()));
            };
            let after = batch.reply(reply);
            if let Some((key, seconds)) = after.expire {
                resp::command(out, &[b"EXPIRE", &key, seconds.to_string().as_bytes()]);
                expires += 1;
            }
            give_up = give_up.or(after.give_up);
            self.useful |= after.done;
            if batch.is_complete()
                && let Some((batch, _)) = self.in_flight.pop_front()
            {
                batch.finish();
            }
        }
        if expires > 0 {
            self.in_flight.push_back((Batch::ignored(expires), Instant::now()));
        }
        give_up.map_or(Ok(()), |error| Err(End::Useless(error)))
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

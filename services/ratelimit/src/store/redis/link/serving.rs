//! A connection to a server, and what is on its way over it.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{End, Task};
use crate::store::StoreError;
use crate::store::redis::RedisOptions;
use crate::store::redis::batch::{Batch, Verdict, Writer};
use crate::store::redis::connect::Connection;
use crate::store::redis::job::{self, Job};
use crate::store::redis::pool::Server;
use crate::store::redis::resp;

/// How many requests are sent at once.
const BATCH: usize = 1_024;
/// How many bytes are sent at once, about: those of one request may be more.
const BATCH_BYTES: usize = 1 << 20;
/// How many bytes of replies are read at once: those of a batch of thousands.
const READ: usize = 16 << 10;
/// A buffer that held more is not kept.
const KEPT: usize = 256 << 10;
/// How many batches may be on their way. With more, batches would be smaller, and cost Redis more.
const IN_FLIGHT: usize = 2;

/// A connection at work.
pub(super) struct Serving {
    writer: Writer,
    /// What did not fit into the last batch.
    jobs: Vec<Job>,
    /// Batches whose replies are awaited, each with when it was sent.
    in_flight: VecDeque<(Batch, Instant)>,
    /// When something came last: a server that is slow does not hang.
    heard: Instant,
    timeout: Duration,
    /// The server counted what it was asked to count last.
    pub(super) useful: bool,
}

impl Serving {
    pub(super) fn new(options: &RedisOptions) -> Self {
        Self {
            writer: Writer::new(options.expiration_jitter),
            jobs: Vec::with_capacity(64),
            in_flight: VecDeque::new(),
            heard: Instant::now(),
            timeout: options.reply_timeout,
            useful: false,
        }
    }

    /// Tells all who wait that it failed.
    pub(super) fn fail(self, error: &StoreError) {
        self.in_flight.into_iter().for_each(|(batch, _)| batch.fail(error));
        self.jobs.into_iter().for_each(|job| _ = job.reply.send(Err(error.clone())));
    }

    pub(super) async fn run(&mut self, task: &mut Task, connection: &mut Connection) -> End {
        // One timer, moved when it goes off: one for each batch would wake the runtime's driver each time that it is set.
        let mut alarm = pin!(tokio::time::sleep(self.timeout));
        loop {
            let has_room = self.in_flight.len() < IN_FLIGHT;
            connection.input.reserve(READ);
            tokio::select! {
                biased;
                read = connection.stream.read_buf(&mut connection.input) => match read {
                    Ok(0) => return End::Broken("the server closed the connection".to_owned()),
                    Ok(_) => {
                        self.heard = Instant::now();
                        if let Err(end) = self.replies(&mut connection.input, task) {
                            return end;
                        }
                    }
                    Err(error) => return End::Broken(error.to_string()),
                },
                count = task.jobs.recv_many(&mut self.jobs, BATCH), if has_room && self.jobs.is_empty() => {
                    if count == 0 {
                        return End::Unused;
                    }
                }
                () = &mut alarm, if !self.in_flight.is_empty() => {
                    let deadline = self.deadline();
                    if Instant::now() >= deadline {
                        return End::Hung(format!("no reply within {:?}", self.timeout));
                    }
                    alarm.as_mut().reset(deadline);
                }
            }
            self.next_batch(&mut task.out);
            if let Err(end) = self.flush(&mut task.out, connection).await {
                return end;
            }
        }
    }

    /// When the server hangs, unless it says something until then.
    fn deadline(&self) -> Instant {
        let sent = self.in_flight.front().map_or(self.heard, |(_, sent)| *sent);
        self.heard.max(sent) + self.timeout
    }

    /// Writes the next batch to `out`, where there is one and room for it.
    fn next_batch(&mut self, out: &mut BytesMut) {
        if self.jobs.is_empty() || self.in_flight.len() >= IN_FLIGHT {
            return;
        }
        let now = Instant::now();
        job::keep_timely(&mut self.jobs, now, self.timeout);
        let count = job::fitting(&self.jobs, BATCH_BYTES);
        if count > 0 {
            let batch = self.writer.write(self.jobs.drain(..count), out);
            self.in_flight.push_back((batch, now));
        }
    }

    /// Sends what `out` has. A server that takes it slowly does not hang.
    async fn flush(&self, out: &mut BytesMut, connection: &mut Connection) -> Result<(), End> {
        let is_large = out.len() > KEPT;
        while !out.is_empty() {
            match tokio::time::timeout(self.timeout, connection.stream.write_buf(out)).await {
                Ok(Ok(0)) => return Err(End::Broken("the server takes nothing more".to_owned())),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(End::Broken(error.to_string())),
                Err(_) => return Err(End::Hung("writing timed out".to_owned())),
            }
        }
        if is_large {
            *out = BytesMut::new();
        }
        Ok(())
    }

    /// Hands out the replies that are complete. Keys found to lack a time to live are given one in `out`.
    fn replies(&mut self, input: &mut BytesMut, task: &mut Task) -> Result<(), End> {
        let mut expires = 0;
        let mut give_up = None;
        while let Some(reply) = resp::take(input).map_err(|error| End::Broken(error.to_string()))? {
            let Some((batch, _)) = self.in_flight.front_mut() else {
                return Err(End::Broken("a reply to nothing".to_owned()));
            };
            let after = batch.reply(reply);
            if let Some((key, seconds)) = after.expire {
                resp::command(&mut task.out, &[b"EXPIRE", &key, seconds.to_string().as_bytes()]);
                expires += 1;
            }
            give_up = give_up.or(after.give_up);
            if batch.is_complete()
                && let Some((batch, _)) = self.in_flight.pop_front()
            {
                if give_up.is_none() {
                    self.judge(batch.verdict(), &mut task.server);
                }
                batch.finish();
            }
        }
        if expires > 0 {
            self.in_flight.push_back((Batch::ignored(expires), Instant::now()));
        }
        give_up.map_or(Ok(()), |error| Err(End::Useless(error)))
    }

    /// Notes whether the server is of use.
    fn judge(&mut self, verdict: Verdict<'_>, server: &mut Server) {
        match verdict {
            Verdict::Counted if !self.useful => {
                self.useful = true;
                server.works();
            }
            Verdict::Refused(error) => {
                self.useful = false;
                server.refuses(error);
            }
            Verdict::Counted | Verdict::None => {}
        }
    }
}

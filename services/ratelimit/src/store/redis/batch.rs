//! What is sent to Redis at once, and whose replies are whose.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::resp::{self, Reply};
use super::seen::Seen;
use crate::store::{Action, Op, Ops, StoreError};

/// What an operation came to: the count, or Redis' error.
pub(super) type OpResult = Result<u64, String>;
/// What the operations of a job came to, in their order.
pub(super) type OpResults = SmallVec<[OpResult; 2]>;

/// The operations of a request for one server.
pub(super) struct Job {
    pub(super) ops: Ops,
    /// To be sent after `ASKING`: a slot on its way to another node of a cluster.
    pub(super) asking: bool,
    pub(super) reply: oneshot::Sender<Result<OpResults, StoreError>>,
}

/// Takes hits off a counter, but never below nothing, and makes no counter.
const REFUND: &[u8] = b"local v=tonumber(redis.call('GET',KEYS[1]) or '0') \
    local n=math.min(v,tonumber(ARGV[1])) \
    if n>0 then return redis.call('DECRBY',KEYS[1],string.format('%.0f',n)) end return math.max(v,0)";
/// Hits beyond this are not added up with others, so that a sum cannot overflow.
const SUMMABLE: u64 = 1 << 32;

const INCRBY: &[u8] = b"*3\r\n$6\r\nINCRBY\r\n";
const EXPIRE: &[u8] = b"*3\r\n$6\r\nEXPIRE\r\n";

/// Commands on their way, with who waits for them.
pub(super) struct Batch {
    waiters: Vec<Waiter>,
    expected: std::collections::VecDeque<Expected>,
}

struct Waiter {
    results: OpResults,
    reply: oneshot::Sender<Result<OpResults, StoreError>>,
}

/// Whose a reply is.
enum Expected {
    /// Nobody's.
    Ignored,
    /// That of one operation.
    One { waiter: usize, op: usize },
    /// That of a sum. Each who takes part is told the count up to its own hits.
    Sum { total: u64, parts: SmallVec<[Part; 1]>, key: Bytes, expires: u64, expiry_sent: bool },
}

struct Part {
    waiter: usize,
    op: usize,
    /// The sum up to these hits, with them.
    up_to: u64,
}

/// What writes batches for a connection.
pub(super) struct Writer {
    /// Keys with a time to live.
    pub(super) seen: Seen,
    /// At most so many seconds more to live.
    pub(super) jitter: u64,
}

impl Writer {
    /// Writes the commands for `jobs` to `out`.
    pub(super) fn write(&mut self, jobs: &mut Vec<Job>, out: &mut BytesMut) -> Batch {
        let mut batch = Batch { waiters: Vec::with_capacity(jobs.len()), expected: Default::default() };
        let mut builder =
            Builder { sums: HashMap::new(), alone: jobs.len() == 1, commands: Vec::with_capacity(jobs.len()) };
        for job in jobs.drain(..) {
            let waiter = batch.waiters.len();
            let mut results = OpResults::new();
            for (index, op) in job.ops.into_iter().enumerate() {
                results.push(Ok(0));
                builder.add(waiter, index, op, job.asking);
            }
            batch.waiters.push(Waiter { results, reply: job.reply });
        }
        for command in builder.commands {
            self.write_command(command, out, &mut batch.expected);
        }
        batch
    }

    fn write_command(
        &mut self,
        command: Command,
        out: &mut BytesMut,
        expected: &mut std::collections::VecDeque<Expected>,
    ) {
        if command.asking {
            resp::command(out, &[b"ASKING"]);
            expected.push_back(Expected::Ignored);
        }
        match command.what {
            What::Read { waiter, op } => {
                resp::command(out, &[b"GET", &command.key]);
                expected.push_back(Expected::One { waiter, op });
            }
            What::Refund { waiter, op, hits } => {
                resp::command(out, &[b"EVAL", REFUND, b"1", &command.key, hits.to_string().as_bytes()]);
                expected.push_back(Expected::One { waiter, op });
            }
            What::Sum { total, parts, window } => {
                resp::key_and_number(out, INCRBY, &command.key, total);
                let expires = window + if self.jitter > 0 { fastrand::u64(0..self.jitter) } else { 0 };
                let expiry_sent = !command.asking && self.seen.insert(&command.key);
                expected.push_back(Expected::Sum { total, parts, key: command.key.clone(), expires, expiry_sent });
                if expiry_sent {
                    resp::key_and_number(out, EXPIRE, &command.key, expires);
                    expected.push_back(Expected::Ignored);
                }
            }
        }
    }
}

struct Command {
    key: Bytes,
    asking: bool,
    what: What,
}

enum What {
    Read { waiter: usize, op: usize },
    Refund { waiter: usize, op: usize, hits: u64 },
    Sum { total: u64, parts: SmallVec<[Part; 1]>, window: u64 },
}

/// Puts operations on one key together, where nothing else on it comes between them.
struct Builder {
    /// The command that hits on a key are added to.
    sums: HashMap<Bytes, usize>,
    /// There is only one job, which seldom names a key twice.
    alone: bool,
    commands: Vec<Command>,
}

impl Builder {
    fn add(&mut self, waiter: usize, op_index: usize, op: Op, asking: bool) {
        let what = match op.action {
            Action::Read => What::Read { waiter, op: op_index },
            Action::Refund(hits) => What::Refund { waiter, op: op_index, hits },
            Action::Add(hits) => {
                if self.joined(&op, waiter, op_index, hits, asking) {
                    return;
                }
                let parts = SmallVec::from_buf([Part { waiter, op: op_index, up_to: hits }]);
                What::Sum { total: hits, parts, window: op.window }
            }
        };
        if !self.alone {
            match what {
                What::Sum { total, .. } if total < SUMMABLE && !asking => {
                    self.sums.insert(op.key.clone(), self.commands.len());
                }
                _ => _ = self.sums.remove(&op.key),
            }
        }
        self.commands.push(Command { key: op.key, asking, what });
    }

    /// Adds the hits to a command that is there already.
    fn joined(&mut self, op: &Op, waiter: usize, op_index: usize, hits: u64, asking: bool) -> bool {
        if self.alone || asking || hits >= SUMMABLE {
            return false;
        }
        let Some(Command { what: What::Sum { total, parts, .. }, .. }) =
            self.sums.get(&op.key).and_then(|index| self.commands.get_mut(*index))
        else {
            return false;
        };
        *total += hits;
        parts.push(Part { waiter, op: op_index, up_to: *total });
        true
    }
}

/// What follows from a reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// A key that was made without a time to live, and the seconds it should have.
    pub(super) expire: Option<(Bytes, u64)>,
    /// The connection is of no use: the server is no master any more, or wants another login.
    pub(super) give_up: Option<String>,
}

impl Batch {
    /// Whether all replies are here.
    pub(super) fn is_complete(&self) -> bool {
        self.expected.is_empty()
    }

    /// A batch for commands that nobody waits for.
    pub(super) fn ignored(commands: usize) -> Self {
        Self { waiters: Vec::new(), expected: (0..commands).map(|_| Expected::Ignored).collect() }
    }

    /// Takes the next reply.
    pub(super) fn reply(&mut self, reply: Reply) -> After {
        let mut after = After::default();
        if let Reply::Error(text) = &reply
            && is_final(text)
        {
            after.give_up = Some(text.clone());
        }
        match self.expected.pop_front() {
            Some(Expected::One { waiter, op }) => self.set(waiter, op, count(reply)),
            Some(Expected::Sum { total, parts, key, expires, expiry_sent }) => {
                let result = count(reply);
                if result == Ok(total) && !expiry_sent {
                    after.expire = Some((key, expires));
                }
                for part in parts {
                    let result = match &result {
                        Ok(count) => Ok((count + part.up_to).saturating_sub(total)),
                        Err(text) => Err(text.clone()),
                    };
                    self.set(part.waiter, part.op, result);
                }
            }
            Some(Expected::Ignored) | None => {}
        }
        after
    }

    fn set(&mut self, waiter: usize, op: usize, result: OpResult) {
        if let Some(place) = self.waiters.get_mut(waiter).and_then(|waiter| waiter.results.get_mut(op)) {
            *place = result;
        }
    }

    /// Tells all who wait. Those who have gone meanwhile are not missed.
    pub(super) fn finish(self) {
        for waiter in self.waiters {
            _ = waiter.reply.send(Ok(waiter.results));
        }
    }

    /// Tells all who wait that it failed.
    pub(super) fn fail(self, error: &StoreError) {
        for waiter in self.waiters {
            _ = waiter.reply.send(Err(error.clone()));
        }
    }
}

/// Whether the server will answer everything so, on this connection.
fn is_final(error: &str) -> bool {
    ["READONLY", "NOAUTH", "LOADING", "MASTERDOWN", "NOPERM"].iter().any(|kind| error.starts_with(kind))
}

fn count(reply: Reply) -> OpResult {
    let unexpected = || Err("the reply is no number".to_owned());
    match reply {
        // Counters do not go below nothing, but somebody else may have set one.
        Reply::Int(count) => Ok(u64::try_from(count).unwrap_or(0)),
        Reply::Bulk(None) => Ok(0),
        Reply::Bulk(Some(text)) => match std::str::from_utf8(&text).ok().and_then(|text| text.parse::<i64>().ok()) {
            Some(count) => Ok(u64::try_from(count).unwrap_or(0)),
            None => unexpected(),
        },
        Reply::Error(text) => Err(text),
        Reply::Status(_) | Reply::Array(_) => unexpected(),
    }
}

#[cfg(test)]
mod tests;

//! What is sent to Redis at once, and whose replies are whose.

mod command;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::job::{How, Job};
use super::resp::{self, Reply};
use super::script;
use super::seen::Seen;
use crate::clock::Now;
use crate::store::{Count, Counts, Meter, StoreError};
use command::{Builder, Command, Part, What};

/// Takes hits off a counter, but never below nothing, and makes no counter.
const REFUND: &[u8] = b"local v=tonumber(redis.call('GET',KEYS[1]) or '0') \
    local n=math.min(v,tonumber(ARGV[1])) \
    if n>0 then return redis.call('DECRBY',KEYS[1],string.format('%.0f',n)) end return math.max(v,0)";

/// Clocks of replicas may be so many seconds apart, where the jitter leaves room for it.
const APART: u64 = 10;

const INCRBY: &[u8] = b"*3\r\n$6\r\nINCRBY\r\n";
const EXPIRE: &[u8] = b"*3\r\n$6\r\nEXPIRE\r\n";

/// Commands on their way, with who waits for them.
#[derive(Default)]
pub(super) struct Batch {
    waiters: Vec<Waiter>,
    expected: std::collections::VecDeque<Expected>,
    /// Who takes part in the sum whose key is being given a time to live.
    expiring: SmallVec<[Part; 1]>,
    /// The server counted something.
    counted: bool,
    /// Why it would not, the first time.
    refused: Option<String>,
}

struct Waiter {
    results: Counts,
    reply: oneshot::Sender<Result<Counts, StoreError>>,
}

/// Whose a reply is.
enum Expected {
    /// Nobody's.
    Ignored,
    /// That of the time to live for the sum before.
    Expiry,
    /// That of one operation.
    One { waiter: usize, op: usize },
    /// That of a sum. Each who takes part is told the count up to its own hits.
    Sum { total: u64, parts: SmallVec<[Part; 1]>, key: Bytes, expires: u64, expiry_sent: bool },
    /// That of a script, with a value for each who takes part.
    Script { meter: Meter, parts: SmallVec<[(usize, usize); 1]> },
}

/// What writes batches for a connection.
pub(super) struct Writer {
    /// Keys with a time to live.
    pub(super) seen: Seen,
    /// At most so many seconds more to live.
    pub(super) jitter: u64,
    /// Scripts that were sent over this connection, so that the server has them.
    pub(super) sent: Vec<&'static str>,
}

impl Writer {
    /// For a new connection.
    pub(super) fn new(jitter: u64) -> Self {
        Self { seen: Seen::default(), jitter, sent: Vec::new() }
    }
}

impl Writer {
    /// Writes the commands for `jobs` to `out`.
    pub(super) fn write(&mut self, jobs: impl ExactSizeIterator<Item = Job>, out: &mut BytesMut) -> Batch {
        let mut batch = Batch { waiters: Vec::with_capacity(jobs.len()), ..Batch::default() };
        let mut builder = Builder::new(jobs.len());
        for job in jobs {
            let waiter = batch.waiters.len();
            let mut results = Counts::new();
            for (index, op) in job.ops.into_iter().enumerate() {
                results.push(Ok(Count::from(0)));
                builder.add((waiter, index), op, job.how);
            }
            batch.waiters.push(Waiter { results, reply: job.reply });
        }
        let now = Now::read().seconds();
        for command in builder.commands {
            self.write_command(command, now, out, &mut batch.expected);
        }
        batch
    }

    fn write_command(
        &mut self,
        command: Command,
        now: u64,
        out: &mut BytesMut,
        expected: &mut std::collections::VecDeque<Expected>,
    ) {
        write_asking(command.how, out, expected);
        match command.what {
            What::Read((waiter, op)) => {
                resp::command(out, &[b"GET", &command.key]);
                expected.push_back(Expected::One { waiter, op });
            }
            What::Refund((waiter, op), hits) => {
                resp::command(out, &[b"EVAL", REFUND, b"1", &command.key, hits.to_string().as_bytes()]);
                expected.push_back(Expected::One { waiter, op });
            }
            What::Script { script, meter, parts } => {
                let text = script.text();
                let whole = command.how.whole || !self.sent.contains(&text);
                let actions = parts.iter().map(|(_, action)| *action);
                script.write(out, whole, &command.key, meter, actions);
                if !self.sent.contains(&text) {
                    self.sent.push(text);
                }
                expected.push_back(Expected::Script { meter, parts: parts.into_iter().map(|(at, _)| at).collect() });
            }
            What::Sum { total, parts, window } => {
                resp::key_and_number(out, INCRBY, &command.key, total);
                let expires = lifetime(window, self.jitter);
                // Of a key on its way to another node nobody knows there whether it is new.
                let expiry_sent = command.how.asking || self.seen.insert(&command.key, window, now);
                expected.push_back(Expected::Sum { total, parts, key: command.key.clone(), expires, expiry_sent });
                if expiry_sent {
                    write_asking(command.how, out, expected);
                    resp::key_and_number(out, EXPIRE, &command.key, expires);
                    expected.push_back(Expected::Expiry);
                }
            }
        }
    }
}

/// Seconds that a key lives for from its first hit on: no more than with the original, and still long enough for a replica
/// whose clock is behind. Beyond that, its hits would make the counter anew.
fn lifetime(window: u64, jitter: u64) -> u64 {
    let margin = APART.min(jitter).max(1);
    window + fastrand::u64(margin..jitter.max(margin + 1))
}

/// Each command to a node that is still being given the slot needs its own.
fn write_asking(how: How, out: &mut BytesMut, expected: &mut std::collections::VecDeque<Expected>) {
    if how.asking {
        resp::command(out, &[b"ASKING"]);
        expected.push_back(Expected::Ignored);
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

/// What became of what a server was to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// Nothing: there was nothing, or errors were of keys only.
    None,
    /// It was counted.
    Counted,
    /// The server counts nothing, for this reason.
    Refused(&'a str),
}

impl Batch {
    /// Whether all replies are here.
    pub(super) fn is_complete(&self) -> bool {
        self.expected.is_empty()
    }

    /// A batch for commands that nobody waits for.
    pub(super) fn ignored(commands: usize) -> Self {
        let expected = (0..commands).map(|_| Expected::Ignored).collect();
        Self { expected, ..Self::default() }
    }

    /// Takes the next reply.
    pub(super) fn reply(&mut self, reply: Reply) -> After {
        let mut after = After::default();
        let expected = self.expected.pop_front();
        // A server that refuses hits may well read, and give times to live to nothing.
        let counts = matches!(expected, Some(Expected::Sum { .. } | Expected::Script { .. }));
        match &reply {
            Reply::Error(text) => {
                after.give_up = is_final(text).then(|| text.clone());
                if counts && self.refused.is_none() && is_refusal(text) {
                    self.refused = Some(text.clone());
                }
            }
            _ => self.counted |= counts,
        }
        match expected {
            Some(Expected::One { waiter, op }) => self.set(waiter, op, count(reply)),
            Some(Expected::Sum { total, parts, key, expires, expiry_sent }) => {
                let result = count(reply);
                if result == Ok(Count::from(total)) && !expiry_sent {
                    after.expire = Some((key, expires));
                }
                for part in &parts {
                    let result = match &result {
                        Ok(count) => Ok(Count::from((count.value + part.up_to).saturating_sub(total))),
                        Err(error) => Err(error.clone()),
                    };
                    self.set(part.waiter, part.op, result);
                }
                self.expiring = parts;
            }
            // Other errors are of this key only, or of the hits too.
            Some(Expected::Expiry) => match reply {
                Reply::Error(text) if text.starts_with("NOPERM") => {
                    for part in std::mem::take(&mut self.expiring) {
                        self.set(part.waiter, part.op, Err(StoreError::Reply(text.clone())));
                    }
                    after.give_up = Some(text);
                }
                _ => {}
            },
            Some(Expected::Script { meter, parts }) => {
                for ((waiter, op), result) in parts.iter().zip(script::counts(meter, parts.len(), reply)) {
                    self.set(*waiter, *op, result);
                }
            }
            Some(Expected::Ignored) | None => {}
        }
        after
    }

    fn set(&mut self, waiter: usize, op: usize, result: Result<Count, StoreError>) {
        if let Some(place) = self.waiters.get_mut(waiter).and_then(|waiter| waiter.results.get_mut(op)) {
            *place = result;
        }
    }

    /// What the replies so far say of the server.
    pub(super) fn verdict(&self) -> Verdict<'_> {
        match &self.refused {
            _ if self.counted => Verdict::Counted,
            Some(text) => Verdict::Refused(text),
            None => Verdict::None,
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
    // NOPERM is not: a user may be kept from some commands only.
    ["READONLY", "NOAUTH", "LOADING", "MASTERDOWN"].iter().any(|kind| error.starts_with(kind))
}

/// Whether the error is of the server as it is, and not of this key or of where its slot is.
fn is_refusal(error: &str) -> bool {
    ["OOM", "MISCONF", "NOREPLICAS", "NOPERM", "BUSY", "CLUSTERDOWN", "ERR unknown command"]
        .iter()
        .any(|kind| error.starts_with(kind))
}

fn count(reply: Reply) -> Result<Count, StoreError> {
    let unexpected = || Err(StoreError::Reply("the reply is no number".to_owned()));
    match reply {
        // Counters do not go below nothing, but somebody else may have set one.
        Reply::Int(count) => Ok(Count::from(u64::try_from(count).unwrap_or(0))),
        Reply::Bulk(None) => Ok(Count::from(0)),
        Reply::Bulk(Some(text)) => match std::str::from_utf8(&text).ok().and_then(|text| text.parse::<i64>().ok()) {
            Some(count) => Ok(Count::from(u64::try_from(count).unwrap_or(0))),
            None => unexpected(),
        },
        Reply::Error(text) => Err(StoreError::Reply(text)),
        Reply::Status(_) | Reply::Array(_) => unexpected(),
    }
}

#[cfg(test)]
mod tests;

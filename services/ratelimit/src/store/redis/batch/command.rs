//! Which operations are one command.

use std::collections::HashMap;

use bytes::Bytes;
use smallvec::SmallVec;

use super::super::job::How;
use super::super::script::Script;
use crate::store::{Action, Meter, Op};

/// Hits beyond this are not added up with others, so that a sum cannot overflow.
const SUMMABLE: u64 = 1 << 32;

/// Who takes part in a sum.
pub(super) struct Part {
    pub(super) waiter: usize,
    pub(super) op: usize,
    /// The sum up to these hits, with them.
    pub(super) up_to: u64,
}

pub(super) struct Command {
    pub(super) key: Bytes,
    pub(super) how: How,
    pub(super) what: What,
}

/// An operation: its waiter's place, and its own among the waiter's.
pub(super) type At = (usize, usize);

pub(super) enum What {
    Read(At),
    Refund(At, u64),
    Sum { total: u64, parts: SmallVec<[Part; 1]>, window: u64 },
    Script { script: Script, meter: Meter, parts: SmallVec<[(At, Action); 1]> },
}

/// Puts operations on one key together, where nothing else on it comes between them.
pub(super) struct Builder {
    /// The command that operations on a key are added to.
    open: HashMap<Bytes, usize>,
    /// There is only one job, which seldom names a key twice.
    alone: bool,
    pub(super) commands: Vec<Command>,
}

impl Builder {
    /// For the operations of so many jobs.
    pub(super) fn new(jobs: usize) -> Self {
        Self { open: HashMap::new(), alone: jobs == 1, commands: Vec::with_capacity(jobs) }
    }

    pub(super) fn add(&mut self, at: At, op: Op, how: How) {
        let joins = !self.alone && !how.asking;
        if joins && self.joined(at, &op, how) {
            return;
        }
        let what = match (op.meter, op.action) {
            (Meter::Number(window), Action::Add(hits)) => {
                let parts = SmallVec::from_buf([Part { waiter: at.0, op: at.1, up_to: hits }]);
                What::Sum { total: hits, parts, window }
            }
            (Meter::Number(_), Action::Read) => What::Read(at),
            (Meter::Number(_), Action::Refund(hits)) => What::Refund(at, hits),
            (meter @ (Meter::Sliding(..) | Meter::Gcra(..)), action) => {
                What::Script { script: Script::of(meter), meter, parts: SmallVec::from_buf([(at, action)]) }
            }
        };
        if !self.alone {
            match what {
                What::Sum { total, .. } if total < SUMMABLE && joins => self.opened(&op.key),
                What::Script { .. } if joins => self.opened(&op.key),
                _ => _ = self.open.remove(&op.key),
            }
        }
        self.commands.push(Command { key: op.key, how, what });
    }

    fn opened(&mut self, key: &Bytes) {
        self.open.insert(key.clone(), self.commands.len());
    }

    /// Adds the operation to a command that is there already.
    fn joined(&mut self, at: At, op: &Op, how: How) -> bool {
        let command = self.open.get(&op.key).and_then(|index| self.commands.get_mut(*index));
        let Some(command) = command.filter(|command| command.how == how) else { return false };
        match (&mut command.what, op.action) {
            (What::Sum { total, parts, window }, Action::Add(hits)) if hits < SUMMABLE => {
                // Windows of other lengths that begin together have the same key.
                if let Meter::Number(other) = op.meter {
                    *window = other.max(*window);
                }
                *total += hits;
                parts.push(Part { waiter: at.0, op: at.1, up_to: *total });
                true
            }
            // Done one after the other, at the time of the first.
            (What::Script { script, parts, .. }, action) if *script == Script::of(op.meter) => {
                parts.push((at, action));
                true
            }
            _ => false,
        }
    }
}

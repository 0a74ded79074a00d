//! What became of a write, and what follows from that.

use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use nuncio_api::{Kind, ObjectId};

use super::limits::Room;
use super::{Done, Writer, Writes, Written};
use crate::source::kubernetes::object::file_of;
use crate::status::api::WriteError;
use crate::status::condition::{Seen, Status};

impl Writer {
    pub(super) fn done(&mut self, done: Done, writes: &mut Writes) {
        let written = match done {
            Done::Status(written) => written,
            Done::Event { alone, lost: Some(event) } => return self.lost(alone, &event),
            Done::Event { lost: None, .. } => return,
            Done::Withdrawal { id, result } => return self.withdrawn(id, result),
        };
        let Written { id, target, status, before, seen } = *written;
        self.queue.ends(&id);
        self.metrics.status(seen.is_ok());
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return self.failed(id, &status, error),
        };
        self.backoff.reset();
        let file = file_of(&target.api, &target.namespace, &target.name);
        self.held.written(&file, before, seen);
        self.note_said(&id, &status, seen);
        let became = seen.says(&Seen::read(id.kind, &status.render(&Seen::default(), Timestamp::UNIX_EPOCH)));
        if !became {
            let message = "the API server drops some of it; are the definitions current (nuncio crds)?";
            self.limits.complain(id.kind, message);
            self.queue.was_written(&id, seen);
        } else if !status.legacy_only {
            self.limits.are_gone(id.kind);
        }
        if id.kind != Kind::Ingress {
            writes.extend(self.event(None, &target, &status));
        }
    }

    fn failed(&mut self, id: ObjectId, status: &Status, error: WriteError) {
        let now = Instant::now();
        match error {
            WriteError::Gone => self.queue.forget(&id),
            WriteError::Conflict => self.queue.was_refused(&id),
            WriteError::Refused(message) => {
                self.limits.complain(id.kind, &message);
                self.queue.was_refused(&id);
            }
            WriteError::Denied(message) => {
                self.limits.complain(id.kind, &message);
                self.limits.denied(id.kind, now);
                self.queue.was_not_written(id);
            }
            WriteError::NoRoom(message) => {
                let message = format!("its definition has no room for it; install ours (nuncio crds): {message}");
                self.limits.complain(id.kind, &message);
                let legacy = status.legacy.is_some() && !status.legacy_only;
                self.limits.has_room(id.kind, if legacy { Room::Legacy } else { Room::None }, now);
                self.queue.was_not_written(id);
            }
            WriteError::Unavailable(message) => {
                self.pause(&message, now);
                self.queue.was_not_written(id);
            }
        }
    }

    /// Nothing can be written for now. The writes that were under way fail together: one line for all.
    pub(super) fn pause(&mut self, why: &str, now: Instant) {
        if self.backoff.tries() == 0 {
            tracing::warn!("statuses cannot be written, and will be later: {why}");
        }
        if self.paused.is_none_or(|until| until < now) {
            self.paused = Some(now + self.backoff.next().max(Duration::from_millis(200)));
        }
    }
}

//! What became of a write, and what follows from that.

use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use nuncio_api::{Kind, ObjectId};

use super::{Done, Writer, Writes, Written};
use crate::source::kubernetes::object::file_of;
use crate::status::api::WriteError;
use crate::status::condition::Seen;

/// Time between tries for a kind whose statuses we may not write.
const DENIED: Duration = Duration::from_secs(10);

impl Writer {
    pub(super) fn done(&mut self, done: Done, writes: &mut Writes) {
        let Some(written) = done else { return };
        let Written { id, target, status, before, seen } = *written;
        self.queue.ends(&id);
        self.metrics.status(seen.is_ok());
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return self.failed(id, error),
        };
        self.backoff.reset();
        self.denied.remove(&id.kind);
        let file = file_of(&target.api, &target.namespace, &target.name);
        self.held.written(&file, before, seen);
        if seen.says(&Seen::read(id.kind, &status.render(&Seen::default(), Timestamp::UNIX_EPOCH))) {
            self.complained.remove(&id.kind);
        } else {
            self.complain(id.kind, "the API server drops some of it; are the definitions current (nuncio crds)?");
            self.queue.was_written(&id, seen);
        }
        if id.kind != Kind::Ingress {
            writes.extend(self.event(&target, &status));
        }
    }

    fn failed(&mut self, id: ObjectId, error: WriteError) {
        let now = Instant::now();
        match error {
            WriteError::Gone => self.queue.forget(&id),
            WriteError::Conflict => self.queue.was_refused(&id),
            WriteError::Refused(message) => {
                self.complain(id.kind, &message);
                self.queue.was_refused(&id);
            }
            WriteError::Denied(message) => {
                self.complain(id.kind, &message);
                self.denied.insert(id.kind, now + DENIED);
                self.queue.was_not_written(id);
            }
            WriteError::Unavailable(message) => {
                // The writes that were under way fail with it: one line for all.
                if self.backoff.tries() == 0 {
                    tracing::warn!("statuses cannot be written, and will be later: {message}");
                }
                if self.paused.is_none_or(|until| until < now) {
                    self.paused = Some(now + self.backoff.next().max(Duration::from_millis(200)));
                }
                self.queue.was_not_written(id);
            }
        }
    }

    /// Says once for each kind what is wrong, until it is well again.
    fn complain(&mut self, kind: Kind, message: &str) {
        if self.complained.insert(kind) {
            tracing::warn!("the status of a {kind} cannot be written as it should be: {message}");
        }
    }
}

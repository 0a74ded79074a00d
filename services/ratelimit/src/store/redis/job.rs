//! What waits to be sent to Redis.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::store::{Counts, Ops, StoreError};

/// The operations of a request for one server.
pub(super) struct Job {
    pub(super) ops: Ops,
    pub(super) how: How,
    pub(super) reply: oneshot::Sender<Result<Counts, StoreError>>,
    asked: Instant,
}

impl Job {
    /// Asked now.
    pub(super) fn new(ops: Ops, how: How, reply: oneshot::Sender<Result<Counts, StoreError>>) -> Self {
        Self { ops, how, reply, asked: Instant::now() }
    }
}

/// Leaves out jobs that nobody waits for any more: they would only make the others wait. Those that have waited for
/// `limit` are told so.
pub(super) fn keep_timely(jobs: &mut Vec<Job>, now: Instant, limit: Duration) {
    let is_late = |job: &mut Job| now.saturating_duration_since(job.asked) >= limit;
    for job in jobs.extract_if(.., |job| is_late(job) || job.reply.is_closed()) {
        _ = job.reply.send(Err(StoreError::Overloaded));
    }
}

/// How to send a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct How {
    /// After `ASKING`: a slot on its way to another node of a cluster.
    pub(super) asking: bool,
    /// With the text of scripts: the server does not have them.
    pub(super) whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_nobody_waits_for_any_more_are_left_out() {
        let limit = Duration::from_millis(100);
        let job = || {
            let (reply, receiver) = oneshot::channel();
            (Job::new(Ops::new(), How::default(), reply), receiver)
        };
        let (late, mut told) = job();
        let (gone, _) = job();
        let (timely, mut waiting) = job();
        let now = late.asked + limit;
        let mut jobs = vec![late, gone, Job { asked: now, ..timely }];
        keep_timely(&mut jobs, now, limit);
        assert_eq!(jobs.len(), 1);
        assert_eq!(told.try_recv().unwrap(), Err(StoreError::Overloaded));
        assert!(waiting.try_recv().is_err(), "nothing is said yet");
    }
}

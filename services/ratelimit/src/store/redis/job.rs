//! What waits to be sent to Redis.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::store::{Counts, Ops, StoreError};

/// What the commands for an operation take beside its key, about.
const COMMAND: usize = 64;

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

/// How many of the first jobs have no more than about `bytes` together; one at least, where there is one.
pub(super) fn fitting(jobs: &[Job], bytes: usize) -> usize {
    let mut total = 0;
    let fits = |job: &&Job| {
        let fits = total < bytes;
        total += job.ops.iter().map(|op| op.key.len() + COMMAND).sum::<usize>();
        fits
    };
    jobs.iter().take_while(fits).count()
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
    use crate::store::{Action, Meter, Op};

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

    #[test]
    fn large_jobs_are_not_sent_with_many() {
        let job = |size| {
            let key = bytes::Bytes::from(vec![b'k'; size]);
            let op = Op { key, action: Action::Read, meter: Meter::Number(1) };
            Job::new(Ops::from_iter([op]), How::default(), oneshot::channel().0)
        };
        let jobs = [job(2_000), job(400), job(400), job(400)];
        assert_eq!(fitting(&jobs, 1_000), 1);
        assert_eq!(fitting(&jobs[1..], 1_000), 3);
        assert_eq!(fitting(&jobs[1..], 900), 2);
        assert_eq!(fitting(&[], 900), 0);
    }
}

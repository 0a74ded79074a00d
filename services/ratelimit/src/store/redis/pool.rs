//! What all connections to one Redis have in common, and what is told of it while it cannot be used: once, and then at
//! growing intervals, however many connections there are and however often they try.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::RedisOptions;
use crate::stats::PoolStats;
use crate::store::outage::Standing;

/// How long to wait until it is told again, at first and at most.
const TELL_AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// What all connections to one Redis have in common, whichever thread has them.
#[derive(Debug, Default)]
pub struct Pool {
    pub(super) stats: Arc<PoolStats>,
    /// By the names of servers.
    outages: Mutex<HashMap<String, Outage>>,
}

impl Pool {
    /// Whose connections are counted there.
    pub fn new(stats: Arc<PoolStats>) -> Self {
        Self { stats, outages: Mutex::default() }
    }

    /// The line for another failure, where it is time for one.
    fn fails(&self, server: &str, error: &str, now: Instant) -> Option<String> {
        let mut outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outage) = outages.get_mut(server) else {
            outages.insert(server.to_owned(), Outage { since: now, failures: 1, tell: now + TELL_AGAIN.0 });
            return Some(format!("cannot use redis: {server}: {error}"));
        };
        outage.failures += 1;
        let lasts = now.duration_since(outage.since);
        let is_due = now >= outage.tell;
        if is_due {
            outage.tell = now + lasts.clamp(TELL_AGAIN.0, TELL_AGAIN.1);
        }
        let failures = outage.failures;
        is_due.then(|| {
            format!("still cannot use redis: {server}: {error} ({failures} failures in {} s)", lasts.as_secs())
        })
    }

    /// The line for the end of an outage, where there was one.
    pub(super) fn works(&self, server: &str, now: Instant) -> Option<String> {
        let outage = self.outages.lock().unwrap_or_else(PoisonError::into_inner).remove(server)?;
        let lasted = now.duration_since(outage.since).as_secs_f32();
        Some(format!("redis is back: {server}, after {lasted:.1} s and {} failures", outage.failures))
    }
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    failures: u64,
    /// When it is told again.
    tell: Instant,
}

/// A server of the pool, for whoever connects to it: what becomes of it is told in the log, and to whoever watches the outage.
pub(super) struct Server {
    pool: Arc<Pool>,
    name: String,
    standing: Standing,
    /// It takes connections, and does nothing that it is asked.
    refuses: bool,
}

impl Server {
    pub(super) fn new(pool: &Arc<Pool>, name: String, options: &RedisOptions) -> Self {
        Self { pool: pool.clone(), name, standing: Standing::new(options.outage.clone()), refuses: false }
    }

    /// It cannot be reached: a connection ends that.
    pub(super) fn fails(&mut self, error: &str) {
        self.refuses = false;
        self.cannot_be_used(error);
    }

    /// It does nothing that it is asked: only what it does ends that.
    pub(super) fn refuses(&mut self, error: &str) {
        self.refuses = true;
        self.cannot_be_used(error);
    }

    fn cannot_be_used(&mut self, error: &str) {
        self.standing.away(error);
        // Errors of connecting begin with where to.
        let error = error.strip_prefix(&self.name).map_or(error, |rest| rest.trim_start_matches(": "));
        if let Some(line) = self.pool.fails(&self.name, error, Instant::now()) {
            tracing::warn!("{line}");
        }
    }

    /// There is a connection.
    pub(super) fn connected(&mut self) {
        if !self.refuses {
            self.works();
        }
    }

    /// It does what it is asked.
    pub(super) fn works(&mut self) {
        self.refuses = false;
        // Another connection, that was never away, knows nothing of why this one is.
        if self.standing.back()
            && let Some(line) = self.pool.works(&self.name, Instant::now())
        {
            tracing::warn!("{line}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is not wanted any more is not back: there is nothing to tell.
        if self.standing.back() {
            _ = self.pool.works(&self.name, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_less_often_the_longer_it_lasts() {
        let pool = Pool::default();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let told: Vec<_> = (0..1_200).filter(|try_| pool.fails("a:1", "refused", at(try_ * 50)).is_some()).collect();
        assert_eq!(told, [0, 40, 80, 160, 320, 640], "after 0, 2, 4, 8, 16 and 32 seconds");
        assert_eq!(
            pool.fails("a:1", "refused", at(64_000)).unwrap(),
            "still cannot use redis: a:1: refused (1201 failures in 64 s)"
        );
        // Another server is another matter.
        assert_eq!(pool.fails("b:1", "refused", at(64_000)).unwrap(), "cannot use redis: b:1: refused");
        assert_eq!(pool.works("a:1", at(65_500)).unwrap(), "redis is back: a:1, after 65.5 s and 1201 failures");
        assert_eq!(pool.works("a:1", at(65_600)), None);
        assert!(pool.fails("a:1", "refused", at(65_700)).unwrap().starts_with("cannot"), "a new one is told at once");
    }
}

//! What all connections to one Redis have in common.

use std::sync::Arc;
use std::time::Instant;

use crate::stats::PoolStats;
use crate::store::Outage;

/// What all connections to one Redis have in common, whichever thread has them.
#[derive(Debug, Default)]
pub struct Pool {
    pub(super) stats: Arc<PoolStats>,
    pub(super) outage: Arc<Outage>,
}

impl Pool {
    /// Connections are counted in `stats`, and `outage` is told whether they can be had.
    pub fn new(stats: Arc<PoolStats>, outage: Arc<Outage>) -> Self {
        Self { stats, outage }
    }
}

/// A server of the pool, for a connection to it.
pub(super) struct Server {
    pool: Arc<Pool>,
    name: String,
    is_away: bool,
    /// It takes connections, and does nothing that it is asked.
    refuses: bool,
}

impl Server {
    pub(super) fn new(pool: &Arc<Pool>, name: String) -> Self {
        Self { pool: pool.clone(), name, is_away: false, refuses: false }
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
        let was_there = !std::mem::replace(&mut self.is_away, true);
        if let Some(line) = self.pool.outage.fails(&self.name, was_there, error, Instant::now()) {
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
        if let Some(line) = self.is_back() {
            tracing::warn!("{line}");
        }
    }

    fn is_back(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_away).then(|| self.pool.outage.works(&self.name, Instant::now())).flatten()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is not wanted any more is not away, and not back either: there is nothing to tell.
        _ = self.is_back();
    }
}

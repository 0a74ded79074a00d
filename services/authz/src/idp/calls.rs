//! Calls on behalf of requests that have failed only just now, by filter.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nuncio_ir::auth::FilterId;

/// How long a call that failed counts, unless a later one succeeds: nobody may ask again.
const COUNTS: Duration = Duration::from_secs(60);

/// The last call of each filter that failed.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<FilterId, (Failed, Instant)>>);

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The field of the Filter that says where it went.
    pub(crate) field: &'static str,
    pub(crate) url: String,
    pub(crate) why: String,
}

impl Calls {
    /// Notes what came of a filter's last call. Whether that is news.
    pub(super) fn note(&self, id: &FilterId, failed: Option<Failed>) -> bool {
        let mut calls = self.lock();
        let is_news = calls.get(id).map(|(failed, _)| failed) != failed.as_ref();
        match failed {
            Some(failed) => drop(calls.insert(id.clone(), (failed, Instant::now()))),
            None => drop(calls.remove(id)),
        }
        is_news
    }

    pub(super) fn failed(&self, id: &FilterId) -> Option<Failed> {
        self.lock().get(id).filter(|(_, at)| at.elapsed() < COUNTS).map(|(failed, _)| failed.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FilterId, (Failed, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What was counted at earlier looks, so that the difference can be told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::model::Traffic;

/// A look becomes the one that others are compared to after this time, so that many at once tell the same.
const LEAST: Duration = Duration::from_secs(5);
/// What is older says nothing of now.
const MOST: Duration = Duration::from_secs(120);

/// Requests that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) client_errors: u64,
    pub(super) server_errors: u64,
}

#[derive(Clone, Debug)]
struct Look {
    at: Instant,
    counts: Arc<BTreeMap<String, Counts>>,
}

/// The last looks: the newest, and one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window(Arc<Mutex<Vec<Look>>>);

/// An earlier look.
#[derive(Debug)]
pub(super) struct Since {
    pub(super) seconds: f64,
    counts: Arc<BTreeMap<String, Counts>>,
}

impl Window {
    /// Notes what is counted now; gives what was before, if that was not long ago.
    pub(super) fn look(&self, told: &[Traffic]) -> Option<Since> {
        self.look_at(told, Instant::now())
    }

    fn look_at(&self, told: &[Traffic], now: Instant) -> Option<Since> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|look| now.duration_since(look.at) <= MOST);
        let since = looks
            .iter()
            .find(|look| now.duration_since(look.at) >= Duration::from_secs(1))
            .map(|look| Since { seconds: now.duration_since(look.at).as_secs_f64(), counts: Arc::clone(&look.counts) });
        if looks.last().is_none_or(|newest| now.duration_since(newest.at) >= LEAST) {
            let counts = told.iter().map(|traffic| (traffic.name.clone(), counts(traffic))).collect();
            looks.push(Look { at: now, counts: Arc::new(counts) });
            let old = looks.len().saturating_sub(2);
            looks.drain(..old);
        }
        since
    }
}

impl Since {
    /// What was counted since then. An Envoy that began anew counts from zero.
    pub(super) fn of(&self, traffic: &Traffic) -> Counts {
        let (now, before) = (counts(traffic), self.counts.get(&traffic.name).copied().unwrap_or_default());
        if now.requests < before.requests {
            return now;
        }
        Counts {
            requests: now.requests - before.requests,
            client_errors: now.client_errors.saturating_sub(before.client_errors),
            server_errors: now.server_errors.saturating_sub(before.server_errors),
        }
    }
}

fn counts(traffic: &Traffic) -> Counts {
    Counts { requests: traffic.requests, client_errors: traffic.client_errors, server_errors: traffic.server_errors }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(requests: u64) -> Vec<Traffic> {
        vec![Traffic { name: "cart".into(), requests, server_errors: requests / 10, ..Traffic::default() }]
    }

    #[test]
    fn the_difference_to_an_earlier_look_is_told() {
        let (window, start) = (Window::default(), Instant::now());
        let at = |seconds, requests| {
            let told = told(requests);
            let since = window.look_at(&told, start + Duration::from_secs(seconds))?;
            Some((since.seconds, since.of(&told[0]).requests, since.of(&told[0]).server_errors))
        };
        assert_eq!(at(0, 100), None);
        assert_eq!(at(0, 100), None, "at once there is nothing to tell");
        assert_eq!(at(2, 120), Some((2.0, 20, 2)));
        assert_eq!(at(10, 200), Some((10.0, 100, 10)));
        assert_eq!(at(20, 30), Some((20.0, 30, 3)), "the Envoy began anew");
        assert_eq!(at(1000, 50), None, "long ago");
    }
}

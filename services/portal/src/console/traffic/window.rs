//! What was counted at earlier looks, so that the difference can be told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::model::{Counts, Route};

/// A look becomes the one that others are compared to after this time, so that many at once tell the same.
const LEAST: Duration = Duration::from_secs(5);
/// What is older says nothing of now.
const MOST: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    counts: Counts,
}

/// The last looks at each name under which is counted: the newest, and one before. Only what somebody looks at is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window(Arc<Mutex<BTreeMap<String, Vec<Look>>>>);

/// What has been counted since earlier looks.
#[derive(Debug, Default)]
pub(crate) struct Since(BTreeMap<String, Recent>);

/// Requests since an earlier look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recent {
    pub(super) seconds: f64,
    pub(super) counts: Counts,
}

impl Window {
    /// Notes what is counted now, by name; gives what that is more than before, where somebody has looked not long ago.
    pub(in crate::console) fn look<'n>(&self, told: impl IntoIterator<Item = (&'n str, Counts)>) -> Since {
        self.look_at(told, Instant::now())
    }

    /// The same of routes.
    pub(in crate::console) fn look_at_routes(&self, routes: &[Route]) -> Since {
        self.look(routes.iter().filter_map(|route| Some((route.counted_as.as_deref()?, route.traffic?))))
    }

    fn look_at<'n>(&self, told: impl IntoIterator<Item = (&'n str, Counts)>, now: Instant) -> Since {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, looks| {
            looks.retain(|look| now.duration_since(look.at) <= MOST);
            !looks.is_empty()
        });
        let mut since = Since::default();
        for (name, counts) in told {
            let looks = all.entry(name.to_owned()).or_default();
            let earlier = looks.iter().find(|look| now.duration_since(look.at) >= Duration::from_secs(1));
            if let Some(look) = earlier {
                let seconds = now.duration_since(look.at).as_secs_f64();
                since.0.insert(name.to_owned(), Recent { seconds, counts: more(counts, look.counts) });
            }
            if looks.last().is_none_or(|newest| now.duration_since(newest.at) >= LEAST) {
                looks.push(Look { at: now, counts });
                let old = looks.len().saturating_sub(2);
                looks.drain(..old);
            }
        }
        since
    }
}

impl Since {
    /// What was counted under a name.
    pub(super) fn of(&self, name: &str) -> Option<Recent> {
        self.0.get(name).copied()
    }

    /// The longest time that any of it is about; none at the first look.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.0.values().map(|recent| recent.seconds).reduce(f64::max)
    }
}

/// What has come. An Envoy that began anew counts from zero.
fn more(now: Counts, before: Counts) -> Counts {
    if now.requests < before.requests {
        return now;
    }
    Counts {
        requests: now.requests - before.requests,
        client_errors: now.client_errors.saturating_sub(before.client_errors),
        server_errors: now.server_errors.saturating_sub(before.server_errors),
        ..now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_to_an_earlier_look_is_told() {
        let (window, start) = (Window::default(), Instant::now());
        let at = |seconds, requests| {
            let told = Counts { requests, server_errors: requests / 10, ..Counts::default() };
            let since = window.look_at([("cart", told)], start + Duration::from_secs(seconds));
            assert_eq!(since.of("other"), None);
            let recent = since.of("cart")?;
            Some((recent.seconds, recent.counts.requests, recent.counts.server_errors))
        };
        assert_eq!(at(0, 100), None);
        assert_eq!(at(0, 100), None, "at once there is nothing to tell");
        assert_eq!(at(2, 120), Some((2.0, 20, 2)));
        assert_eq!(at(10, 200), Some((10.0, 100, 10)));
        assert_eq!(at(20, 30), Some((20.0, 30, 3)), "the Envoy began anew");
        assert_eq!(at(1000, 50), None, "long ago");
    }

    #[test]
    fn what_nobody_looks_at_is_forgotten() {
        let (window, start) = (Window::default(), Instant::now());
        window.look_at([("cart", Counts::default())], start);
        window.look_at([("other", Counts::default())], start + MOST * 2);
        assert_eq!(window.0.lock().unwrap().keys().collect::<Vec<_>>(), ["other"]);
    }
}

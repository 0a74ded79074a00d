//! Calls on behalf of requests that have failed only just now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a call that failed counts where none followed: nobody may ask again.
const COUNTS: Duration = Duration::from_secs(60);
/// The same where others followed that did not fail so: of two servers one may be dead, and every other call fails.
const COUNTS_AMONG_OTHERS: Duration = Duration::from_secs(10);

/// What came of the last calls of one filter. It goes with the filter's configuration, but for where endpoints are. All clones
/// are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Option<Last>>>);

/// The last call that failed.
#[derive(Debug)]
struct Last {
    failed: Failed,
    at: Instant,
    others_followed: bool,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The field of the Filter that says where it went.
    pub(crate) field: &'static str,
    pub(crate) url: String,
    pub(crate) why: String,
    /// Nobody is there, which can be seen without a request.
    pub(crate) is_absent: bool,
}

impl Calls {
    /// Notes what came of a call. Whether that is news: another wording of what is known is none, nor is a call that works.
    pub(super) fn note(&self, failed: Option<Failed>, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_mut().filter(|last| last.counts(now)) {
            last.others_followed = !failed.is_some_and(|failed| failed.is_like(&last.failed));
            if !last.others_followed {
                last.at = now;
            }
            return false;
        }
        *last = failed.map(|failed| Last { failed, at: now, others_followed: false });
        last.is_some()
    }

    /// Whether the failure that counts is that nobody is there, and nobody else was since.
    pub(crate) fn is_absent(&self, now: Instant) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|last| last.counts(now) && last.is_absent())
    }

    /// Notes whether somebody is there by now where nobody was, as long as no call has said so.
    pub(crate) fn looked(&self, is_there: bool, now: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.as_ref().is_some_and(Last::is_absent) {
            return;
        }
        if is_there {
            *last = None;
        } else if let Some(last) = last.as_mut() {
            last.at = now;
        }
    }

    /// The failure that counts.
    pub(crate) fn failed(&self, now: Instant) -> Option<Failed> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|last| last.counts(now)).map(|last| last.failed.clone())
    }
}

impl Last {
    fn is_absent(&self) -> bool {
        self.failed.is_absent && !self.others_followed
    }

    fn counts(&self, now: Instant) -> bool {
        let counts = if self.others_followed { COUNTS_AMONG_OTHERS } else { COUNTS };
        now.saturating_duration_since(self.at) < counts
    }
}

impl Failed {
    /// Whatever the words: those of a service may differ with each call.
    fn is_like(&self, other: &Self) -> bool {
        (self.field, &self.url) == (other.field, &other.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(url: &str, why: &str) -> Option<Failed> {
        let (url, why) = (url.to_owned(), why.to_owned());
        Some(Failed { field: "spec.External.auth_service", url, why, is_absent: false })
    }

    #[test]
    fn nobody_is_there_until_somebody_is_seen_or_has_answered() {
        let (calls, start) = (Calls::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let absent = || failed("a", "").map(|failed| Failed { is_absent: true, ..failed });
        calls.note(absent(), start);
        assert!(calls.is_absent(start));
        calls.looked(false, after(50));
        assert_eq!(calls.failed(after(100)), absent(), "it is looked for without requests");
        calls.looked(true, after(101));
        assert_eq!((calls.is_absent(after(101)), calls.failed(after(101))), (false, None));

        // Of two one is not there: what is seen of the other says nothing of it.
        calls.note(absent(), after(102));
        calls.note(None, after(103));
        calls.looked(true, after(104));
        assert_eq!(calls.failed(after(104)), absent());
        // Nor does it of one that does not answer.
        calls.note(failed("b", ""), after(200));
        calls.looked(true, after(201));
        assert_eq!(calls.failed(after(201)), failed("b", ""));
    }

    #[test]
    fn one_dead_server_among_two_is_news_once() {
        let (calls, start) = (Calls::default(), Instant::now());
        assert!(calls.note(failed("a", "call 0"), start));
        for second in 1..100 {
            let now = start + Duration::from_secs(second);
            assert!(!calls.note(None, now), "one that works");
            assert!(!calls.note(failed("a", &format!("call {second}")), now), "the same in other words");
            assert!(!calls.note(failed("b", "elsewhere"), now));
            assert_eq!(calls.failed(now), failed("a", "call 0"));
        }
    }

    #[test]
    fn a_failure_counts_for_a_while() {
        let (calls, start) = (Calls::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        calls.note(failed("a", ""), start);
        assert_eq!((calls.failed(after(59)), calls.failed(after(60))), (failed("a", ""), None), "nobody asked again");
        calls.note(None, after(1));
        assert_eq!((calls.failed(after(9)), calls.failed(after(10))), (failed("a", ""), None), "it works");
        assert!(calls.note(failed("b", ""), after(10)), "news");
        assert_eq!(calls.failed(after(69)), failed("b", ""));
    }
}

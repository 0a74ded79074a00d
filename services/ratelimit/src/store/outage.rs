//! Whether Redis can be used. Whoever watches is told of each change, and the log of an outage: once, and then at growing
//! intervals, however many connections there are and however often they try.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How long to wait until it is told again, at first and at most.
const TELL_AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Why it cannot be used; none while it can, and before anybody has tried.
pub type Reason = Option<Arc<str>>;

/// The state of a Redis: it is away as long as one of the connections to one of its servers is.
#[derive(Debug, Default)]
pub struct Outage {
    reason: watch::Sender<Reason>,
    /// Servers that are away, by their names.
    away: Mutex<BTreeMap<String, Away>>,
}

/// A server that is away.
#[derive(Debug)]
struct Away {
    /// How many connections cannot be had.
    connections: usize,
    since: Instant,
    failures: u64,
    /// When it is told again.
    tell: Instant,
}

impl Outage {
    /// Tells of changes.
    pub fn subscribe(&self) -> watch::Receiver<Reason> {
        self.reason.subscribe()
    }

    /// A connection failed, which `was_there` until now. Gives the line for the log, where it is time for one.
    pub(crate) fn fails(&self, server: &str, was_there: bool, why: &str, now: Instant) -> Option<String> {
        // It becomes part of a sentence.
        let why = why.trim_end_matches('.');
        let mut away = self.away();
        self.reason.send_if_modified(|reason| {
            let is_another = reason.as_deref() != Some(why);
            if is_another {
                *reason = Some(why.into());
            }
            is_another
        });
        // Errors of connecting begin with where to.
        let error = why.strip_prefix(server).map_or(why, |rest| rest.trim_start_matches(": "));
        let Some(away) = away.get_mut(server) else {
            let new = Away { connections: 1, since: now, failures: 1, tell: now + TELL_AGAIN.0 };
            away.insert(server.to_owned(), new);
            return Some(format!("cannot use redis: {server}: {error}"));
        };
        away.connections += usize::from(was_there);
        away.failures += 1;
        let lasts = now.duration_since(away.since);
        let is_due = now >= away.tell;
        if is_due {
            away.tell = now + lasts.clamp(TELL_AGAIN.0, TELL_AGAIN.1);
        }
        let (failures, seconds) = (away.failures, lasts.as_secs());
        is_due.then(|| format!("still cannot use redis: {server}: {error} ({failures} failures in {seconds} s)"))
    }

    /// A connection that failed is there again, or not wanted any more. Gives the line for the end of the server's outage, if
    /// that is one.
    pub(crate) fn works(&self, server: &str, now: Instant) -> Option<String> {
        let mut away = self.away();
        let known = away.get_mut(server)?;
        known.connections -= 1;
        if known.connections > 0 {
            return None;
        }
        let Away { since, failures, .. } = away.remove(server)?;
        if away.is_empty() {
            self.reason.send_if_modified(|reason| reason.take().is_some());
        }
        let lasted = now.duration_since(since).as_secs_f32();
        Some(format!("redis is back: {server}, after {lasted:.1} s and {failures} failures"))
    }

    fn away(&self) -> MutexGuard<'_, BTreeMap<String, Away>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_is_away_as_long_as_a_connection_is() {
        let (outage, now) = (Outage::default(), Instant::now());
        let told = outage.subscribe();
        let reason = || told.borrow().as_deref().map(str::to_owned);
        assert!(outage.works("a:1", now).is_none() && reason().is_none());
        assert!(outage.fails("a:1", true, "refused.", now).is_some());
        assert_eq!(reason().as_deref(), Some("refused"), "it is part of a sentence");
        assert!(outage.fails("a:1", false, "refused again", now).is_none());
        assert!(outage.fails("a:1", true, "hung", now).is_none());
        assert_eq!(reason().as_deref(), Some("hung"));
        assert!(outage.works("a:1", now).is_none(), "the other connection is away");
        assert!(outage.fails("b:1", true, "refused", now).is_some(), "another server of the same Redis");
        assert!(outage.works("a:1", now).is_some_and(|line| line.starts_with("redis is back: a:1")));
        assert_eq!(reason().as_deref(), Some("refused"));
        assert!(outage.works("b:1", now).is_some() && reason().is_none());
    }

    #[test]
    fn an_outage_is_told_less_often_the_longer_it_lasts() {
        let outage = Outage::default();
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let fails = |server: &str, was_there, millis| outage.fails(server, was_there, "a:1: refused", at(millis));
        let told: Vec<_> = (0..1_200).filter(|try_| fails("a:1", *try_ == 0, try_ * 50).is_some()).collect();
        assert_eq!(told, [0, 40, 80, 160, 320, 640], "after 0, 2, 4, 8, 16 and 32 seconds");
        assert_eq!(
            fails("a:1", false, 64_000).unwrap(),
            "still cannot use redis: a:1: refused (1201 failures in 64 s)"
        );
        // Another server is another matter.
        assert_eq!(fails("b:1", true, 64_000).unwrap(), "cannot use redis: b:1: a:1: refused");
        assert_eq!(outage.works("a:1", at(65_500)).unwrap(), "redis is back: a:1, after 65.5 s and 1201 failures");
        assert_eq!(outage.works("a:1", at(65_600)), None);
        assert!(fails("a:1", true, 65_700).unwrap().starts_with("cannot"), "a new one is told at once");
    }
}

//! Whether Redis can be used, for whoever tells people.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// Why it cannot be used; none while it can, and before anybody has tried.
pub type Reason = Option<Arc<str>>;

/// The state of a Redis: it is away as long as one of the connections to it is.
#[derive(Debug, Default)]
pub struct Outage {
    reason: watch::Sender<Reason>,
    /// Connections that are away; counted under the lock of the reason.
    away: AtomicUsize,
}

impl Outage {
    /// Tells of changes.
    pub fn subscribe(&self) -> watch::Receiver<Reason> {
        self.reason.subscribe()
    }
}

/// What one connection knows of it.
#[derive(Debug)]
pub(crate) struct Standing {
    outage: Arc<Outage>,
    is_away: bool,
}

impl Standing {
    pub(crate) fn new(outage: Arc<Outage>) -> Self {
        Self { outage, is_away: false }
    }

    /// Redis cannot be used, for a reason that becomes part of a sentence.
    pub(crate) fn away(&mut self, why: &str) {
        let why = why.trim_end_matches('.');
        let is_news = !std::mem::replace(&mut self.is_away, true);
        self.outage.reason.send_if_modified(|reason| {
            self.outage.away.fetch_add(usize::from(is_news), Ordering::Relaxed);
            let is_another = reason.as_deref() != Some(why);
            if is_another {
                *reason = Some(why.into());
            }
            is_another
        });
    }

    /// Redis can be used. Says whether that is news.
    pub(crate) fn back(&mut self) -> bool {
        let was_away = std::mem::take(&mut self.is_away);
        if was_away {
            self.outage.reason.send_if_modified(|reason| {
                let was_last = self.outage.away.fetch_sub(1, Ordering::Relaxed) == 1;
                was_last && reason.take().is_some()
            });
        }
        was_away
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_is_away_as_long_as_a_connection_is() {
        let outage = Arc::new(Outage::default());
        let told = outage.subscribe();
        let reason = || told.borrow().as_deref().map(str::to_owned);
        let [mut one, mut other] = [(); 2].map(|()| Standing::new(outage.clone()));
        one.back();
        assert_eq!(reason(), None);
        one.away("refused.");
        assert_eq!(reason().as_deref(), Some("refused"), "it is part of a sentence");
        one.away("refused again");
        other.away("hung");
        assert_eq!(reason().as_deref(), Some("hung"));
        one.back();
        assert_eq!(reason().as_deref(), Some("hung"));
        drop(other);
        assert_eq!(reason(), None, "a connection that is not wanted any more is not away");
    }
}

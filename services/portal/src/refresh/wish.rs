//! Somebody wants documents looked at before it is their turn.

use std::sync::atomic::{AtomicBool, Ordering};

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How often strangers have every document looked at, all of them together: each of their requests is one to every service.
pub(super) const REST: Duration = Duration::from_secs(30);

/// Asks for every document.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    notify: Notify,
    is_urgent: AtomicBool,
}

impl Wish {
    /// Asks for it. What could not be had last is only asked for at once where it `is_urgent`: a service that is in need of rest
    /// gets it from strangers.
    pub(crate) fn ask(&self, is_urgent: bool) {
        if is_urgent {
            self.is_urgent.store(true, Ordering::Release);
        }
        self.notify.notify_one();
    }

    /// Waits until it is asked for; says whether that is urgent.
    pub(super) async fn asked(&self) -> bool {
        self.notify.notified().await;
        self.is_urgent.swap(false, Ordering::AcqRel)
    }
}

/// When a wish of strangers had its turn last, or has it next.
#[derive(Debug, Default)]
pub(super) struct Turn(Option<Instant>);

impl Turn {
    /// When one that comes `now` has its own. Those that wait have the same.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let turn = match self.0 {
            Some(turn) if turn > now => turn,
            Some(turn) => now.max(turn + REST),
            None => now,
        };
        *self.0.insert(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_turn_now_and_then_and_together() {
        let (mut turn, now) = (Turn::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(turn.next(now), now);
        for later in 1..30 {
            assert_eq!(turn.next(now + later * second), now + REST);
        }
        assert_eq!(turn.next(now + 31 * second), now + 2 * REST);
        assert_eq!(turn.next(now + 300 * second), now + 300 * second);
    }

    #[tokio::test]
    async fn of_several_that_ask_the_most_urgent_counts_once() {
        let wish = Wish::default();
        wish.ask(true);
        wish.ask(false);
        assert!(wish.asked().await);
        wish.ask(false);
        assert!(!wish.asked().await);
    }
}

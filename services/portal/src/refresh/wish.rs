//! Somebody wants documents looked at before it is their turn.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Turns of connections: HTTP/2 is read as long as there is something to read, and whoever sends a lot at once would hold up
//! all others of the thread.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is read of a connection in a turn, in bytes: a hundred usual calls.
pub(crate) const TURN: usize = 16 << 10;

/// How much of its turn a connection has used. It is one task's; atomic, since tasks must be free to move.
#[derive(Default)]
pub(crate) struct Turn(AtomicUsize);

impl Turn {
    /// Runs a connection, with a new turn each time that it is polled.
    pub(crate) async fn of_each_poll<F: Future>(&self, mut connection: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            self.0.store(0, Ordering::Relaxed);
            connection.as_mut().poll(context)
        })
        .await
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= TURN
    }

    pub(crate) fn has_read(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

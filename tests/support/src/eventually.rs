//! Waiting for something to become true, without knowing how long it takes.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take. Generous: a machine under load must not fail a test.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until `look` succeeds, and gives what it found.
///
/// # Panics
/// After [`DEADLINE`], with what `look` said last.
pub async fn eventually<T, E: Display>(what: &str, look: impl AsyncFnMut() -> Result<T, E>) -> T {
    within(DEADLINE, what, look).await
}

/// The same for what may take another time.
///
/// # Panics
/// After `deadline`, with what `look` said last.
pub async fn within<T, E: Display>(deadline: Duration, what: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(error) if start.elapsed() > deadline => panic!("{what}: not within {deadline:?}: {error}"),
            Err(_) => sleep(INTERVAL).await,
        }
    }
}

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
pub async fn eventually<T, E: Display>(what: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(error) if start.elapsed() > DEADLINE => panic!("{what}: not within {DEADLINE:?}: {error}"),
            Err(_) => sleep(INTERVAL).await,
        }
    }
}

//! Waiting for what takes longer than anything in a test.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long a fleet may take to load.
const LIMIT: Duration = Duration::from_secs(300);

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks again and again until `look` succeeds, and gives what it found.
pub(crate) async fn loaded<T, E: Display>(mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(error) => assert!(start.elapsed() < LIMIT, "not loaded within {LIMIT:?}: {error}"),
        }
        sleep(INTERVAL).await;
    }
}

//! Waiting for what takes longer than anything in a test.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long a fleet may take to load.
const LIMIT: Duration = Duration::from_secs(300);

/// How often to look.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks again and again until `look` succeeds, and gives what it found.
pub(crate) async fn loaded<T, E: Display>(look: impl AsyncFnMut() -> Result<T, E>) -> T {
    loaded_by(INTERVAL, look).await
}

/// The same, looking only so often, where a look costs what is measured.
pub(crate) async fn loaded_by<T, E: Display>(interval: Duration, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(error) => assert!(start.elapsed() < LIMIT, "not loaded within {LIMIT:?}: {error}"),
        }
        sleep(interval).await;
    }
}

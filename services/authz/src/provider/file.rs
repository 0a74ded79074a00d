//! Rules and filters in a file.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::changes;
use crate::config::{Active, Change};

/// Reads the file, and again whenever it changes, until stopped.
pub(crate) async fn watch(path: PathBuf, active: Active, stop: CancellationToken) {
    let take = |bytes: &[u8]| {
        let change: Change = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        active.replace(change)
    };
    changes::follow(path, "rules", stop, take).await;
}

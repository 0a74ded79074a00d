//! Rules and filters in a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{Active, Change};

/// How long to wait for more changes: writing a file is several.
const SETTLE: Duration = Duration::from_millis(20);
/// Looked at this often without being told of a change: watches miss some on network file systems.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Reads the file, and again whenever it changes, until stopped.
pub(crate) async fn watch(path: PathBuf, active: Active, stop: CancellationToken) {
    let (changed, mut changes) = mpsc::channel(1);
    // Kept for as long as this runs. Without it, the file is looked at now and then.
    let _watcher = watcher(&path, changed).inspect_err(|error| tracing::warn!("{}: {error}", path.display()));
    let mut seen = None;
    loop {
        match std::fs::read(&path) {
            Ok(bytes) if seen.as_ref() == Some(&bytes) => {}
            Ok(bytes) => {
                load(&path, &bytes, &active);
                seen = Some(bytes);
            }
            Err(error) => tracing::error!("{}: {error}; what was last good stays in force", path.display()),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Some(()) = changes.recv() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn load(path: &Path, bytes: &[u8], active: &Active) {
    let result = serde_json::from_slice::<Change>(bytes)
        .map_err(|error| error.to_string())
        .and_then(|change| active.replace(change));
    match result {
        Ok(()) => tracing::info!("rules of {} are in force", path.display()),
        Err(error) => tracing::error!("{}: {error}; what was last good stays in force", path.display()),
    }
}

fn watcher(path: &Path, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |_| _ = changed.try_send(()))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

//! Files that change while the service runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long to wait for more changes: writing a file is several.
const SETTLE: Duration = Duration::from_millis(20);
/// Looked at this often without being told of a change: watches miss some on network file systems.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Has a file's content taken, and again whenever it changes, until stopped. What cannot be used changes nothing.
pub(crate) async fn follow(
    path: PathBuf,
    what: &'static str,
    stop: CancellationToken,
    take: impl Fn(&[u8]) -> Result<(), String>,
) {
    let (changed, mut changes) = mpsc::channel(1);
    // Kept for as long as this runs. Without it, the file is looked at now and then.
    let _watcher = watcher(&path, changed).inspect_err(|error| tracing::warn!("{}: {error}", path.display()));
    let mut seen = None;
    loop {
        let result = match std::fs::read(&path) {
            Ok(bytes) if seen.as_ref() == Some(&bytes) => Ok(()),
            Ok(bytes) => {
                let result = take(&bytes).inspect(|()| tracing::info!("{what} of {} are in force", path.display()));
                seen = Some(bytes);
                result
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = result {
            tracing::error!("{}: {error}; what was last good stays in force", path.display());
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Some(()) = changes.recv() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn watcher(path: &Path, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    // That it is read is no change: whoever took it for one would read again, and so for ever.
    let is_change = |event: &notify::Result<Event>| !event.as_ref().is_ok_and(|event| event.kind.is_access());
    let tell = move |event| _ = is_change(&event).then(|| changed.try_send(()));
    let mut watcher = notify::recommended_watcher(tell)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_read_has_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "1").unwrap();
        let (changed, mut changes) = mpsc::channel(1);
        let _watcher = watcher(&path, changed).unwrap();
        std::fs::read(&path).unwrap();
        tokio::time::timeout(5 * SETTLE, changes.recv()).await.unwrap_err();
        std::fs::write(&path, "2").unwrap();
        assert_eq!(changes.recv().await, Some(()));
    }
}

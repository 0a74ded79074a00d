//! Rules in a directory, watched as the original does.

pub(crate) mod directory;

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Active;
use crate::aside::aside;
use crate::config::{ConfigError, ConfigErrors, Source};
use crate::settings::Files;

/// How long to wait for more changes: writing a file is several.
const SETTLE: Duration = Duration::from_millis(20);
/// Looked at this often without being told of a change: watches miss some on network file systems.
/// Tests show that it is told of one, however slow the machine is.
const LOOK_EVERY: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 5 });

/// The directory to read, and which of its files hold rules.
fn place(files: &Files) -> (PathBuf, String) {
    if files.watch_root {
        // Everything below the root is read, and then what is not of the application left out.
        (Path::new(&files.root).join(&files.subdirectory), format!("{}.", files.app_directory))
    } else {
        (files.directory(), String::new())
    }
}

/// What the files of rules hold.
struct Found {
    /// By the names of files.
    texts: Vec<(String, String)>,
    /// Files that cannot be read, and why. They are left out, as by the original.
    unreadable: Vec<(String, String)>,
}

/// Reads all files of rules, in the order of their names. A file `config/a/b.yaml` is called `config.a.b.yaml`.
fn read(files: &Files) -> Result<Found, ConfigError> {
    let (directory, prefix) = place(files);
    let mut all = directory::find(&directory, files.ignore_dot_files).map_err(|error| unusable(&directory, &error))?;
    all.retain(|file| file.name.starts_with(&prefix));
    if all.is_empty() {
        // Without files is not the same as without the directory, which is only one of those below the root.
        let directory = files.directory();
        std::fs::read_dir(&directory).map_err(|error| unusable(&directory, &error))?;
    }
    let mut found = Found { texts: Vec::new(), unreadable: Vec::new() };
    for file in all {
        match file.text() {
            Ok(text) => found.texts.push((file.name, text?)),
            Err(error) => found.unreadable.push((file.name, error.to_string())),
        }
    }
    Ok(found)
}

/// That a directory cannot be read, and why.
fn unusable(directory: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError { file: directory.display().to_string(), message: error.to_string(), line: 0, path: String::new() }
}

/// Loads the rules, and again whenever they change, until stopped.
pub(crate) async fn watch(files: Files, active: Active, stop: CancellationToken) {
    let (changed, mut changes) = mpsc::channel(1);
    let mut watching = Watching::default();
    let mut last = None;
    loop {
        watching.renew(&files, &changed);
        let (files, active) = (files.clone(), active.clone());
        last = Some(aside(move || load_changed(&files, &active, last)).await);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = changes.recv() => {
                tokio::time::sleep(SETTLE).await;
                _ = changes.try_recv();
            }
        }
    }
}

/// Loads the rules unless their digest is the last one; gives the new one.
fn load_changed(files: &Files, active: &Active, last: Option<u128>) -> u128 {
    let found = read(files);
    let digest = digest(&found);
    if last != Some(digest) {
        let sources = found.map_err(ConfigErrors::from).and_then(|Found { texts, unreadable }| {
            for (name, error) in unreadable {
                tracing::warn!("{name} is left out: {error}");
            }
            texts.iter().map(|(name, text)| Source::parse(name, text)).collect::<Result<Vec<_>, _>>()
        });
        // Told where it is counted.
        _ = active.load(sources);
    }
    digest
}

/// Tells whether files have changed, without keeping them.
fn digest(found: &Result<Found, ConfigError>) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    match found {
        Ok(Found { texts, unreadable }) => {
            for (name, text) in texts.iter().chain(unreadable) {
                [name, text].into_iter().for_each(|text| add(text));
            }
        }
        Err(error) => add(&error.to_string()),
    }
    hash.digest128()
}

/// The watch on the directory, and on the one that holds the root's link.
#[derive(Default)]
struct Watching {
    watcher: Option<RecommendedWatcher>,
    /// Where the link led when the watch was made.
    target: Option<PathBuf>,
}

impl Watching {
    /// Makes the watch, unless it is there and the link leads where it did.
    fn renew(&mut self, files: &Files, changed: &mpsc::Sender<()>) {
        let (directory, _) = place(files);
        let target = std::fs::canonicalize(&directory).ok();
        if self.watcher.is_some() && target == self.target {
            return;
        }
        let tell = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
                // Where one is waiting, another says no more.
                _ = tell.try_send(());
            }
        });
        self.watcher = None;
        match watcher {
            Ok(mut watcher) => {
                let root = Path::new(&files.root);
                let parent = root.parent().filter(|_| files.watch_root);
                let watched = watcher.watch(&directory, RecursiveMode::Recursive);
                let parent = parent.map_or(Ok(()), |parent| watcher.watch(parent, RecursiveMode::NonRecursive));
                if let Err(error) = watched.and(parent) {
                    tracing::debug!("cannot watch {}: {error}", directory.display());
                }
                self.watcher = Some(watcher);
                self.target = target;
            }
            Err(error) => tracing::warn!("cannot watch files, they are looked at every {LOOK_EVERY:?}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
